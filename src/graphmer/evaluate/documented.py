"""Documented functions as code-search material: the docstring asks, the code without it answers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphmer.artifacts import read_table, records
from graphmer.corpus.parse.schema import files_schema, symbols_schema
from graphmer.evaluate.config import CodeSearchParams
from graphmer.pack.docstrings import first_paragraph, num_words
from graphmer.pack.tokenizer import HIDDEN_MARK

if TYPE_CHECKING:
    import pandas as pd

FUNCTION_KINDS = ("function", "method", "constructor")


@dataclass(frozen=True)
class DocumentedFunction:
    """One function. query: first paragraph of its docstring. code: its source without the docstring."""

    symbol: str
    name: str
    package: str
    language: str
    file: str
    query: str
    code: str

    def with_name_hidden(self) -> "DocumentedFunction":
        """The same function with its name struck out wherever it stands as a whole word, in query and code."""
        name = re.compile(rf"(?<!\w){re.escape(self.name)}(?!\w)")
        query, code = name.sub(HIDDEN_MARK, self.query), name.sub(HIDDEN_MARK, self.code)
        return DocumentedFunction(self.symbol, self.name, self.package, self.language, self.file, query, code)


def documented_functions(parsed: Path, split: str, params: CodeSearchParams) -> list[DocumentedFunction]:
    """Every documented function of a split's code outside its tests, sorted by symbol.

    Functions shorter than `min_code_lines` without their docstring (stubs, overloads) are left out.
    """
    files = read_table(parsed / "files.parquet", files_schema())
    files = files[(files["split"] == split) & (files["kind"] == "code") & (files["status"] != "skipped")]
    files = files[~files["is_test"]]
    texts = {(row.package, row.file): row.text.encode("utf-8") for row in records(files)}
    symbols = read_table(parsed / "symbols.parquet", symbols_schema())
    symbols = symbols[symbols["kind"].isin(FUNCTION_KINDS) & (symbols["docstring"] != "")]
    return sorted(_functions(symbols, texts, params), key=lambda function: function.symbol)


def _functions(
    symbols: "pd.DataFrame", texts: dict[tuple[str, str], bytes], params: CodeSearchParams
) -> Iterator[DocumentedFunction]:
    for row in records(symbols):
        source = texts.get((row.package, row.file))
        if source is None:
            continue
        code = code_without_docstring(source, row)
        query = first_paragraph(row.docstring, params.max_query_words)
        if query and code.strip().count("\n") + 1 >= params.min_code_lines:
            yield DocumentedFunction(row.symbol, row.name, row.package, row.language, row.file, query, code)


def code_without_docstring(source: bytes, row: Any) -> str:
    """The definition's source minus its docstring, wherever that stands: inside (Python) or before it (Java)."""
    start, end = row.byte_start, row.byte_end
    doc_start, doc_end = max(start, row.doc_byte_start), min(end, row.doc_byte_end)
    if doc_start >= doc_end:
        return source[start:end].decode("utf-8")
    return (source[start:doc_start] + source[doc_end:end]).decode("utf-8")


def is_query(function: DocumentedFunction, params: CodeSearchParams) -> bool:
    """Whether its docstring says enough to ask for it."""
    return num_words(function.query) >= params.min_query_words
