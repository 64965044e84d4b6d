"""Two-sided n-grams over tokens with a cache of the file: what counting says of a masked token."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphmer.evaluate.config import MaskedParams

IntArray = npt.NDArray[np.int64]
Counts = Mapping[int, dict[int, int]]

HOLE = -1  # a masked token, as a neighbour sees it
EDGE = -2  # beyond the window
MAX_CONTINUATIONS = 40  # of one context that are weighed, the most frequent first


def contexts(order: int) -> list[tuple[int, ...]]:
    """Neighbours (offsets) that each context reads, from the least telling to the longest."""
    chain: list[tuple[int, ...]] = [(), (1,), (-1,), (-1, 1)]
    for reach in range(2, order + 1):
        chain += [(*range(-reach, 0), 1), (*range(-reach, 0), *range(1, reach + 1))]
    return chain


def context_keys(tokens: IntArray, window: IntArray, offsets: tuple[int, ...]) -> IntArray:
    """(T,) a 64-bit key of each position's neighbours; windows do not see each other."""
    key = np.zeros(len(tokens), np.uint64)
    for offset in offsets:
        shifted = np.full(len(tokens), EDGE, np.int64)
        if offset < 0:
            shifted[-offset:] = np.where(window[-offset:] == window[:offset], tokens[:offset], EDGE)
        else:
            shifted[:-offset] = np.where(window[:-offset] == window[offset:], tokens[offset:], EDGE)
        key = (key + (shifted + 3).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key.view(np.int64)


def count_continuations(keys: IntArray, tokens: IntArray, wanted: IntArray) -> Counts:
    """{context key: {token: count}} of the contexts that are asked for; a masked token is no continuation."""
    asked = np.isin(keys, wanted) & (tokens >= 0)
    pairs, counts = np.unique(np.stack([keys[asked], tokens[asked]], axis=1), axis=0, return_counts=True)
    table: dict[int, dict[int, int]] = {}
    # The most frequent first, so that the cut below keeps them.
    for place in np.lexsort((pairs[:, 1], -counts, pairs[:, 0])).tolist():
        continuations = table.setdefault(int(pairs[place, 0]), {})
        if len(continuations) < MAX_CONTINUATIONS:
            continuations[int(pairs[place, 1])] = int(counts[place])
    return table


@dataclass(frozen=True)
class Stream:
    """Tokens of many windows end to end. token: (T,), HOLE where masked; window: (T,) which window."""

    token: IntArray
    window: IntArray


class TwoSidedNgram:
    """Counts of the train split, asked at given positions of held-out windows."""

    def __init__(self, train: Stream, asked: Stream, position: IntArray, params: MaskedParams) -> None:
        """position: places of `asked` to predict; counting is limited to the contexts that occur there."""
        self.params = params
        self.chain = contexts(params.ngram_order)
        self.asked, self.position = asked, position
        self.keys = [context_keys(asked.token, asked.window, offsets)[position] for offsets in self.chain]
        self.train = [
            count_continuations(context_keys(train.token, train.window, offsets), train.token, np.unique(keys))
            for offsets, keys in zip(self.chain, self.keys, strict=True)
        ]

    def predict(self, file: IntArray) -> IntArray:
        """Most likely token at each position. file: (T,) which file each token of `asked` is in: its own cache."""
        predicted = np.zeros(len(self.position), np.int64)
        file_of = file[self.position]
        for number in np.unique(file_of).tolist():
            here = np.flatnonzero(file_of == number)
            inside = file == number
            own = Stream(self.asked.token[inside], self.asked.window[inside])
            caches = [
                count_continuations(context_keys(own.token, own.window, offsets), own.token, np.unique(keys[here]))
                for offsets, keys in zip(self.chain, self.keys, strict=True)
            ]
            for place in here.tolist():
                predicted[place] = self._best(self._levels(place, caches))
        return predicted

    def _levels(self, place: int, caches: Sequence[Counts]) -> Iterator[tuple[dict[int, int], float]]:
        """Counts and prior of each level, from the least telling: the train split's, then the file's own."""
        for level, keys in enumerate(self.keys):
            key = int(keys[place])
            yield self.train[level].get(key, {}), self.params.ngram_prior
            yield caches[level].get(key, {}), self.params.cache_prior

    def _best(self, levels: Iterator[tuple[dict[int, int], float]]) -> int:
        """Interpolate: each level's counts, with the levels before it as a prior worth `prior` counts."""
        probability: dict[int, float] = {}
        for counts, prior in levels:
            if not counts:
                continue
            total = sum(counts.values()) + prior
            probability = {token: prior * value / total for token, value in probability.items()}
            for token, count in counts.items():
                probability[token] = probability.get(token, 0.0) + count / total
        return min(probability, key=lambda token: (-probability[token], token), default=0)
