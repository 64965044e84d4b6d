"""`graphmer search`: functions by words, ranked with the combination that evaluation's code search ranks with.

Exact: every function is scored, by its words and by the cosine of its vector.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from graphmer.artifacts import records
from graphmer.errors import ParamsError
from graphmer.evaluate.combiner import Combiner
from graphmer.evaluate.lexical import lexical_tokens
from graphmer.evaluate.neural import TEXT_TOKENS
from graphmer.index.lexicon import FloatArray, IntArray, Lexicon
from graphmer.index.scoring import SEARCH
from graphmer.index.store import PACKED_TOKENIZER, Index
from graphmer.model.plain import CodeEncoder
from graphmer.pack.tokenizer import CodeTokenizer

MEANING = "meaning"  # the reason of a hit that shows no word of the query


class Scores(NamedTuple):
    """(N,) what each column says of every function, and their combination."""

    columns: Mapping[str, FloatArray]
    combined: FloatArray


@dataclass(frozen=True)
class FunctionRanker:
    """Scores N functions for a query in words. vectors: (N, D) unit vectors of their code."""

    lexicon: Lexicon
    vectors: FloatArray
    combiner: Combiner
    encoder: CodeEncoder

    def scores(self, query: str) -> Scores:
        """Evaluation's columns and combination for one query."""
        bm25, tfidf = self.lexicon.scores(lexical_tokens(query))
        neural = self.vectors @ self.encoder.embed([query])[0]
        columns = {"bm25": bm25, "tfidf": tfidf, "neural": np.asarray(neural, np.float32)}
        stacked = np.stack([columns[name] for name in SEARCH], axis=1)
        return Scores(columns, self.combiner.score(stacked, relation=-1))


class Hit(NamedTuple):
    """One function that a search found. parts: the columns.

    reasons: the query's words that it shows, by where (name, docstring, code, neighbours), each at its first place
    alone; {"meaning": []} where it shows none.
    """

    rank: int
    score: float
    symbol: str
    qualified_name: str
    file: str
    line: int
    summary: str
    reasons: dict[str, list[str]]
    parts: dict[str, float]


class Searcher:
    """An index opened for search: what does not change between two queries is read once."""

    def __init__(self, index: Index) -> None:
        with index.intact(PACKED_TOKENIZER):
            tokenizer = CodeTokenizer.load(index.folder / PACKED_TOKENIZER)
        encoder = CodeEncoder(index.model, tokenizer, TEXT_TOKENS)
        self._functions = index.functions
        self._is_test = index.functions["is_test"].to_numpy(np.bool_)
        self._ranker = FunctionRanker(index.lexicon, index.function_vectors, index.scoring.search, encoder)

    def search(self, query: str, k: int = 10, tests: bool = False) -> list[Hit]:
        """The k best functions, the best first; those of equal score in the order of their symbols.

        tests: whether test code's functions are found too. Raises ParamsError where the query holds no word or what is
        no text, or k is less than 1.
        """
        check_text("words", query)
        check_count(k)
        if not any(map(str.isalnum, query)):
            raise ParamsError(f"{query!r}: holds no word; say what the function does")
        scores = self._ranker.scores(query)
        allowed = np.arange(len(self._is_test)) if tests else np.flatnonzero(~self._is_test)
        rows = best_rows(scores.combined, allowed, k)
        words = dict.fromkeys(lexical_tokens(query))
        table = self._functions.iloc[rows]
        return [
            Hit(
                rank, float(scores.combined[number]), row.symbol, row.qualified_name, row.file, int(row.line),
                row.summary, self._reasons(words, number, row.name, row.summary, row.neighbours),
                {name: float(column[number]) for name, column in scores.columns.items()},
            )
            for rank, (number, row) in enumerate(zip(rows.tolist(), records(table), strict=True), start=1)
        ]  # fmt: skip

    def _reasons(
        self, words: Iterable[str], row: int, name: str, summary: str, neighbours: str
    ) -> dict[str, list[str]]:
        """{where: the query's words that stand there}, each word at its first place alone.

        Where no word stands in the function, `meaning` with no word: its vector alone speaks for it.
        """
        places = {"name": lexical_tokens(name), "docstring": lexical_tokens(summary)}
        found: dict[str, list[str]] = {}
        left = list(words)
        for place, tokens in places.items():
            found[place] = [word for word in left if word in tokens]
            left = [word for word in left if word not in tokens]
        found["code"] = [word for word in left if self._holds(word, row)]
        near = set(lexical_tokens(neighbours)).difference(found["code"])
        found["neighbours"] = [word for word in left if word in near]
        return {place: shown for place, shown in found.items() if shown} or {MEANING: []}

    def _holds(self, word: str, row: int) -> bool:
        lexicon = self._ranker.lexicon
        number = lexicon.words.get(word)
        if number is None:
            return False
        rows = lexicon.row[int(lexicon.offset[number]) : int(lexicon.offset[number + 1])]
        place = int(np.searchsorted(rows, row))
        return place < len(rows) and int(rows[place]) == row


def check_text(what: str, text: str) -> None:
    """Raises ParamsError where a text holds half a character: bytes of another encoding, which no tokenizer reads."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        raise ParamsError(
            f"{what}: character {error.start + 1} is half a one ({half}), which is no text; give UTF-8"
        ) from None


def check_count(k: int) -> None:
    """Raises ParamsError unless k, the most to be shown, is a whole number of at least 1."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ParamsError(f"k: expected a whole number of at least 1, got {k!r}; say how many to show")


def best_rows(scores: FloatArray, allowed: IntArray, k: int) -> IntArray:
    """(at most k,) of the allowed rows, the highest score first, the lower row among equals."""
    values = scores[allowed]
    if k < len(values):
        # All that reach the k-th best, so that equals are told apart by their row and not by the partition.
        bound = np.partition(values, len(values) - k)[len(values) - k]
        near = np.flatnonzero(values >= bound)
    else:
        near = np.arange(len(values))
    order = np.lexsort((near, -values[near]))[:k]
    rows: IntArray = allowed[near[order]]
    return rows


def as_text(hits: Sequence[Hit]) -> str:
    """A line a hit, and its docstring's beginning below."""
    lines = []
    for hit in hits:
        reasons = "; ".join(f"{place}: {', '.join(words)}" if words else place for place, words in hit.reasons.items())
        lines.append(f"{hit.rank:>2}  {hit.score:7.3f}  {hit.file}:{hit.line}  {hit.qualified_name}  [{reasons}]")
        if hit.summary:
            lines.append(f"    {hit.summary}")
    return "\n".join(lines) or "no function found"
