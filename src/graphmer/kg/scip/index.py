"""A SCIP index as what the graph can use of it: definitions, references and implementations by place in bytes."""

from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from graphmer.errors import CorpusError
from graphmer.kg.scip.positions import ENCODINGS, Positions
from graphmer.kg.scip.schema import message_class
from graphmer.kg.scip.symbols import CONSTRUCTOR, LOCAL, PYTHON_BUILTINS, ScipSymbol, parse_symbol

DEFINITION = 1  # bit of SymbolRole
BUILTINS = f"{PYTHON_BUILTINS}.".encode()
REMEDY = "index the same folder again, with its path as the project root"


class Place(NamedTuple):
    """Where something stands: a file of the package and a half-open range of its bytes."""

    file: str
    byte_start: int
    byte_end: int


@dataclass
class ScipIndex:
    """Index files joined. Symbols are SCIP's strings; a local one has its document's path in front.

    definitions: the places of each defined name, sorted. references: by file and by the byte at which they end, where
    they start and what they name. implementations: the symbols that a symbol says it implements. own: manager and
    name of the packages with a definition. counts: documents and occurrences read, and what was left out, by reason.
    """

    definitions: dict[str, list[Place]] = field(default_factory=dict)
    references: dict[str, dict[int, list[tuple[int, str]]]] = field(default_factory=dict)
    implementations: dict[str, list[str]] = field(default_factory=dict)
    symbols: dict[str, ScipSymbol] = field(default_factory=dict)
    own: set[tuple[str, str]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


def read_index(paths: Sequence[Path], texts: Mapping[str, str]) -> ScipIndex:
    """Join index files.

    texts: the parsed code files by their path in the folder; documents of other files are counted and left out.
    Raises CorpusError where a file is missing or no SCIP index, or none of its documents is a parsed file.
    """
    index = ScipIndex()
    for path in paths:
        message = _message(path)
        known = [document for document in message.documents if _is_usable(document, texts, index.counts)]
        if not known:
            count = len(message.documents)
            raise CorpusError(f"{path}: none of its {count} documents is a parsed file of the folder; {REMEDY}")
        for document in sorted(known, key=lambda one: one.relative_path):
            _Document(index, document, texts[document.relative_path]).read()
    index.own = {index.symbols[symbol].package[:2] for symbol in index.definitions if symbol in index.symbols}
    return index


def _message(path: Path) -> Any:
    from google.protobuf.message import DecodeError

    if not path.is_file():
        raise CorpusError(f"{path}: no such file; give a SCIP index (index.scip)")
    try:
        message = message_class("Index").FromString(path.read_bytes())
    except DecodeError as error:
        raise CorpusError(f"{path}: not a whole SCIP index ({error}); {REMEDY}") from None
    if not message.HasField("metadata"):
        raise CorpusError(f"{path}: not a SCIP index (no metadata); {REMEDY}")
    return message


def _is_usable(document: Any, texts: Mapping[str, str], counts: Counter[str]) -> bool:
    path = PurePosixPath(document.relative_path)
    if path.is_absolute() or ".." in path.parts:
        reason = "document_outside_the_folder"
    elif document.relative_path not in texts:
        reason = "document_not_parsed"
    elif document.text and document.text != texts[document.relative_path]:
        reason = "document_of_another_text"
    elif document.position_encoding not in ENCODINGS:
        reason = "document_of_unknown_encoding"
    else:
        counts["documents"] += 1
        return True
    counts[f"skipped.{reason}"] += 1
    return False


class _Document:
    """Reads one document into the index."""

    def __init__(self, index: ScipIndex, document: Any, text: str) -> None:
        self.index, self.document = index, document
        self.file: str = document.relative_path
        self.data = text.encode("utf-8")
        self.positions = Positions(text, document.position_encoding)
        self.references: dict[int, list[tuple[int, str]]] = defaultdict(list)

    def read(self) -> None:
        for occurrence, place in self._places():
            key = self._key(occurrence.symbol)
            if key is None:
                self.index.counts["skipped.symbol_malformed"] += 1
            elif not occurrence.symbol_roles & DEFINITION and self._is_member_of_a_value(key, place):
                self.index.counts["skipped.builtin_class_as_a_member"] += 1
            elif not occurrence.symbol_roles & DEFINITION:
                self.references[place.byte_end].append((place.byte_start, key))
            elif place.byte_start < place.byte_end:  # a module is defined by no name
                self._define(key, place)
        before = self.index.references.get(self.file, {})  # two index files may both hold the document
        self.index.references[self.file] = before | {
            end: sorted({*starts, *before.get(end, ())}) for end, starts in sorted(self.references.items())
        }
        for symbol in self.document.symbols:
            tails = [self._key(one.symbol) for one in symbol.relationships if one.is_implementation]
            head = self._key(symbol.symbol)
            if head is not None and tails:
                self.index.implementations[head] = sorted({tail for tail in tails if tail is not None})

    def _places(self) -> Iterator[tuple[Any, Place]]:
        for occurrence in self.document.occurrences:
            self.index.counts["occurrences"] += 1
            numbers = _numbers(occurrence)
            start, end = (self.positions.offset(*numbers[at : at + 2]) for at in (0, 2)) if numbers else (None, None)
            if start is None or end is None or end < start:
                reason = "range_outside_the_text" if numbers else "range_malformed"
                self.index.counts[f"skipped.{reason}"] += 1
            else:
                yield occurrence, Place(self.file, start, end)

    def _is_member_of_a_value(self, key: str, place: Place) -> bool:
        """scip-python says the class `set` of `x.set` where it knows nothing of x."""
        symbol = self.index.symbols.get(key)
        before = self.data[max(place.byte_start - len(BUILTINS), 0) : place.byte_start]
        return symbol is not None and symbol.is_builtin_class and before[-1:] == b"." and before != BUILTINS

    def _key(self, symbol: str) -> str | None:
        """The symbol as the index keeps it; None where it is malformed."""
        if symbol.startswith(LOCAL):
            return f"{self.file} {symbol}"
        if symbol not in self.index.symbols:
            parsed = parse_symbol(symbol)
            if parsed is None:
                return None
            self.index.symbols[symbol] = parsed
        return symbol

    def _define(self, key: str, place: Place) -> None:
        """Keep a definition; an index that is older than the code shows another word there."""
        shown = self.data[place.byte_start : place.byte_end].decode("utf-8", "replace")
        symbol = self.index.symbols.get(key)
        if symbol is not None and shown != self._name(symbol):
            self.index.counts["skipped.definition_of_another_name"] += 1
        else:
            insort(self.index.definitions.setdefault(key, []), place)

    def _name(self, symbol: ScipSymbol) -> str:
        """The word that defines a symbol. Java's `<init>` is its class' name, TypeScript's is `<constructor>`."""
        if symbol.last.name == CONSTRUCTOR and len(symbol.path) > 1:
            return symbol.path[-2].name
        return symbol.last.name.strip("<>")


def _numbers(occurrence: Any) -> tuple[int, int, int, int] | None:
    """First line and column, last line and column; None where a range has another form."""
    if occurrence.HasField("single_line_range"):
        one = occurrence.single_line_range
        return one.line, one.start_character, one.line, one.end_character
    if occurrence.HasField("multi_line_range"):
        many = occurrence.multi_line_range
        return many.start_line, many.start_character, many.end_line, many.end_character
    given = list(occurrence.range)
    if len(given) == 3:
        return given[0], given[1], given[0], given[2]
    return (given[0], given[1], given[2], given[3]) if len(given) == 4 else None
