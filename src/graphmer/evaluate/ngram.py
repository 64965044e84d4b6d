"""A two-sided n-gram with a file cache: what counting alone knows of a masked token.

A chain of estimates, each a little more specific than the one it backs off to: for every context shape (so many
tokens on the left, so many on the right) first the train split's counts, then those of the same file. Each link is
p = (count + prior * p_before) / (total + prior), so the end of the chain is a weighted sum of counts and only the
tokens that some context has seen need a score.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphmer.evaluate.config import MaskedParams
from graphmer.pack.shards import SplitArrays

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

OUTSIDE = -1  # stands beyond a window's ends
# A context's rarer continuations cannot win: 64 of the file's or the train split's most frequent ones are enough.
MAX_CONTINUATIONS = 64


@dataclass(frozen=True)
class TokenStream:
    """T tokens of windows one after another. token, window, file: (T,); file 0 where files do not matter."""

    token: IntArray
    window: IntArray
    file: IntArray

    @classmethod
    def of(cls, arrays: SplitArrays) -> "TokenStream":
        """All windows of a split, in their order."""
        lengths = np.diff(arrays.sample_token)
        names = arrays.samples["package"] + "\0" + arrays.samples["file"]
        file_N = np.unique(names.to_numpy(dtype=object), return_inverse=True)[1]
        window_T = np.repeat(np.arange(len(lengths)), lengths)
        return cls(arrays.token_id.astype(np.int64), window_T, file_N[window_T].astype(np.int64))

    def as_one_file(self) -> "TokenStream":
        """The same tokens where files do not matter."""
        return TokenStream(self.token, self.window, np.zeros_like(self.file))


def context_shapes(order: int) -> list[tuple[int, int]]:
    """(left, right) from none to `order` on either side: the right alone, the left alone, then both."""
    shapes = [(0, 0)]
    for length in range(1, order + 1):
        shapes += [(length - 1, length), (length, length - 1), (length, length)]
    return list(dict.fromkeys(shapes))


class NgramCounts:
    """Continuation counts of one context shape: which tokens stand in it, most frequent first."""

    def __init__(self, key: npt.NDArray[np.uint64], token: IntArray) -> None:
        """key: (n,) hash of the context of each occurrence. token: (n,) what stood there."""
        order = np.lexsort((token, key))
        key, token = key[order], token[order]
        fresh = np.ones(len(key), np.bool_)
        fresh[1:] = (key[1:] != key[:-1]) | (token[1:] != token[:-1])
        starts = np.flatnonzero(fresh)
        count = np.diff(np.append(starts, len(key)))
        pair_key, pair_token = key[starts], token[starts]
        order = np.lexsort((pair_token, -count, pair_key))
        self._key, self._token, self._count = pair_key[order], pair_token[order], count[order]
        self._running = np.concatenate([[0], np.cumsum(self._count)])

    def continuations(self, key: npt.NDArray[np.uint64]) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """(row, token, count) of every continuation of each queried context, and (q,) totals of the contexts."""
        low = np.searchsorted(self._key, key, side="left")
        high = np.searchsorted(self._key, key, side="right")
        total = self._running[high] - self._running[low]
        length = np.minimum(high - low, MAX_CONTINUATIONS)
        row = np.repeat(np.arange(len(key)), length)
        place = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length) + low[row]
        return row, self._token[place], self._count[place], total


class NgramCache:
    """The train split's counts and those of each file of another split, its masked tokens never counted."""

    def __init__(self, train: TokenStream, params: MaskedParams) -> None:
        self._params = params
        self._shapes = context_shapes(params.ngram_order)
        self._train = train.as_one_file()

    def predict(self, stream: TokenStream, position: IntArray) -> IntArray:
        """(q,) most likely token at each masked position (index into the stream), all of them hidden together."""
        hidden = np.zeros(len(stream.token), np.bool_)
        hidden[position] = True
        # Masked tokens are struck out before anything is counted or read: neither a context nor a count can see one.
        visible = TokenStream(np.where(hidden, OUTSIDE - 1, stream.token), stream.window, stream.file)
        rows, tokens, scores = [], [], []
        for row, token, score in self._chain(visible, ~hidden, position):
            rows.append(row)
            tokens.append(token)
            scores.append(score)
        return _best(np.concatenate(rows), np.concatenate(tokens), np.concatenate(scores), len(position))

    def _chain(
        self, stream: TokenStream, counted: BoolArray, position: IntArray
    ) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
        """(row, token, share of the probability) of every link, the most specific first."""
        left_over = np.ones(len(position))
        everywhere = np.ones(len(self._train.token), np.bool_)
        links = (
            (stream, stream, counted, self._params.cache_prior),
            (stream.as_one_file(), self._train, everywhere, self._params.ngram_prior),
        )
        for shape in reversed(self._shapes):
            for asked, source, rows, prior in links:
                key = _context_keys(asked, shape, position)
                row, token, count, total = _counts(source, rows, shape, key).continuations(key)
                yield row, token, left_over[row] * count / (total[row] + prior)
                left_over = left_over * prior / (total + prior)


def most_frequent_token(train: TokenStream) -> int:
    """The train split's commonest token; the lowest id among equals."""
    return int(np.bincount(train.token).argmax())


def _counts(
    stream: TokenStream, counted: BoolArray, shape: tuple[int, int], asked: npt.NDArray[np.uint64]
) -> NgramCounts:
    """Counts of the contexts that are asked for alone: sorting the others would take most of the time."""
    position = np.flatnonzero(counted).astype(np.int64)
    key = _context_keys(stream, shape, position)
    wanted = np.isin(key, asked)
    return NgramCounts(key[wanted], stream.token[position[wanted]])


def _context_keys(stream: TokenStream, shape: tuple[int, int], position: IntArray) -> npt.NDArray[np.uint64]:
    """(q,) hash of the file and of the tokens around each position, within its window."""
    key = _mix(stream.file[position].astype(np.uint64))
    left, right = shape
    for offset in [*range(-left, 0), *range(1, right + 1)]:
        place = position + offset
        inside = (place >= 0) & (place < len(stream.token))
        place = np.clip(place, 0, len(stream.token) - 1)
        inside &= stream.window[place] == stream.window[position]
        token = np.where(inside, stream.token[place], OUTSIDE)
        key = _mix(key ^ _mix((token + 16).astype(np.uint64)) + np.uint64(offset + 16))
    return key


def _mix(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser: 64-bit keys, so that two contexts of a corpus practically never share one."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = value ^ (value >> np.uint64(31))
    return mixed


def _best(row: IntArray, token: IntArray, score: FloatArray, rows: int) -> IntArray:
    """(rows,) the token with the largest summed score of each row; the lowest id among equals."""
    order = np.lexsort((token, row))
    row, token, score = row[order], token[order], score[order]
    fresh = np.ones(len(row), np.bool_)
    fresh[1:] = (row[1:] != row[:-1]) | (token[1:] != token[:-1])
    starts = np.flatnonzero(fresh)
    total = np.add.reduceat(score, starts)
    row, token = row[starts], token[starts]
    order = np.lexsort((token, -total, row))
    first = np.searchsorted(row[order], np.arange(rows))
    best: IntArray = token[order][first]
    return best
