"""Docstrings and the functions they describe as token rows: the material of the contrastive text-code term."""

import numpy as np

from graphmer.pack.ranges import flat_ranges
from graphmer.pack.rows import hide_names
from graphmer.pack.shards import BoolArray, IntArray, LongArray, SplitArrays
from graphmer.pack.tokenizer import PAD


def pair_ends(split: SplitArrays) -> LongArray:
    """(P,) sample after the last window of each pair's function.

    A docstring that fills the first window may go on in the next, and nothing says how far: there the first is all.
    """
    columns = [split.samples[name].to_numpy(dtype=object) for name in ("package", "file", "owner")]
    goes_on = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    ends = np.append(np.flatnonzero(~goes_on) + 1, split.num_samples)
    sample = split.pair_sample.astype(np.int64)
    roots = np.diff(split.sample_token)[sample]
    fills = (split.pair_doc_end == roots) & (split.pair_doc_end > split.pair_doc_start)
    found: LongArray = np.where(fills, sample + 1, ends[np.searchsorted(ends, sample, side="right")])
    return found


def pair_rows(
    split: SplitArrays, pair: LongArray, end: LongArray, hide: BoolArray, max_text: int, max_code: int
) -> tuple[IntArray, IntArray]:
    """Padded tokens of docstrings (n, max_text) and of their functions without them (n, max_code).

    pair: (n,). end: (n,) of `pair_ends`. hide: (n,) whether each mention of the function's name becomes one [HIDDEN]
    token on both sides.
    """
    begin = split.pair_text[pair]
    source, owner = flat_ranges(begin, split.pair_text[pair + 1] - begin)
    text = _rows(
        split.pair_token[source],
        split.pair_token_first[source],
        (split.pair_token_word[source] == split.pair_word[pair][owner]) & hide[owner],
        owner,
        (len(pair), max_text),
    )
    sample = split.pair_sample[pair].astype(np.int64)
    begin = split.sample_token[sample]
    source, owner = flat_ranges(begin, split.sample_token[end] - begin)
    root = source - begin[owner]
    kept = (root < split.pair_doc_start[pair][owner]) | (root >= split.pair_doc_end[pair][owner])
    source, owner = source[kept], owner[kept]
    code = _rows(
        split.token_id[source],
        split.token_first[source],
        (split.token_word[source] == split.pair_word[pair][owner]) & hide[owner],
        owner,
        (len(pair), max_code),
    )
    return text, code


def _rows(token: IntArray, first: BoolArray, hidden: BoolArray, owner: LongArray, shape: tuple[int, int]) -> IntArray:
    """Tokens by owner in padded rows, names hidden, cut at the width."""
    token, _, kept = hide_names(token, first, hidden, owner)
    token, owner = token[kept], owner[kept]
    count = np.bincount(owner, minlength=shape[0])
    place = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    rows = np.full(shape, PAD, np.int32)
    inside = place < shape[1]
    rows[owner[inside], place[inside]] = token[inside]
    return rows
