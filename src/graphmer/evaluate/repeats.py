"""Functions of a held-out split that repeat one of an earlier split: found, counted, and asked nothing about.

Whole files that nearly repeat each other across splits are gone from the graph (kg/near_duplicates.py); a function can
be copied without its file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import read_table, records
from graphmer.corpus.parse.schema import files_schema, symbols_schema
from graphmer.evaluate.documented import FUNCTION_KINDS, code_without_docstring
from graphmer.kg.near_duplicates import RepeatFinder, Sketching
from graphmer.pack.docstrings import first_paragraph

if TYPE_CHECKING:
    import pandas as pd

# Strings are matched first, so that a mark within one begins no comment.
COMMENTS = {
    "python": re.compile(
        r"('''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^\\\n'])*'|\"(?:\\.|[^\\\n\"])*\")|#[^\n]*",
        re.DOTALL,
    ),
    "": re.compile(r"(`(?:\\.|[^\\`])*`|'(?:\\.|[^\\\n'])*'|\"(?:\\.|[^\\\n\"])*\")|//[^\n]*|/\*.*?\*/", re.DOTALL),
}
TOKEN = re.compile(r"\w+|[^\s\w]")


class Repeat(NamedTuple):
    """A function of val or test and the one of train (or, for test, of val) that it repeats most; both as symbols."""

    split: str
    function: str
    twin_split: str
    twin: str
    tokens: int
    jaccard: float


@dataclass(frozen=True)
class Repeats:
    """What is repeated. functions: every repeat, by symbol. docstrings: first paragraphs of train's docstrings."""

    functions: tuple[Repeat, ...] = ()
    docstrings: frozenset[str] = frozenset()

    @property
    def symbols(self) -> frozenset[str]:
        """Functions that no task asks about."""
        return frozenset(repeat.function for repeat in self.functions)


def find_repeats(parsed: Path, params: Sketching, max_query_words: int) -> Repeats:
    """Repeated functions of val and test, and what train's docstrings say.

    max_query_words: where a first paragraph is cut, as in code search.
    Raises ArtifactError where a parsed table is missing or damaged.
    """
    functions = function_table(parsed)
    train = functions.loc[(functions["split"] == "train") & (functions["docstring"] != ""), "docstring"]
    said = frozenset(first_paragraph(text, max_query_words) for text in train)
    return Repeats(repeated_functions(functions, params), said)


def function_table(parsed: Path) -> "pd.DataFrame":
    """Every function of the code: symbol, split, docstring, and its text without docstring and comments."""
    import pandas as pd

    files = read_table(parsed / "files.parquet", files_schema(), ["package", "file", "split", "kind", "status", "text"])
    files = files[(files["kind"] == "code") & (files["status"] != "skipped")]
    sources = {(row.package, row.file): (row.split, row.text.encode("utf-8")) for row in records(files)}
    columns = ["symbol", "package", "file", "kind", "language", "docstring"]
    spans = ["byte_start", "byte_end", "doc_byte_start", "doc_byte_end"]
    symbols = read_table(parsed / "symbols.parquet", symbols_schema(), columns + spans)
    rows = []
    for row in records(symbols[symbols["kind"].isin(FUNCTION_KINDS)]):
        split, source = sources.get((row.package, row.file), ("", b""))
        if split:
            text = without_comments(code_without_docstring(source, row), row.language)
            rows.append((row.symbol, split, row.docstring, text))
    return pd.DataFrame(rows, columns=["symbol", "split", "docstring", "text"])


def without_comments(code: str, language: str) -> str:
    """The code with each comment replaced by a space."""
    pattern = COMMENTS.get(language, COMMENTS[""])
    return pattern.sub(lambda match: match.group(1) or " ", code)


def repeated_functions(functions: "pd.DataFrame", params: Sketching) -> tuple[Repeat, ...]:
    """Functions of val that repeat one of train, and of test that repeat one of train or val.

    functions: as function_table gives them. Exact copies of any length count, others from
    `near_duplicate_min_tokens` tokens on, by the Jaccard index of their token shingles.
    """
    import pyarrow as pa

    if functions.empty:
        return ()
    same = [[word] * len(functions) for word in ("code", "ok")]
    finder = RepeatFinder(pa.table({"text": functions["text"].tolist(), "kind": same[0], "status": same[1]}), params)
    return tuple(sorted(_found(functions, finder)))


def _found(functions: "pd.DataFrame", finder: RepeatFinder) -> Iterator[Repeat]:
    symbols, splits, texts = (functions[name].tolist() for name in ("symbol", "split", "text"))
    for earlier, later in (("train", "val"), ("val", "test")):
        finder.keep(_rows_of(functions, earlier, finder))
        for found in finder.matches(_rows_of(functions, later, finder)):
            row, twin = found.removed, found.kept
            tokens = len(TOKEN.findall(texts[row]))
            yield Repeat(splits[row], symbols[row], splits[twin], symbols[twin], tokens, round(found.jaccard, 4))


def _rows_of(functions: "pd.DataFrame", split: str, finder: RepeatFinder) -> npt.NDArray[np.int64]:
    return np.flatnonzero((functions["split"] == split).to_numpy() & finder.is_compared).astype(np.int64)
