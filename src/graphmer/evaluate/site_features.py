"""Call sites as link-prediction queries: what counting and the network say of each candidate, mentions visible.

No feature sees a triple between a site's head and any of its candidates, in any relation or direction, nor what the
same mention shows otherwise: hidden alike for every candidate, so that hiding tells nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphmer.evaluate.call_sites import CallSite
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.link_prediction import LinkData
from graphmer.evaluate.package_view import NONE, Hole, PackageView
from graphmer.evaluate.queries import BoolArray, FloatArray, IntArray, LinkQueries
from graphmer.evaluate.scorer import NeuralScorer
from graphmer.evaluate.symbolic import SymbolicFeatures
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import SplitArrays

LEAVES = ("leaf_relation", "leaf_anchor_start", "leaf_anchor_end", "leaf_head", "leaf_tail", "leaf_query",
          "leaf_ambiguous", "leaf_triple")  # fmt: skip


@dataclass(frozen=True)
class PlacedSites:
    """Q sites whose name stands in a packed window. site: their numbers. sample, start, end: (Q,) window, roots."""

    site: IntArray
    sample: IntArray
    start: IntArray
    end: IntArray


def place_sites(sites: Sequence[CallSite], arrays: SplitArrays) -> PlacedSites:
    """The first place of each site that a code window shows; a site that none shows is left out."""
    samples = arrays.samples
    code = samples[samples["kind"] != "document"]
    windows: dict[tuple[str, str], list[int]] = {}
    for row, package, file in zip(code.index.tolist(), code["package"], code["file"]):
        windows.setdefault((package, file), []).append(row)
    found = []
    for number, site in enumerate(sites):
        for begin, end, _ in site.spans:
            place = _find(arrays, windows.get((site.package, site.file), []), begin, end)
            if place is not None:
                found.append((number, *place))
                break
    return PlacedSites(*np.asarray(found, np.int64).reshape(-1, 4).T)


def _find(arrays: SplitArrays, windows: list[int], begin: int, end: int) -> tuple[int, int, int] | None:
    """(sample, first root, root after the last) of the tokens that spell [begin, end)."""
    for sample in windows:
        low, high = int(arrays.sample_token[sample]), int(arrays.sample_token[sample + 1])
        if not high > low or arrays.token_start[low] > begin or arrays.token_end[high - 1] < end:
            continue
        inside = np.flatnonzero((arrays.token_start[low:high] >= begin) & (arrays.token_end[low:high] <= end))
        if len(inside):
            return sample, int(inside[0]), int(inside[-1]) + 1
    return None


def site_queries(
    split: str, sites: Sequence[CallSite], placed: PlacedSites, data: LinkData, rows: dict[str, int]
) -> tuple[LinkQueries, SplitArrays]:
    """The sites as queries of relation `calls`, and the split's arrays with a held-out leaf for each.

    rows: {symbol: row of the entities}. The leaf's tail is the first candidate: what leaf is shown beside it is chosen
    by short name, which all candidates of a name share; the query's `truth` means nothing.
    """
    arrays = data.splits[split]
    asked = [sites[number] for number in placed.site]
    relation = load_ontology().relations["calls"].id
    pools = {f"{site.package}:site {number}": np.sort([rows[name] for name in site.candidates])
             for number, site in enumerate(asked)}  # fmt: skip
    head = np.asarray([rows[site.head] for site in asked], np.int64)
    tail = np.asarray([pool[0] for pool in pools.values()], np.int64)
    columns = {
        "leaf_relation": np.full(len(asked), relation), "leaf_anchor_start": placed.start,
        "leaf_anchor_end": placed.end,
        "leaf_head": head, "leaf_tail": tail, "leaf_query": np.ones(len(asked), np.bool_),
        "leaf_ambiguous": np.zeros(len(asked), np.bool_), "leaf_triple": np.full(len(asked), -1),
    }  # fmt: skip
    wider, leaf = with_leaves(arrays, placed.sample, columns)
    support = ~wider.leaf_query & ~wider.leaf_ambiguous & ~_between(wider, head, list(pools.values()))
    queries = LinkQueries(
        setting="mentions_visible", split=split, leaf=leaf, relation=columns["leaf_relation"], head=head, tail=tail,
        sample=placed.sample, pool=list(pools), pools=pools, truth=np.zeros(len(asked), np.int64),
        known=[NONE] * len(asked), hidden=False, hidden_words=[_words(wider, row) for row in leaf.tolist()],
        support=support, arrays=wider,
    )  # fmt: skip
    return queries, wider


def with_leaves(
    arrays: SplitArrays, sample: IntArray, columns: dict[str, IntArray | BoolArray]
) -> tuple[SplitArrays, IntArray]:
    """The arrays with further leaves, and the rows where those stand."""
    owner = np.concatenate([arrays.leaf_sample, sample])
    order = np.argsort(owner, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    changed: dict[str, Any] = {}
    for name in LEAVES:
        old = getattr(arrays, name)
        changed[name] = np.concatenate([old, columns[name].astype(old.dtype)])[order]
    counts = np.bincount(owner, minlength=arrays.num_samples)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return replace(arrays, sample_leaf=offsets, **changed), place[len(arrays.leaf_query) :]


def _between(arrays: SplitArrays, heads: IntArray, pools: Sequence[IntArray]) -> BoolArray:
    """(A,) leaves that join some site's head and one of its candidates, in any relation and direction."""
    width = 1 + max(int(arrays.leaf_head.max(initial=0)), int(arrays.leaf_tail.max(initial=0)))
    asked = np.concatenate([np.zeros(0, np.int64), *(head * width + pool for head, pool in zip(heads.tolist(), pools))])
    forth = arrays.leaf_head.astype(np.int64) * width + arrays.leaf_tail
    back = arrays.leaf_tail.astype(np.int64) * width + arrays.leaf_head
    found: BoolArray = np.isin(forth, asked) | np.isin(back, asked)
    return found


