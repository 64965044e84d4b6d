"""What an access path may be: values that flow through imports, assignments, attributes, annotations and returns.

Flow-insensitive. A value is a (kind, what) pair: `module` and `class` and `function` and `variable` of the package by
symbol, `instance` of a class by its symbol, `external` by dotted name, and `opaque`: known to come from outside, of no
known type. An empty set means that nothing is known.
"""

import builtins
import re
from functools import partial
from typing import NamedTuple

from graphmer.kg.config import GraphParams
from graphmer.kg.linearise import merge_orders
from graphmer.kg.resolve.python_index import FUNCTION_KINDS, PackageIndex, Scope

BUILTIN = "<builtin>"
BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) | {"__import__"}
LITERAL = re.compile(r"^<(\w+)>$")
STEP = re.compile(r"\(\)|\[\]|\.?[^.()\[\]]+")
WRAPPERS = frozenset(
    {"Optional", "Final", "ClassVar", "Annotated", "Awaitable", "Coroutine", "Required", "NotRequired"}
)
MAX_STEPS = 2000  # evaluations that one outermost path may cause: the end of any cycle of values
CLASS_SELF = frozenset({"Self", "typing.Self", "typing_extensions.Self"})


class Value(NamedTuple):
    """One thing that a path may be. `inferred` where it flowed through an assignment, a return or an annotation."""

    kind: str
    what: str
    inferred: bool = False


Values = frozenset[Value]
NOTHING: Values = frozenset()


