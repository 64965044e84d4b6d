"""What a parser says of one file: definitions and raw references, as plain rows."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple


class FileKey(NamedTuple):
    """Where a file stands: enough to build its symbols."""

    package: str
    language: str
    file: str  # posix path relative to the package's top folder


class Span(NamedTuple):
    """A half-open range of the original bytes; tables tell its lines (see lines.py)."""

    byte_start: int
    byte_end: int


class Symbol(NamedTuple):
    """One definition; the columns of symbols.parquet less those of the file and the lines."""

    symbol: str
    kind: str
    name: str
    qualified_name: str
    container: str
    byte_start: int
    byte_end: int
    name_byte_start: int
    name_byte_end: int
    signature: str
    docstring: str
    doc_byte_start: int
    doc_byte_end: int
    modifiers: str


class Reference(NamedTuple):
    """One raw syntactic fact; the columns of references.parquet less those of the file."""

    scope: str
    kind: str
    name: str
    value: str
    ordinal: int
    byte_start: int
    byte_end: int


# Symbol(*row) and Reference(*row), less a frame of Python for each: a file has one for every thirty of its bytes.
symbol_of: Callable[[tuple[str | int, ...]], Symbol] = partial(tuple.__new__, Symbol)
reference_of: Callable[[tuple[str | int, ...]], Reference] = partial(tuple.__new__, Reference)


class ParsedFile(NamedTuple):
    """A file as the graph will see it. `status` is ok, partial or skipped; `reason` is empty where ok."""

    module: str
    symbols: list[Symbol]
    references: list[Reference]
    status: str
    reason: str
