"""Rows of the layout as tensors, with the pairs of positions that a relation joins."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphmer.pack.ranges import flat_ranges, rank_in_group
from graphmer.pack.rows import Rows
from graphmer.pack.tokenizer import PAD

LongArray = npt.NDArray[np.int64]


def num_pair_kinds(num_relations: int) -> int:
    """Kinds of a joined pair: root to leaf, leaf to root, leaves of one anchor, edge forth, edge back; 0 is none."""
    return 1 + 5 * num_relations


@dataclass
class Batch:
    """B rows of S positions; L leaves of at most P name tokens and Hd head tokens; K joined pairs.

    token, document, root, slot, leaf: (B, S) int64; leaf is 1 + the leaf's number, 0 for a root.
    leaf_position: (L, P) int64 into B x S flattened; leaf_filled: (L, P) bool. leaf_head: (L, Hd), leaf_head_filled.
    leaf_relation: (L,). pair_row, pair_query, pair_key, pair_kind: (K,).
    is_static: every row has the same number of leaves and pairs, in the order of the rows and padded at each row's end:
    a padded leaf has no filled slot, a padded pair kind 0. A leaf's number counts the padded ones before it.
    """

    token: Tensor
    document: Tensor
    root: Tensor
    slot: Tensor
    leaf: Tensor
    leaf_position: Tensor
    leaf_filled: Tensor
    leaf_head: Tensor
    leaf_head_filled: Tensor
    leaf_relation: Tensor
    pair_row: Tensor
    pair_query: Tensor
    pair_key: Tensor
    pair_kind: Tensor
    is_static: bool = False

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {name: value.to(device) for name, value in values.items() if isinstance(value, Tensor)}
        return Batch(**moved, is_static=self.is_static)


@dataclass(frozen=True)
class StaticSizes:
    """Room for every row of a layout, in powers of two, so that few layouts differ: XLA compiles for each anew."""

    leaves_per_row: int
    pairs_per_row: int
    head_tokens: int


def static_sizes(rows: Rows) -> StaticSizes:
    """The room that the fullest row needs."""
    slots, heads = rows.leaf_slots.astype(np.int64), (rows.leaf_head_end - rows.leaf_head_start).astype(np.int64)
    anchor = rows.leaf_row.astype(np.int64) * rows.token.shape[1] + rows.leaf_head_start
    _, first, group = np.unique(anchor, return_index=True, return_inverse=True)
    together = np.bincount(group, weights=slots) ** 2 - np.bincount(group, weights=slots**2)
    pairs = np.bincount(rows.leaf_row, weights=2 * slots * heads, minlength=rows.num_rows)
    pairs += np.bincount(rows.leaf_row[first], weights=together, minlength=rows.num_rows)
    pairs += 2 * np.bincount(rows.edge_row, minlength=rows.num_rows)
    leaves = np.bincount(rows.leaf_row, minlength=rows.num_rows)
    most = (int(leaves.max(initial=0)), int(pairs.max(initial=0)), int(heads.max(initial=1)))
    return StaticSizes(*(power_of_two(number) for number in most))


def power_of_two(number: int) -> int:
    """The least power of two that is no less."""
    return 1 << max(0, number - 1).bit_length()


def plain_batch(token: Tensor, is_static: bool = False) -> Batch:
    """A batch of rows without leaves: entity keys, plain code, queries in words. token: (B, S), [PAD] at the end.

    The other tensors are made where token is. is_static: as in Batch, for a compiler that wants no scatter.
    """
    device = token.device
    empty = torch.zeros(0, dtype=torch.long, device=device)
    grid = torch.zeros(0, 1, dtype=torch.long, device=device)
    zeros = torch.zeros_like(token)
    return Batch(
        token=token,
        document=(token != PAD).long(),
        root=torch.arange(token.shape[1], device=device).expand_as(token).contiguous(),
        slot=zeros,
        leaf=zeros,
        leaf_position=grid,
        leaf_filled=grid.bool(),
        leaf_head=grid,
        leaf_head_filled=grid.bool(),
        leaf_relation=empty,
        pair_row=empty,
        pair_query=empty,
        pair_key=empty,
        pair_kind=empty,
        is_static=is_static,
    )


def rows_batch(
    rows: Rows, chosen: LongArray, num_relations: int, name_slots: int, sizes: StaticSizes | None = None
) -> tuple[Batch, LongArray]:
    """Tensors of the `chosen` rows, and which of the layout's leaves they hold, in the batch's order.

    sizes: pad to this room, row by row; the batch's order then has -1 where a leaf is padded.
    Raises ValueError where a row does not fit it.
    """
    place = np.full(rows.num_rows, -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    leaves = rows.leaves_by_row.of(chosen)
    leaf_row = place[rows.leaf_row[leaves]]
    length = rows.token.shape[1]
    position, filled = _ranges(rows.leaf_start[leaves], rows.leaf_slots[leaves], name_slots)
    heads = rows.leaf_head_end[leaves] - rows.leaf_head_start[leaves]
    head, head_filled = _ranges(rows.leaf_head_start[leaves], heads, int(heads.max(initial=1)))
    leaf_of = np.zeros((len(chosen), length), np.int64)
    owner = np.broadcast_to(np.arange(len(leaves))[:, None], position.shape)[filled]
    leaf_of[leaf_row[owner], position[filled]] = owner + 1
    relation = rows.leaf_relation[leaves].astype(np.int64)
    pairs = [
        _root_leaf_pairs(leaf_row, relation, position, filled, head, head_filled, num_relations),
        _leaf_leaf_pairs(rows, leaves, leaf_row, relation, position, filled, num_relations),
        _edge_pairs(rows, rows.edges_by_row.of(chosen), place, num_relations),
    ]
    row, query, key, kind = (np.concatenate(column) for column in zip(*pairs, strict=True))
    base = (leaf_row * length)[:, None]
    numbers: dict[str, npt.NDArray[Any]] = {
        "token": rows.token[chosen],
        "document": rows.document[chosen],
        "root": rows.root[chosen],
        "slot": rows.slot[chosen],
        "leaf": leaf_of,
        "leaf_position": position + base,
        "leaf_head": head + base,
        "leaf_relation": relation,
        "pair_row": row,
        "pair_query": query,
        "pair_key": key,
        "pair_kind": kind,
    }
    masks: dict[str, npt.NDArray[Any]] = {"leaf_filled": filled, "leaf_head_filled": head_filled}
    if sizes is not None:
        leaves = _pad(numbers, masks, leaves, leaf_row, length, sizes)
    tensors = {name: torch.from_numpy(value.astype(np.int64)) for name, value in numbers.items()}
    tensors |= {name: torch.from_numpy(value) for name, value in masks.items()}
    return Batch(**tensors, is_static=sizes is not None), leaves


def _pad(
    numbers: dict[str, npt.NDArray[Any]],
    masks: dict[str, npt.NDArray[Any]],
    leaves: LongArray,
    leaf_row: LongArray,
    length: int,
    sizes: StaticSizes,
) -> LongArray:
    """Lay leaves and pairs out by row in equal room; returns the layout's leaf of each place, -1 where padded."""
    num_rows = len(numbers["token"])
    place = _places(leaf_row, sizes.leaves_per_row, "leaves")
    room = num_rows * sizes.leaves_per_row
    base = np.repeat(np.arange(num_rows) * length, sizes.leaves_per_row)
    result = np.full(room, -1, np.int64)
    result[place] = leaves
    for name in ("leaf_position", "leaf_head"):
        width = sizes.head_tokens if name == "leaf_head" else numbers[name].shape[1]
        padded = np.repeat(base[:, None], width, axis=1)
        padded[place, : numbers[name].shape[1]] = numbers[name]
        numbers[name] = padded
    for name, width in (("leaf_filled", masks["leaf_filled"].shape[1]), ("leaf_head_filled", sizes.head_tokens)):
        mask = np.zeros((room, width), np.bool_)
        mask[place, : masks[name].shape[1]] = masks[name]
        masks[name] = mask
    masks["leaf_head_filled"][result < 0, 0] = True  # attention over no head at all would be 0 / 0
    relation = np.zeros(room, np.int64)
    relation[place] = numbers["leaf_relation"]
    numbers["leaf_relation"] = relation
    number = np.concatenate([[0], place + 1])
    numbers["leaf"] = number[numbers["leaf"]]
    place = _places(numbers["pair_row"], sizes.pairs_per_row, "pairs")
    for name in ("pair_query", "pair_key", "pair_kind"):
        padded = np.zeros(num_rows * sizes.pairs_per_row, np.int64)
        padded[place] = numbers[name]
        numbers[name] = padded
    numbers["pair_row"] = np.repeat(np.arange(num_rows), sizes.pairs_per_row)
    return result


