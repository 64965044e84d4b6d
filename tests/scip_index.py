"""Small SCIP indices, written by hand for the tests' own sources."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from graphmer.kg.scip.schema import message_class

UNITS = {1: ("utf-8", 1), 2: ("utf-16-le", 2), 3: ("utf-32-le", 4)}


def span(text: str, word: str, nth: int = 0, encoding: int = 2) -> list[int]:
    """The SCIP range of a word's nth occurrence: line, first and last column in units of the encoding."""
    start = -1
    for _ in range(nth + 1):
        start = text.index(word, start + 1)
    line_start = text.rfind("\n", 0, start) + 1
    codec, size = UNITS[encoding]
    columns = [
        len(part.encode(codec)) // size for part in (text[line_start:start], text[line_start : start + len(word)])
    ]
    return [text.count("\n", 0, start), *columns]


class Document:
    """One file's occurrences."""

    def __init__(self, path: str, text: str, encoding: int = 2) -> None:
        self.text, self.encoding = text, encoding
        self.message: Any = message_class("Document")(relative_path=path, position_encoding=encoding)

    def defines(self, word: str, symbol: str, nth: int = 0, implements: Sequence[str] = ()) -> "Document":
        self.message.occurrences.add(range=span(self.text, word, nth, self.encoding), symbol=symbol, symbol_roles=1)
        information = self.message.symbols.add(symbol=symbol)
        for other in implements:
            information.relationships.add(symbol=other, is_implementation=True)
        return self

    def refers(self, word: str, symbol: str, nth: int = 0) -> "Document":
        self.message.occurrences.add(range=span(self.text, word, nth, self.encoding), symbol=symbol, symbol_roles=8)
        return self


def write_index(path: Path, *documents: Document) -> Path:
    """The index file of some documents."""
    index = message_class("Index")(documents=[document.message for document in documents])
    index.metadata.tool_info.name = "by hand"
    path.write_bytes(index.SerializeToString(deterministic=True))
    return path
