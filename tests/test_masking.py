"""Masks: exactly M slots a row, roots only, whole spans, the rest untouched."""

import math

import numpy as np
import pytest

from graphmer.pack.tokenizer import HIDDEN, PAD, SPECIAL_TOKENS
from graphmer.train.masking import MaskRule, mask_roots

RULE = MaskRule(share=0.15, span_end=0.5, max_span=7, vocabulary=100)


def grid(seed: int, rows: int = 6, length: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of roots, then leaves, then padding, with a hidden name among the roots."""
    rng = np.random.default_rng(seed)
    token = rng.integers(len(SPECIAL_TOKENS), 100, (rows, length)).astype(np.int32)
    slot = np.zeros((rows, length), np.int32)
    slot[:, 48:56] = 1
    token[:, 56:] = PAD
    token[:, 5] = HIDDEN
    return token, slot, rng.random((rows, length)) < 0.6


@pytest.mark.parametrize("seed", range(5))
def test_every_row_masks_its_exact_share_of_roots(seed: int) -> None:
    token, slot, first = grid(seed)
    masked = mask_roots(token, slot, first, RULE, np.random.default_rng(seed))
    assert masked.position.shape == (6, math.ceil(0.15 * 64))
    assert masked.weight.sum(axis=1).tolist() == [round(0.15 * 47)] * 6


@pytest.mark.parametrize("seed", range(5))
def test_leaves_padding_and_hidden_names_are_never_masked_and_nothing_else_changes(seed: int) -> None:
    token, slot, first = grid(seed)
    masked = mask_roots(token, slot, first, RULE, np.random.default_rng(seed))
    changed = masked.token != token
    assert not changed[:, 48:].any()
    assert not changed[:, 5].any()
    for row in range(6):
        allowed = set(masked.position[row][masked.weight[row] > 0].tolist())
        assert set(np.flatnonzero(changed[row]).tolist()) <= allowed


def test_targets_are_the_original_tokens_and_most_are_shown_as_mask() -> None:
    token, slot, first = grid(0, rows=200)
    masked = mask_roots(token, slot, first, RULE, np.random.default_rng(0))
    assert np.array_equal(np.take_along_axis(token, masked.position, axis=1), masked.target)
    used = masked.weight > 0
    shown = np.take_along_axis(masked.token, masked.position, axis=1)[used]
    assert 0.75 < (shown == 2).mean() < 0.85


def test_an_identifier_is_masked_whole() -> None:
    token = np.arange(10, 50, dtype=np.int32)[None, :]
    first = (np.arange(40) % 4 == 0)[None, :]
    rule = MaskRule(share=0.2, span_end=1.0, max_span=7, vocabulary=100)
    masked = mask_roots(token, np.zeros_like(token), first, rule, np.random.default_rng(0))
    chosen = np.sort(masked.position[0][masked.weight[0] > 0])
    assert chosen.tolist() == [start + i for start in sorted({int(c) // 4 * 4 for c in chosen}) for i in range(4)]
