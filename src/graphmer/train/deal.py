"""Deals a step out: the rows, queries, keys and pairs that one process computes in one micro-step."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from graphmer.model.batch import StaticSizes, rows_batch
from graphmer.model.config import Vocabulary
from graphmer.model.texts import packed_texts
from graphmer.pack.rows import Rows
from graphmer.pack.shards import EntityArrays, LongArray, SplitArrays
from graphmer.pack.tokenizer import PAD
from graphmer.train.groups import Group
from graphmer.train.masking import Masked
from graphmer.train.micro_batch import MicroBatch, Share

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class FixedSizes:
    """Room that no step of an epoch outgrows, for a compiler that wants every shape to stay as it is.

    queries: masked leaves of a row. keys: of a group.
    """

    batch: StaticSizes
    queries: int
    keys: int

    def at_least(self, other: "FixedSizes") -> "FixedSizes":
        """The room that holds both."""
        pairs = zip(astuple(self.batch), astuple(other.batch), strict=True)
        batch = StaticSizes(*(max(pair) for pair in pairs))
        return FixedSizes(batch, max(self.queries, other.queries), max(self.keys, other.keys))


@dataclass(frozen=True)
class Step:
    """A whole step. chosen: (rows,) of the layout, group after group. totals: (5,) as MicroBatch has them."""

    rows: Rows
    chosen: LongArray
    masked: Masked
    groups: list[Group]
    totals: npt.NDArray[np.float32]
    sizes: FixedSizes | None


class Dealer:
    """Turns a process's part of a step into tensors."""

    def __init__(self, split: SplitArrays, entities: EntityArrays, vocabulary: Vocabulary) -> None:
        self.split, self.entities, self.vocabulary = split, entities, vocabulary

    def part(self, step: Step, start: int, rows: int, share: Share) -> MicroBatch:
        """What `share.rank` computes of the micro-step that begins at row `start` of the step, `rows` a process."""
        own = slice(start + share.rank * rows, start + (share.rank + 1) * rows)
        vocabulary = self.vocabulary
        fixed = step.sizes.batch if step.sizes else None
        shape = (vocabulary.relations, vocabulary.name_slots)
        batch, leaves = rows_batch(step.rows, step.chosen[own], *shape, fixed)
        if len(leaves) == 0 and share.world > 1:
            # Other processes may have queries, and each sends as many vectors: padded leaves give it some to send.
            room = StaticSizes(leaves_per_row=1, pairs_per_row=max(1, len(batch.pair_row)), head_tokens=1)
            batch, leaves = rows_batch(step.rows, step.chosen[own], *shape, room)
        batch.token = torch.from_numpy(step.masked.token[own])
        size = len(step.chosen) // len(step.groups)
        groups = step.groups[start // size : (start + rows * share.world) // size]
        inside = step.chosen[start : start + rows * share.world]
        arrays: Arrays = {"totals": step.totals, **_masked_slots(step.masked, own)}
        arrays |= self._queries(step, groups, inside, leaves, rows, share)
        key, key_group = self._keys(step, groups, share)
        text, code, pairs = _pairs(groups, share)
        arrays |= {"key_group": key_group, **pairs}
        tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
        return MicroBatch(batch=batch, texts=packed_texts([key, text, code], fixed is not None), **tensors)

    def _queries(
        self, step: Step, groups: Sequence[Group], inside: LongArray, leaves: LongArray, rows: int, share: Share
    ) -> Arrays:
        leaf = np.concatenate([group.leaf for group in groups])
        group_of = np.repeat(np.arange(len(groups)), [len(group.leaf) for group in groups])
        place = np.full(step.rows.num_rows, -1, np.int64)
        place[inside] = np.arange(len(inside))
        rank = place[step.rows.leaf_row[leaf]] // rows
        counts = np.bincount(rank, minlength=share.world)
        slots = step.sizes.queries * rows if step.sizes else int(counts.max(initial=0))
        # A process's own queries come in the order of the layout's leaves.
        order = np.lexsort((leaf, rank))
        at = np.empty(len(leaf), np.int64)
        before = np.repeat(np.cumsum(counts) - counts, counts)
        at[order] = np.arange(len(leaf)) - before + rank[order] * slots
        own = np.sort(leaf[rank == share.rank])
        tail = self.split.leaf_tail[step.rows.leaf_source[own]]
        offset = _key_offsets(groups, step.sizes)[group_of]
        head = np.concatenate([group.head for group in groups])
        total = slots * share.world if step.sizes else len(leaf)
        return {
            "leaf": _padded(_find(leaves, own), slots, 0),
            "leaf_weight": _padded(np.ones(len(own), np.float32), slots, 0),
            "name": _padded(self.entities.name_token[tail].astype(np.int64), slots, 0),
            "query_at": _padded(at, total, 0),
            "query_group": _padded(group_of, total, -2),
            "query_relation": _padded(np.concatenate([group.relation for group in groups]), total, 0),
            "query_head": _padded(np.where(head >= 0, head + offset, -1), total, -1),
            "target": _padded(np.concatenate([group.target for group in groups]) + offset, total, 0),
            "known": _padded(_known(groups, step.sizes, share), total, False),
        }

    def _keys(self, step: Step, groups: Sequence[Group], share: Share) -> tuple[LongArray, LongArray]:
        """This process's equal slice of the keys, (Ko, T) tokens, and the group of every process's."""
        room = _room(groups, step.sizes, share)
        entity, group_of = np.zeros(room, np.int64), np.full(room, -1, np.int64)
        for index, (group, offset) in enumerate(zip(groups, _key_offsets(groups, step.sizes), strict=True)):
            entity[offset : offset + len(group.key)] = group.key
            group_of[offset : offset + len(group.key)] = index
        own = slice(share.rank * room // share.world, (share.rank + 1) * room // share.world)
        token = np.where(group_of[own, None] >= 0, self.entities.key_token[entity[own]], PAD)
        return token.astype(np.int64), group_of


def _find(leaves: LongArray, wanted: LongArray) -> LongArray:
    """Where each wanted leaf stands among a batch's, which hold -1 where they are padded."""
    order = np.argsort(leaves, kind="stable")
    found: LongArray = order[np.searchsorted(leaves, wanted, sorter=order)]
    return found


def _key_offsets(groups: Sequence[Group], sizes: FixedSizes | None) -> LongArray:
    """Where each group's keys begin among the micro-step's."""
    counts = [sizes.keys if sizes else len(group.key) for group in groups]
    return np.cumsum([0, *counts[:-1]]).astype(np.int64)


def _room(groups: Sequence[Group], sizes: FixedSizes | None, share: Share) -> int:
    """Keys of the micro-step, padded to a whole number a process."""
    count = sizes.keys * len(groups) if sizes else sum(len(group.key) for group in groups)
    return -(-count // share.world) * share.world


def _known(groups: Sequence[Group], sizes: FixedSizes | None, share: Share) -> npt.NDArray[np.bool_]:
    """(Q, K) other true tails, block by block; other groups' keys are told apart by their group."""
    known = np.zeros((sum(len(group.leaf) for group in groups), _room(groups, sizes, share)), np.bool_)
    first = 0
    for group, offset in zip(groups, _key_offsets(groups, sizes), strict=True):
        known[first : first + len(group.leaf), offset : offset + len(group.key)] = group.known
        first += len(group.leaf)
    return known


def _masked_slots(masked: Masked, own: slice) -> Arrays:
    base = np.arange(own.stop - own.start)[:, None] * masked.token.shape[1]
    return {
        "mlm_position": (masked.position[own] + base).ravel(),
        "mlm_target": masked.target[own].ravel(),
        "mlm_weight": masked.weight[own].ravel(),
        "span_left": (masked.left[own] + base).ravel(),
        "span_right": (masked.right[own] + base).ravel(),
        "span_offset": masked.offset[own].ravel(),
        "span_weight": masked.boundary_weight[own].ravel(),
    }


def _pairs(groups: Sequence[Group], share: Share) -> tuple[LongArray, LongArray, Arrays]:
    """Tokens of docstrings and of functions, an equal slice a process; groups, and which of all have the same words."""
    text = np.concatenate([group.text for group in groups]).astype(np.int64)
    code = np.concatenate([group.code for group in groups]).astype(np.int64)
    group_of = np.repeat(np.arange(len(groups)), [len(group.text) for group in groups])
    room = -(-len(text) // share.world) * share.world
    text, code = _padded(text, room, PAD), _padded(code, room, PAD)
    own = slice(share.rank * room // share.world, (share.rank + 1) * room // share.world)
    twin = (text[:, None] == text[None, :]).all(axis=2) & ~np.eye(room, dtype=np.bool_)
    return text[own], code[own], {"pair_group": _padded(group_of, room, -1), "twin": twin}


def _padded(values: npt.NDArray[Any], length: int, fill: object) -> npt.NDArray[Any]:
    """`values` with `fill` behind them up to `length` rows."""
    result = np.full((length, *values.shape[1:]), fill, values.dtype)
    result[: len(values)] = values
    return result
