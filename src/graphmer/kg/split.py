"""Which held-out triples are queries. What else keeps splits apart stands in near_duplicates.py."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import stable_hash
from graphmer.ontology.vocabulary import load_ontology

if TYPE_CHECKING:
    import pandas as pd


def held_out(triples: "pd.DataFrame", seed: int, query_share: float, max_queries: int) -> npt.NDArray[np.bool_]:
    """Which rows of triples.parquet a held-out split keeps back: what support_query draws, structural relations never.

    triples: the whole table, ambiguous ones too.
    """
    relations = load_ontology().relations
    queryable = np.asarray([not relations[name].structural for name in triples["relation"]], np.bool_)
    rows = np.flatnonzero((triples["split"].to_numpy() != "train") & queryable)
    chosen = np.zeros(len(triples), np.bool_)
    chosen[rows] = support_query(triples.iloc[rows], seed, query_share, max_queries)
    return chosen


def support_query(triples: "pd.DataFrame", seed: int, query_share: float, max_queries: int) -> npt.NDArray[np.bool_]:
    """Which held-out triples are queries; the others are support.

    triples: rows of triples.parquet. The choice is a stable hash of (seed, head, relation, tail), so a triple keeps its
    side whatever else the table holds. Ambiguous triples are never queries. A package gives at most `max_queries`:
    those of the lowest hashes.
    """
    columns = (triples["head"], triples["relation"], triples["tail"])
    drawn = np.fromiter((stable_hash(seed, *triple) for triple in zip(*columns)), np.uint64, len(triples))
    is_query = (drawn < np.uint64(query_share * 2**64)) & (triples["resolution"] != "ambiguous").to_numpy()
    by_package: dict[str, list[int]] = {}
    packages = triples["package"].tolist()
    for position in np.argsort(drawn, kind="stable").tolist():
        if is_query[position]:
            by_package.setdefault(packages[position], []).append(position)
    for positions in by_package.values():
        is_query[positions[max_queries:]] = False
    return is_query
