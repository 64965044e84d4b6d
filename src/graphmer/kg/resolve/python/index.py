"""What a package's Python files define and bind, indexed by scope: the ground that names are looked up on."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.facts import PackageFacts, SourceFile

FUNCTION_KINDS = frozenset({"function", "method", "lambda"})
PARAMETER_KINDS = frozenset({"parameter", "star_parameter", "star_star_parameter", "keyword_parameter"})
Expression = Any  # the notation of corpus.parse.python.notation: a text, or a list of texts, numbers and lists


def expression(value: str) -> Expression:
    """A reference's value as the parser meant it."""
    return _SCAN(value, 0)[0] if value[:1] == "[" else value


# What json.loads calls once it has looked for white space.
_SCAN: Callable[[str, int], tuple[Expression, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class Parameter(NamedTuple):
    """One parameter of a function, in their order."""

    name: str
    kind: str
    annotation: str


@dataclass(slots=True, eq=False)
class Scope:
    """One module, class or function: what it defines, imports and binds."""

    symbol: Symbol
    file: str
    parent: "Scope | None"
    top: "Scope | None" = None  # its module's; None where it is one
    dotted: str = ""  # of its module
    definitions: dict[str, list[Symbol]] = field(default_factory=dict)
    imports: dict[str, list[str]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    assigned: dict[str, list[str]] = field(default_factory=dict)  # plain names
    parameters: list[Parameter] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    returned: str = ""
    bases: list[Reference] = field(default_factory=list)
    metaclasses: list[str] = field(default_factory=list)
    decorators: list[Reference] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)
    exports: list[str] = field(default_factory=list)
    versions: dict[str, list[str]] = field(default_factory=dict)  # names that were bound anew
    names: set[str] = field(default_factory=set)  # all that it binds
    head: str = ""  # the entity whose code it is
    nodes: dict[str, Any] = field(default_factory=dict)  # the resolver's own, by name

    @property
    def module(self) -> "Scope":
        """The scope of the module that it stands in."""
        return self.top or self

    @property
    def kind(self) -> str:
        """Kind of the symbol that opens the scope."""
        return self.symbol.kind

    @property
    def modifiers(self) -> list[str]:
        """Modifiers of the symbol that opens the scope."""
        return self.symbol.modifiers.split()

    def target_of(self, name: str) -> "Scope":
        """The scope whose variable an assignment to `name` here sets: `global` and `nonlocal` name an outer one."""
        if name not in self.globals:
            return self
        outer = self.parent
        while outer is not None and not (outer.symbol.kind in FUNCTION_KINDS and name in outer.names):
            outer = outer.parent
        return outer or self.module

    def member(self, name: str) -> str:
        """The symbol of something that stands in this scope."""
        return self.symbol.symbol + name if self.symbol.kind == "module" else f"{self.symbol.symbol}.{name}"


@dataclass
class PackageIndex:
    """All scopes of a package by symbol, and its modules by dotted name."""

    package: str
    scopes: dict[str, Scope] = field(default_factory=dict)
    modules: dict[str, Scope] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)  # dotted names of folders above modules
    symbols: dict[str, Symbol] = field(default_factory=dict)
    files: dict[str, SourceFile] = field(default_factory=dict)
    methods: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[tuple[str, int], Reference] = field(default_factory=dict)  # (file, end of the callee)
    operations: dict[tuple[str, int], Reference] = field(default_factory=dict)  # (file, where the operator stands)
    lambdas: dict[tuple[str, int], str] = field(default_factory=dict)  # (file, first byte) -> symbol
    properties: set[str] = field(default_factory=set)  # names of properties
    setters: set[str] = field(default_factory=set)  # names of properties that have a setter
    top_levels: set[str] = field(default_factory=set)

    def is_package(self, module: Scope) -> bool:
        """Whether a module is a package's __init__, from which a relative import counts."""
        return module.file.endswith("__init__.py")


def build_index(facts: PackageFacts) -> PackageIndex:
    """Index every scope of a package's Python files."""
    index = PackageIndex(facts.package)
    for source in facts.files:
        index.files[source.file] = source
        for symbol in source.symbols:
            index.symbols[symbol.symbol] = symbol
            _add_symbol(index, symbol, source)
    for source in facts.files:
        file = source.file
        for reference in source.references:
            if reference.kind == "call":
                index.calls[file, reference.ordinal] = reference
                continue
            if reference.kind == "operate":
                index.operations[file, reference.ordinal] = reference
                continue
            add = _ADDED.get(reference.kind)
            if add is not None:
                scope = index.scopes.get(reference.scope)
                if scope is not None:
                    add(scope, reference)
    _add_called_properties(index)
    index.setters = {
        scope.symbol.name for scope in index.scopes.values() if "setter" in scope.symbol.modifiers and is_setter(scope)
    }
    index.top_levels = {name.partition(".")[0] for name in index.modules}
    for name in index.modules:
        while "." in name:
            name = name.rpartition(".")[0]
            index.prefixes.add(name)
    return index


def _add_symbol(index: PackageIndex, symbol: Symbol, source: SourceFile) -> None:
    kind = symbol.kind
    if kind == "parameter" or kind == "variable" or kind == "field":
        return
    parent = index.scopes.get(symbol.container)
    scope = Scope(symbol, source.file, parent)
    scope.top = parent.module if parent is not None else None
    scope.dotted = source.module
    index.scopes[symbol.symbol] = scope
    if kind == "module":
        # Two files of one dotted name (src/ and a copy): the first in the order of paths answers to it.
        index.modules.setdefault(source.module, scope)
    elif kind == "lambda":
        index.lambdas[source.file, symbol.byte_start] = symbol.symbol
    elif parent is not None:
        parent.definitions.setdefault(symbol.name, []).append(symbol)
        parent.names.add(symbol.name)
        if kind == "method":
            if "property" in symbol.modifiers:
                index.properties.add(symbol.name)
            index.methods[symbol.name].append(symbol.symbol)


def is_setter(scope: Scope) -> bool:
    """Whether a method is decorated as a property's setter, `@name.setter`."""
    return any(decorator.value.endswith(".setter") for decorator in scope.decorators)


def _add_called_properties(index: PackageIndex) -> None:
    """`name = property(getter)` in a class."""
    for scope in list(index.scopes.values()):
        if scope.symbol.kind == "class":
            for name, values in scope.assigned.items():
                for value in values:
                    call = index.calls.get((scope.file, int(value[1:]))) if value[:1] == "@" else None
                    if call is not None and call.name == "property":
                        index.properties.add(name)


def _add_import(scope: Scope, reference: Reference) -> None:
    name, value = reference.name, reference.value
    if ":" not in value and name == value:  # `import a.b` binds a
        name = value = name.partition(".")[0]
    scope.imports.setdefault(name, []).append(value)
    scope.names.add(name)


def _add_assigned(scope: Scope, reference: Reference) -> None:
    name = reference.name
    if name[:1] != "[" and "." not in name:
        scope = scope.target_of(name)
        base, version, _ = name.partition("#")
        if version:
            scope.versions.setdefault(base, []).append(name)
        scope.assigned.setdefault(name, []).append(reference.value)
        scope.names.add(name)


def _add_parameter(scope: Scope, reference: Reference) -> None:
    scope.parameters.append(Parameter(reference.name, reference.kind, reference.value))
    scope.names.add(reference.name)


def _add_annotation(scope: Scope, reference: Reference) -> None:
    scope.annotations[reference.name] = reference.value
    if "." not in reference.name and reference.name[:1] != "[":
        scope.names.add(reference.name)


def _add_global(scope: Scope, reference: Reference) -> None:
    scope.globals.add(reference.name)


def _set_returned(scope: Scope, reference: Reference) -> None:
    scope.returned = reference.value


_ADDED: dict[str, Callable[[Scope, Reference], None]] = {
    "import": _add_import,
    "star_import": lambda scope, reference: scope.stars.append(reference.value),
    "assign": _add_assigned,
    **dict.fromkeys(PARAMETER_KINDS, _add_parameter),
    "annotation": _add_annotation,
    "return_annotation": _set_returned,
    "base": lambda scope, reference: scope.bases.append(reference),
    "metaclass": lambda scope, reference: scope.metaclasses.append(reference.value),
    "decorator": lambda scope, reference: scope.decorators.append(reference),
    "global": _add_global,
    "export": lambda scope, reference: scope.exports.append(reference.name),
}
