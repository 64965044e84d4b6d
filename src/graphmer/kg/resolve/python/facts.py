"""Facts from a package's Python references: what each says once its names are resolved."""

from collections.abc import Iterable

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Resolved
from graphmer.kg.resolve.python.annotations import said_names
from graphmer.kg.resolve.python.call_facts import CALLABLE_TYPES, CallFacts
from graphmer.kg.resolve.python.calls import World
from graphmer.kg.resolve.python.entities import Externals
from graphmer.kg.resolve.python.index import FUNCTION_KINDS, Scope, expression
from graphmer.kg.resolve.python.static import BUILTIN, Value

CLASS_TYPES = frozenset({"Class", "Interface", "ExceptionType", "Test"})
NO_NAME = "@&?<'#["


class FactMaker:
    """Turns references into facts, one file after the other."""

    def __init__(self, world: World, resolved: Resolved, params: GraphParams) -> None:
        self.world, self.index, self.statics = world, world.index, world.statics
        self.resolved, self.params = resolved, params
        self.externals = Externals(resolved, self.statics.raised)
        self.calls = CallFacts(world, resolved, self.externals, params)
        self.add, self.head = self.calls.add, self.calls.head
        self.fields: dict[tuple[str, str], str | None] = {}
        self.handlers = {
            "call": self.calls.of_call,
            "iterate": self.calls.of_loop,
            "enter": self.calls.of_loop,
            "import": self._import,
            "star_import": self._star_import,
            "library": self._library,
            "base": self._base,
            "decorator": self._decorator,
            "raise": self._raise,
            "catch": self._catch,
            "read": self._read,
            "write": self._write,
            "annotation_name": self._annotation_name,
            "return": self._return,
        }

    def of_reference(self, reference: Reference, file: str) -> None:
        """Facts that one reference says."""
        handler = self.handlers.get(reference.kind)
        if handler is not None:
            scope = self.index.scopes.get(reference.scope)
            if scope is not None:
                handler(reference, scope, file)

    def type_of(self, symbol: str) -> str:
        """Entity type of a definition; a module is a Module."""
        if symbol in self.resolved.types:
            return self.resolved.types[symbol]
        return "Module" if symbol in self.index.scopes and self.index.scopes[symbol].kind == "module" else ""

    # Imports

    def _import(self, reference: Reference, scope: Scope, file: str) -> None:
        head = f"python:{self.index.package}:{file}"
        variable = self._imported_variable(reference.value, scope)
        if variable is not None:
            self.add(head, "imports", variable, reference, file, "exact")
            return
        for value in _sorted(self.statics.imported(reference.value, scope)):
            if value.kind in ("module", "class", "function"):
                if self.type_of(value.what) not in ("Method", ""):
                    self.add(head, "imports", value.what, reference, file, "exact")
            elif value.kind == "external" and ":" in reference.value and not value.what.startswith(BUILTIN):
                exception = self.externals.is_exception(value.what)
                tail = self.externals.exception(value.what) if exception else self.externals.api(value.what)
                self.add(head, "imports", tail, reference, file, "external")

    def _imported_variable(self, value: str, scope: Scope) -> str | None:
        """The module variable that `pkg.mod:name` names, through re-exports; its value is another matter."""
        for _ in range(self.params.max_alias_hops):
            origin, colon, name = value.partition(":")
            module = self.index.modules.get(self.statics.absolute(origin, scope.module))
            if not colon or module is None or name in module.definitions:
                return None
            if name not in module.imports:
                variable = f"{module.symbol.symbol}{name}"
                return variable if self.resolved.types.get(variable) == "Variable" else None
            value, scope = module.imports[name][-1], module
        return None

    def _star_import(self, reference: Reference, scope: Scope, file: str) -> None:
        head = f"python:{self.index.package}:{file}"
        for value in _sorted(self.statics.module(self.statics.absolute(reference.value, scope.module))):
            if value.kind == "module":
                self.add(head, "imports", value.what, reference, file, "exact")

    def _library(self, reference: Reference, scope: Scope, file: str) -> None:
        inside = self.statics.absolute(reference.name, scope.module) in self.index.modules
        if reference.name not in self.index.top_levels and not inside:
            head = f"python:{self.index.package}:{file}"
            self.add(head, "imports", self.externals.library(reference.name), reference, file, "external")

    # Classes

    def _base(self, reference: Reference, scope: Scope, file: str) -> None:
        head = scope.symbol.symbol
        for value in _sorted(self.statics.named(reference.value, scope.parent or scope)):
            if value.kind == "class" and value.what != head:
                interface = self.type_of(value.what) == "Interface" and self.type_of(head) != "Interface"
                self.add(head, "implements" if interface else "inherits_from", value.what, reference, file, "exact")
            elif value.kind == "external":
                exception = self.externals.is_exception(value.what)
                tail = self.externals.exception(value.what) if exception else self.externals.api(value.what)
                self.add(head, "inherits_from", tail, reference, file, "external")

    def _decorator(self, reference: Reference, scope: Scope, file: str) -> None:
        self.calls.of_decorator(reference, scope, file)
        path = self.statics.decorator_path(reference.value, file)
        outer = scope.parent or scope
        values: Iterable[Value] = self.statics.path(path, outer)
        if not values and path:  # a method of an object, as in @app.route
            node = self.world.names.path(path, outer)
            values = node.values if node is not None else ()
        how = "exact" if self.statics.path(path, outer) else "inferred"
        for value in _sorted(values):
            if value.kind in ("function", "class", "bound"):
                self.add(scope.symbol.symbol, "annotated_with", value.what, reference, file, how)
            elif value.kind == "external":
                tail = self.externals.annotation(value.what)
                self.add(scope.symbol.symbol, "annotated_with", tail, reference, file, "external")

    # Exceptions

    def _raise(self, reference: Reference, scope: Scope, file: str) -> None:
        self.calls.of_raise(reference, scope, file)
        self._exception("raises", reference, scope, file)

    def _catch(self, reference: Reference, scope: Scope, file: str) -> None:
        self._exception("catches", reference, scope, file)

    def _exception(self, relation: str, reference: Reference, scope: Scope, file: str) -> None:
        said = reference.value
        if said[:1] == "@":
            said = self.statics.decorator_path(said, file)
        if not said or said[:1] in NO_NAME:
            return
        for value in _sorted(self.statics.path(said, scope)):
            if value.kind == "class":
                self.add(self.head(scope), relation, value.what, reference, file, "exact")
            elif value.kind == "external":
                self.add(self.head(scope), relation, self.externals.exception(value.what), reference, file, "external")

    # Names that are read, written and named as types

    def _read(self, reference: Reference, scope: Scope, file: str) -> None:
        head, path = self.head(scope), reference.value
        if path[:1] == "[":
            self.calls.of_property(reference, expression(path), scope, file)
            return
        if reference.name in self.index.properties:
            self.calls.of_property(reference, path, scope, file)
        variable = self._variable(path, scope)
        if variable is not None:
            if self.type_of(head) in CALLABLE_TYPES:
                self.add(head, "reads_from", variable, reference, file, "exact")
            return
        for value in _sorted(self.statics.path(path, scope)):
            if value.kind in ("class", "function") and value.what != head:
                self.add(head, "uses", value.what, reference, file, "exact")
            elif value.kind == "external" and "." in path:
                self.add(head, "uses", self.externals.api(value.what), reference, file, "external")

    def _write(self, reference: Reference, scope: Scope, file: str) -> None:
        head = self.head(scope)
        variable = self._variable(reference.value, scope)
        if variable is not None and self.type_of(head) in CALLABLE_TYPES:
            self.add(head, "writes_to", variable, reference, file, "exact")

    def _variable(self, path: str, scope: Scope) -> str | None:
        """The Variable that a path names: a parameter, a module variable, or a field of a known receiver."""
        owner, _, name = path.rpartition(".")
        if owner:
            return self._field(owner, name, scope)
        at = self.statics.binder(name, scope)
        if at is None or name in at.definitions or name in at.imports:
            return None
        symbol = at.member(name)
        return symbol if self.resolved.types.get(symbol) == "Variable" else None

    def _field(self, owner: str, name: str, scope: Scope) -> str | None:
        own = self.world.attributes.owner_of_self(f"{owner}.{name}", scope)
        if own is not None:
            return self._field_of(*own)
        final = self.statics.final(owner, scope)
        node = self.world.names.path(owner, scope) if final is None else None
        values: Iterable[Value] = [final] if final is not None else node.values if node is not None else ()
        for value in _sorted(values):
            if value.kind in ("instance", "class"):
                found = self._field_of(value.what, name)
                if found is not None:
                    return found
            elif value.kind == "module":
                symbol = f"{value.what}{name}"
                defined = name in self.index.scopes[value.what].definitions
                if self.resolved.types.get(symbol) == "Variable" and not defined:
                    return symbol
        return None

    def _field_of(self, owner: str, name: str) -> str | None:
        """The field that an instance of a class has under a name; a method or class of that name comes first."""
        key = (owner, name)
        if key not in self.fields:
            self.fields[key] = None
            for ancestor in self.statics.order(owner):
                if self.resolved.types.get(f"{ancestor}.{name}") == "Variable":
                    self.fields[key] = f"{ancestor}.{name}"
                    break
                if name in self.index.scopes[ancestor].definitions:
                    break
        return self.fields[key]

    def _annotation_name(self, reference: Reference, scope: Scope, file: str) -> None:
        head = scope.symbol.symbol if reference.ordinal else self.head(scope)
        relation = "uses"
        if reference.ordinal:
            relation = "returns" if reference.value in said_names(scope.returned) else "uses"
        outer = (scope.parent or scope) if scope.symbol.kind in FUNCTION_KINDS else scope
        for value in _sorted(self.statics.path(reference.value, outer)):
            if value.kind == "class":
                self.add(head, relation, value.what, reference, file, "exact")
            elif value.kind == "external":
                said = value.what.removeprefix(f"{BUILTIN}.")
                self.add(head, relation, self.externals.type(said), reference, file, "external")

    def _return(self, reference: Reference, scope: Scope, file: str) -> None:
        """The class of what is returned, where no annotation says it."""
        if scope.returned or scope.symbol.kind not in FUNCTION_KINDS or "generator" in scope.modifiers:
            return
        said = expression(reference.value)
        node = self.world.names.node(said, scope) if isinstance(said, str) and said[:1] not in NO_NAME[1:] else None
        instances = [value for value in node.values if value.kind == "instance"] if node is not None else []
        if len(instances) <= self.params.max_candidates:
            for value in _sorted(instances):
                self.add(scope.symbol.symbol, "returns", value.what, reference, file, "inferred")

    # Facts that follow from definitions

    def of_definition(self, symbol: Symbol, file: str) -> None:
        """`declares` of members, parameters and nested definitions; `overrides` of methods."""
        if symbol.symbol not in self.resolved.types:
            return
        at = Reference(symbol.container, "definition", symbol.name, "", 0, symbol.name_byte_start, symbol.name_byte_end)
        if self.resolved.types.get(symbol.container) in CALLABLE_TYPES | CLASS_TYPES:
            self.add(symbol.container, "declares", symbol.symbol, at, file, "exact")
        owner = self.index.scopes.get(symbol.container)
        if symbol.kind == "method" and owner is not None and owner.kind == "class":
            overridden = self._overridden(symbol, owner)
            if overridden is not None:
                self.add(symbol.symbol, "overrides", overridden, at, file, "exact")

    def _overridden(self, symbol: Symbol, owner: Scope) -> str | None:
        if owner.definitions[symbol.name][-1].symbol != symbol.symbol:
            return None  # an earlier definition of the same name, or a property's getter before its setter
        for ancestor in self.statics.order(owner.symbol.symbol)[1:]:
            methods = self.index.scopes[ancestor].definitions.get(symbol.name)
            if methods and methods[-1].kind == "method":
                return methods[-1].symbol
        return None


def _sorted(values: Iterable[Value]) -> list[Value]:
    return sorted(values, key=lambda value: (value.kind, value.what))