class Evaluator:
    """Evaluates access paths in scopes, each once; a path that needs itself is unknown."""

    def __init__(self, index: PackageIndex, params: GraphParams) -> None:
        self.index, self.params = index, params
        self.known: dict[tuple[str, str], Values] = {}
        self.under_way: set[tuple[str, str]] = set()
        self.orders: dict[str, list[str]] = {}
        self.depth = 0
        self.cuts = 0
        self.steps = 0

    def evaluate(self, path: str, scope: Scope) -> Values:
        """What `path` may be in `scope`; at most `max_candidates` values, or nothing."""
        key = (scope.symbol.symbol, path)
        if key in self.known:
            return self.known[key]
        self.steps = self.steps + 1 if self.depth else 0
        if key in self.under_way or self.depth > self.params.max_alias_hops or self.steps > MAX_STEPS:
            self.cuts += 1
            return NOTHING
        cuts = self.cuts
        self.under_way.add(key)
        self.depth += 1
        try:
            values = self._walk(path, scope)
        finally:
            self.depth -= 1
            self.under_way.discard(key)
        values = values if len(values) <= self.params.max_candidates else NOTHING
        # Nothing, where a bound or a cycle cut the search off, is not remembered: another entry may see more.
        if values or self.depth == 0 or self.cuts == cuts:
            self.known[key] = values
        return values

    def _walk(self, path: str, scope: Scope) -> Values:
        steps = STEP.findall(path)
        if not steps:
            return NOTHING
        literal = LITERAL.match(steps[0])
        if literal:
            kind = literal.group(1)
            values = NOTHING if kind in ("expr", "generator") else frozenset({Value("external", f"{BUILTIN}.{kind}()")})
        elif steps[0] == "super" and len(steps) > 1 and steps[1] == "()":
            return self._super(steps[2:], scope)
        else:
            values = self.lookup(steps[0], scope)
        return self._follow(values, steps[1:], scope)

    def _follow(self, values: Values, steps: list[str], scope: Scope) -> Values:
        for step in steps:
            if step == "()":
                found = [self.call(value) for value in values]
            elif step == "[]":
                found = [NOTHING if value.kind != "opaque" else frozenset({value}) for value in values]
            else:
                found = [self.attribute(value, step.removeprefix(".")) for value in values]
            values = frozenset().union(*found)
        return values

    def _super(self, steps: list[str], scope: Scope) -> Values:
        owner = self.owner_class(scope)
        if owner is None or not steps:
            return NOTHING
        for ancestor in self.order(owner.symbol.symbol)[1:]:
            values = self._member(ancestor, steps[0].removeprefix("."), owner.symbol.symbol)
            if values:
                return self._follow(values, steps[1:], scope)
        return frozenset({Value("opaque", "super")}) if self.has_unknown_base(owner.symbol.symbol) else NOTHING

    def owner_class(self, scope: Scope | None) -> Scope | None:
        """The class whose method a scope is or stands in."""
        while scope is not None and scope.kind in FUNCTION_KINDS:
            scope = scope.parent
        return scope if scope is not None and scope.kind == "class" else None

    # Names

    def lookup(self, name: str, scope: Scope) -> Values:
        """What a bare name may be: its own scope, the functions around it, the module, builtins."""
        at: Scope | None = scope
        while at is not None:
            visible = at is scope or at.kind != "class"
            if visible and at.binds(name):
                return self.bound(name, at)
            at = at.parent
        module = self.module_of(scope)
        for star in module.stars:
            values = self._star(star, name, module)
            if values:
                return values
        return frozenset({Value("external", f"{BUILTIN}.{name}")}) if name in BUILTINS else NOTHING

    def module_of(self, scope: Scope) -> Scope:
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def bound(self, name: str, scope: Scope) -> Values:
        """What a name of this scope may be, by all that binds it."""
        found: set[Value] = set()
        for symbol in scope.definitions.get(name, ())[-1:]:
            found.add(Value("class" if symbol.kind == "class" else "function", symbol.symbol))
        for value in dict.fromkeys(scope.imports.get(name, ())):
            found |= self.imported(value, scope)
        if name in scope.parameters:
            found |= self._parameter(name, scope)
        elif name in scope.annotations:
            found |= self.annotated(scope.annotations[name], scope)
        if not found or name in scope.definitions:
            for kind, value in scope.bindings.get(name, ()):
                found |= self._binding(kind, value, scope)
        return frozenset(found)

    def _binding(self, kind: str, value: str, scope: Scope) -> Values:
        if kind == "for":
            return NOTHING
        values = self.evaluate(value, scope)
        if kind == "with":
            entered = [self._entered(one) for one in values]
            values = frozenset().union(*entered)
        return frozenset(one._replace(inferred=one.inferred or one.kind in ("instance",)) for one in values)

    def _entered(self, value: Value) -> Values:
        """What `with x as y` binds: __enter__'s result, or x itself where that returns self."""
        if value.kind != "instance":
            return frozenset({Value("opaque", value.what)})
        for enter in ("__enter__", "__aenter__"):
            for function in self.attribute(value, enter):
                result = self.call(function)
                return result or frozenset({value._replace(inferred=True)})
        return NOTHING if self.has_unknown_base(value.what) else frozenset({value._replace(inferred=True)})

    def _parameter(self, name: str, scope: Scope) -> Values:
        said, place = scope.parameters[name]
        modifiers = scope.symbol.modifiers.split()
        if place == 0 and scope.kind == "method" and scope.parent is not None and "staticmethod" not in modifiers:
            kind = (
                "class"
                if "classmethod" in modifiers or scope.symbol.name in ("__new__", "__init_subclass__")
                else "instance"
            )
            return frozenset({Value(kind, scope.parent.symbol.symbol)})
        return self.annotated(said, scope) if said else NOTHING

    def annotated(self, said: str, scope: Scope) -> Values:
        """Instances of the types that an annotation names; of a container, none: its items are not it."""
        found: set[Value] = set()
        outer = scope.parent if scope.kind in FUNCTION_KINDS and scope.parent is not None else scope
        for name in type_names(said):
            if name in CLASS_SELF:
                owner = self.owner_class(scope)
                found |= {Value("instance", owner.symbol.symbol, True)} if owner is not None else set()
                continue
            for value in self.evaluate(name, outer):
                if value.kind == "class":
                    found.add(Value("instance", value.what, True))
                elif value.kind == "external":
                    found.add(Value("external", f"{value.what}()", True))
        return frozenset(found)

    # Imports

    def imported(self, value: str, scope: Scope) -> Values:
        """What an import binds: `pkg.mod`, or `pkg.mod:attr` with leading dots where relative."""
        origin, colon, attribute = value.partition(":")
        module = self.absolute(origin, self.module_of(scope))
        if not colon:
            return self.module(module)
        if module in self.index.modules:
            return self._module_attribute(self.index.modules[module], attribute) or self.module(
                f"{module}.{attribute}", False
            )
        inner = self.module(f"{module}.{attribute}", False)
        if inner or module.partition(".")[0] in self.index.top_levels:
            return inner
        return frozenset({Value("external", f"{module}.{attribute}")}) if module else NOTHING

    def absolute(self, origin: str, module: Scope) -> str:
        """Dotted name of an imported module, seen from a module."""
        dots = len(origin) - len(origin.lstrip("."))
        if not dots:
            return origin
        parts = module.module.split(".")
        keep = len(parts) - dots + (1 if self.index.is_package(module) else 0)
        return ".".join([*parts[: max(keep, 0)], *filter(None, [origin[dots:]])])

    def module(self, dotted: str, outside: bool = True) -> Values:
        """A module of the package by its dotted name, else an external one."""
        if dotted in self.index.modules:
            return frozenset({Value("module", self.index.modules[dotted].symbol.symbol)})
        if any(name.startswith(f"{dotted}.") for name in self.index.modules) and dotted:
            return frozenset({Value("namespace", dotted)})
        inside = dotted.partition(".")[0] in self.index.top_levels
        return frozenset({Value("external", dotted)}) if outside and dotted and not inside else NOTHING

    def _star(self, star: str, name: str, module: Scope) -> Values:
        target = self.absolute(star, module)
        if target not in self.index.modules or name.startswith("_"):
            return NOTHING
        origin = self.index.modules[target]
        if origin is module or (origin.exports and name not in origin.exports):
            return NOTHING
        return self.evaluate(f"{name}", origin) if origin.binds(name) or origin.stars else NOTHING

    def _module_attribute(self, module: Scope, name: str) -> Values:
        if module.binds(name):
            values = self.evaluate(name, module)
            if values or name not in module.bindings:
                return values
        for star in module.stars:
            values = self._star(star, name, module)
            if values:
                return values
        return self.module(f"{module.module}.{name}", False)

    # Attributes and calls

    def attribute(self, value: Value, name: str) -> Values:
        """What an attribute of a value may be."""
        if value.kind == "module":
            return self._module_attribute(self.index.scopes[value.what], name)
        if value.kind == "namespace":
            return self.module(f"{value.what}.{name}", False)
        if value.kind in ("class", "instance"):
            return self._class_attribute(value, name)
        if value.kind == "external":
            return self._external_attribute(value, name)
        return frozenset({value}) if value.kind == "opaque" else NOTHING

    def _external_attribute(self, value: Value, name: str) -> Values:
        owner = value.what
        if not owner.endswith("()"):
            return frozenset({Value("external", f"{owner}.{name}", value.inferred)})
        # An instance of a builtin or an imported class: its methods are named by the class.
        stem = owner.removesuffix("()")
        is_class = stem.startswith(BUILTIN) or stem.rpartition(".")[2][:1].isupper()
        if "()" in stem or not is_class:
            return frozenset({Value("opaque", owner)})
        return frozenset({Value("external", f"{stem}.{name}", True)})

    def _class_attribute(self, value: Value, name: str) -> Values:
        for ancestor in self.order(value.what):
            values = self._member(ancestor, name, value.what, value.kind == "instance")
            if values:
                return frozenset(one._replace(inferred=one.inferred or value.inferred) for one in values)
            if name in self.index.scopes[ancestor].attributes or self.index.scopes[ancestor].binds(name):
                return NOTHING
        return frozenset({Value("opaque", value.what)}) if self.has_unknown_base(value.what) else NOTHING

    def _member(self, owner: str, name: str, receiver: str, instance: bool = True) -> Values:
        """A member that one class defines itself."""
        scope = self.index.scopes[owner]
        for symbol in scope.definitions.get(name, ())[-1:]:
            value = Value("class" if symbol.kind == "class" else "function", symbol.symbol)
            if symbol.kind != "class" and "property" in symbol.modifiers.split() and instance:
                return self.call(value)
            return frozenset({value})
        found: set[Value] = set()
        if name in scope.annotations:
            found |= self.annotated(scope.annotations[name], scope)
        if name in scope.attribute_types:
            found |= self.annotated(scope.attribute_types[name][1], scope.attribute_types[name][0])
        if not found:
            for kind, path in scope.bindings.get(name, ()):
                found |= self._binding(kind, path, scope)
            for where, path in scope.attributes.get(name, ()):
                found |= {one._replace(inferred=True) for one in self.evaluate(path, where)}
        found |= self.bound(name, scope) if name in scope.imports else set()
        return frozenset(found)

    def call(self, value: Value) -> Values:
        """What calling a value may give."""
        if value.kind == "class":
            return frozenset({Value("instance", value.what, value.inferred)})
        if value.kind == "external":
            return frozenset({Value("external", f"{value.what}()", value.inferred)})
        if value.kind == "opaque":
            return frozenset({value})
        if value.kind != "function":
            return NOTHING
        scope = self.index.scopes[value.what]
        if scope.returned:
            return self.annotated(scope.returned.removeprefix("->").strip(), scope)
        if "generator" in scope.symbol.modifiers.split():
            return NOTHING
        found = map(partial(self.evaluate, scope=scope), dict.fromkeys(scope.returns))
        return frozenset(one._replace(inferred=True) for values in found for one in values)

    # Classes

    def bases(self, symbol: str) -> list[str]:
        """Base classes of a class that the package defines, in order."""
        scope = self.index.scopes[symbol]
        outer = scope.parent or scope
        found: list[str] = []
        for base in scope.bases:
            for value in sorted(self.evaluate(base.value, outer)):
                if value.kind == "class" and value.what not in found and value.what != symbol:
                    found.append(value.what)
        return found

    def has_unknown_base(self, symbol: str) -> bool:
        """Whether a class or an ancestor has a base that the package does not define, `object` apart."""
        for ancestor in self.order(symbol):
            scope = self.index.scopes[ancestor]
            outer = scope.parent or scope
            for base in scope.bases:
                values = self.evaluate(base.value, outer)
                if any(value.kind != "class" and value.what != f"{BUILTIN}.object" for value in values) or not values:
                    return True
        return False

    def order(self, symbol: str) -> list[str]:
        """Method resolution order: C3, or depth first where the bases do not linearise or are cyclic."""
        todo: list[tuple[str, list[str] | None]] = [(symbol, None)]  # a stack: chains are longer than Python's own
        while todo:
            one, bases = todo.pop()
            if bases is not None:
                self.orders[one] = self._merged(one, bases)
            elif one not in self.orders:
                self.orders[one] = [one]  # a cycle ends here
                bases = self.bases(one)
                todo.append((one, bases))
                todo += [(base, None) for base in reversed(bases)]
        return self.orders[symbol]

    def _merged(self, symbol: str, bases: list[str]) -> list[str]:
        orders = [self.orders[base] for base in bases]
        merged = orders[0] if len(orders) == 1 else merge_orders([*orders, bases])
        if merged is None:
            merged = list(dict.fromkeys(name for order in orders for name in order))
        return [symbol, *(name for name in merged if name != symbol)]


def type_names(said: str) -> list[str]:
    """Dotted names of the types that a value of this annotation may have: `X | None` and Optional[X] are X."""
    text = said.strip().removeprefix("->").strip().strip("\"'").strip()
    names: list[str] = []
    for part in _split(text, "|"):
        head, bracket, inner = part.partition("[")
        head = head.strip().strip("\"'")
        short = head.rpartition(".")[2]
        if bracket and short in WRAPPERS:
            inside = _split(inner.rstrip().removesuffix("]"), ",")
            names += type_names(inside[-1] if short == "Coroutine" else inside[0])
        elif bracket and short == "Union":
            for item in _split(inner.rstrip().removesuffix("]"), ","):
                names += type_names(item)
        elif head and head != "None" and head.replace(".", "").isidentifier():
            names.append(head)
    return list(dict.fromkeys(names))


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark outside brackets."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in "[(") - (character in "])")
        if character == mark and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]
