"""Token shingles of many files at once, as hashes: a few passes of numpy over their bytes, not one step a token."""

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from graphmer.corpus.parse.columns import text_buffer

if TYPE_CHECKING:
    import pyarrow as pa

# A licence header is longer than many a small file, and says nothing of whose code follows.
CODE_HEADER = re.compile(rb"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
TOKEN = re.compile(rb"[0-9A-Za-z_\x80-\xff]+|[^\s0-9A-Za-z_\x80-\xff]")
SPACE, WORD, MARK = 0, 1, 2
BATCH_BYTES = 1 << 18  # what is worked on stays in the processor's cache

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]


class Shingles(NamedTuple):
    """Files one after another: each its number of tokens, a hash of them all in order, and those of its shingles."""

    num_tokens_F: IntArray
    whole_F: Hashes
    starts_F1: IntArray  # where each file's shingles start in `hashes`, and where the last ones end
    hashes: Hashes

    def of(self, file: int) -> Hashes:
        """The shingles of one file, as often as they stand there."""
        return self.hashes[self.starts_F1[file] : self.starts_F1[file + 1]]


class Bodies:
    """The texts of files in one buffer, and where in it each begins and ends, without the comment at a code's top."""

    def __init__(self, texts: "pa.ChunkedArray", is_code_F: npt.NDArray[np.bool_]) -> None:
        places, self.data = text_buffer(texts)
        self.starts_F, self.ends_F = places[:-1].copy(), places[1:]
        memory = self.data.data
        for file in np.flatnonzero(is_code_F).tolist():
            header = CODE_HEADER.match(memory, int(self.starts_F[file]), int(self.ends_F[file]))
            self.starts_F[file] = header.end() if header else self.starts_F[file]

    def tokens(self, file: int) -> list[bytes]:
        """The tokens of one file, as the hashes see them."""
        tokens: list[bytes] = TOKEN.findall(self.data[self.starts_F[file] : self.ends_F[file]].tobytes())
        return tokens

    def batches(self, files: IntArray) -> "list[IntArray]":
        """The files in groups of about BATCH_BYTES."""
        sizes = np.cumsum(self.ends_F[files] - self.starts_F[files])
        return [part for part in np.split(files, np.flatnonzero(np.diff(sizes // BATCH_BYTES)) + 1) if len(part)]


class Hasher:
    """Polynomial hashes modulo 2**64 of tokens, shingles and whole files. Two runs with one seed agree."""

    def __init__(self, width: int, seed: int) -> None:
        """width: tokens in a shingle."""
        draw = np.random.default_rng(seed)
        self.width = width
        self.byte_hash = draw.integers(1, 2**64, 256, np.uint64)
        self.byte_class = np.full(256, MARK, np.uint8)
        self.byte_class[[*b"0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", *range(128, 256)]] = WORD
        self.byte_class[[*b" \t\n\r\f\v"]] = SPACE
        self.byte_hash[self.byte_class == SPACE] = 0  # so that a sum up to the next token is the token's own
        self.base = np.uint64(int(draw.integers(2**62, 2**63)) | 1)  # odd, so that it has an inverse
        self.inverse = np.uint64(pow(int(self.base), -1, 2**64))
        self.powers = self.inverses = np.empty(0, np.uint64)

    def shingles(self, bodies: Bodies, files: IntArray) -> Shingles:
        """The shingles of the numbered files, in their order; a file of fewer tokens than a shingle has none."""
        parts = [self._batch(bodies, part) for part in bodies.batches(files)]
        if not parts:
            nothing = np.empty(0, np.uint64)
            return Shingles(np.empty(0, np.int64), nothing, np.zeros(1, np.int64), nothing)
        counts = np.concatenate([np.diff(part.starts_F1) for part in parts])
        return Shingles(
            np.concatenate([part.num_tokens_F for part in parts]),
            np.concatenate([part.whole_F for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]),
            np.concatenate([part.hashes for part in parts]),
        )

    def _batch(self, bodies: Bodies, files: IntArray) -> Shingles:
        blank = np.full(1, ord("\n"), np.uint8)  # between files, so that no token spans two
        texts = [bodies.data[bodies.starts_F[file] : bodies.ends_F[file]] for file in files.tolist()]
        data: Bytes = np.concatenate([piece for text in texts for piece in (text, blank)])
        begins_F = np.cumsum([0, *(len(text) + 1 for text in texts)])
        tokens, places = self._tokens(data)
        firsts_F = np.searchsorted(places, begins_F)
        counts_F = np.diff(firsts_F)
        rows = np.maximum(counts_F - self.width + 1, 0)
        keep = np.ones(max(len(tokens) - self.width + 1, 0), np.bool_)
        for first, last in zip((firsts_F[1:] - self.width + 1).tolist(), firsts_F[1:].tolist(), strict=True):
            keep[max(first, 0) : last] = False  # shingles that span two files
        return Shingles(
            counts_F, self._wholes(tokens, firsts_F), np.concatenate([[0], np.cumsum(rows)]), self._runs(tokens)[keep]
        )

    def _tokens(self, data: Bytes) -> tuple[Hashes, IntArray]:
        """The hash of each token, a sum over its bytes weighted by place and then shifted back; and its first byte."""
        self._grow(len(data))
        kinds = self.byte_class.take(data)
        begins = kinds != SPACE
        begins[1:] &= (kinds[1:] == MARK) | (kinds[:-1] != WORD)
        places = np.flatnonzero(begins)
        if not len(places):
            return np.empty(0, np.uint64), places
        weighted = self.byte_hash.take(data)
        weighted *= self.powers[: len(data)]
        np.cumsum(weighted, out=weighted)
        before = weighted[places - 1]  # a text may begin at byte 0: what stands before it is nothing
        before[0] *= np.uint64(places[0] > 0)
        sums = np.append(before[1:], weighted[-1])
        sums -= before
        sums *= self.inverses[places]
        return _mixed(sums), places

    def _runs(self, tokens: Hashes) -> Hashes:
        """The hash of each run of `width` tokens."""
        size = max(len(tokens) - self.width + 1, 0)
        runs = tokens[:size].copy()
        for offset in range(1, self.width):
            runs *= self.base
            runs += tokens[offset : offset + size]
        return _mixed(runs)

    def _wholes(self, tokens: Hashes, firsts_F: IntArray) -> Hashes:
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(tokens * self.powers[: len(tokens)])])
        return _mixed((sums[firsts_F[1:]] - sums[firsts_F[:-1]]) * self.inverses[firsts_F[:-1]])

    def _grow(self, size: int) -> None:
        """Powers of the base and of its inverse, as many as the longest batch has bytes."""
        if size > len(self.powers) - 1:
            self.powers = np.cumprod(np.append(np.uint64(1), np.full(size, self.base)), dtype=np.uint64)
            self.inverses = np.cumprod(np.append(np.uint64(1), np.full(size, self.inverse)), dtype=np.uint64)


def _mixed(hashes: Hashes) -> Hashes:
    """High bits into low ones, which a polynomial modulo a power of two leaves weak."""
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(0x9E3779B97F4A7C15)
    hashes ^= hashes >> np.uint64(29)
    return hashes
