"""Members of values of JavaScript, what calling and making them gives, and the order of classes."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.javascript_index import FUNCTION_KINDS
from graphmer.kg.resolve.javascript_value import NOTHING, Value, Values, guessed, joined

if TYPE_CHECKING:
    from graphmer.kg.resolve.javascript_values import Evaluator


class Members:
    """Looks into values; what they hold, the evaluator evaluates."""

    def __init__(self, evaluator: "Evaluator") -> None:
        self.evaluator, self.index = evaluator, evaluator.index
        self.orders: dict[str, list[str]] = {}

    # Members and calls

    def attribute(self, value: Value, name: str) -> Values:
        """What a member of a value may be."""
        kind, what = value.kind, value.what
        if kind == "module":
            module = self.index.scopes[what]
            if name == "exports":
                return frozenset({value})
            values = self.evaluator.exported(module, name)
            return values or (self.evaluator.whole(module) if name == "default" else NOTHING)
        if kind == "namespace":
            return self.evaluator.namespace_member(self.index.scopes[what], name)
        if kind in ("instance", "class", "interface"):
            return self._class_attribute(value, name)
        if kind in ("function", "bound"):
            return self._function_attribute(value, name)
        if kind == "object":
            return self.own(what, name, None)
        if kind == "external":
            return self._external_attribute(value, name)
        return frozenset({value})

    def _function_attribute(self, value: Value, name: str) -> Values:
        own = self.own(value.what, name, True)
        if own:
            return own
        if name == "prototype":
            return frozenset({Value("instance", value.what, value.inferred)})
        if name in ("call", "apply"):
            return frozenset({value})
        return frozenset({Value("bound", value.what, True)}) if name == "bind" else NOTHING

    def _external_attribute(self, value: Value, name: str) -> Values:
        owner = value.what
        if name == "default":  # how compiled modules name all of a library
            return frozenset({value})
        if owner.endswith("{}"):  # an instance: its methods are named by its class
            stem = owner.removesuffix("{}")
            plain = "(" not in stem and "{" not in stem
            return frozenset({Value("external", f"{stem}.{name}", True) if plain else Value("opaque", owner)})
        if "(" in owner or "{" in owner:
            return frozenset({Value("opaque", owner)})
        return frozenset({Value("external", f"{owner}.{name}", value.inferred)})

    def _class_attribute(self, value: Value, name: str) -> Values:
        if value.kind == "class" and name == "prototype":
            return frozenset({Value("instance", value.what, value.inferred)})
        static = value.kind != "instance"
        if name == "constructor" and not static:
            scope = self.index.scopes[value.what]
            return frozenset({Value("class" if scope.kind == "class" else "function", value.what, True)})
        for ancestor in self.order(value.what):
            values = self.own(ancestor, name, static)
            if values:
                return frozenset(one._replace(inferred=one.inferred or value.inferred) for one in values)
            if name in self.index.scopes[ancestor].fields or name in self.index.scopes[ancestor].members:
                return NOTHING
        if static and name in ("call", "apply"):
            return frozenset({value})
        return self.from_outside(value.what, name)

    def from_outside(self, symbol: str, name: str) -> Values:
        """A member that no class of the package has: the base's from outside, where that is the one possibility."""
        outside: set[Value] = set()
        for ancestor in self.order(symbol):
            scope = self.index.scopes[ancestor]
            for base in scope.bases:
                values = self.evaluator.evaluate(base.value, scope.parent or scope)
                outside |= {one for one in values if one.kind in ("external", "opaque")}
                if not values:
                    outside.add(Value("opaque", symbol))
        if len(outside) == 1:
            (only,) = outside
            plain = only.kind == "external" and "(" not in only.what and "{" not in only.what
            return frozenset({Value("external", f"{only.what}.{name}", True) if plain else Value("opaque", symbol)})
        return frozenset({Value("opaque", symbol)}) if outside else NOTHING

    def own(self, owner: str, name: str, static: bool | None) -> Values:
        """A member that one class, function or object has itself. static: None where both kinds are meant."""
        scope = self.index.scopes.get(owner)
        if scope is None:
            return NOTHING
        found: set[Value] = set()
        for symbol in scope.members.get(name, ()):
            words = symbol.modifiers.split()
            if static is not None and scope.kind != "enum" and ("static" in words) != static:
                continue
            if symbol.kind in FUNCTION_KINDS or symbol.kind == "class":
                value = self.evaluator.defined(symbol)
                found = set(self.call(value)) if "property" in words else {value}
            elif symbol.symbol in self.index.scopes:
                found.add(Value("object", symbol.symbol))
        if found:
            return frozenset(found)
        if name in scope.annotations:
            found |= self.evaluator.annotated(scope.annotations[name], scope.parent or scope)
        for where, path in scope.fields.get(name, ()):
            values = self.evaluator.evaluate(path, where)
            found |= values if scope.kind in ("variable", "field") else guessed(values)
        return frozenset(found)

    def call(self, value: Value) -> Values:
        """What calling a value may give."""
        if value.kind == "external":
            return frozenset({Value("external", f"{value.what}()", value.inferred)})
        if value.kind == "opaque":
            return frozenset({value})
        if value.kind == "bound":
            return frozenset({Value("function", value.what, True)})
        scope = self.index.scopes.get(value.what)
        if value.kind != "function" or scope is None:
            return NOTHING
        if scope.returned:
            if scope.returned.removeprefix("asserts ").partition(" ")[0] == "this":
                return self.evaluator.this(scope)
            return self.evaluator.annotated(scope.returned, scope)
        return guessed(joined(self.evaluator.evaluate(path, scope) for path in dict.fromkeys(scope.returns)))

    def new(self, value: Value) -> Values:
        """What `new` makes of a value."""
        if value.kind in ("class", "function"):
            return frozenset({Value("instance", value.what, value.inferred)})
        if value.kind == "external":
            return frozenset({Value("external", f"{value.what}{{}}", value.inferred)})
        return frozenset({value}) if value.kind == "opaque" else NOTHING

    # Classes

    def bases(self, symbol: str) -> list[str]:
        """What the package defines of a class' bases and of the interfaces that it implements, in order."""
        scope = self.index.scopes[symbol]
        outer = scope.parent or scope
        found: list[str] = []
        for base in (*scope.bases, *scope.implemented):
            for value in sorted(self.evaluator.evaluate(base.value, outer)):
                is_base = value.kind in ("class", "interface", "function")
                if is_base and value.what not in found and value.what != symbol:
                    found.append(value.what)
        return found

    def order(self, symbol: str) -> list[str]:
        """A class and its ancestors, depth first, each once; a cycle ends where it closes."""
        if symbol not in self.orders:
            found: dict[str, None] = {}
            todo = [symbol]
            while todo:
                one = todo.pop()
                if one not in found and one in self.index.scopes:
                    found[one] = None
                    todo += reversed(self.bases(one))
            self.orders[symbol] = list(found)
        return self.orders[symbol]
