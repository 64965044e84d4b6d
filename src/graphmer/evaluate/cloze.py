"""Two-sided cloze n-grams: which name fits a hole, by counts over the package's other code."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from graphmer.evaluate.queries import FloatArray, IntArray

REACH = 3  # tokens each side that the longest order reads
MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: a multiplier that spreads neighbouring ids
SHIFT = 29
RIGHT_SIDE = 1 << 40  # sets a token on the right apart from the same on the left
WORD_MASK = (1 << 64) - 1


class Order(NamedTuple):
    """How many tokens left and right of the hole a context holds."""

    left: int
    right: int


LEFT = (Order(1, 0), Order(2, 0), Order(3, 0))
RIGHT = (Order(0, 1), Order(0, 2))
BOTH = (Order(1, 0), Order(1, 1), Order(2, 1), Order(2, 2), Order(3, 2))
ORDERS = tuple(sorted(set(LEFT + RIGHT + BOTH)))


def context_keys(token: IntArray, start: IntArray, end: IntArray, order: Order) -> IntArray:
    """(H,) 64-bit keys of the contexts of holes [start, end] (inclusive positions) in a stream of tokens."""
    key = np.full(len(start), order.left * 16 + order.right, np.uint64)
    for step in range(1, order.left + 1):
        key = (key ^ token[start - step].astype(np.uint64)) * MIX
        key ^= key >> np.uint64(SHIFT)
    for step in range(1, order.right + 1):
        key = (key ^ (token[end + step].astype(np.uint64) + np.uint64(RIGHT_SIDE))) * MIX
        key ^= key >> np.uint64(SHIFT)
    return key


def keys_around(tokens: Sequence[int]) -> dict[Order, int]:
    """The keys of every order around one hole in the middle of 2 REACH + 2 tokens: context_keys without its arrays."""
    keys = {}
    for order in ORDERS:
        key = order.left * 16 + order.right
        for step in range(1, order.left + 1):
            key = (key ^ tokens[REACH - step]) * int(MIX) & WORD_MASK
            key ^= key >> SHIFT
        for step in range(1, order.right + 1):
            key = (key ^ tokens[REACH + 1 + step] + RIGHT_SIDE) * int(MIX) & WORD_MASK
            key ^= key >> SHIFT
        keys[order] = key
    return keys


class ContextIndex:
    """Counts of labels in contexts over H holes of a stream; any holes can be left out of a look-up."""

    def __init__(
        self, token: IntArray, start: IntArray, end: IntArray, label: IntArray, orders: Sequence[Order]
    ) -> None:
        """start, end, label: (H,) inclusive positions of each hole and what fills it."""
        self.label = label
        self.keys = {order: context_keys(token, start, end, order) for order in orders}
        self._tables = {order: _pair_counts(keys, label) for order, keys in self.keys.items()}

    def counts(self, order: Order, key: int, without: IntArray) -> tuple[IntArray, FloatArray]:
        """(labels, counts) seen in a context, holes at rows `without` left out; labels may repeat."""
        keys, labels, counts = self._tables[order]
        low = int(np.searchsorted(keys, np.uint64(key)))
        high = int(np.searchsorted(keys, np.uint64(key), side="right"))
        gone = self.label[without[self.keys[order][without] == np.uint64(key)]]
        if len(gone) == 0:
            return labels[low:high], counts[low:high]
        return np.concatenate([labels[low:high], gone]), np.concatenate(
            [counts[low:high], np.full(len(gone), -1.0, np.float32)]
        )

    def backed_off(
        self,
        chain: Sequence[Order],
        keys: Mapping[Order, int],
        base: FloatArray,
        without: IntArray,
        prior: float,
    ) -> FloatArray:
        """(labels,) probabilities from `base`, sharpened by each order of the chain in turn.

        Each order is a Dirichlet posterior whose mean is the one before: p_k = (c_k + prior p_(k-1)) / (n_k + prior).
        """
        probability = base
        for order in chain:
            labels, counts = self.counts(order, keys[order], without)
            if len(labels) == 0:
                continue  # a longer order has been seen no more often
            # Summed before they are divided: what is left out must cancel exactly, or a log of 0 follows.
            seen = np.bincount(labels, weights=counts, minlength=len(base))
            probability = ((seen + prior * probability) / (seen.sum() + prior)).astype(np.float32)
        return probability


def _pair_counts(keys: IntArray, label: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Unique (key, label) pairs sorted by key, and how often each was seen."""
    order = np.lexsort((label, keys))
    keys, label = keys[order], label[order]
    new = np.ones(len(keys), np.bool_)
    new[1:] = (keys[1:] != keys[:-1]) | (label[1:] != label[:-1])
    starts = np.flatnonzero(new)
    counts = np.diff(np.append(starts, len(keys))).astype(np.float32)
    return keys[starts], label[starts], counts
