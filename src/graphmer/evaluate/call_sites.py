"""Call sites of a package's functions, and every function of the package that the name at the site fits.

Static analysis says of a call what it can prove. What it left open, and what runs instead of what it proved (a method
that a subclass overrides), is found among the functions of that short name: a class stands for its constructor, a read
of an attribute for the properties of that name. One site is one head and one name, wherever the head spells it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from graphmer.artifacts import read_table, records
from graphmer.corpus.parse.schema import files_schema, references_schema, symbols_schema
from graphmer.evaluate.traces import FUNCTION_TYPES, canonical

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["call", "property", "protocol"]
Span = tuple[int, int, int]  # byte_start, byte_end, line
_Site = tuple[str, Kind, str, str, set[Span], set[str]]  # head, kind, name, file, spans, candidates
KINDS: dict[str, Kind] = {"call": "call", "read": "property"}
CLASS_TYPES = frozenset({"Class", "ExceptionType", "Interface"})
CONSTRUCTOR = "__init__"
MAX_ANCESTRY = 8  # levels of base classes that are followed to an inherited constructor
UNTIL_PROVED = ("exact", "inferred")


@dataclass(frozen=True)
class Parsed:
    """What the parser saw of some packages outside their tests: files, property symbols, references."""

    files: "pd.DataFrame"
    properties: frozenset[str]
    references: "pd.DataFrame"


@dataclass(frozen=True)
class CallSite:
    """One head and one name. candidates: canonical symbols, sorted. spans: (byte_start, byte_end, line) of each place.

    proved: candidates that static analysis proved. listed: {candidate: confidence} of those that it left open there.
    external: whether it found something outside the package under that name.
    """

    package: str
    head: str
    file: str
    name: str
    kind: Kind
    candidates: tuple[str, ...]
    spans: tuple[Span, ...]
    proved: frozenset[str]
    listed: Mapping[str, float]
    external: bool


def read_parsed(parsed: Path, packages: Iterable[str]) -> Parsed:
    """Read the parsed tables, rows of the packages' Python code outside tests alone."""
    wanted = sorted(packages)
    files = read_table(parsed / "files.parquet", files_schema())
    files = files[files["package"].isin(wanted) & (files["kind"] == "code") & (files["language"] == "python")]
    symbols = read_table(parsed / "symbols.parquet", symbols_schema(), ["symbol", "package", "modifiers"])
    symbols = symbols[symbols["package"].isin(wanted)]
    is_property = ["property" in modifiers.split() for modifiers in symbols["modifiers"]]
    references = read_table(parsed / "references.parquet", references_schema())
    references = references[references["package"].isin(wanted) & references["kind"].isin(sorted(KINDS))]
    own = set(files.loc[~files["is_test"], "file"])
    return Parsed(
        files[~files["is_test"]],
        frozenset(canonical(symbol) for symbol in symbols["symbol"][is_property]),
        references[references["file"].isin(own) & (references["name"] != "")],
    )


class PackageFunctions:
    """The functions of one package outside its tests: by short name, and what static analysis says of each."""

    def __init__(self, package: str, parsed: Parsed, entities: "pd.DataFrame", triples: "pd.DataFrame") -> None:
        self.package = package
        files = set(parsed.files.loc[parsed.files["package"] == package, "file"])
        own = entities[(entities["package"] == package) & entities["file"].isin(files)]
        self.functions = frozenset(
            canonical(symbol) for symbol, kind in zip(own["entity"], own["type"]) if kind in FUNCTION_TYPES
        )
        self._triples = triples[triples["package"] == package]
        self.overridden = self._pairs("overrides")
        self.bases: dict[str, set[str]] = defaultdict(set)
        for head, tail in self._pairs("inherits_from") | self._pairs("implements"):
            self.bases[head].add(tail)
        self.fitting: dict[str, set[str]] = defaultdict(set)
        for symbol in self.functions:
            self.fitting[short_name(symbol)].add(symbol)
        for symbol, kind in zip(own["entity"], own["type"]):
            constructor = self.constructor(canonical(symbol)) if kind in CLASS_TYPES else None
            if constructor:
                self.fitting[short_name(symbol)].add(constructor)
        self.properties = parsed.properties & self.functions

    def _pairs(self, relation: str) -> set[tuple[str, str]]:
        rows = self._triples[self._triples["relation"] == relation]
        return {(canonical(head), canonical(tail)) for head, tail in zip(rows["head"], rows["tail"])}

    def constructor(self, symbol: str) -> str | None:
        """The `__init__` that a class has or inherits inside the package; None where that lies outside or nowhere."""
        level = {symbol}
        for _ in range(MAX_ANCESTRY):
            found = sorted(f"{name}.{CONSTRUCTOR}" for name in level if f"{name}.{CONSTRUCTOR}" in self.functions)
            if found:
                return found[0]
            level = {base for name in level for base in self.bases.get(name, ())}
        return None

    def proved(self) -> dict[str, dict[str, Any]]:
        """{head: {callee: first line of a call}} of resolved calls between the package's own functions."""
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for row in self._calls(UNTIL_PROVED):
            head, tail = canonical(row.head), canonical(row.tail)
            if head in self.functions and tail in self.functions:
                found[head].setdefault(tail, row)
        return found

    def listed(self) -> dict[str, dict[str, Any]]:
        """As `proved`, of the calls that were left open between several candidates."""
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for row in self._calls(("ambiguous",)):
            head, tail = canonical(row.head), canonical(row.tail)
            if head in self.functions and tail in self.functions:
                found[head].setdefault(tail, row)
        return found

    def external_names(self) -> set[tuple[str, str]]:
        """(head, short name) of calls that go outside the package."""
        rows = self._triples[(self._triples["relation"] == "invokes") & (self._triples["resolution"] == "external")]
        return {(canonical(head), tail.rpartition(".")[2]) for head, tail in zip(rows["head"], rows["tail"])}

    def _calls(self, resolutions: tuple[str, ...]) -> Iterator[Any]:
        rows = self._triples[self._triples["relation"] == "calls"]
        return records(rows[rows["resolution"].isin(resolutions)])