def _words(arrays: SplitArrays, leaf: int) -> IntArray:
    """Words of the mention: the import of that name is hidden, as for every query."""
    base = int(arrays.sample_token[arrays.leaf_sample[leaf]])
    words = arrays.token_word[base + arrays.leaf_anchor_start[leaf] : base + arrays.leaf_anchor_end[leaf]]
    return np.unique(words[words >= 0]).astype(np.int64)


def symbolic_matrices(
    view: PackageView, arrays: SplitArrays, queries: LinkQueries, params: LinkParams
) -> dict[int, FloatArray]:
    """{query: (P, F) features of its candidates} of the queries of one package."""
    features = SymbolicFeatures(view, arrays, params)
    mine = [query for query, key in enumerate(queries.pool) if key.startswith(f"{view.package}:")]
    return {query: features.matrix(queries, query, _hole(view, arrays, queries, query)) for query in mine}


def _hole(view: PackageView, arrays: SplitArrays, queries: LinkQueries, query: int) -> Hole:
    stream, sample = view.stream, int(queries.sample[query])
    base = int(arrays.sample_token[sample])
    leaf = int(queries.leaf[query])
    start = int(stream.position_of[base + arrays.leaf_anchor_start[leaf]])
    end = int(stream.position_of[base + arrays.leaf_anchor_end[leaf] - 1])
    window = stream.sample_positions[sample]
    file = int(stream.file[start])
    imports = stream.imports_of[file]
    words = queries.hidden_words[query]
    imports = imports[np.isin(stream.token[imports], words)]
    entities = view.entities
    return Hole(
        head=int(entities.local(queries.head[query : query + 1])[0]),
        tail=entities.local(queries.candidates(query)),
        relation=int(queries.relation[query]), file=file, start=start, end=end, hidden=NONE, imported=words,
        others=NONE, visible=window,
        unseen=np.concatenate([window, imports[stream.sample[imports] != sample]]),
    )  # fmt: skip


def neural_columns(queries: LinkQueries, neural: NeuralScorer) -> list[FloatArray]:
    """(P, K) columns of each query, in the order of the scorer's names."""
    columns = neural.link(queries)
    return [np.stack([column[query] for column in columns.values()], axis=1) for query in range(len(queries))]
