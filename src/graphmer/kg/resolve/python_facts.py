"""Facts from a package's Python references: what each says once its names are resolved."""

from collections.abc import Iterable

from graphmer.corpus.parse.records import Reference, Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Fact, Resolved
from graphmer.kg.resolve.python_entities import Externals, is_exception
from graphmer.kg.resolve.python_index import FUNCTION_KINDS, PackageIndex, Scope
from graphmer.kg.resolve.python_values import BUILTIN, Evaluator, Value, type_names

CALLABLE_TYPES = frozenset({"Function", "Method", "Test"})
CLASS_TYPES = frozenset({"Class", "Interface", "ExceptionType", "Test"})


class FactMaker:
    """Turns references into facts, one file after the other."""

    def __init__(self, index: PackageIndex, evaluator: Evaluator, resolved: Resolved, params: GraphParams) -> None:
        self.index, self.evaluator, self.resolved, self.params = index, evaluator, resolved, params
        self.externals = Externals(resolved)
        self.handlers = {
            "call": self._call,
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
        scope = self.index.scopes.get(reference.scope)
        if handler is not None and scope is not None:
            handler(reference, scope, file)

    # Ends of a fact

    def head(self, scope: Scope) -> str:
        """The entity whose code a scope is: a function, or the module for a class' own lines."""
        at: Scope | None = scope
        while at is not None and at.kind == "class":
            at = at.parent
        return at.symbol.symbol if at is not None else scope.symbol.symbol

    def add(
        self, head: str, relation: str, tail: str, at: Reference, file: str, how: str, confidence: float | None = None
    ) -> None:
        """File one fact."""
        sure = confidence if confidence is not None else (self.params.inferred_confidence if how == "inferred" else 1.0)
        place = (at.byte_start, at.byte_end)
        self.resolved.facts.append(Fact(head, relation, tail, file, *place, how, sure))

    def type_of(self, symbol: str) -> str:
        """Entity type of a definition; a module is a Module."""
        if symbol in self.resolved.types:
            return self.resolved.types[symbol]
        return "Module" if symbol in self.index.scopes and self.index.scopes[symbol].kind == "module" else ""

    # Calls

    def _call(self, reference: Reference, scope: Scope, file: str) -> None:
        self.resolved.calls["seen"] += 1
        values = sorted(self.evaluator.evaluate(reference.value, scope))
        targets = self._targets(values, reference)
        head = self.head(scope)
        if not targets:
            self._unknown_receiver(reference, values, head, file)
            return
        owners = {owner for _, _, _, owner in targets}
        ambiguous = len(owners) > 1
        self.resolved.calls[self._outcome(targets, ambiguous)] += 1
        for relation, tail, how, _ in targets:
            if ambiguous:
                self.add(head, relation, tail, reference, file, "ambiguous", 1.0 / len(owners))
            else:
                self.add(head, relation, tail, reference, file, how)

    def _outcome(self, targets: list[tuple[str, str, str, str]], ambiguous: bool) -> str:
        return "ambiguous" if ambiguous else targets[0][2]

    def _targets(self, values: Iterable[Value], reference: Reference) -> list[tuple[str, str, str, str]]:
        """(relation, tail, resolution, what was called) of each thing that the callee may be."""
        found: dict[tuple[str, str], tuple[str, str, str, str]] = {}
        for value in values:
            how = "inferred" if value.inferred else "exact"
            if value.kind == "function" and self.type_of(value.what) in CALLABLE_TYPES:
                found.setdefault(("calls", value.what), ("calls", value.what, how, value.what))
            elif value.kind == "class":
                found.setdefault(("instantiates", value.what), ("instantiates", value.what, how, value.what))
                constructor = self._constructor(value.what)
                if constructor is not None:
                    found.setdefault(("calls", constructor), ("calls", constructor, how, value.what))
            elif value.kind == "external" and "()" not in value.what:
                exception = is_exception(value.what)
                tail = self.externals.exception(value.what) if exception else self.externals.api(value.what)
                relation = "instantiates" if exception else "invokes"
                found.setdefault((relation, tail), (relation, tail, "external", tail))
            elif value.kind == "instance":
                for called in sorted(self.evaluator.attribute(value, "__call__")):
                    if called.kind == "function":
                        found.setdefault(("calls", called.what), ("calls", called.what, "inferred", called.what))
        return list(found.values())

    def _constructor(self, symbol: str) -> str | None:
        for ancestor in self.evaluator.order(symbol):
            methods = self.index.scopes[ancestor].definitions.get("__init__")
            if methods:
                return methods[-1].symbol
        return None

    def _unknown_receiver(self, reference: Reference, values: list[Value], head: str, file: str) -> None:
        """A method of a value of no known type: every method of that name in the package may be meant."""
        dotted = "." in reference.value and not values
        candidates = (
            self.index.methods.get(reference.name, []) if dotted and not reference.name.startswith("__") else []
        )
        candidates = [one for one in candidates if self.type_of(one) in CALLABLE_TYPES]
        if not 1 <= len(candidates) <= self.params.max_candidates:
            self.resolved.calls["unresolved"] += 1
            return
        self.resolved.calls["ambiguous"] += 1
        for candidate in candidates:
            self.add(head, "calls", candidate, reference, file, "ambiguous", 1.0 / len(candidates))

    # Imports

    def _import(self, reference: Reference, scope: Scope, file: str) -> None:
        head = f"python:{self.index.package}:{file}"
        variable = self._imported_variable(reference.value, scope)
        if variable is not None:
            self.add(head, "imports", variable, reference, file, "exact")
            return
        if ":" not in reference.value:
            values = self.evaluator.module(reference.value)
        else:
            values = self.evaluator.imported(reference.value, scope)
        for value in sorted(values):
            if value.kind in ("module", "class", "function"):
                if self.type_of(value.what) not in ("Method", ""):
                    self.add(head, "imports", value.what, reference, file, "exact")
            elif value.kind == "external" and ":" in reference.value:
                clean = value.what.removesuffix("()")
                tail = self.externals.exception(clean) if is_exception(clean) else self.externals.api(clean)
                self.add(head, "imports", tail, reference, file, "external")

    def _imported_variable(self, value: str, scope: Scope) -> str | None:
        """The module variable that `pkg.mod:name` names, through re-exports; its value is another matter."""
        for _ in range(self.params.max_alias_hops):
            origin, colon, name = value.partition(":")
            module = self.index.modules.get(self.evaluator.absolute(origin, self.evaluator.module_of(scope)))
            if not colon or module is None or name in module.definitions:
                return None
            if name not in module.imports:
                variable = f"{module.symbol.symbol}{name}"
                return variable if self.resolved.types.get(variable) == "Variable" else None
            value, scope = module.imports[name][-1], module
        return None

    def _star_import(self, reference: Reference, scope: Scope, file: str) -> None:
        head = f"python:{self.index.package}:{file}"
        module = self.evaluator.absolute(reference.value, self.evaluator.module_of(scope))
        for value in sorted(self.evaluator.module(module)):
            if value.kind == "module":
                self.add(head, "imports", value.what, reference, file, "exact")

    def _library(self, reference: Reference, scope: Scope, file: str) -> None:
        if reference.name not in self.index.top_levels:
            head = f"python:{self.index.package}:{file}"
            self.add(head, "imports", self.externals.library(reference.name), reference, file, "external")

    # Classes

    def _base(self, reference: Reference, scope: Scope, file: str) -> None:
        head = scope.symbol.symbol
        for value in sorted(self.evaluator.evaluate(reference.value, scope.parent or scope)):
            if value.kind == "class" and value.what != head:
                interface = self.type_of(value.what) == "Interface" and self.type_of(head) != "Interface"
                self.add(head, "implements" if interface else "inherits_from", value.what, reference, file, "exact")
            elif value.kind == "external" and "()" not in value.what:
                exception = is_exception(value.what)
                tail = self.externals.exception(value.what) if exception else self.externals.api(value.what)
                self.add(head, "inherits_from", tail, reference, file, "external")

    def _decorator(self, reference: Reference, scope: Scope, file: str) -> None:
        path = reference.value
        while path.endswith("()"):
            path = path.removesuffix("()")
        for value in sorted(self.evaluator.evaluate(path, scope.parent or scope)):
            if value.kind in ("function", "class"):
                self.add(scope.symbol.symbol, "annotated_with", value.what, reference, file, "exact")
            elif value.kind == "external" and "()" not in value.what:
                tail = self.externals.annotation(value.what)
                self.add(scope.symbol.symbol, "annotated_with", tail, reference, file, "external")

    # Exceptions

    def _raise(self, reference: Reference, scope: Scope, file: str) -> None:
        self._exception("raises", reference, scope, file)

    def _catch(self, reference: Reference, scope: Scope, file: str) -> None:
        self._exception("catches", reference, scope, file)

    def _exception(self, relation: str, reference: Reference, scope: Scope, file: str) -> None:
        path = reference.value.removesuffix("()")
        for value in sorted(self.evaluator.evaluate(path, scope) if path else ()):
            if value.kind == "class" and self.type_of(value.what) == "ExceptionType":
                self.add(self.head(scope), relation, value.what, reference, file, "exact")
            elif value.kind == "external" and is_exception(value.what):
                self.add(self.head(scope), relation, self.externals.exception(value.what), reference, file, "external")

    # Names that are read, written and named as types

    def _read(self, reference: Reference, scope: Scope, file: str) -> None:
        head = self.head(scope)
        variable = self._variable(reference.value, scope)
        if variable is not None:
            if self.type_of(head) in CALLABLE_TYPES:
                self.add(head, "reads_from", variable, reference, file, "exact")
            return
        for value in sorted(self.evaluator.evaluate(reference.value, scope)):
            if value.kind in ("class", "function") and value.what != head:
                self.add(head, "uses", value.what, reference, file, "inferred" if value.inferred else "exact")
            elif value.kind == "external" and "." in reference.value and "()" not in value.what and not value.inferred:
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
        at: Scope | None = scope
        while at is not None:
            if at is scope or at.kind != "class":
                symbol = at.symbol.symbol + name if at.kind == "module" else f"{at.symbol.symbol}.{name}"
                if at.binds(name):
                    is_variable = self.resolved.types.get(symbol) == "Variable" and name not in at.definitions
                    return symbol if is_variable and name not in at.imports else None
            at = at.parent
        return None

    def _field(self, owner: str, name: str, scope: Scope) -> str | None:
        for value in sorted(self.evaluator.evaluate(owner, scope)):
            if value.kind in ("instance", "class"):
                for ancestor in self.evaluator.order(value.what):
                    if self.resolved.types.get(f"{ancestor}.{name}") == "Variable":
                        return f"{ancestor}.{name}"
            elif value.kind == "module":
                symbol = f"{value.what}{name}"
                if (
                    self.resolved.types.get(symbol) == "Variable"
                    and name not in self.index.scopes[value.what].definitions
                ):
                    return symbol
        return None

    def _annotation_name(self, reference: Reference, scope: Scope, file: str) -> None:
        head = scope.symbol.symbol if reference.ordinal else self.head(scope)
        relation = "uses"
        if reference.ordinal:
            relation = "returns" if reference.value in type_names(scope.returned) else "uses"
        outer = (scope.parent or scope) if scope.kind in FUNCTION_KINDS else scope
        for value in sorted(self.evaluator.evaluate(reference.value, outer)):
            if value.kind == "class":
                self.add(head, relation, value.what, reference, file, "exact")
            elif value.kind == "external" and "()" not in value.what:
                said = value.what.removeprefix(f"{BUILTIN}.")
                self.add(head, relation, self.externals.type(said), reference, file, "external")

    def _return(self, reference: Reference, scope: Scope, file: str) -> None:
        """The class of what is returned, where no annotation says it."""
        if scope.returned or scope.kind not in FUNCTION_KINDS or "generator" in scope.symbol.modifiers.split():
            return
        for value in sorted(self.evaluator.evaluate(reference.value, scope)):
            if value.kind == "instance":
                self.add(scope.symbol.symbol, "returns", value.what, reference, file, "inferred")

    # Facts that follow from definitions

    def of_definition(self, symbol: Symbol, file: str) -> None:
        """`declares` of members, parameters and nested definitions; `overrides` of methods."""
        if symbol.symbol not in self.resolved.types:
            return
        at = _name_of(symbol)
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
        for ancestor in self.evaluator.order(owner.symbol.symbol)[1:]:
            methods = self.index.scopes[ancestor].definitions.get(symbol.name)
            if methods and methods[-1].kind == "method":
                return methods[-1].symbol
        return None


def _name_of(symbol: Symbol) -> Reference:
    """The place of a definition's name."""
    place = (symbol.name_byte_start, symbol.name_byte_end)
    return Reference(symbol.container, "definition", symbol.name, "", 0, *place)
