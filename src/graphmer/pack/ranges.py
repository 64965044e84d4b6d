"""Arithmetic on groups and ranges of flat arrays."""

import numpy as np
import numpy.typing as npt

from graphmer.pack.shards import IntArray, LongArray


def rank_in_group(group: LongArray | IntArray, order: npt.NDArray[np.int64]) -> LongArray:
    """Place of each element within its group when elements are visited in `order`, which keeps groups together."""
    sorted_group = group[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_group[1:] != sorted_group[:-1]]))
    lengths = np.diff(np.append(starts, len(order)))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    return rank


def flat_ranges(starts: LongArray, lengths: LongArray) -> tuple[LongArray, LongArray]:
    """Indices of many ranges laid end to end, and the range each belongs to."""
    owner = np.repeat(np.arange(len(lengths)), lengths)
    before = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else np.zeros(0, np.int64)
    return np.arange(int(lengths.sum())) - before[owner] + starts[owner], owner
