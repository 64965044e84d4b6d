"""Files that nearly repeat one of another split."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from graphmer.corpus.parse.columns import python_values
from graphmer.kg.shingles import Bodies, Hasher, Hashes, IntArray, Shingles

if TYPE_CHECKING:
    import pyarrow as pa

KEPT_FIRST = ("test", "val", "train")  # of two near-duplicates the one in the later split is removed
CANDIDATE_MARGIN = 0.2  # sketches must share this much less than the threshold: 3.5 deviations of 64 draws at 0.7
MAX_SHARING = 64  # files that one hash leads to: a shingle that more files have tells them little apart


class Sketching(Protocol):
    """What is a near-duplicate and how candidates are found; `kg` and `eval.audit` of params.yaml each hold one."""

    @property
    def near_duplicate_jaccard(self) -> float:
        """Least Jaccard index of the shingles."""
        ...

    @property
    def near_duplicate_min_tokens(self) -> int:
        """Shorter texts count only as exact copies."""
        ...

    @property
    def shingle_tokens(self) -> int:
        """Tokens in a shingle."""
        ...

    @property
    def minhash_values(self) -> int:
        """Smallest hashes in a sketch."""
        ...

    @property
    def minhash_seed(self) -> int:
        """Of the hash function."""
        ...


class NearDuplicate(NamedTuple):
    """A removed file and the kept one that it repeats; both as rows of files.parquet."""

    removed: int
    kept: int
    jaccard: float


def near_duplicates(files: "pa.Table", params: Sketching) -> list[NearDuplicate]:
    """Files that nearly repeat one of another split, by row: those of train go before val's, val's before test's.

    files: rows of files.parquet. Compared are code, less the comment at its top, and documents, by the Jaccard index of
    their token shingles; those of fewer than `near_duplicate_min_tokens` tokens only as exact copies, and files without
    a token never. A token is a run of letters, digits, underscores and non-ASCII characters, or one other mark.
    Source: near-deduplication of StarCoder (arXiv 2305.06161). Candidates share a part of their sketches, the smallest
    `minhash_values` hashes of each (bottom-k MinHash, Broder 1997); the index is then exact.
    """
    splits = np.asarray(python_values(files.column("split")))
    if len(set(splits.tolist())) < 2:
        return []
    finder = RepeatFinder(files, params)
    found: list[NearDuplicate] = []
    for split in KEPT_FIRST:
        rows = np.flatnonzero((splits == split) & finder.is_compared)
        repeats = finder.matches(rows)
        found += repeats
        if split != KEPT_FIRST[-1]:  # only now: copies within one split stay
            finder.keep(np.setdiff1d(rows, np.asarray([repeat.removed for repeat in repeats], np.int64)))
    return sorted(found)


class RepeatFinder:
    """The files that are compared with their sketches, and which of them are kept already."""

    def __init__(self, files: "pa.Table", params: Sketching) -> None:
        """files: columns text, kind and status, as in files.parquet."""
        kinds, statuses = (np.asarray(python_values(files.column(name))) for name in ("kind", "status"))
        self.params = params
        self.hasher = Hasher(params.shingle_tokens, params.minhash_seed)
        self.is_compared: npt.NDArray[np.bool_] = np.isin(kinds, ("code", "document")) & (statuses != "skipped")
        self.bodies = Bodies(files.column("text"), self.is_compared & (kinds == "code"))
        rows = np.flatnonzero(self.is_compared)
        shingles = self.hasher.shingles(self.bodies, rows)
        self.num_tokens = np.zeros(len(files), np.int64)
        self.wholes = np.zeros(len(files), np.uint64)
        self.num_tokens[rows], self.wholes[rows] = shingles.num_tokens_F, shingles.whole_F
        self.is_compared &= self.num_tokens > 0
        self.sketches = self._sketches(shingles, rows)
        self.copies: dict[int, int] = {}  # hash of a kept file's tokens -> the first such file
        self.kept_hashes: Hashes = np.empty(0, np.uint64)
        self.kept_files: IntArray = np.empty(0, np.int64)

    def _sketches(self, shingles: Shingles, rows: IntArray) -> dict[int, Hashes]:
        """By file: its smallest distinct shingles, sorted."""
        long_enough = shingles.num_tokens_F >= max(self.params.near_duplicate_min_tokens, self.params.shingle_tokens)
        return {
            int(rows[place]): _smallest(shingles.of(place), self.params.minhash_values)
            for place in np.flatnonzero(long_enough).tolist()
        }

    def keep(self, rows: IntArray) -> None:
        """Let later files be compared with these."""
        for row in rows.tolist():
            self.copies.setdefault(int(self.wholes[row]), row)
        sketched = [row for row in rows.tolist() if row in self.sketches]
        hashes = [self.kept_hashes, *(self.sketches[row] for row in sketched)]
        files = [self.kept_files, np.repeat(sketched, [len(self.sketches[row]) for row in sketched])]
        joined, owners = np.concatenate(hashes), np.concatenate(files).astype(np.int64)
        order = np.argsort(joined, kind="stable")
        self.kept_hashes, self.kept_files = joined[order], owners[order]

    def matches(self, rows: IntArray) -> list[NearDuplicate]:
        """Those of the files that repeat a kept one: an exact copy, or the most similar; of equals the first."""
        found = []
        similar = []
        for row in rows.tolist():
            copied = self.copies.get(int(self.wholes[row]))
            if copied is not None and self.bodies.tokens(row) == self.bodies.tokens(copied):
                found.append(NearDuplicate(row, copied, 1.0))
            elif row in self.sketches:
                similar.append(row)
        best: dict[int, tuple[float, int]] = {}
        for row, kept in self._candidates(similar):
            jaccard = self._jaccard(row, kept)
            if jaccard >= self.params.near_duplicate_jaccard:
                best[row] = max(best.get(row, (0.0, 0)), (jaccard, -kept))
        return found + [NearDuplicate(row, -kept, jaccard) for row, (jaccard, kept) in best.items()]

    def _candidates(self, rows: list[int]) -> list[tuple[int, int]]:
        """Pairs of a file and a kept one whose sketches share enough."""
        if not rows or not len(self.kept_hashes):
            return []
        sizes = np.asarray([len(self.sketches[row]) for row in rows])
        asked = np.concatenate([self.sketches[row] for row in rows])
        first = np.searchsorted(self.kept_hashes, asked)
        counts = np.minimum(np.searchsorted(self.kept_hashes, asked, "right") - first, MAX_SHARING)
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = self.kept_files[np.repeat(first, counts) + steps]
        asking = np.repeat(np.repeat(np.asarray(rows), sizes), counts)
        pairs, shared = np.unique(asking * len(self.wholes) + kept, return_counts=True)
        least = max(self.params.near_duplicate_jaccard - CANDIDATE_MARGIN, 0.1)
        found = []
        for pair, count in zip(pairs.tolist(), shared.tolist(), strict=True):
            row, other = divmod(pair, len(self.wholes))
            if count >= least * max(len(self.sketches[row]), len(self.sketches[other])):
                found.append((row, other))
        return found

    def _jaccard(self, first: int, second: int) -> float:
        both = self.hasher.shingles(self.bodies, np.asarray([first, second]))
        one, other = np.unique(both.of(0)), np.unique(both.of(1))
        common = len(np.intersect1d(one, other, assume_unique=True))
        return common / (len(one) + len(other) - common)


def _smallest(hashes: Hashes, count: int) -> Hashes:
    """The `count` smallest distinct hashes, sorted; few distinct ones mean that all must be looked at."""
    if len(hashes) > 4 * count:
        few = _distinct(hashes[hashes < np.uint64(2 * count / len(hashes) * 2**64)])
        if len(few) >= count:
            return few[:count]
    return _distinct(hashes)[:count]


def _distinct(hashes: Hashes) -> Hashes:
    """Sorted and once each; for the few of a sketch, np.unique takes twice as long."""
    found: Hashes = np.sort(hashes)
    is_new = np.append(True, found[1:] != found[:-1])[: len(found)]
    distinct: Hashes = found[is_new]
    return distinct
