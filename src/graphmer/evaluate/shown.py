"""What a scorer is shown of a query: the text of its window, and the leaves and edges beside it.

For the net they are read back from its input ids, not from what was meant to go in.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graphmer.evaluate.queries import BoolArray, IntArray, LinkQueries
from graphmer.evaluate.window_text import Sources, hidden_by_ids, window_text
from graphmer.pack.rows import Rows
from graphmer.pack.shards import SplitArrays
from graphmer.pack.tokenizer import MASK, CodeTokenizer

NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Shown:
    """One query's input. text: the window, or None where its ids do not fit it. names: names on shown leaves.

    leaves, edges: rows of the split's leaves and edges.
    """

    query: int
    text: str | None
    names: tuple[str, ...]
    leaves: IntArray
    edges: IntArray


def shown_by_rows(
    arrays: SplitArrays, rows: Rows, queries: LinkQueries, sources: Sources, tokenizer: CodeTokenizer
) -> Iterator[Shown]:
    """What a net's input rows show of each query, of which they hold one instance each, in order."""
    leaf_order = np.argsort(rows.leaf_instance, kind="stable")
    bounds = np.searchsorted(rows.leaf_instance[leaf_order], np.arange(len(queries) + 1))
    edges = _Edges(arrays, rows)
    for query in range(len(queries)):
        row, begin = int(rows.instance_row[query]), int(rows.instance_start[query])
        ids = rows.token[row, begin : begin + int(rows.instance_roots[query])]
        sample = int(queries.sample[query])
        hidden = hidden_by_ids(arrays, sample, ids)
        if hidden is None:
            yield Shown(query, None, (), NONE, NONE)
            continue
        text = window_text(arrays, sources.windows[sample], sample, hidden).text
        mine = leaf_order[bounds[query] : bounds[query + 1]]
        names, leaves = _leaves(rows, mine, tokenizer)
        yield Shown(query, text, names, leaves, edges.of(query, sample, hidden))


def _leaves(rows: Rows, mine: IntArray, tokenizer: CodeTokenizer) -> tuple[tuple[str, ...], IntArray]:
    """Names and sources of the leaves whose tokens are not all [MASK], whatever their flag says."""
    names, shown = [], []
    for leaf in mine.tolist():
        begin = int(rows.leaf_start[leaf])
        ids = rows.token[int(rows.leaf_row[leaf]), begin : begin + int(rows.leaf_slots[leaf])]
        if (ids != MASK).any():
            names.append(tokenizer.decode_name(ids.tolist()))
            shown.append(int(rows.leaf_source[leaf]))
    return tuple(names), np.asarray(shown, np.int64)


class _Edges:
    """Which of a window's edges stand in a row: found by where their ends lie once names are hidden."""

    def __init__(self, arrays: SplitArrays, rows: Rows) -> None:
        self._arrays, self._rows = arrays, rows
        ends = zip(rows.edge_row.tolist(), rows.edge_source.tolist(), rows.edge_target.tolist(), strict=True)
        self._laid = set(zip(ends, rows.edge_relation.tolist(), strict=True))

    def of(self, query: int, sample: int, hidden: BoolArray) -> IntArray:
        arrays, rows = self._arrays, self._rows
        low, high = int(arrays.sample_edge[sample]), int(arrays.sample_edge[sample + 1])
        if low == high:
            return NONE
        row, begin = int(rows.instance_row[query]), int(rows.instance_start[query])
        first = arrays.token_first[arrays.sample_token[sample] : arrays.sample_token[sample + 1]].copy()
        first[0] = True
        # A hidden identifier keeps one position, its first.
        place = begin + np.cumsum(~hidden | first) - 1
        found = []
        for edge in range(low, high):
            ends = (row, int(place[arrays.edge_source[edge]]), int(place[arrays.edge_target[edge]]))
            if (ends, int(arrays.edge_relation[edge])) in self._laid:
                found.append(edge)
        return np.asarray(found, np.int64)
