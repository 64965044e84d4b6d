"""Facts from a package's Python references: what each says once its names are resolved."""

from collections.abc import Iterable

from graphmer.corpus.parse.python.notation import is_path
from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Resolved
from graphmer.kg.resolve.python.annotations import said_names
from graphmer.kg.resolve.python.call_facts import CALLABLE_TYPES, CallFacts
from graphmer.kg.resolve.python.entities import Externals
from graphmer.kg.resolve.python.filing import Filing
from graphmer.kg.resolve.python.index import FUNCTION_KINDS, Scope, expression
from graphmer.kg.resolve.python.values import BUILTIN, Value, in_order
from graphmer.kg.resolve.python.variables import Variables
from graphmer.kg.resolve.python.world import World

CLASS_TYPES = frozenset({"Class", "Interface", "ExceptionType", "Test"})


class FactMaker:
    """Turns references into facts, one file after the other."""

    def __init__(self, world: World, resolved: Resolved, params: GraphParams) -> None:
        self.world, self.index, self.statics = world, world.index, world.statics
        self.resolved, self.params = resolved, params
        self.externals = Externals(resolved, self.statics.raised)
        filing = Filing(resolved, params)
        self.add, self.head = filing.add, filing.head
        self.calls = CallFacts(world, filing, self.externals, params)
        self.variables = Variables(world, resolved.types, params)
        self.handlers = {
            "call": self.calls.of_call,
            "iterate": self.calls.implied.of_loop,
            "enter": self.calls.implied.of_loop,
            "operate": self.calls.implied.of_operation,
            "ask": self.calls.implied.of_question,
            "item": self.calls.implied.of_question,
            "import": self._import,
            "star_import": self._star_import,
            "library": self._library,
            "base": self._base,
            "metaclass": self._metaclass,
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

    def _file_entity(self, file: str) -> str:
        return f"python:{self.index.package}:{file}"

    def _import(self, reference: Reference, scope: Scope, file: str) -> None:
        head = self._file_entity(file)
        variable = self.variables.imported(reference.value, scope)
        if variable is not None:
            self.add(head, "imports", variable, reference, file, "exact")
            return
        for value in in_order(self.statics.imported(reference.value, scope)):
            if value.kind in ("module", "class", "function"):
                if self.type_of(value.what) not in ("Method", ""):
                    self.add(head, "imports", value.what, reference, file, "exact")
            elif value.kind == "external" and ":" in reference.value and not value.what.startswith(BUILTIN):
                self.add(head, "imports", self.externals.called(value.what), reference, file, "external")

    def _star_import(self, reference: Reference, scope: Scope, file: str) -> None:
        head = self._file_entity(file)
        for value in in_order(self.statics.modules.named(self.statics.modules.absolute(reference.value, scope.module))):
            if value.kind == "module":
                self.add(head, "imports", value.what, reference, file, "exact")

    def _library(self, reference: Reference, scope: Scope, file: str) -> None:
        inside = self.statics.modules.absolute(reference.name, scope.module) in self.index.modules
        if reference.name not in self.index.top_levels and not inside:
            head = self._file_entity(file)
            self.add(head, "imports", self.externals.library(reference.name), reference, file, "external")

    # Classes

    def _base(self, reference: Reference, scope: Scope, file: str) -> None:
        head = scope.symbol.symbol
        if reference.ordinal == 0:
            self.calls.implied.of_class(reference, scope, file)
        for value in in_order(self.statics.named(reference.value, scope.parent or scope)):
            if value.kind == "class" and value.what != head:
                interface = self.type_of(value.what) == "Interface" and self.type_of(head) != "Interface"
                self.add(head, "implements" if interface else "inherits_from", value.what, reference, file, "exact")
            elif value.kind == "external":
                self.add(head, "inherits_from", self.externals.called(value.what), reference, file, "external")

    def _metaclass(self, reference: Reference, scope: Scope, file: str) -> None:
        if not scope.bases:
            self.calls.implied.of_class(reference, scope, file)

    def _decorator(self, reference: Reference, scope: Scope, file: str) -> None:
        self.calls.of_decorator(reference, scope, file)
        path = self.statics.callee_path(reference.value, file)
        outer = scope.parent or scope
        values: Iterable[Value] = self.statics.path(path, outer)
        if not values and path:  # a method of an object, as in @app.route
            node = self.world.names.path(path, outer)
            values = node.values if node is not None else ()
        how = "exact" if self.statics.path(path, outer) else "inferred"
        for value in in_order(values):
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
            said = self.statics.callee_path(said, file)
        if not is_path(said):
            return
        for value in in_order(self.statics.path(said, scope)):
            if value.kind == "class":
                self.add(self.head(scope), relation, value.what, reference, file, "exact")
            elif value.kind == "external":
                self.add(self.head(scope), relation, self.externals.exception(value.what), reference, file, "external")

    # Names that are read, written and named as types

    def _read(self, reference: Reference, scope: Scope, file: str) -> None:
        head, path = self.head(scope), reference.value
        if path[:1] == "[":
            self.calls.implied.of_property(reference, expression(path), scope, file)
            return
        self.calls.implied.of_property(reference, path, scope, file)
        variable = self.variables.at_path(path, scope)
        if variable is not None:
            if self.type_of(head) in CALLABLE_TYPES:
                self.add(head, "reads_from", variable, reference, file, "exact")
            return
        for value in in_order(self.statics.path(path, scope)):
            if value.kind in ("class", "function") and value.what != head:
                self.add(head, "uses", value.what, reference, file, "exact")
            elif value.kind == "external" and "." in path:
                self.add(head, "uses", self.externals.api(value.what), reference, file, "external")

    def _write(self, reference: Reference, scope: Scope, file: str) -> None:
        head = self.head(scope)
        if reference.name in self.index.setters or "__setattr__" in self.index.methods:
            self.calls.implied.of_setter(reference, scope, file)
        variable = self.variables.at_path(reference.value, scope)
        if variable is not None and self.type_of(head) in CALLABLE_TYPES:
            self.add(head, "writes_to", variable, reference, file, "exact")

    def _annotation_name(self, reference: Reference, scope: Scope, file: str) -> None:
        head = scope.symbol.symbol if reference.ordinal else self.head(scope)
        relation = "uses"
        if reference.ordinal:
            relation = "returns" if reference.value in said_names(scope.returned) else "uses"
        outer = (scope.parent or scope) if scope.symbol.kind in FUNCTION_KINDS else scope
        for value in in_order(self.statics.path(reference.value, outer)):
            if value.kind == "class":
                self.add(head, relation, value.what, reference, file, "exact")
            elif value.kind == "external":
                self.add(head, relation, self.externals.type(value.what), reference, file, "external")

    def _return(self, reference: Reference, scope: Scope, file: str) -> None:
        """The class of what is returned, where no annotation says it."""
        if scope.returned or scope.symbol.kind not in FUNCTION_KINDS or "generator" in scope.modifiers:
            return
        said = expression(reference.value)
        is_followed = isinstance(said, str) and (said[:1] == "@" or is_path(said))
        node = self.world.expressions.node(said, scope) if is_followed else None
        instances = [value for value in node.values if value.kind == "instance"] if node is not None else []
        if len(instances) <= self.params.max_candidates:
            for value in in_order(instances):
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
        for ancestor in self.statics.classes.order(owner.symbol.symbol)[1:]:
            methods = self.index.scopes[ancestor].definitions.get(symbol.name)
            if methods and methods[-1].kind == "method":
                setters = [one for one in methods if "setter" in one.modifiers.split()]
                if "setter" in symbol.modifiers.split():
                    return setters[-1].symbol if setters else None
                return next((one for one in reversed(methods) if one not in setters), methods[-1]).symbol
        return None
