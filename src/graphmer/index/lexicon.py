"""Counted words of many functions as postings: BM25 and TF-IDF weights made once by their libraries, read by word.

The weights are those of evaluate/lexical.py; they are kept because making them again would cost more than a search.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import write_json
from graphmer.errors import ArtifactError
from graphmer.index.reading import AGAIN, read_object

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.integer]
ARRAYS = ("offset", "row", "bm25", "tfidf", "idf")
FILES = ("words.json", *(f"{name}.npy" for name in ARRAYS))


@dataclass(frozen=True)
class Lexicon:
    """N documents over V words; P postings, word by word.

    words: {word: its number}. offset: (V+1,). row: (P,) documents, rising within a word. bm25, tfidf: (P,) weights.
    idf: (V,) what a query's word weighs in TF-IDF.
    """

    words: dict[str, int]
    offset: IntArray
    row: IntArray
    bm25: FloatArray
    tfidf: FloatArray
    idf: FloatArray
    num_documents: int

    @classmethod
    def build(cls, documents: Sequence[Sequence[str]], k1: float, b: float) -> "Lexicon":
        """documents: lexical tokens of each; at least one must hold a token. k1, b: BM25's parameters."""
        import bm25s
        from scipy import sparse
        from sklearn.feature_extraction.text import TfidfVectorizer

        # As in evaluate/lexical.py: Lucene's BM25, log-damped TF-IDF.
        vectorizer = TfidfVectorizer(analyzer=lambda tokens: tokens, sublinear_tf=True)
        tfidf = vectorizer.fit_transform(documents).tocsc()
        tfidf.sort_indices()
        words = {str(word): int(number) for word, number in vectorizer.vocabulary_.items()}
        retriever = bm25s.BM25(k1=k1, b=b, method="lucene")
        retriever.index([list(tokens) for tokens in documents], show_progress=False)
        scores, known = retriever.scores, retriever.vocab_dict
        shape = (len(documents), len(scores["indptr"]) - 1)  # the library knows one word more, the empty one
        columns = sparse.csc_matrix((scores["data"], scores["indices"], scores["indptr"]), shape=shape)
        bm25 = columns[:, [known[word] for word in sorted(words, key=words.__getitem__)]]
        bm25.sort_indices()
        assert np.array_equal(bm25.indices, tfidf.indices), "both libraries count the same words"
        return cls(
            words=words,
            offset=tfidf.indptr.astype(np.int64),
            row=tfidf.indices.astype(np.int32),
            bm25=bm25.data.astype(np.float32),
            tfidf=tfidf.data.astype(np.float32),
            idf=vectorizer.idf_.astype(np.float32),
            num_documents=len(documents),
        )

    def save(self, folder: Path) -> None:
        """Write words.json and an array a file, so that a search reads the pages that its words need."""
        folder.mkdir()
        ordered = sorted(self.words, key=self.words.__getitem__)
        write_json(folder / "words.json", {"words": ordered, "documents": self.num_documents})
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "Lexicon":
        """Map what `save` wrote; raises ArtifactError where a file is missing or damaged."""
        found = read_object(folder / "words.json", AGAIN)
        arrays = {name: load_array(folder / f"{name}.npy") for name in ARRAYS}
        if not isinstance(found.get("words"), list) or not all(isinstance(word, str) for word in found["words"]):
            raise ArtifactError(f"{folder}/words.json: damaged (holds no words); {AGAIN}")
        if not isinstance(found.get("documents"), int):
            raise ArtifactError(f"{folder}/words.json: damaged (counts no documents); {AGAIN}")
        words = {word: number for number, word in enumerate(found["words"])}
        postings = int(arrays["offset"][-1]) if arrays["offset"].shape == (len(words) + 1,) else 0
        expected = {"offset": len(words) + 1, "idf": len(words), "row": postings, "bm25": postings, "tfidf": postings}
        for name, length in expected.items():
            if arrays[name].shape != (length,):
                shape = arrays[name].shape
                raise ArtifactError(f"{folder}/{name}.npy: of shape {shape}, expected ({length},); {AGAIN}")
        return cls(words=words, **arrays, num_documents=found["documents"])

    def scores(self, query: Sequence[str]) -> tuple[FloatArray, FloatArray]:
        """(N,) BM25 and (N,) TF-IDF of a query's lexical tokens; words that no document holds say nothing."""
        bm25, tfidf = (np.zeros(self.num_documents, np.float32) for _ in range(2))
        counts = Counter(self.words[word] for word in query if word in self.words)
        weight = {word: (1 + np.log(count)) * float(self.idf[word]) for word, count in counts.items()}
        norm = float(np.sqrt(sum(value**2 for value in weight.values()))) or 1.0
        for word, count in counts.items():
            span = slice(int(self.offset[word]), int(self.offset[word + 1]))
            rows = self.row[span]
            bm25[rows] += np.float32(count) * self.bm25[span]
            tfidf[rows] += np.float32(weight[word] / norm) * self.tfidf[span]
        return bm25, tfidf


def load_array(path: Path) -> npt.NDArray[Any]:
    """A .npy file, mapped; raises ArtifactError where it is missing or damaged."""
    try:
        found: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: not found; {AGAIN}") from None
    except (ValueError, OSError) as error:
        raise ArtifactError(f"{path}: damaged ({error}); {AGAIN}") from None
    return found
