"""What one process computes on at once, as tensors, and the totals of the whole step that its sums are divided by."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from graphmer.model.batch import Batch
from graphmer.model.texts import TextRows


@dataclass
class MicroBatch:
    """One process's rows of one micro-step. B rows; M masked slots a row; Q queries and K keys of all processes.

    Own rows. mlm_position, mlm_target, mlm_weight: (B x M,), positions flat. span_left, span_right, span_offset,
    span_weight: (B x M,) the roots around each slot's span and its place in it. leaf: (Qo,) masked leaves among the
    batch's, padded; leaf_weight: (Qo,) 0 where padded; name: (Qo, P) their names' tokens. texts: this process's slice
    of the keys, then of the pairs' docstrings, then of their functions; (Ko + No + No) of them.
    All processes alike. query_at: (Q,) place of each query among the gathered; query_group, query_relation: (Q,);
    query_head: (Q,) its head's key, -1 where none; target: (Q,) its tail's key. key_group: (K,), -1 where padded.
    known: (Q, K) other true tails. pair_group: (N,), -1 where padded; twin: (N, N) pairs with the same words.
    totals: (5,) float32 of the whole step: mlm, sbo, mnm and link weights, pairs.
    """

    batch: Batch
    mlm_position: Tensor
    mlm_target: Tensor
    mlm_weight: Tensor
    span_left: Tensor
    span_right: Tensor
    span_offset: Tensor
    span_weight: Tensor
    leaf: Tensor
    leaf_weight: Tensor
    name: Tensor
    texts: TextRows
    query_at: Tensor
    query_group: Tensor
    query_relation: Tensor
    query_head: Tensor
    target: Tensor
    key_group: Tensor
    known: Tensor
    pair_group: Tensor
    twin: Tensor
    totals: Tensor

    def to(self, device: torch.device) -> "MicroBatch":
        """The same micro-batch on a device."""
        return MicroBatch(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    @property
    def occupied(self) -> int:
        """Positions that hold a root or a leaf."""
        return int((self.batch.document > 0).sum())


@dataclass(frozen=True)
class Share:
    """Which rows of a step are a process's: `rows` at a time of each micro-step. Facts of the machine."""

    rank: int
    world: int
    rows: int
