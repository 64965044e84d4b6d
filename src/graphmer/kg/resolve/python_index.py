"""What a package's Python files define and bind, indexed by scope: the ground that names are looked up on."""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.facts import PackageFacts, SourceFile

FUNCTION_KINDS = frozenset({"function", "method", "lambda"})
BINDINGS = frozenset({"assign", "with", "for"})
TYPE_NAME = re.compile(r"[^\W\d][\w.]*")


@dataclass
class Scope:
    """One module, class or function: what it defines, imports and binds."""

    symbol: Symbol
    file: str
    module: str
    parent: "Scope | None"
    definitions: dict[str, list[Symbol]] = field(default_factory=lambda: defaultdict(list))
    imports: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    stars: list[str] = field(default_factory=list)
    bindings: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    parameters: dict[str, tuple[str, int]] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    returns: list[str] = field(default_factory=list)
    returned: str = ""
    bases: list[Reference] = field(default_factory=list)
    metaclasses: list[str] = field(default_factory=list)
    decorators: list[Reference] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)
    exports: list[str] = field(default_factory=list)
    attributes: dict[str, list[tuple["Scope", str]]] = field(default_factory=lambda: defaultdict(list))
    attribute_types: dict[str, tuple["Scope", str]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Kind of the symbol that opens the scope."""
        return self.symbol.kind

    def binds(self, name: str) -> bool:
        """Whether a name belongs to this scope, known or not."""
        return (
            name in self.definitions
            or name in self.imports
            or name in self.parameters
            or name in self.annotations
            or (name in self.bindings and name not in self.globals)
        )


@dataclass
class PackageIndex:
    """All scopes of a package by symbol, and its modules by dotted name."""

    package: str
    scopes: dict[str, Scope] = field(default_factory=dict)
    modules: dict[str, Scope] = field(default_factory=dict)
    symbols: dict[str, Symbol] = field(default_factory=dict)
    files: dict[str, SourceFile] = field(default_factory=dict)
    methods: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
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
        for reference in source.references:
            scope = index.scopes.get(reference.scope)
            if scope is not None:
                _add_reference(scope, reference)
    for scope in list(index.scopes.values()):
        _add_attributes(scope)
    index.top_levels = {name.partition(".")[0] for name in index.modules}
    return index


def _add_symbol(index: PackageIndex, symbol: Symbol, source: SourceFile) -> None:
    parent = index.scopes.get(symbol.container)
    if symbol.kind == "module":
        scope = Scope(symbol, source.file, source.module, None)
        index.scopes[symbol.symbol] = scope
        # Two files of one dotted name (src/ and a copy): the first in the order of paths answers to it.
        index.modules.setdefault(source.module, scope)
    elif symbol.kind == "class" or symbol.kind in FUNCTION_KINDS:
        index.scopes[symbol.symbol] = Scope(symbol, source.file, source.module, parent)
    if parent is not None and symbol.kind in {"class", "function", "method"}:
        parent.definitions[symbol.name].append(symbol)
        if symbol.kind == "method":
            index.methods[symbol.name].append(symbol.symbol)


def _add_reference(scope: Scope, reference: Reference) -> None:
    kind, name, value = reference.kind, reference.name, reference.value
    if kind in BINDINGS:
        scope.bindings[name].append((kind, value))
    elif kind == "import":
        scope.imports[name if ":" in value or name != value else name.partition(".")[0]].append(
            value if ":" in value or name != value else value.partition(".")[0]
        )
    elif kind == "star_import":
        scope.stars.append(value)
    elif kind == "parameter":
        scope.parameters[name] = (value, reference.ordinal)
    elif kind == "annotation":
        scope.annotations[name] = value
    elif kind in ("return", "yield"):
        scope.returns += [value] if kind == "return" else []
    elif kind == "return_annotation":
        scope.returned = value
    elif kind == "base":
        scope.bases.append(reference)
    elif kind == "metaclass":
        scope.metaclasses.append(value)
    elif kind == "decorator":
        scope.decorators.append(reference)
    elif kind == "global":
        scope.globals.add(name)
    elif kind == "export":
        scope.exports.append(name)


def _add_attributes(scope: Scope) -> None:
    """What methods assign to `self.x` and `cls.x` belongs to their class."""
    if scope.kind not in FUNCTION_KINDS:
        return
    owner = scope.parent
    while owner is not None and owner.kind in FUNCTION_KINDS:
        owner = owner.parent
    if owner is None or owner.kind != "class":
        return
    for target, values in scope.bindings.items():
        first, _, attribute = target.partition(".")
        if first in ("self", "cls") and attribute and "." not in attribute and "[" not in attribute:
            owner.attributes[attribute] += [(scope, value) for kind, value in values if kind == "assign"]
    for target, said in scope.annotations.items():
        first, _, attribute = target.partition(".")
        if first == "self" and attribute:
            owner.attribute_types.setdefault(attribute, (scope, said))
