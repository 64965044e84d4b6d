"""The graph of one package: resolvers, containment and manifests joined, each edge once."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmer.corpus.parse.columns import arrow_table
from graphmer.corpus.parse.lines import LineIndex, with_lines, without_lines
from graphmer.corpus.parse.records import Reference, Span, Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.containment import (
    Entity,
    containment_facts,
    definition_entity,
    file_entity,
    file_symbol,
    module_entity,
    modules_of,
    repository_symbol,
    shown,
)
from graphmer.kg.facts import ExternalEntity, Fact, PackageFacts, Resolved, SourceFile
from graphmer.kg.manifest_facts import manifest_facts, manifest_language
from graphmer.kg.resolve.java import resolve_java
from graphmer.kg.resolve.python import resolve_python
from graphmer.kg.rings import without_rings
from graphmer.kg.schema import entities_schema, triples_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Resolver = Callable[[PackageFacts, GraphParams], Resolved]

# A new language puts its resolver here.
RESOLVERS: Mapping[str, Resolver] = {"java": resolve_java, "python": resolve_python}


class PackageTables(NamedTuple):
    """One package's rows of the parsed tables, in one split.

    A package stands alone: what it imports from another package of the corpus is external to it, as it is to its own
    author, and as it must be where the two are in different splits. The same holds between the splits of a package
    that is cut by module; its Repository is then known to the train split alone (`has_repository`).
    """

    package: str
    has_repository: bool
    files: "pd.DataFrame"
    symbols: "pd.DataFrame"
    references: "pd.DataFrame"


class PackageGraph(NamedTuple):
    """One package's part of the graph. Externals are shared by packages, so they are joined later."""

    package: str
    entities: "pa.Table"
    triples: "pa.Table"
    externals: list[ExternalEntity]
    calls: dict[str, Counter[str]]  # by language
    duplicates: int
    dropped: Counter[str]


class _FileRow(NamedTuple):
    package: str
    version: str
    license: str
    language: str
    split: str
    file: str
    module: str
    kind: str
    is_test: bool
    bytes: int


def build_package(tables: PackageTables, params: GraphParams) -> PackageGraph:
    """Resolve one package; the same rows give the same graph on any process."""
    import pyarrow as pa

    files = {row.file: row for row in _records(tables.files, _FileRow)}
    wholes = {row.file: Span(0, row.bytes) for row in files.values()}
    symbols = _by_file(tables.symbols, Symbol)
    references = _by_file(tables.references, Reference)
    graph = _Graph(tables.package, repository_symbol(tables.package) if tables.has_repository else "")
    for language in sorted({row.language for row in files.values() if row.kind == "code"}):
        sources = [
            SourceFile(row.file, row.module, row.is_test, symbols.get(row.file, []), references.get(row.file, []))
            for row in files.values()
            if row.language == language
        ]
        graph.add_language(PackageFacts(tables.package, language, sources), wholes, params)
    graph.add_documents([row.file for row in files.values() if row.kind == "document"], wholes)
    if tables.has_repository:
        manifests = {row.file: references.get(row.file, []) for row in files.values() if row.kind == "manifest"}
        graph.add_repository(manifests, _main_language(files))
    return graph.finish(files, LineIndex(pa.Table.from_pandas(tables.files[["file", "text"]])))


