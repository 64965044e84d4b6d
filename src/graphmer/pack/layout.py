"""The leafy chain layout: which leaves a sample shows, what is hidden, and where every token lies in its row.

All index arithmetic of the model's input lives here, on flat numpy arrays; no distance or mask matrix is stored.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphmer.errors import ParamsError
from graphmer.pack.shards import BoolArray, EntityArrays, IntArray, LongArray, SplitArrays
from graphmer.pack.tokenizer import HIDDEN, MASK, PAD

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LeafDraw:
    """How training draws leaves, anew each epoch."""

    max_leaves: int  # a sample
    max_leaves_per_anchor: int
    leaf_drop: float  # share of samples that show no leaf and no edge, so that plain code works at inference
    masked_leaf_share: float  # share of a sample's shown leaves whose tail is masked; at least one
    hide_share: float  # share of masked leaves whose name is hidden in the window too


@dataclass(frozen=True)
class Selection:
    """Samples to lay out, one instance each, and the leaves each shows. I instances, J shown leaves.

    sample: (I,). leaf_instance: (J,) sorted. leaf: (J,) rows of the split's leaves. masked: (J,) tail masked.
    shows_edges: (I,) whether the edges between its roots are laid out; one between the head and the tail of a masked
    leaf, in any relation and direction, never is.
    hide_instance, hide_word: (H,) every mention of that word in that instance's window becomes one [HIDDEN] token.
    """

    sample: LongArray
    shows_edges: BoolArray
    leaf_instance: LongArray
    leaf: LongArray
    masked: BoolArray
    hide_instance: LongArray
    hide_word: LongArray

    def only(self, chosen: BoolArray) -> "Selection":
        """The chosen instances (I,) with their leaves."""
        new_number = np.cumsum(chosen) - 1
        kept = chosen[self.leaf_instance]
        hides = chosen[self.hide_instance]
        return Selection(
            self.sample[chosen],
            self.shows_edges[chosen],
            new_number[self.leaf_instance[kept]],
            self.leaf[kept],
            self.masked[kept],
            new_number[self.hide_instance[hides]],
            self.hide_word[hides],
        )


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


def rank_in_group(group: LongArray | IntArray, order: npt.NDArray[np.int64]) -> LongArray:
    """Place of each element within its group when elements are visited in `order`, which keeps groups together."""
    sorted_group = group[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_group[1:] != sorted_group[:-1]]))
    lengths = np.diff(np.append(starts, len(order)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    return rank


def draw_leaves(split: SplitArrays, samples: LongArray, draw: LeafDraw, rng: np.random.Generator) -> Selection:
    """Draw what each of `samples` shows: few leaves of a frequent relation, none of a held-out or ambiguous triple.

    Every array is drawn at its full length whatever is kept, so that the draw depends on the seed alone.
    """
    leaf_sample = split.leaf_sample
    frequency = np.bincount(split.leaf_relation, minlength=1).astype(np.float64)
    # Gumbel-max: a draw without replacement with weights 1/sqrt(frequency) caps frequent relations.
    weight = -0.5 * np.log(np.maximum(frequency, 1.0))[split.leaf_relation]
    priority = weight + rng.gumbel(size=len(leaf_sample))
    drops = rng.random(split.num_samples) < draw.leaf_drop
    hides = rng.random(len(leaf_sample)) < draw.hide_share
    shown = ~split.leaf_query & ~split.leaf_ambiguous & ~drops[leaf_sample]
    anchor = leaf_sample * (int(split.leaf_anchor_start.max(initial=0)) + 1) + split.leaf_anchor_start
    shown &= _within(anchor, priority, shown, draw.max_leaves_per_anchor)
    shown &= _within(leaf_sample, priority, shown, draw.max_leaves)
    leaf = np.flatnonzero(shown)
    count = np.bincount(leaf_sample[leaf], minlength=split.num_samples)
    quota = np.maximum(1, np.rint(draw.masked_leaf_share * count)).astype(np.int64)
    order = np.lexsort((-priority[leaf], leaf_sample[leaf]))
    masked = rank_in_group(leaf_sample[leaf], order) < quota[leaf_sample[leaf]] if len(leaf) else np.zeros(0, np.bool_)
    keep = masked | ~_repeats_masked_tail(split, leaf, masked)
    leaf, masked = leaf[keep], masked[keep]
    return _select(split, samples, ~drops[samples], leaf, masked, masked & hides[leaf])


def _within(group: LongArray, priority: FloatArray, among: BoolArray, limit: int) -> BoolArray:
    chosen = np.flatnonzero(among)
    result = np.zeros(len(group), np.bool_)
    if len(chosen):
        order = np.lexsort((-priority[chosen], group[chosen]))
        result[chosen] = rank_in_group(group[chosen], order) < limit
    return result


def _repeats_masked_tail(split: SplitArrays, leaf: LongArray, masked: BoolArray) -> BoolArray:
    """Leaves with the short name or on the mention of a masked leaf of their sample: they would tell the answer."""
    sample = split.leaf_sample[leaf]
    name = split.entity_word[split.leaf_tail[leaf]].astype(np.int64)
    by_name = sample * (len(split.words) + 2) + name + 1
    by_mention = sample * (int(split.leaf_anchor_start.max(initial=0)) + 1) + split.leaf_anchor_start[leaf]
    return np.isin(by_name, by_name[masked]) | np.isin(by_mention, by_mention[masked])


def _select(
    split: SplitArrays,
    samples: LongArray,
    shows_edges: BoolArray,
    leaf: LongArray,
    masked: BoolArray,
    hidden: BoolArray,
) -> Selection:
    """Keep the leaves of `samples`, which may come in any order but each once."""
    instance_of = np.full(split.num_samples, -1, np.int64)
    instance_of[samples] = np.arange(len(samples))
    instance = instance_of[split.leaf_sample[leaf]]
    order = np.lexsort((leaf, instance))
    order = order[instance[order] >= 0]
    instance, leaf, masked, hidden = instance[order], leaf[order], masked[order], hidden[order]
    owner, word = hidden_words(split, leaf[hidden])
    return Selection(samples, shows_edges, instance, leaf, masked, instance[hidden][owner], word)


MAX_ANCHOR_WORDS = 3  # a longer mention is an expression, not a name: hiding its words would blank the window


def hidden_words(split: SplitArrays, leaf: LongArray) -> tuple[LongArray, LongArray]:
    """Words to hide for each of some leaves: its tail's short name, and the mention where it is another (an alias).

    leaf: (J,). Returns (H,) indices into `leaf` and (H,) words.
    """
    name = split.entity_word[split.leaf_tail[leaf]].astype(np.int64)
    start = split.sample_token[split.leaf_sample[leaf]] + split.leaf_anchor_start[leaf]
    length = (split.leaf_anchor_end[leaf] - split.leaf_anchor_start[leaf]).astype(np.int64)
    token, owner = _flat(start, length)
    word = split.token_word[token].astype(np.int64)
    counted = (word >= 0) & split.token_first[token]
    words_at_anchor = np.bincount(owner[counted], minlength=len(leaf))
    counted &= words_at_anchor[owner] <= MAX_ANCHOR_WORDS
    pairs = np.concatenate(
        [
            np.stack([np.arange(len(leaf)), name], axis=1)[name >= 0],
            np.stack([owner, word], axis=1)[counted],
        ]
    )
    pairs = np.unique(pairs, axis=0)
    return pairs[:, 0], pairs[:, 1]


def assemble(split: SplitArrays, entities: EntityArrays, selection: Selection, row_length: int) -> Rows:
    """Lay the selection out in rows of `row_length` positions, first-fit-decreasing, roots before leaves.

    Raises ParamsError where one instance does not fit a row.
    """
    token, word, first, instance, new_root = _instance_tokens(split, selection)
    num_instances = len(selection.sample)
    roots = np.bincount(instance, minlength=num_instances)
    slots = _leaf_slots(entities, split, selection)
    leaf_tokens = np.bincount(selection.leaf_instance, weights=slots, minlength=num_instances).astype(np.int64)
    lengths = roots + leaf_tokens
    if num_instances and lengths.max() > row_length:
        raise ParamsError(
            f"train.row_length: a sample of {int(lengths.max())} positions does not fit a row of {row_length}; "
            "raise train.row_length or lower pack.max_roots or train.leaves.max_leaves"
        )
    row, start, document, num_rows = _first_fit_decreasing(lengths, row_length)
    grid: dict[str, Any] = {name: np.zeros((num_rows, row_length), np.int32) for name in ("document", "root", "slot")}
    grid["token"] = np.full((num_rows, row_length), PAD, np.int32)
    grid["word"] = np.full((num_rows, row_length), -1, np.int32)
    begins: Any = np.zeros((num_rows, row_length), np.bool_)
    offset = np.concatenate([[0], np.cumsum(roots)])
    position = np.arange(len(token)) - offset[instance]
    at = (row[instance], start[instance] + position)
    grid["token"][at], grid["word"][at], grid["root"][at] = token, word, position
    grid["document"][at] = document[instance]
    begins[at] = first
    leaves = _place_leaves(split, entities, selection, slots, new_root, row, start, roots, document, grid)
    edges = _place_edges(split, selection, new_root, row, start)
    where = {"instance_row": row, "instance_start": start, "instance_roots": roots}
    numbers: dict[str, Any] = {name: value.astype(np.int32) for name, value in {**where, **edges}.items()}
    return Rows(**grid, first=begins, **leaves, **numbers)


def _flat(starts: LongArray, lengths: LongArray) -> tuple[LongArray, LongArray]:
    """Indices of many ranges laid end to end, and the range each belongs to."""
    owner = np.repeat(np.arange(len(lengths)), lengths)
    before = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else np.zeros(0, np.int64)
    return np.arange(int(lengths.sum())) - before[owner] + starts[owner], owner


def _instance_tokens(
    split: SplitArrays, selection: Selection
) -> tuple[IntArray, IntArray, BoolArray, LongArray, "_RootMap"]:
    """Tokens of every instance after hiding: a hidden identifier is one token, whatever its length."""
    begin = split.sample_token[selection.sample]
    length = split.sample_token[selection.sample + 1] - begin
    source, instance = _flat(begin, length)
    word, first = split.token_word[source], split.token_first[source]
    width = len(split.words) + 1
    hidden = (word >= 0) & np.isin(instance * width + word, selection.hide_instance * width + selection.hide_word)
    # A window cut in the middle of an identifier starts with a part of it: that part stands for the whole.
    first = first | (np.concatenate([[-1], instance[:-1]]) != instance)
    keep = ~hidden | first
    before = np.concatenate([[0], np.cumsum(length)[:-1]]) if len(length) else np.zeros(0, np.int64)
    count = np.cumsum(keep)
    kept_before = np.concatenate([[0], count])[before] if len(before) else before
    root_map = _RootMap(before, count - 1, kept_before)
    token = np.where(hidden, HIDDEN, split.token_id[source])[keep].astype(np.int32)
    shown_word = np.where(hidden, -1, word)[keep].astype(np.int32)
    return token, shown_word, first[keep], instance[keep], root_map


@dataclass(frozen=True)
class _RootMap:
    """Where a root of an instance stands after hiding."""

    before: LongArray  # (I,) tokens of all instances before this one
    kept_index: LongArray  # (T,) index among kept tokens of the last kept token up to this one
    kept_before: LongArray  # (I,)

    def __call__(self, instance: LongArray, root: IntArray | LongArray) -> LongArray:
        kept: LongArray = self.kept_index[self.before[instance] + root] - self.kept_before[instance]
        return kept


def _leaf_slots(entities: EntityArrays, split: SplitArrays, selection: Selection) -> LongArray:
    """A masked leaf always takes all slots, so that its length does not tell its name; a shown one what it needs."""
    slots = entities.name_token.shape[1]
    length = entities.name_length[split.leaf_tail[selection.leaf]]
    return np.where(selection.masked, slots, np.clip(length, 1, slots)).astype(np.int64)


def _first_fit_decreasing(lengths: LongArray, row_length: int) -> tuple[LongArray, LongArray, LongArray, int]:
    """Row, start in the row and 1-based place of each instance. Rows are searched by the room they have left.

    The longest goes first, into the fullest row that still holds it: best fit, decreasing.
    """
    order = np.argsort(-lengths, kind="stable")
    row, start = np.zeros(len(lengths), np.int64), np.zeros(len(lengths), np.int64)
    place = np.zeros(len(lengths), np.int64)
    rows_with_room: list[list[int]] = [[] for _ in range(row_length + 1)]
    used: list[int] = []
    held: list[int] = []
    smallest_room = row_length + 1  # no row has less room than this and more than none
    for index in order.tolist():
        need = int(lengths[index])
        room = next((room for room in range(max(need, smallest_room), row_length + 1) if rows_with_room[room]), None)
        if room is None:
            target = len(used)
            used.append(0)
            held.append(0)
            room = row_length
        else:
            target = rows_with_room[room].pop()
        row[index], start[index] = target, used[target]
        used[target] += need
        held[target] += 1
        place[index] = held[target]
        left = room - need
        if left > 0:
            rows_with_room[left].append(target)
            smallest_room = min(smallest_room, left)
    return row, start, place, len(used)


def _place_leaves(
    split: SplitArrays,
    entities: EntityArrays,
    selection: Selection,
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
    owner_position, owner = _flat(np.zeros(len(leaf), np.int64), slots)
    at = (row[instance][owner], leaf_start[owner] + owner_position)
    name = entities.name_token[split.leaf_tail[leaf]][owner, owner_position] if len(leaf) else np.zeros(0, np.int32)
    grid["token"][at] = np.where(selection.masked[owner], MASK, name)
    grid["root"][at] = head[owner]
    grid["slot"][at] = owner_position + 1
    grid["document"][at] = document[instance][owner]
    numbers = {
        "leaf_row": row[instance],
        "leaf_start": leaf_start,
        "leaf_slots": slots,
        "leaf_relation": split.leaf_relation[leaf],
        "leaf_head_start": start[instance] + head,
        "leaf_head_end": start[instance] + np.maximum(head_end, head + 1),
        "leaf_tail": split.leaf_tail[leaf],
        "leaf_source": leaf,
        "leaf_instance": instance,
    }
    return {**{key: value.astype(np.int32) for key, value in numbers.items()}, "leaf_masked": selection.masked}


def _place_edges(
    split: SplitArrays, selection: Selection, new_root: _RootMap, row: LongArray, start: LongArray
) -> dict[str, LongArray]:
    begin = split.sample_edge[selection.sample]
    count = np.where(selection.shows_edges, split.sample_edge[selection.sample + 1] - begin, 0)
    source, instance = _flat(begin, count)
    shown = ~_joins_masked_ends(split, selection, source, instance)
    source, instance = source[shown], instance[shown]
    return {
        "edge_row": row[instance],
        "edge_source": start[instance] + new_root(instance, split.edge_source[source]),
        "edge_target": start[instance] + new_root(instance, split.edge_target[source]),
        "edge_relation": split.edge_relation[source].astype(np.int64),
    }


def _joins_masked_ends(split: SplitArrays, selection: Selection, edge: LongArray, instance: LongArray) -> BoolArray:
    """Which edges join the head and the tail of a masked leaf of their instance: they would point at the answer."""
    num_entities = len(split.entity_word)

    def key(owner: LongArray, one: IntArray, other: IntArray) -> LongArray:
        return (owner * num_entities + one) * num_entities + other

    asked, owner = selection.leaf[selection.masked], selection.leaf_instance[selection.masked]
    head, tail = split.leaf_head[asked], split.leaf_tail[asked]
    told = np.concatenate([key(owner, head, tail), key(owner, tail, head)])
    return np.isin(key(instance, split.edge_head[edge], split.edge_tail[edge]), told)
