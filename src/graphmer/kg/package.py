"""The graph of one package: resolvers, containment and manifests joined, each edge once."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphmer.artifacts import open_table
from graphmer.corpus.parse.columns import concat, paused_collector, python_values, whole
from graphmer.corpus.parse.lines import LineIndex
from graphmer.corpus.parse.records import Reference, Span, Symbol
from graphmer.corpus.parse.schema import (
    REFERENCES_PLAIN,
    SYMBOLS_PLAIN,
    references_schema,
    symbols_schema,
)
from graphmer.kg.config import GraphParams
from graphmer.kg.containment import (
    Entity,
    containment_facts,
    file_entity,
    file_symbol,
    module_entity,
    modules_of,
    repository_symbol,
    shown,
)
from graphmer.kg.edges import Edges, edges_of
from graphmer.kg.entities import defined_entities, listed_entities
from graphmer.kg.facts import ExternalEntity, Fact, Overlay, PackageFacts, Resolved, SourceFile
from graphmer.kg.manifest_facts import manifest_facts
from graphmer.kg.resolve.java import resolve_java
from graphmer.kg.resolve.javascript import resolve_javascript
from graphmer.kg.resolve.python.resolver import resolve_python
from graphmer.kg.rings import without_rings

if TYPE_CHECKING:
    import pyarrow as pa

Resolver = Callable[[PackageFacts, GraphParams], Resolved]

SYMBOL_COLUMNS = ["package", "language", "file", "line_start", "line_end", *Symbol._fields]
REFERENCE_COLUMNS = ["file", *Reference._fields]
# A new language puts its resolver here.
RESOLVERS: Mapping[str, Resolver] = {
    "java": resolve_java,
    "javascript": resolve_javascript,
    "python": resolve_python,
    "typescript": resolve_javascript,
}


class PackageTables(NamedTuple):
    """One package's part of the parsed tables, in one split; a process reads the two large ones itself.

    A package stands alone: what it imports from another package of the corpus is external to it, as it is to its own
    author, and as it must be where the two are in different splits. The same holds between the splits of a package
    that is cut by module; its Repository is then known to the train split alone (`has_repository`).
    """

    package: str
    has_repository: bool
    files: "pa.Table"  # its rows of files.parquet, with `row`, their number there
    parsed: Path
    groups: dict[str, list[int]]  # the row groups of the package, by table


class PackageGraph(NamedTuple):
    """One package's part of the graph. Externals are shared by packages, so they are joined later.

    In `edges` the entities are numbered as they stand in `entities`, and then the externals.
    """

    package: str
    entities: "pa.Table"
    externals: list[ExternalEntity]
    edges: Edges
    calls: dict[str, Counter[str]]  # by language
    duplicates: int
    dropped: Counter[str]
    overlaid: Counter[str]


class _FileRow(NamedTuple):
    file: str
    language: str
    module: str
    kind: str
    is_test: bool
    bytes: int


@paused_collector()
def build_package(tables: PackageTables, params: GraphParams, overlay: Overlay | None = None) -> PackageGraph:
    """Resolve one package; the same rows give the same graph on any process."""
    files = _rows(tables.files, _FileRow)
    wholes = {row.file: Span(0, row.bytes) for row in files}
    symbol_table = _own_rows(tables, "symbols", symbols_schema(), SYMBOLS_PLAIN, SYMBOL_COLUMNS)
    symbols = _rows(symbol_table, Symbol)
    reference_table = _own_rows(tables, "references", references_schema(), REFERENCES_PLAIN, REFERENCE_COLUMNS)
    symbols_of = _by_file(symbol_table, symbols)
    references_of = _by_file(reference_table, _rows(reference_table, Reference))
    graph = _Graph(tables.package, repository_symbol(tables.package) if tables.has_repository else "")
    for language in sorted({row.language for row in files if row.kind == "code"}):
        sources = [
            SourceFile(row.file, row.module, row.is_test, symbols_of.get(row.file, []), references_of.get(row.file, []))
            for row in files
            if row.language == language
        ]
        graph.add_language(PackageFacts(tables.package, language, sources), wholes, params, overlay)
    graph.add_documents([row.file for row in files if row.kind == "document"], wholes)
    if tables.has_repository:
        manifests = {row.file: references_of.get(row.file, []) for row in files if row.kind == "manifest"}
        graph.add_repository(manifests, _main_language(files))
    return graph.finish(tables.files, symbol_table, symbols)


class _Graph:
    def __init__(self, package: str, repository: str) -> None:
        self.package, self.repository = package, repository
        self.facts: list[Fact] = []
        self.listed: dict[str, Entity] = {}  # all but definitions
        self.types: dict[str, str] = {}  # of definitions
        self.externals: dict[str, ExternalEntity] = {}
        self.calls: dict[str, Counter[str]] = {}
        self.overlaid: Counter[str] = Counter()

    def add_language(
        self, facts: PackageFacts, wholes: Mapping[str, Span], params: GraphParams, overlay: Overlay | None
    ) -> None:
        resolved = RESOLVERS[facts.language](facts, params)
        if overlay is not None:
            self.overlaid += overlay(facts, resolved)
        modules = modules_of(facts)
        for module in modules:
            self._list(module_entity(module, facts.language, facts.package, wholes))
        for source in facts.files:
            self._list(file_entity(facts.language, facts.package, source.file, wholes[source.file]))
        self.types.update(resolved.types)
        self.facts += resolved.facts
        self.facts += containment_facts(facts, modules, resolved.types, wholes, self.repository)
        self.externals.update(resolved.externals)
        self.calls[facts.language] = resolved.calls

    def add_documents(self, files: list[str], wholes: Mapping[str, Span]) -> None:
        for file in files:
            self._list(file_entity("document", self.package, file, wholes[file]))
            if self.repository:
                tail = file_symbol("document", self.package, file)
                self.facts.append(shown(self.repository, "contains", tail, file, wholes[file]))

    def add_repository(self, manifests: Mapping[str, list[Reference]], language: str) -> None:
        declared = manifest_facts(self.package, manifests)
        self.facts += declared.facts
        for target in declared.entities:
            self._list(target)
        for external in declared.externals:
            self.externals.setdefault(external.entity, external)
        name = self.package
        self._list(Entity(self.repository, "Repository", name, name, language, name, "", 0, 0, "", "", False))

    def _list(self, entity: Entity) -> None:
        self.listed.setdefault(entity.entity, entity)  # a build target may stand in two manifests

    def finish(self, files: "pa.Table", symbol_table: "pa.Table", symbols: list[Symbol]) -> PackageGraph:
        index = LineIndex(files.column("text"))
        listed = listed_entities(list(self.listed.values()), python_values(files.column("file")), index)
        defined = defined_entities(symbol_table, symbols, self.types, self.listed.keys())
        entities = concat([listed, defined])
        facts, dropped = without_rings(self.facts)
        externals = [external for _, external in sorted(self.externals.items())]
        symbols_E = [*python_values(entities.column("entity")), *(external.entity for external in externals)]
        edges = edges_of(facts, symbols_E, files, index)
        used_E = np.zeros(len(symbols_E), np.bool_)
        used_E[edges.head], used_E[edges.tail] = True, True
        used_E[: len(entities)] = True
        number_E = np.cumsum(used_E, dtype=np.int32) - 1  # externals that no edge names go
        return PackageGraph(
            package=self.package,
            entities=entities,
            externals=[external for external, used in zip(externals, used_E[len(entities) :].tolist()) if used],
            edges=edges._replace(head=number_E[edges.head], tail=number_E[edges.tail]),
            calls=self.calls,
            duplicates=len(facts) - len(edges.head),
            dropped=dropped,
            overlaid=self.overlaid,
        )


def _main_language(files: list[_FileRow]) -> str:
    """The language of most of a package's code, by bytes."""
    sizes: Counter[str] = Counter()
    for row in files:
        if row.kind == "code":
            sizes[row.language] += row.bytes
    return min(sizes, key=lambda language: (-sizes[language], language), default="")


