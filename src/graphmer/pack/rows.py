"""Where every token of a leafy chain lies in its row: no distance or mask matrix is stored."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from graphmer.errors import ParamsError
from graphmer.pack.bins import first_fit_decreasing
from graphmer.pack.controls import ShownGraph, shown_graph
from graphmer.pack.draw import Selection
from graphmer.pack.ranges import flat_ranges
from graphmer.pack.shards import BoolArray, EntityArrays, IntArray, LongArray, SplitArrays
from graphmer.pack.tokenizer import HIDDEN, MASK, PAD


@dataclass(frozen=True)
class Rows:
    """Laid-out rows of S positions. R rows, J leaves, G edges.

    token, document, root, slot, word: (R, S) int32. document: 0 for padding, else 1 + the instance's place in the
    row. root: root position; a leaf token has its anchor's. slot: 0 for a root, 1 + place in the name for a leaf.
    word: identifier of a root, or -1.
    leaf_*: (J,). leaf_row, leaf_start: where its tokens begin. leaf_slots: how many there are. leaf_relation.
    leaf_head_start, leaf_head_end: positions of its head span. leaf_tail: entity. leaf_source: row of the split's
    leaves. leaf_masked, leaf_document, leaf_instance.  edge_row, edge_source, edge_target, edge_relation: (G,).
    instance_row, instance_start, instance_roots: (I,) where each instance's roots lie.
    """

    token: IntArray
    document: IntArray
    root: IntArray
    slot: IntArray
    word: IntArray
    first: BoolArray
    leaf_row: IntArray
    leaf_start: IntArray
    leaf_slots: IntArray
    leaf_relation: IntArray
    leaf_head_start: IntArray
    leaf_head_end: IntArray
    leaf_tail: IntArray
    leaf_source: IntArray
    leaf_masked: BoolArray
    leaf_instance: IntArray
    edge_row: IntArray
    edge_source: IntArray
    edge_target: IntArray
    edge_relation: IntArray
    instance_row: IntArray
    instance_start: IntArray
    instance_roots: IntArray

    @property
    def num_rows(self) -> int:
        """R."""
        return len(self.token)

    @cached_property
    def leaves_by_row(self) -> "ByRow":
        """The leaves of any rows."""
        return ByRow(self.leaf_row, self.num_rows)

    @cached_property
    def edges_by_row(self) -> "ByRow":
        """The edges of any rows."""
        return ByRow(self.edge_row, self.num_rows)


class ByRow:
    """Finds what few rows hold without a look at all: a step asks for a hundredth of an epoch, thousands of times."""

    def __init__(self, row: IntArray, num_rows: int) -> None:
        """row: (J,) of each element."""
        self._order = np.argsort(row, kind="stable")
        self._start = np.searchsorted(row[self._order], np.arange(num_rows + 1))

    def of(self, rows: LongArray) -> LongArray:
        """Rising indices of the elements of `rows`, each of which comes once."""
        begin = self._start[rows]
        found: LongArray = np.sort(self._order[flat_ranges(begin, self._start[rows + 1] - begin)[0]])
        return found


def assemble(
    split: SplitArrays, entities: EntityArrays, selection: Selection, row_length: int, graph: ShownGraph | None = None
) -> Rows:
    """Lay the selection out in rows of `row_length` positions, first-fit-decreasing, roots before leaves.

    graph: what leaves and edges say where it is not what the split says; plain tails are roots, no leaves of the rows.
    Raises ParamsError where one instance does not fit a row.
    """
    graph = graph or shown_graph(split, "intact")
    selection = graph.lay_over(split, selection)
    token, word, first, instance, new_root = _instance_tokens(split, selection)
    num_instances = len(selection.sample)
    roots = np.bincount(instance, minlength=num_instances)
    slots = _leaf_slots(entities, graph.tails(split, selection), selection.masked)
    leaf_tokens = np.bincount(selection.leaf_instance, weights=slots, minlength=num_instances).astype(np.int64)
    lengths = roots + leaf_tokens
    if num_instances and lengths.max() > row_length:
        raise ParamsError(
            f"train.row_length: a sample of {int(lengths.max())} positions does not fit a row of {row_length}; "
            "raise train.row_length or lower pack.max_roots or train.leaves.max_leaves"
        )
    row, start, document, num_rows = first_fit_decreasing(lengths, row_length)
    grid: dict[str, Any] = {name: np.zeros((num_rows, row_length), np.int32) for name in ("document", "root", "slot")}
    grid["token"] = np.full((num_rows, row_length), PAD, np.int32)
    grid["word"] = np.full((num_rows, row_length), -1, np.int32)
    grid["first"] = np.zeros((num_rows, row_length), np.bool_)
    offset = np.concatenate([[0], np.cumsum(roots)])
    position = np.arange(len(token)) - offset[instance]
    at = (row[instance], start[instance] + position)
    grid["token"][at], grid["word"][at], grid["root"][at] = token, word, position
    grid["document"][at] = document[instance]
    grid["first"][at] = first
    leaves = _place_leaves(split, entities, selection, graph, slots, new_root, row, start, roots, document, grid)
    edges = _place_edges(split, selection, graph, new_root, row, start)
    plain = np.where(graph.is_plain & ~selection.masked, slots, 0)
    roots = roots + np.bincount(selection.leaf_instance, weights=plain, minlength=num_instances).astype(np.int64)
    where = {"instance_row": row, "instance_start": start, "instance_roots": roots}
    numbers: dict[str, Any] = {name: value.astype(np.int32) for name, value in {**where, **edges}.items()}
    return Rows(**grid, **leaves, **numbers)


def _instance_tokens(
    split: SplitArrays, selection: Selection
) -> tuple[IntArray, IntArray, BoolArray, LongArray, "_RootMap"]:
    """Tokens of every instance after hiding: a hidden identifier is one token, whatever its length."""
    begin = split.sample_token[selection.sample]
    length = split.sample_token[selection.sample + 1] - begin
    source, instance = flat_ranges(begin, length)
    word, first = split.token_word[source], split.token_first[source]
    width = len(split.words) + 1
    hidden = (word >= 0) & np.isin(instance * width + word, selection.hide_instance * width + selection.hide_word)
    token, first, keep = hide_names(split.token_id[source], first, hidden, instance)
    before = np.concatenate([[0], np.cumsum(length)[:-1]]) if len(length) else np.zeros(0, np.int64)
    count = np.cumsum(keep)
    kept_before = np.concatenate([[0], count])[before] if len(before) else before
    root_map = _RootMap(before, count - 1, kept_before)
    shown_word = np.where(hidden, -1, word)[keep].astype(np.int32)
    return token[keep], shown_word, first[keep], instance[keep], root_map


def hide_names(
    token: IntArray, first: BoolArray, hidden: BoolArray, owner: LongArray
) -> tuple[IntArray, BoolArray, BoolArray]:
    """Turn each hidden identifier into one [HIDDEN] token, whatever its length.

    (T,) each, owner by owner. first: whether a token begins its identifier (or is none). hidden: whether it is part of
    one to hide. Returns the tokens, which of them begin an identifier, and which stay.
    """
    # A window cut in the middle of an identifier starts with a part of it: that part stands for the whole.
    first = first | (np.concatenate([[-1], owner[:-1]]) != owner)
    return np.where(hidden, HIDDEN, token).astype(np.int32), first, ~hidden | first


@dataclass(frozen=True)
class _RootMap:
    """Where a root of an instance stands after hiding."""

    before: LongArray  # (I,) tokens of all instances before this one
    kept_index: LongArray  # (T,) index among kept tokens of the last kept token up to this one
    kept_before: LongArray  # (I,)

    def __call__(self, instance: LongArray, root: IntArray | LongArray) -> LongArray:
        kept: LongArray = self.kept_index[self.before[instance] + root] - self.kept_before[instance]
        return kept


def _leaf_slots(entities: EntityArrays, tail: IntArray, masked: BoolArray) -> LongArray:
    """A masked leaf always takes all slots, so that its length does not tell its name; a shown one what it needs."""
    slots = entities.name_token.shape[1]
    return np.where(masked, slots, np.clip(entities.name_length[tail], 1, slots)).astype(np.int64)


def _place_leaves(
    split: SplitArrays,
    entities: EntityArrays,
    selection: Selection,
    graph: ShownGraph,
    slots: LongArray,
    new_root: _RootMap,
    row: LongArray,
    start: LongArray,
    roots: LongArray,
    document: LongArray,
    grid: dict[str, Any],
) -> dict[str, Any]:
    instance, leaf = selection.leaf_instance, selection.leaf
    total = np.cumsum(slots) - slots
    first_of = np.searchsorted(instance, np.arange(len(roots)))
    before = total - (total[first_of[instance]] if len(leaf) else 0)
    leaf_start = start[instance] + roots[instance] + before
    head = new_root(instance, split.leaf_anchor_start[leaf])
    head_end = new_root(instance, split.leaf_anchor_end[leaf] - 1) + 1
    owner_position, owner = flat_ranges(np.zeros(len(leaf), np.int64), slots)
    at = (row[instance][owner], leaf_start[owner] + owner_position)
    tail = graph.tails(split, selection)
    name = entities.name_token[tail][owner, owner_position] if len(leaf) else np.zeros(0, np.int32)
    is_root = graph.is_plain & ~selection.masked
    further = (leaf_start - start[instance])[owner] + owner_position  # where the window's chain goes on
    grid["token"][at] = np.where(selection.masked[owner], MASK, name)
    grid["root"][at] = np.where(is_root[owner], further, head[owner])
    grid["slot"][at] = np.where(is_root[owner], 0, owner_position + 1)
    grid["first"][at] = is_root[owner] & (owner_position == 0)
    grid["document"][at] = document[instance][owner]
    numbers = {
        "leaf_row": row[instance],
        "leaf_start": leaf_start,
        "leaf_slots": slots,
        "leaf_relation": graph.relations(split, selection),
        "leaf_head_start": start[instance] + head,
        "leaf_head_end": start[instance] + np.maximum(head_end, head + 1),
        "leaf_tail": tail,
        "leaf_source": leaf,
        "leaf_instance": instance,
    }
    kept = {key: value[~is_root].astype(np.int32) for key, value in numbers.items()}
    return {**kept, "leaf_masked": selection.masked[~is_root]}


def _place_edges(
    split: SplitArrays,
    selection: Selection,
    graph: ShownGraph,
    new_root: _RootMap,
    row: LongArray,
    start: LongArray,
) -> dict[str, LongArray]:
    begin = split.sample_edge[selection.sample]
    count = np.where(selection.shows_edges, split.sample_edge[selection.sample + 1] - begin, 0)
    source, instance = flat_ranges(begin, count)
    shown = ~graph.joins_masked_ends(split, selection, source, instance)
    source, instance = source[shown], instance[shown]
    return {
        "edge_row": row[instance],
        "edge_source": start[instance] + new_root(instance, split.edge_source[source]),
        "edge_target": start[instance] + new_root(instance, graph.edge_target[source]),
        "edge_relation": graph.edge_relation[source].astype(np.int64),
    }
