"""Which roots masked language modelling hides: exactly M slots a row, whole identifiers and short spans."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphmer.pack.tokenizer import HIDDEN, MASK, PAD, SPECIAL_TOKENS

IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Masked:
    """What a batch of rows hides. B rows, S positions, M slots a row by position, unused ones last.

    token: (B, S) with masks laid in. position, target: (B, M), in the row. weight: (B, M) 0 where unused.
    left, right: (B, M) positions of the unmasked roots before and after the slot's maximal run of masked positions.
    offset: (B, M) the slot's place in that run from 0, at most max_span - 1. boundary_weight: (B, M) 0 where the slot
    is unused or its run touches an end of its document; left and right are then some position of the row.
    """

    token: IntArray
    position: IntArray
    target: IntArray
    weight: FloatArray
    left: IntArray
    right: IntArray
    offset: IntArray
    boundary_weight: FloatArray


@dataclass(frozen=True)
class MaskRule:
    """share of roots; a span ends after each unit with probability span_end, and after max_span tokens."""

    share: float
    span_end: float
    max_span: int
    vocabulary: int


def mask_roots(
    token: RowArray, slot: RowArray, first: BoolArray, document: RowArray, rule: MaskRule, rng: np.random.Generator
) -> Masked:
    """Mask `share` of each row's roots: 80 % [MASK], 10 % a random token, 10 % as they are.

    token, slot, first, document: (B, S) of the layout. Exactly ceil(share x S) slots a row: a boolean pick would give
    XLA a new shape every step; the slots past the row's own share weigh nothing. A span never leaves its document.
    Source: BERT; SpanBERT (Joshi et al., 2020) for the spans and their boundaries.
    """
    rows, length = token.shape
    slots = math.ceil(rule.share * length)
    eligible = (slot == 0) & (token != PAD) & (token != HIDDEN)
    share = np.rint(rule.share * eligible.sum(axis=1)).astype(np.int64)
    score, age = _spans(first, document, rule, rng)
    position, used = _choose(score, eligible & (age < rule.max_span), share, slots)
    at = position + np.arange(rows)[:, None] * length
    target = token.ravel()[at].astype(np.int64)
    dice = rng.random((rows, slots), np.float32)
    random_token = rng.integers(len(SPECIAL_TOKENS), rule.vocabulary, (rows, slots))
    shown = np.where(dice < 0.8, MASK, np.where(dice < 0.9, random_token, target))
    masked = token.astype(np.int64, order="C")  # so that ravel is a view
    masked.ravel()[at[used]] = shown[used]
    left, right, offset, inside = _boundaries(position, used, slot, document)
    return Masked(
        token=masked,
        position=position,
        target=target,
        weight=used.astype(np.float32),
        left=left,
        right=right,
        offset=np.minimum(offset, rule.max_span - 1),
        boundary_weight=inside.astype(np.float32),
    )


def _spans(
    first: BoolArray, document: RowArray, rule: MaskRule, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint32], IntArray]:
    """Two (B, S) grids: a random 31-bit number of each position's span, and the position's place in its span."""
    # One draw of 64 bits a position: the low 32 say whether a span begins there, the high 31 score it.
    bits = rng.bit_generator.random_raw(first.size).reshape(first.shape)
    begins = first & ((bits & np.uint64(0xFFFFFFFF)) < np.uint64(rule.span_end * 2**32))
    begins[:, 0] = True
    begins[:, 1:] |= document[:, 1:] != document[:, :-1]
    # Branchless, unlike np.repeat over the spans: their lengths are random, and a wrong guess a span costs 10 ns.
    flat = np.arange(first.size)
    start = np.maximum.accumulate(flat * begins.ravel())
    score = (bits.ravel() >> np.uint64(33)).astype(np.uint32)[start]
    return score.reshape(first.shape), (flat - start).reshape(first.shape)


def _choose(
    score: npt.NDArray[np.uint32], eligible: BoolArray, share: IntArray, slots: int
) -> tuple[IntArray, BoolArray]:
    """Spans in the order of their score until each row's share is full: (B, M) positions, rising, and which are used.

    A key is the span's score with the position in its low bits: no two of a row are equal, so a partition is exact, and
    one number is sorted instead of a number and its index.
    """
    length = score.shape[1]
    low = np.uint32((1 << (length - 1).bit_length()) - 1)
    last = np.uint32(0xFFFFFFFF)  # past every key: a score has 31 bits
    key = np.where(eligible, (score & ~low) | np.arange(length, dtype=np.uint32), last)
    if slots < length:
        key = np.partition(key, slots, axis=1)[:, :slots]
    key.sort(axis=1)
    used = (np.arange(slots) < share[:, None]) & (key != last)
    # Unused slots go past the end to be sorted last, and come back as position 0.
    position = np.where(used, (key & low).astype(np.int64), length)
    position.sort(axis=1)
    used = position < length
    return np.where(used, position, 0), used


def _boundaries(
    position: IntArray, used: BoolArray, slot: RowArray, document: RowArray
) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    """Left and right root of each slot's run, its place in the run, and whether both roots are there; (B, M) each."""
    rows, slots = position.shape
    length = slot.shape[1]
    base = np.arange(rows)[:, None] * length
    # Roots of other documents and leaves are told apart from this document's roots by one number.
    home = np.where(slot == 0, document, 0).ravel()
    own = home[position + base]
    joined = np.zeros((rows, slots + 1), np.bool_)
    joined[:, 1:-1] = used[:, 1:] & (position[:, 1:] == position[:, :-1] + 1) & (own[:, 1:] == own[:, :-1])
    place = np.arange(slots)
    begin = np.maximum.accumulate(np.where(joined[:, :-1], 0, place), axis=1)
    end = np.minimum.accumulate(np.where(joined[:, 1:], slots, place)[:, ::-1], axis=1)[:, ::-1]
    offset = place - begin
    left, right = position - offset - 1, position + (end - place) + 1
    low, high = np.maximum(left, 0), np.minimum(right, length - 1)
    inside = used & (left >= 0) & (right < length) & (home[low + base] == own) & (home[high + base] == own)
    return low, high, offset, inside