def _own_rows(
    tables: PackageTables, name: str, schema: "pa.Schema", plain: frozenset[str], columns: list[str]
) -> "pa.Table":
    """The rows of the package's files in this split, from its row groups of a parsed table."""
    import pyarrow as pa

    dictionaries = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in plain]
    parquet = open_table(tables.parsed / f"{name}.parquet", schema, dictionaries)
    table = parquet.read_row_groups(tables.groups.get(name, []), columns, use_threads=False)
    file = whole(table.column("file"))
    is_own = np.isin(python_values(pa.chunked_array([file.dictionary])), python_values(tables.files.column("file")))
    return table if is_own.all() else table.filter(pa.array(is_own[file.indices.to_numpy()]))


def _rows(table: "pa.Table", row: Any) -> list[Any]:
    """The table's rows as named tuples of the type `row`."""
    columns = (python_values(table.column(name)) for name in row._fields)
    return list(map(partial(tuple.__new__, row), zip(*columns, strict=True)))  # _make, less a frame of Python for each


def _by_file(table: "pa.Table", rows: list[Any]) -> dict[str, list[Any]]:
    """Rows, which stand file by file, by their file."""
    file = whole(table.column("file"))
    codes = file.indices.to_numpy()
    cuts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(rows)]
    names = file.dictionary.to_pylist()
    return {names[codes[start]]: rows[start:end] for start, end in pairwise(cuts) if start < end}