def _places(row: LongArray, room: int, what: str) -> LongArray:
    """Row by row, where each element goes when every row has the same room."""
    order = np.argsort(row, kind="stable")
    rank = rank_in_group(row, order) if len(row) else row
    if len(row) and int(rank.max()) >= room:
        raise ValueError(f"{what}: a row has {int(rank.max()) + 1}, more than the room for {room}")
    places: LongArray = row * room + rank
    return places


def _ranges(
    start: npt.NDArray[np.int32], length: npt.NDArray[np.int32], width: int
) -> tuple[LongArray, npt.NDArray[np.bool_]]:
    """(L, width) positions from each start; past the length they repeat the first, and the mask is False."""
    step = np.arange(width)[None, :]
    filled = step < length[:, None]
    return np.where(filled, start[:, None] + step, start[:, None]).astype(np.int64), filled


Pairs = tuple[LongArray, LongArray, LongArray, LongArray]


def _root_leaf_pairs(
    leaf_row: LongArray,
    relation: LongArray,
    position: LongArray,
    filled: npt.NDArray[np.bool_],
    head: LongArray,
    head_filled: npt.NDArray[np.bool_],
    num_relations: int,
) -> Pairs:
    """Each head root with each token of its leaf, both ways."""
    leaf, slot, root = np.nonzero(filled[:, :, None] & head_filled[:, None, :])
    tail_at, head_at = position[leaf, slot], head[leaf, root]
    forth, back = 1 + relation[leaf], 1 + num_relations + relation[leaf]
    row = leaf_row[leaf]
    return (
        np.concatenate([row, row]),
        np.concatenate([head_at, tail_at]),
        np.concatenate([tail_at, head_at]),
        np.concatenate([forth, back]),
    )


