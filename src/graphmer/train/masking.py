"""Which roots masked language modelling hides: exactly M slots a row, whole identifiers and short spans."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphmer.pack.tokenizer import HIDDEN, MASK, PAD, SPECIAL_TOKENS

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Masked:
    """token: (B, S) with masks laid in. position: (B, M) in the row; target: (B, M); weight: (B, M) 0 where unused."""

    token: IntArray
    position: IntArray
    target: IntArray
    weight: npt.NDArray[np.float32]


@dataclass(frozen=True)
class MaskRule:
    """share of roots; a span ends after each unit with probability span_end, and after max_span tokens."""

    share: float
    span_end: float
    max_span: int
    vocabulary: int


def mask_roots(
    token: npt.NDArray[np.int32],
    slot: npt.NDArray[np.int32],
    first: npt.NDArray[np.bool_],
    rule: MaskRule,
    rng: np.random.Generator,
) -> Masked:
    """Mask `share` of each row's roots: 80 % [MASK], 10 % a random token, 10 % as they are.

    token, slot, first: (B, S) of the layout. Exactly ceil(share x S) slots a row: a boolean pick would give XLA a new
    shape every step; the slots past the row's own share weigh nothing. Source: BERT; SpanBERT for the spans.
    """
    rows, length = token.shape
    slots = math.ceil(rule.share * length)
    eligible = (slot == 0) & (token != PAD) & (token != HIDDEN)
    begins = first & (rng.random((rows, length)) < rule.span_end)
    begins[:, 0] = True
    span = np.cumsum(begins, axis=1) - 1
    index = np.arange(length)
    span_start = np.maximum.accumulate(np.where(begins, index, 0), axis=1)
    score = np.take_along_axis(rng.random((rows, length)), span, axis=1)
    score = np.where(eligible & (index - span_start < rule.max_span), score, np.inf)
    position = np.argsort(score, axis=1, kind="stable")[:, :slots]
    share = np.rint(rule.share * eligible.sum(axis=1)).astype(np.int64)
    used = (np.arange(slots) < share[:, None]) & np.isfinite(np.take_along_axis(score, position, axis=1))
    target = np.take_along_axis(token, position, axis=1).astype(np.int64)
    dice = rng.random((rows, slots))
    random_token = rng.integers(len(SPECIAL_TOKENS), rule.vocabulary, (rows, slots))
    shown = np.where(dice < 0.8, MASK, np.where(dice < 0.9, random_token, target))
    masked = token.astype(np.int64)
    np.put_along_axis(masked, position, np.where(used, shown, target), axis=1)
    return Masked(masked, position.astype(np.int64), target, used.astype(np.float32))
