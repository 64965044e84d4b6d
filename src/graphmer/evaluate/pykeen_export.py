"""The link-prediction benchmark as the TSV files that PyKEEN and its kin read, split as this project evaluates.

    python -m graphmer.evaluate.pykeen_export --out pykeen

training.tsv                   head, relation, tail: the train split and the support of val and test
validation.tsv, testing.tsv    the queries, in the same columns
{validation,testing}.pools.tsv line i: name of the pool that query i is ranked in
{validation,testing}.known.tsv query (a line number, from 0), entity: other true tails, to be left out of its ranking
pools.tsv                      pool, entity: the candidates

A triple between a query's head and tail, in either direction, is in no training file: an embedding would remember the
pair. What `pykeen.triples.TriplesFactory.from_path` reads is the first three files.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphmer.artifacts import atomic_folder, write_json
from graphmer.errors import ArtifactError, GraphmerError
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.link_prediction import LinkData, LinkTask, load_link_data
from graphmer.evaluate.queries import LinkQueries
from graphmer.params import load_section, load_tree

if TYPE_CHECKING:
    import pandas as pd

FILES = {"val": "validation", "test": "testing"}
Rows = Iterable[tuple[object, ...]]


@dataclass(frozen=True)
class Exported:
    """How many triples went where, and how many were held back."""

    training: int
    validation: int
    testing: int
    ambiguous_left_out: int
    query_pairs_left_out: int


def export_pykeen(data: LinkData, params: LinkParams, out: Path) -> Exported:
    """Write the headline's queries, their candidates and the triples that may be trained on into the new folder `out`.

    Raises ArtifactError where `out` exists and is not empty: nobody's files are replaced.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ArtifactError(f"{out}: is there already; give a new or an empty folder")
    task = LinkTask(data, params)
    queries = {split: task.queries(split, "headline") for split in FILES}
    training, counts = _training(data, queries)
    with atomic_folder(out) as scratch:
        _write(scratch / "training.tsv", training[["head", "relation", "tail"]].itertuples(index=False, name=None))
        pools: dict[str, list[str]] = {}
        for split, asked in queries.items():
            _write_queries(scratch, FILES[split], data, asked)
            for pool, rows in asked.pools.items():
                pools[f"{split}:{pool}"] = [data.entities.symbols[row] for row in rows]
        _write(scratch / "pools.tsv", ((pool, symbol) for pool in sorted(pools) for symbol in pools[pool]))
        exported = Exported(len(training), len(queries["val"]), len(queries["test"]), **counts)
        write_json(scratch / "counts.json", vars(exported))
    return exported


def _training(data: LinkData, queries: dict[str, LinkQueries]) -> tuple["pd.DataFrame", dict[str, int]]:
    """Certain triples that no query asks, of any setting's cap, and that join no query's head and tail."""
    triples = data.triples
    pairs: set[tuple[str, str]] = set()
    within = np.flatnonzero(data.held_out)  # held out, those too that a window's edges would show
    for arrays in data.splits.values():
        # All that are held out, those over the cap too.
        rows = np.union1d(arrays.leaf_triple[arrays.leaf_query], within)
        held = triples.iloc[rows]
        pairs |= set(zip(held["head"], held["tail"])) | set(zip(held["tail"], held["head"]))
    certain = (triples["resolution"] != "ambiguous").to_numpy()
    joined = np.fromiter((pair in pairs for pair in zip(triples["head"], triples["tail"])), np.bool_, len(triples))
    kept = triples[certain & ~joined]
    left_out = {"ambiguous_left_out": int((~certain).sum()), "query_pairs_left_out": int((certain & joined).sum())}
    return kept.sort_values(["head", "relation", "tail"]), left_out


def _write_queries(out: Path, name: str, data: LinkData, queries: LinkQueries) -> None:
    arrays, symbols = data.splits[queries.split], data.entities.symbols
    asked = data.triples.iloc[arrays.leaf_triple[queries.leaf]]
    _write(out / f"{name}.tsv", asked[["head", "relation", "tail"]].itertuples(index=False, name=None))
    _write(out / f"{name}.pools.tsv", ((f"{queries.split}:{pool}",) for pool in queries.pool))
    known = (
        (query, symbols[int(queries.candidates(query)[place])])
        for query in range(len(queries))
        for place in queries.known[query].tolist()
    )
    _write(out / f"{name}.known.tsv", known)


def _write(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            line = "\t".join(map(str, row))
            # Symbols hold no control characters: fetch leaves out files with such names.
            assert line.count("\t") == len(row) - 1, line
            assert "\n" not in line, line
            stream.write(f"{line}\n")


def main() -> int:
    """Export what data/packed and data/kg hold."""
    parser = argparse.ArgumentParser(prog="graphmer.evaluate.pykeen_export", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--packed", type=Path, default=Path("data/packed"), help="default data/packed")
    parser.add_argument("--kg", type=Path, default=Path("data/kg"), help="default data/kg")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")
    parser.add_argument("--out", type=Path, required=True, help="a new or empty folder")
    arguments = parser.parse_args()
    try:
        params = load_section(load_tree(arguments.params), "eval", EvalParams)
        exported = export_pykeen(load_link_data(arguments.packed, arguments.kg), params.link, arguments.out)
    except GraphmerError as error:
        print(f"pykeen_export: {error}", file=sys.stderr)
        return 1
    for name, count in vars(exported).items():
        print(f"{name}\t{count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