def _leaf_leaf_pairs(
    rows: Rows,
    leaves: LongArray,
    leaf_row: LongArray,
    relation: LongArray,
    position: LongArray,
    filled: npt.NDArray[np.bool_],
    num_relations: int,
) -> Pairs:
    """Tokens of different leaves that hang on one anchor; the kind is the relation of the leaf that is looked at."""
    anchor = leaf_row * rows.token.shape[1] + rows.leaf_head_start[leaves]
    order = np.argsort(anchor, kind="stable")
    _, starts, counts = np.unique(anchor[order], return_index=True, return_counts=True)
    many = counts[np.repeat(np.arange(len(counts)), counts)]
    at, owner = flat_ranges(np.repeat(starts, counts), many)
    one, other = order[owner], order[at]
    one, other = one[one != other], other[one != other]
    pair, slot, other_slot = np.nonzero(filled[one][:, :, None] & filled[other][:, None, :])
    kind = 1 + 2 * num_relations + relation[other[pair]]
    return leaf_row[one[pair]], position[one[pair], slot], position[other[pair], other_slot], kind


def _edge_pairs(rows: Rows, edges: LongArray, place: LongArray, num_relations: int) -> Pairs:
    """Roots that an edge joins, both ways."""
    row, relation = place[rows.edge_row[edges]], rows.edge_relation[edges].astype(np.int64)
    source, target = rows.edge_source[edges].astype(np.int64), rows.edge_target[edges].astype(np.int64)
    forth, back = 1 + 3 * num_relations + relation, 1 + 4 * num_relations + relation
    return (
        np.concatenate([row, row]),
        np.concatenate([source, target]),
        np.concatenate([target, source]),
        np.concatenate([forth, back]),
    )
