"""What the symbols of an index mean in one package: its own functions and classes, or external entities."""

from typing import NamedTuple

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.facts import PackageFacts, Resolved
from graphmer.kg.scip.hierarchy import Hierarchy
from graphmer.kg.scip.index import ScipIndex
from graphmer.kg.scip.names import ExternalName, external_name

CLASS_KINDS = frozenset({"class", "interface", "enum", "record", "annotation_type"})
CALLABLE_TYPES = frozenset({"Function", "Method", "Test"})
IMPLEMENTS = frozenset({"implements", "implemented"})

CONSTRUCTORS = {
    "python": ("__new__", "__init__"),
    "javascript": ("constructor",),
    "typescript": ("constructor",),
}

Edge = tuple[str, str]  # relation and tail


class Target(NamedTuple):
    """What a reference may mean: the edges that it says, and the word that names it."""

    edges: tuple[Edge, ...]
    name: str
    external: bool


class Targets:
    """Finds the entities of one package and one language."""

    def __init__(self, index: ScipIndex, package: PackageFacts, resolved: Resolved) -> None:
        self.index, self.resolved, self.language = index, resolved, package.language
        defined = [(source.file, symbol) for source in package.files for symbol in source.symbols]
        self.symbols = {symbol.symbol: symbol for _, symbol in defined}
        self.file_of = {symbol.symbol: file for file, symbol in defined}
        # Of several constructors of one class the last one binds; Java's index names the one that is called.
        self.constructors = [
            {symbol.container: symbol.symbol for _, symbol in defined if symbol.name == name}
            for name in CONSTRUCTORS.get(package.language, ())
        ]
        self.by_place = {
            (file, symbol.name_byte_start): symbol for file, symbol in defined if self._is_function_or_class(symbol)
        }

        references = (one for source in package.files for one in source.references)
        self.overloads = {one.scope for one in references if one.kind == "decorator" and one.name == "overload"}
        self.last = {(symbol.container, symbol.name): symbol for symbol in self.by_place.values()}

    def _is_function_or_class(self, symbol: Symbol) -> bool:
        return symbol.kind in CLASS_KINDS or self.resolved.types.get(symbol.symbol) in CALLABLE_TYPES

    def entity(self, symbol: str) -> Symbol | None:
        """The function, method or class of the package that a symbol of the index names.

        Of several definitions in one scope the last binds (overloads, setters). In several scopes they are several
        things: scip-python gives nested functions the symbol of a member of the class around them.
        """
        places = self.index.definitions.get(symbol, ())
        found = [self.by_place.get((place.file, place.byte_start)) for place in places]
        containers = {one.container if one is not None else None for one in found}
        return self._bound(found[-1]) if len(containers) == 1 else None

    def _bound(self, found: Symbol | None) -> Symbol | None:
        """What a name means that `typing.overload` declares: the definition that follows, with the code."""
        return self.last[found.container, found.name] if found is not None and found.symbol in self.overloads else found

    def type_of(self, entity: str) -> str:
        """The entity type of a definition, a module or a known external."""
        if entity in self.resolved.externals:
            return self.resolved.externals[entity].type
        found = self.symbols.get(entity)
        return self.resolved.types.get(entity, "Module" if found is not None and found.kind == "module" else "")

    def head(self, scope: str) -> str:
        """The entity whose code a scope is. A class' own lines are its module's in Python, its own in Java."""
        at = self.symbols.get(scope)
        while at is not None and at.kind != "module":
            of_its_module = at.kind in CLASS_KINDS and self.language == "python"
            if at.symbol in self.resolved.types and not of_its_module:
                return at.symbol
            at = self.symbols.get(at.container)
        return at.symbol if at is not None else ""

    def call(self, symbol: str, reference: Reference, hierarchy: Hierarchy) -> Target | None:
        """What a call of a symbol says; None where the symbol is no function or class, or is not known."""
        found = self.entity(symbol)
        if found is None:
            name = self._external(symbol)
            return self._outside(name, "instantiates" if name.is_class else "invokes") if name is not None else None
        if found.kind in CLASS_KINDS:
            constructs = reference.kind == "new" or self.language == "python"
            return self._construction(found, None, hierarchy) if constructs else None
        if "property" in found.modifiers.split():
            return None  # what the property gives is called, not the property
        owner = self.symbols.get(found.container)
        if reference.kind == "new" and owner is not None:
            return self._construction(owner, found, hierarchy)
        return Target((("calls", found.symbol),), found.name, False)

    def base(self, symbol: str, reference: Reference) -> Target | None:
        """What a symbol among the bases of a class says; None where it is no other class, or is not known."""
        found = self.entity(symbol)
        if found is None:
            name = self._external(symbol)
            relation = "implements" if reference.kind in IMPLEMENTS else "inherits_from"
            return self._outside(name, relation) if name is not None and name.is_class else None
        if found.kind not in CLASS_KINDS or found.symbol == reference.scope:
            return None
        joins = self.type_of(found.symbol) == "Interface" and self.type_of(reference.scope) != "Interface"
        return Target((("implements" if joins else "inherits_from", found.symbol),), found.name, False)

    def _construction(self, owner: Symbol, constructor: Symbol | None, hierarchy: Hierarchy) -> Target:
        """`instantiates` the class and `calls` its constructor: unless given, the first in the class' order."""
        found = [hierarchy.constructor(owner.symbol, named) for named in self.constructors]
        called = [constructor.symbol] if constructor is not None else [one for one in found if one is not None]
        edges = [("instantiates", owner.symbol), *(("calls", one) for one in called)]
        return Target(tuple(edges), owner.name, False)

    def _external(self, symbol: str) -> ExternalName | None:
        """The name of what another package defines.

        A symbol of an own package that is not found stays unknown, and so does one of another version: that is an
        installed copy.
        """
        parsed = self.index.symbols.get(symbol)
        if parsed is None or parsed.package[:2] in self.index.own:
            return None
        return external_name(self.language, parsed)

    def _outside(self, name: ExternalName, relation: str) -> Target:
        self.resolved.externals.setdefault(name.entity.entity, name.entity)
        return Target(((relation, name.entity.entity),), name.entity.name, True)