def short_name(symbol: str) -> str:
    """The last part of a symbol's path: of `python:p:a.py#Cls.run~2`, run."""
    return canonical(symbol).rpartition("#")[2].rpartition(".")[2]


def called_name(symbol: str) -> str:
    """The name that a call spells: of a constructor its class's."""
    name = short_name(symbol)
    return short_name(symbol.rpartition(".")[0]) if name == CONSTRUCTOR and "." in symbol else name


def call_sites(functions: PackageFunctions, parsed: Parsed) -> list[CallSite]:
    """The sites of one package whose name fits a function of it, sorted by head, kind and name.

    What static analysis left open where no name stands (`with x:` enters it) is a site of kind `protocol`.
    """
    places = _places(functions, parsed)
    proved, listed, external = functions.proved(), functions.listed(), functions.external_names()
    sites = []
    for (head, kind, name, file), spans in places.items():
        starts = {start for start, _, _ in spans}
        here = {tail for tail, row in listed.get(head, {}).items() if row.byte_start in starts}
        sites.append((head, kind, name, file, spans, _fitting(functions, kind, name) | here))
    reached = {(head, tail) for head, _, _, _, _, candidates in sites for tail in candidates}
    sites += _protocol_sites(listed, reached)
    return [
        CallSite(
            functions.package, head, file, name, kind,
            candidates=tuple(sorted(candidates)),
            spans=tuple(sorted(spans)),
            proved=frozenset(candidates & proved.get(head, {}).keys()),
            listed={tail: float(row.confidence) for tail, row in listed.get(head, {}).items() if tail in candidates},
            external=(head, name) in external,
        )
        for head, kind, name, file, spans, candidates in sorted(sites, key=lambda site: (*site[:4], min(site[4])))
    ]  # fmt: skip


def _places(functions: PackageFunctions, parsed: Parsed) -> dict[tuple[str, Kind, str, str], set[Span]]:
    """{(head, kind, name, file): where it is spelt} of every reference that some function's name fits."""
    files = parsed.files[parsed.files["package"] == functions.package]
    lines = _LineNumbers(files)
    places: dict[tuple[str, Kind, str, str], set[Span]] = defaultdict(set)
    for row in records(parsed.references[parsed.references["package"] == functions.package]):
        kind, head = KINDS[row.kind], canonical(row.scope)
        if head in functions.functions and _fitting(functions, kind, row.name):
            span = (row.byte_start, row.byte_end, lines.of(row.file, row.byte_start))
            places[head, kind, row.name, row.file].add(span)
    return places


def _protocol_sites(listed: Mapping[str, Mapping[str, Any]], reached: set[tuple[str, str]]) -> list[_Site]:
    found: dict[tuple[str, str, str, Span], set[str]] = defaultdict(set)
    for head, rows in listed.items():
        for tail, row in rows.items():
            if (head, tail) not in reached:
                found[head, short_name(tail), row.file, (row.byte_start, row.byte_end, row.line_start)].add(tail)
    return [(head, "protocol", name, file, {span}, tails) for (head, name, file, span), tails in found.items()]


def _fitting(functions: PackageFunctions, kind: Kind, name: str) -> set[str]:
    fitting = functions.fitting.get(name, set())
    if name.startswith("__") and name.endswith("__"):
        return set()  # `super().__init__()`: what static analysis does not prove of it, no name tells
    return fitting & functions.properties if kind == "property" else fitting - functions.properties


class _LineNumbers:
    """Line of a byte offset, file by file."""

    def __init__(self, files: "pd.DataFrame") -> None:
        self._breaks = {
            file: np.flatnonzero(np.frombuffer(text.encode(), np.uint8) == ord("\n"))
            for file, text in zip(files["file"], files["text"])
        }

    def of(self, file: str, offset: int) -> int:
        return int(np.searchsorted(self._breaks[file], offset)) + 1


def site_counts(sites: Iterable[CallSite]) -> dict[str, int]:
    """How many sites are proved, listed or open, for the record."""
    counts = Counter("proved" if site.proved else "listed" if site.listed else "open" for site in sites)
    return dict(sorted(counts.items()))