class _Graph:
    def __init__(self, package: str, repository: str) -> None:
        self.package, self.repository = package, repository
        self.facts: list[Fact] = []
        self.entities: dict[str, Entity] = {}
        self.externals: dict[str, ExternalEntity] = {}
        self.calls: dict[str, Counter[str]] = {}

    def add_language(self, facts: PackageFacts, wholes: Mapping[str, Span], params: GraphParams) -> None:
        resolved = RESOLVERS[facts.language](facts, params)
        modules = modules_of(facts)
        for module in modules:
            self._add_entity(module_entity(module, facts.language, facts.package, wholes))
        for source in facts.files:
            self._add_entity(file_entity(facts.language, facts.package, source.file, wholes[source.file]))
            for symbol in source.symbols:
                if symbol.kind != "module" and symbol.symbol in resolved.types:
                    entity_type = resolved.types[symbol.symbol]
                    self._add_entity(definition_entity(symbol, entity_type, facts.language, facts.package, source.file))
        self.facts += resolved.facts
        self.facts += containment_facts(facts, modules, resolved.types, wholes, self.repository)
        self.externals.update(resolved.externals)
        self.calls[facts.language] = resolved.calls

    def add_documents(self, files: list[str], wholes: Mapping[str, Span]) -> None:
        for file in files:
            self._add_entity(file_entity("document", self.package, file, wholes[file]))
            if self.repository:
                tail = file_symbol("document", self.package, file)
                self.facts.append(shown(self.repository, "contains", tail, file, wholes[file]))

    def add_repository(self, manifests: Mapping[str, list[Reference]], language: str) -> None:
        declared = manifest_facts(self.package, manifests)
        self.facts += declared.facts
        for target in declared.entities:
            self._add_entity(target)
        for external in declared.externals:
            self.externals.setdefault(external.entity, external)
        name = self.package
        row = Entity(self.repository, "Repository", name, name, language, name, "", 0, 0, "", "", False)
        self._add_entity(row)

    def _add_entity(self, entity: Entity) -> None:
        self.entities.setdefault(entity.entity, entity)  # a build target may stand in two manifests

    def finish(self, files: Mapping[str, _FileRow], index: LineIndex) -> PackageGraph:
        for fact in self.facts:
            for end in (fact.head, fact.tail):
                known = end in self.entities or end in self.externals
                assert known, f"{fact.file}:{fact.byte_start}: {fact.head} {fact.relation} {fact.tail}: no entity {end}"
        # The surest evidence of an edge first, then the first place: a name that is bound somewhere is not ambiguous.
        facts, dropped = without_rings(self.facts)
        order = sorted(facts, key=lambda fact: (*fact[:3], -fact.confidence, *fact[3:]))
        first = {fact[:3]: fact for fact in reversed(order)}
        used = {end for head, _, tail in first for end in (head, tail)}
        rows = [_triple(first[key], files[first[key].file]) for key in sorted(first)]
        return PackageGraph(
            package=self.package,
            entities=_lined(sorted(self.entities.values()), entities_schema(), index),
            triples=_lined(rows, triples_schema(), index),
            externals=[external for symbol, external in sorted(self.externals.items()) if symbol in used],
            calls=self.calls,
            duplicates=len(facts) - len(first),
            dropped=dropped,
        )


def _lined(rows: list[tuple[Any, ...]], schema: "pa.Schema", index: LineIndex) -> "pa.Table":
    return with_lines(arrow_table(rows, without_lines(schema)), index, schema)


def _triple(fact: Fact, file: _FileRow) -> tuple[Any, ...]:
    """A row of triples.parquet, less the lines."""
    language = manifest_language(file.file) if file.kind == "manifest" else file.language
    return (
        *(fact.head, fact.relation, fact.tail),
        *(language, file.package, file.version, file.license, file.file),
        *(fact.byte_start, fact.byte_end),
        *("static_analysis", fact.confidence, fact.resolution, file.split),
    )


def _main_language(files: Mapping[str, _FileRow]) -> str:
    """The language of most of a package's code, by bytes."""
    sizes: Counter[str] = Counter()
    for row in files.values():
        if row.kind == "code":
            sizes[row.language] += row.bytes
    return min(sizes, key=lambda language: (-sizes[language], language), default="")


def _records(frame: "pd.DataFrame", row: Any) -> list[Any]:
    """The frame's rows as named tuples of the type `row`."""
    return [row._make(values) for values in zip(*(frame[name].tolist() for name in row._fields))]


def _by_file(frame: "pd.DataFrame", row: Any) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for file, record in zip(frame["file"].tolist(), _records(frame, row)):
        grouped.setdefault(file, []).append(record)
    return grouped
