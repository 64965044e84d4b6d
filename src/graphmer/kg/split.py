"""What keeps splits apart: near-duplicate files, and which held-out triples are queries."""

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import stable_hash
from graphmer.kg.config import GraphParams

if TYPE_CHECKING:
    import pandas as pd
    from datasketch import MinHash

KEPT_FIRST = ("test", "val", "train")  # of two near-duplicates the one in the later split is removed
TOKEN = re.compile(r"\w+|[^\w\s]")
# A licence header is longer than many a small file, and says nothing of whose code follows.
CODE_HEADER = re.compile(r"(?:\s+|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
HASH_PRIME = np.uint64(1_000_003)
CANDIDATE_MARGIN = 0.1  # the LSH is asked for this much less than the threshold, so that it misses few true pairs
SKETCH_BATCH = 4096  # shingles; a sketch needs batch × permutations × 8 bytes

ShingleArray = npt.NDArray[np.uint32]


class NearDuplicate(NamedTuple):
    """A removed file and the kept one that it repeats; both as rows of files.parquet."""

    removed: int
    kept: int
    jaccard: float


def near_duplicates(files: "pd.DataFrame", params: GraphParams) -> list[NearDuplicate]:
    """Files that nearly repeat one of another split, by row: those of train go before val's, val's before test's.

    files: rows of files.parquet. Compared are code, less the comment at its top, and documents, by the Jaccard index of
    their token shingles; those of fewer than `near_duplicate_min_tokens` tokens only as exact copies, and files without
    a token never.
    Source: near-deduplication of StarCoder (arXiv 2305.06161); MinHash finds candidates, the index is then exact.
    """
    if files["split"].nunique() < 2:
        return []
    finder = _Finder(params)
    found = []
    for split in KEPT_FIRST:
        rows = np.flatnonzero(
            (files["split"] == split) & files["kind"].isin(("code", "document")) & (files["status"] != "skipped")
        )
        kept = []
        for row, kind, text in zip(rows.tolist(), files["kind"].iloc[rows], files["text"].iloc[rows]):
            prints = finder.prints(_body(text) if kind == "code" else text)
            match = finder.match(prints) if prints.num_tokens else None
            if match is not None:
                found.append(NearDuplicate(row, *match))
            elif split != KEPT_FIRST[-1]:
                kept.append((row, prints))
        for row, prints in kept:  # only now: copies within one split stay
            finder.add(row, prints)
    return sorted(found)


def _body(code: str) -> str:
    header = CODE_HEADER.match(code)
    return code[header.end() :] if header else code


class _Prints(NamedTuple):
    """A file's fingerprints: its number of tokens, a hash of them all, and its sorted distinct shingles."""

    num_tokens: int
    whole: int
    shingles: ShingleArray


class _Finder:
    """Files of the splits that are kept first, to be searched by fingerprint."""

    def __init__(self, params: GraphParams) -> None:
        from datasketch import MinHash, MinHashLSH

        self.params = params
        self.token_hash: dict[str, int] = {}
        self.blank = MinHash(params.minhash_permutations, seed=params.minhash_seed, hashfunc=int)
        threshold = max(params.near_duplicate_jaccard - CANDIDATE_MARGIN, 0.1)
        self.index = MinHashLSH(threshold=threshold, num_perm=params.minhash_permutations)
        self.shingles: dict[int, ShingleArray] = {}
        self.wholes: dict[int, int] = {}

    def prints(self, text: str) -> _Prints:
        tokens = TOKEN.findall(text)
        whole = stable_hash(*tokens)
        if len(tokens) < self.params.near_duplicate_min_tokens:
            return _Prints(len(tokens), whole, np.empty(0, np.uint32))
        return _Prints(len(tokens), whole, self._shingles(tokens))

    def _shingles(self, tokens: list[str]) -> ShingleArray:
        """Sorted distinct hashes of all runs of tokens: a polynomial of the tokens' hashes, folded to 32 bits."""
        known, width = self.token_hash, self.params.shingle_tokens
        ids = np.asarray(
            [known.get(token) or known.setdefault(token, stable_hash(token)) for token in tokens], np.uint64
        )
        size = max(len(ids) - width + 1, 1)
        mixed = np.zeros(size, np.uint64)
        for offset in range(min(width, len(ids))):
            mixed = mixed * HASH_PRIME + ids[offset : offset + size]
        return np.unique(((mixed >> np.uint64(32)) ^ mixed).astype(np.uint32))

    def add(self, row: int, prints: _Prints) -> None:
        if prints.num_tokens:
            self.wholes.setdefault(prints.whole, row)
        if len(prints.shingles):
            self.index.insert(row, self._sketch(prints.shingles))
            self.shingles[row] = prints.shingles

    def match(self, prints: _Prints) -> tuple[int, float] | None:
        """The most similar kept file at or above the threshold, and the Jaccard index; of equals the first row."""
        if prints.whole in self.wholes:
            return self.wholes[prints.whole], 1.0
        if not self.shingles or not len(prints.shingles):
            return None
        rows = sorted(self.index.query(self._sketch(prints.shingles)))
        scored = [(_jaccard(prints.shingles, self.shingles[row]), -row) for row in rows]
        jaccard, row = max(scored, default=(0.0, 0))
        return (-row, jaccard) if jaccard >= self.params.near_duplicate_jaccard else None

    def _sketch(self, shingles: ShingleArray) -> "MinHash":
        sketch = self.blank.copy()
        for start in range(0, len(shingles), SKETCH_BATCH):
            sketch.update_batch(shingles[start : start + SKETCH_BATCH])
        return sketch


def _jaccard(first: ShingleArray, second: ShingleArray) -> float:
    common = len(np.intersect1d(first, second, assume_unique=True))
    return common / (len(first) + len(second) - common)


def support_query(triples: "pd.DataFrame", seed: int, query_share: float, max_queries: int) -> npt.NDArray[np.bool_]:
    """Which held-out triples are queries; the others are support.

    triples: rows of triples.parquet. The choice is a stable hash of (seed, head, relation, tail), so a triple keeps its
    side whatever else the table holds. Ambiguous triples are never queries. A package gives at most `max_queries`:
    those of the lowest hashes.
    """
    columns = (triples["head"], triples["relation"], triples["tail"])
    drawn = np.fromiter((stable_hash(seed, *triple) for triple in zip(*columns)), np.uint64, len(triples))
    is_query = (drawn < np.uint64(query_share * 2**64)) & (triples["resolution"] != "ambiguous").to_numpy()
    by_package: dict[str, list[int]] = {}
    packages = triples["package"].tolist()
    for position in np.argsort(drawn, kind="stable").tolist():
        if is_query[position]:
            by_package.setdefault(packages[position], []).append(position)
    for positions in by_package.values():
        is_query[positions[max_queries:]] = False
    return is_query
