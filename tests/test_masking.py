"""Masks: exactly M slots a row, roots only, whole spans, the rest untouched, and the two roots around each run."""

import math

import numpy as np
import pytest

from graphmer.pack.tokenizer import HIDDEN, PAD, SPECIAL_TOKENS
from graphmer.train.masking import Masked, MaskRule, mask_roots

RULE = MaskRule(share=0.15, span_end=0.5, max_span=7, vocabulary=100)


def grid(seed: int, rows: int = 6, length: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of three documents (roots and a leaf; roots alone; roots and leaves), then padding; one hidden name."""
    rng = np.random.default_rng(seed)
    token = rng.integers(len(SPECIAL_TOKENS), 100, (rows, length)).astype(np.int32)
    slot = np.zeros((rows, length), np.int32)
    slot[:, 9:11] = slot[:, 48:56] = 1
    token[:, 56:] = PAD
    token[:, 5] = HIDDEN
    document = np.repeat([1, 2, 3, 0], [11, 14, 31, 8])[None, :].repeat(rows, axis=0).astype(np.int32)
    return token, slot, rng.random((rows, length)) < 0.6, document


def slow_boundaries(masked: Masked, slot: np.ndarray, document: np.ndarray) -> dict[tuple[int, int], tuple[int, ...]]:
    """By row and masked position: the root left of its run, the one right of it and its place; none at an end."""
    found = {}
    for row in range(len(slot)):
        hidden = set(masked.position[row][masked.weight[row] > 0].tolist())
        roots = {p for p in range(slot.shape[1]) if slot[row, p] == 0 and document[row, p] > 0}
        for position in hidden:
            same = {p for p in roots if document[row, p] == document[row, position]}
            left = right = position
            while left in hidden & same:
                left -= 1
            while right in hidden & same:
                right += 1
            if left in same and right in same:
                found[row, position] = (left, right, min(position - left - 1, RULE.max_span - 1))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_every_row_masks_its_exact_share_of_roots(seed: int) -> None:
    token, slot, first, document = grid(seed)
    masked = mask_roots(token, slot, first, document, RULE, np.random.default_rng(seed))
    assert masked.position.shape == (6, math.ceil(0.15 * 64))
    assert masked.weight.sum(axis=1).tolist() == [round(0.15 * 45)] * 6


@pytest.mark.parametrize("seed", range(5))
def test_leaves_padding_and_hidden_names_are_never_masked_and_nothing_else_changes(seed: int) -> None:
    token, slot, first, document = grid(seed)
    masked = mask_roots(token, slot, first, document, RULE, np.random.default_rng(seed))
    changed = masked.token != token
    assert not changed[:, 48:].any()
    assert not changed[:, 9:11].any()
    assert not changed[:, 5].any()
    for row in range(6):
        allowed = set(masked.position[row][masked.weight[row] > 0].tolist())
        assert set(np.flatnonzero(changed[row]).tolist()) <= allowed


def test_targets_are_the_original_tokens_and_most_are_shown_as_mask() -> None:
    token, slot, first, document = grid(0, rows=200)
    masked = mask_roots(token, slot, first, document, RULE, np.random.default_rng(0))
    assert np.array_equal(np.take_along_axis(token, masked.position, axis=1), masked.target)
    used = masked.weight > 0
    shown = np.take_along_axis(masked.token, masked.position, axis=1)[used]
    assert 0.75 < (shown == 2).mean() < 0.85


def test_an_identifier_is_masked_whole() -> None:
    token = np.arange(10, 50, dtype=np.int32)[None, :]
    first = (np.arange(40) % 4 == 0)[None, :]
    rule = MaskRule(share=0.2, span_end=1.0, max_span=7, vocabulary=100)
    masked = mask_roots(token, np.zeros_like(token), first, np.ones_like(token), rule, np.random.default_rng(0))
    chosen = np.sort(masked.position[0][masked.weight[0] > 0])
    assert chosen.tolist() == [start + i for start in sorted({int(c) // 4 * 4 for c in chosen}) for i in range(4)]


@pytest.mark.parametrize("share", [0.15, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_boundaries_are_the_unmasked_roots_around_each_run(seed: int, share: float) -> None:
    token, slot, first, document = grid(seed, rows=20)
    rule = MaskRule(share, RULE.span_end, RULE.max_span, RULE.vocabulary)
    masked = mask_roots(token, slot, first, document, rule, np.random.default_rng(seed))
    truth = slow_boundaries(masked, slot, document)
    found = {
        (row, int(masked.position[row, m])): tuple(int(x[row, m]) for x in (masked.left, masked.right, masked.offset))
        for row, m in zip(*np.nonzero(masked.boundary_weight), strict=True)
    }
    assert found == truth
    assert not np.any(masked.boundary_weight[masked.weight == 0])
    for place in (masked.left, masked.right):
        assert place.min() >= 0
        assert place.max() < 64


def test_a_run_at_an_end_of_its_document_has_no_boundary() -> None:
    token = np.arange(10, 22, dtype=np.int32)[None, :]
    document = np.repeat([1, 2], 6)[None, :].astype(np.int32)
    first = np.arange(12)[None, :] % 3 == 0
    rule = MaskRule(share=1.0, span_end=0.5, max_span=7, vocabulary=100)
    masked = mask_roots(token, np.zeros_like(token), first, document, rule, np.random.default_rng(0))
    assert masked.weight.sum() == 12
    assert masked.boundary_weight.sum() == 0


def test_a_hidden_name_is_a_boundary() -> None:
    token = np.asarray([[20, HIDDEN, 21, 22, HIDDEN, 23]], np.int32)
    rule = MaskRule(share=0.5, span_end=1.0, max_span=7, vocabulary=100)
    first = np.asarray([[True, True, True, False, True, True]])
    for seed in range(20):
        rng = np.random.default_rng(seed)
        masked = mask_roots(token, np.zeros_like(token), first, np.ones_like(token), rule, rng)
        if set(masked.position[0][masked.weight[0] > 0].tolist()) == {2, 3}:
            assert masked.left[0, :2].tolist() == [1, 1]
            assert masked.right[0, :2].tolist() == [4, 4]
            assert masked.offset[0, :2].tolist() == [0, 1]
            assert masked.boundary_weight[0].tolist() == [1, 1, 0]
            return
    raise AssertionError("no seed of 20 masked the middle name")


def test_a_span_never_leaves_its_document() -> None:
    token = np.full((300, 8), 50, np.int32)
    document = np.repeat([1, 2], 4)[None, :].repeat(300, axis=0).astype(np.int32)
    rule = MaskRule(share=0.5, span_end=0.0, max_span=7, vocabulary=100)
    first = np.ones((300, 8), np.bool_)
    masked = mask_roots(token, np.zeros_like(token), first, document, rule, np.random.default_rng(0))
    chosen = {tuple(row.tolist()) for row in masked.position}
    assert chosen == {(0, 1, 2, 3), (4, 5, 6, 7)}


def test_spans_are_chosen_evenly_over_a_row() -> None:
    token = np.full((4000, 40), 50, np.int32)
    first = np.arange(40)[None, :].repeat(4000, axis=0) % 2 == 0
    rule = MaskRule(share=0.15, span_end=1.0, max_span=7, vocabulary=100)
    masked = mask_roots(token, np.zeros_like(token), first, np.ones_like(token), rule, np.random.default_rng(0))
    share = np.bincount(masked.position.ravel(), minlength=40) / 4000
    assert np.all(np.abs(share - 0.15) < 0.03)  # 5 standard errors of 0.0056
