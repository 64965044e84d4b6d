"""What holds what, down to a file's own definitions: Repository, Module, File, definition.

A module of Python or JavaScript and its file are two entities: the module is what code imports, the file is where it
stands. A Java package is one Module with many files. A module is contained by the nearest module above it, else by the
Repository. What a class or function declares inside itself is the resolvers' business.
"""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from graphmer.corpus.parse.records import Span, Symbol
from graphmer.kg.facts import Fact, PackageFacts, SourceFile

DEFAULT_JAVA_PACKAGE = "<default>"
# The files that stand for their folder, the first that there is
FOLDER_MODULES: Mapping[str, tuple[str, ...]] = {
    "javascript": ("index.js", "index.mjs", "index.cjs", "index.jsx"),
    "python": ("__init__.py",),
    "typescript": ("index.ts", "index.tsx", "index.mts", "index.cts"),
}


class Entity(NamedTuple):
    """One row of entities.parquet, in its order of columns, less the lines."""

    entity: str
    type: str
    name: str
    qualified_name: str
    language: str
    package: str
    file: str
    byte_start: int
    byte_end: int
    signature: str
    docstring: str
    external: bool


class Module(NamedTuple):
    """A module and the files that make it up; `parent` is empty where the Repository holds it."""

    symbol: str
    qualified_name: str
    parent: str
    files: tuple[str, ...]
    docstring: str


def file_symbol(language: str, package: str, file: str) -> str:
    """The symbol of a File entity."""
    return f"{language}:{package}:{file}"


def repository_symbol(package: str) -> str:
    """The symbol of a Repository entity."""
    return f"repository:{package}"


def shown(head: str, relation: str, tail: str, file: str, span: Span, resolution: str = "exact") -> Fact:
    """A certain fact that is read off the layout or a manifest."""
    return Fact(head, relation, tail, file, span.byte_start, span.byte_end, resolution, 1.0)


def file_entity(language: str, package: str, file: str, whole: Span) -> Entity:
    """The File entity of code or of a document."""
    symbol = file_symbol(language, package, file)
    name = PurePosixPath(file).name
    return Entity(symbol, "File", name, file, language, package, file, 0, whole.byte_end, "", "", False)


def modules_of(facts: PackageFacts) -> list[Module]:
    """The modules of one package in one language, sorted by symbol."""
    return sorted(_MODULES[facts.language](facts))


def module_entity(module: Module, language: str, package: str, wholes: Mapping[str, Span]) -> Entity:
    """The Module entity; it stands in its first file."""
    whole = wholes[module.files[0]]
    return Entity(
        module.symbol,
        "Module",
        module.qualified_name.rpartition(".")[2],
        module.qualified_name,
        language,
        package,
        module.files[0],
        whole.byte_start,
        whole.byte_end,
        "",
        module.docstring,
        False,
    )


def containment_facts(
    facts: PackageFacts, modules: list[Module], types: Mapping[str, str], wholes: Mapping[str, Span], repository: str
) -> list[Fact]:
    """Contains and defines facts of one language.

    types: entity type of each definition that is an entity. wholes: the span of each whole file. repository: its
    symbol, or empty where this part of the package has none.
    """
    found = []
    for module in modules:
        parent = module.parent or repository
        first = module.files[0]
        if parent:
            found.append(shown(parent, "contains", module.symbol, first, wholes[first]))
        for file in module.files:
            tail = file_symbol(facts.language, facts.package, file)
            found.append(shown(module.symbol, "contains", tail, file, wholes[file]))
    for source in facts.files:
        found += _defines(facts, source, types)
    return found


def _defines(facts: PackageFacts, source: SourceFile, types: Mapping[str, str]) -> list[Fact]:
    head = file_symbol(facts.language, facts.package, source.file)
    top = f"{head}#"
    return [
        shown(head, "defines", symbol.symbol, source.file, name_span(symbol))
        for symbol in source.symbols
        if symbol.container == top and symbol.symbol in types
    ]


def name_span(symbol: Symbol) -> Span:
    """The defining name's bytes."""
    return Span(symbol.name_byte_start, symbol.name_byte_end)


def _file_modules(facts: PackageFacts) -> list[Module]:
    files = {source.file for source in facts.files}
    return [
        Module(
            symbol=f"{file_symbol(facts.language, facts.package, source.file)}#",
            qualified_name=source.module,
            parent=_file_parent(facts, source.file, files),
            files=(source.file,),
            docstring=_docstring(source),
        )
        for source in facts.files
    ]


def _file_parent(facts: PackageFacts, file: str, files: set[str]) -> str:
    """The nearest file above that stands for its folder. By path: two folders may each hold a module `conftest`."""
    folder, names = PurePosixPath(file).parent, FOLDER_MODULES[facts.language]
    if PurePosixPath(file).name in names:
        if folder == folder.parent:
            return ""
        folder = folder.parent
    for candidate in (folder, *folder.parents):
        for name in names:
            init = (candidate / name).as_posix()
            if init in files and init != file:
                return f"{file_symbol(facts.language, facts.package, init)}#"
    return ""


def _docstring(source: SourceFile) -> str:
    return next((symbol.docstring for symbol in source.symbols if symbol.kind == "module"), "")


def _java_modules(facts: PackageFacts) -> list[Module]:
    by_name: dict[str, list[str]] = {}
    for source in facts.files:
        by_name.setdefault(source.module, []).append(source.file)
    return [
        Module(
            symbol=_java_package(facts.package, name),
            qualified_name=name or DEFAULT_JAVA_PACKAGE,
            parent=_java_parent(facts.package, name, set(by_name)),
            files=tuple(sorted(files)),
            docstring="",
        )
        for name, files in by_name.items()
    ]


def _java_package(package: str, name: str) -> str:
    return f"java:{package}:{name or DEFAULT_JAVA_PACKAGE}#"


def _java_parent(package: str, name: str, names: set[str]) -> str:
    """The nearest package above, as far as it has files of its own."""
    while "." in name:
        name = name.rpartition(".")[0]
        if name in names:
            return _java_package(package, name)
    return ""


# A new language says here what its modules are.
_MODULES: Mapping[str, Callable[[PackageFacts], list[Module]]] = {
    "java": _java_modules,
    "javascript": _file_modules,
    "python": _file_modules,
    "typescript": _file_modules,
}
