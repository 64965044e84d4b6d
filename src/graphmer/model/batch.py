"""Rows of the layout as tensors, with the pairs of positions that a relation joins."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

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

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return Batch(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def plain_batch(token: Tensor) -> Batch:
    """A batch of rows without leaves: entity keys, plain code, queries in words. token: (B, S), [PAD] at the end."""
    empty = torch.zeros(0, dtype=torch.long)
    grid = torch.zeros(0, 1, dtype=torch.long)
    zeros = torch.zeros_like(token)
    return Batch(
        token=token,
        document=(token != PAD).long(),
        root=torch.arange(token.shape[1]).expand_as(token).contiguous(),
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
    )


def rows_batch(rows: Rows, chosen: LongArray, num_relations: int, name_slots: int) -> tuple[Batch, LongArray]:
    """Tensors of the `chosen` rows, and which of the layout's leaves they hold, in the batch's order."""
    place = np.full(rows.num_rows, -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    leaves = np.flatnonzero(place[rows.leaf_row] >= 0) if len(rows.leaf_row) else np.zeros(0, np.int64)
    leaf_row = place[rows.leaf_row[leaves]] if len(leaves) else leaves
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
        _edge_pairs(rows, place, num_relations),
    ]
    row, query, key, kind = (np.concatenate(column) for column in zip(*pairs, strict=True))
    base = (leaf_row * length)[:, None]
    numbers = {
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
    tensors = {name: torch.from_numpy(value.astype(np.int64)) for name, value in numbers.items()}
    masks = {"leaf_filled": torch.from_numpy(filled), "leaf_head_filled": torch.from_numpy(head_filled)}
    return Batch(**tensors, **masks), leaves


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
    left: list[int] = []
    right: list[int] = []
    for start, count in zip(starts[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
        group = order[start : start + count]
        left += [int(a) for a in group for b in group if a != b]
        right += [int(b) for a in group for b in group if a != b]
    one, other = np.asarray(left, np.int64), np.asarray(right, np.int64)
    pair, slot, other_slot = np.nonzero(filled[one][:, :, None] & filled[other][:, None, :])
    kind = 1 + 2 * num_relations + relation[other[pair]]
    return leaf_row[one[pair]], position[one[pair], slot], position[other[pair], other_slot], kind


def _edge_pairs(rows: Rows, place: LongArray, num_relations: int) -> Pairs:
    """Roots that an edge joins, both ways."""
    edges = np.flatnonzero(place[rows.edge_row] >= 0) if len(rows.edge_row) else np.zeros(0, np.int64)
    row, relation = place[rows.edge_row[edges]], rows.edge_relation[edges].astype(np.int64)
    source, target = rows.edge_source[edges].astype(np.int64), rows.edge_target[edges].astype(np.int64)
    forth, back = 1 + 3 * num_relations + relation, 1 + 4 * num_relations + relation
    return (
        np.concatenate([row, row]),
        np.concatenate([source, target]),
        np.concatenate([target, source]),
        np.concatenate([forth, back]),
    )
