"""What an access path may be: values that flow through imports, assignments, members, annotations and returns.

Flow-insensitive. A value is a (kind, what) pair: `module`, `class`, `function`, `interface`, `namespace` and `object`
of the package by symbol, `instance` of a class by its symbol, `bound` for what `f.bind` gives when called, `external`
by dotted name (`x()` what it returns, `X{}` an instance), and `opaque`: from outside, of no known type. An empty set
means that nothing is known.
"""

import re
from collections.abc import Callable
from functools import partial

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.javascript_builtins import GLOBALS, PRIMITIVES, TEST_GLOBALS
from graphmer.kg.resolve.javascript_index import FUNCTION_KINDS, PackageIndex, Scope, member_key
from graphmer.kg.resolve.javascript_members import Members
from graphmer.kg.resolve.javascript_type_names import type_names
from graphmer.kg.resolve.javascript_value import BUILTIN, NOTHING, Value, Values, joined, ordered

STEP = re.compile(r"<fn .*>|<[^>]*>|\(\)|\{\}|\[\]|\.?[^.()\[\]{}<>]+")
MAX_STEPS = 2000  # evaluations that one outermost path may cause: the end of any cycle of values
VALUE_KINDS = {"class": "class", "enum": "class", "interface": "interface", "namespace": "namespace"}


class Evaluator:
    """Evaluates access paths in scopes, each once; a path that needs itself is unknown."""

    def __init__(self, index: PackageIndex, params: GraphParams) -> None:
        self.index, self.params = index, params
        self.known: dict[tuple[str, str], Values] = {}
        self.under_way: set[tuple[str, str]] = set()
        self.members = Members(self)
        self.depth = self.cuts = self.steps = 0

    def evaluate(self, path: str, scope: Scope) -> Values:
        """What `path` may be in `scope`; at most `max_candidates` values, or nothing."""
        return self._once((scope.key, path), partial(self._walk, path, scope))

    def _once(self, key: tuple[str, str], work: Callable[[], Values]) -> Values:
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
            values = work()
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
        if steps[0] == "super":
            return self._super(steps[1:], scope)
        return self._follow(self._first(steps[0], scope), steps[1:])

    def _follow(self, values: Values, steps: list[str]) -> Values:
        for step in steps:
            if step == "()":
                values = joined(map(self.members.call, ordered(values)))
            elif step == "{}":
                values = joined(map(self.members.new, ordered(values)))
            elif step == "[]":
                values = frozenset(value for value in values if value.kind == "opaque")
            else:
                values = joined(self.members.attribute(value, step.removeprefix(".")) for value in ordered(values))
        return values

    def _first(self, step: str, scope: Scope) -> Values:
        if step.startswith("<"):
            return self._marked(step, scope)
        if step == "this":
            return self.this(scope)
        if step == "exports":
            return frozenset({Value("module", self.module_of(scope).key)}) if not self._bound(step, scope) else NOTHING
        return self.lookup(step, scope)

    def _bound(self, name: str, scope: Scope | None) -> bool:
        while scope is not None:
            if scope.binds(name):
                return True
            scope = scope.parent
        return False

    def _marked(self, step: str, scope: Scope) -> Values:
        """`<fn f.<lambda1>>`, `<self>`, `<require ./x exports>` and literals."""
        word, _, rest = step[1:-1].partition(" ")
        if word == "fn":
            symbol = self.index.symbols.get(self.module_of(scope).key + rest)
            return frozenset({self.defined(symbol)}) if symbol is not None else NOTHING
        if word == "self":
            return frozenset({self.defined(scope.symbol)}) if scope.symbol is not None else NOTHING
        if word == "require":
            specifier, _, what = rest.rpartition(" ")
            return self.imported(f"{specifier}:{what if specifier.startswith('.') else ''}", scope)
        literal = word not in ("expr", "object", "null") and not rest
        return frozenset({Value("external", f"{BUILTIN}.{word}{{}}")}) if literal else NOTHING

    def defined(self, symbol: Symbol) -> Value:
        """The value that a definition is."""
        return Value(VALUE_KINDS.get(symbol.kind, "function" if symbol.kind in FUNCTION_KINDS else "object"),
                     symbol.symbol)  # fmt: skip

    # Names

    def module_of(self, scope: Scope) -> Scope:
        """The module that a scope stands in."""
        return self.index.modules[scope.file]

    def lookup(self, name: str, scope: Scope) -> Values:
        """What a bare name may be: its own block, the scopes around it, the module, what every program finds."""
        at: Scope | None = scope
        while at is not None:
            if at.binds(name):
                return self.bound(name, at)
            at = at.parent
        in_test = name in TEST_GLOBALS and self.index.files[scope.file].is_test
        return frozenset({Value("external", f"{BUILTIN}.{name}")}) if name in GLOBALS or in_test else NOTHING

    def bound(self, name: str, scope: Scope) -> Values:
        """What a name of this scope may be, by all that binds it."""
        found: set[Value] = set()
        for symbol in scope.definitions.get(name, ())[-1:]:
            if symbol.kind != "type_alias":
                found.add(self.defined(symbol))
        for value in dict.fromkeys(scope.imports.get(name, ())):
            found |= self.imported(value, scope)
        if name in scope.parameters:
            found |= self.annotated(scope.parameters[name], scope)
        elif name in scope.annotations:
            found |= self.annotated(scope.annotations[name], scope)
        key = member_key(scope, name)
        if key in self.index.scopes and self.index.scopes[key].kind == "variable":
            found.add(Value("object", key))
        if scope.kind == "namespace":
            found |= self.namespace_member(scope, name)
        for path in scope.variables.get(name, ()):
            values = self.evaluate(path, scope)
            found |= {one._replace(inferred=one.inferred or one.kind == "instance") for one in values}
        return frozenset(found)

    def namespace_member(self, scope: Scope, name: str) -> Values:
        """What a namespace defines under a name."""
        return frozenset(self.defined(symbol) for symbol in scope.definitions.get(name, ())[-1:])

    def this(self, scope: Scope) -> Values:
        """What `this` is: an arrow function sees the one around it."""
        at: Scope | None = scope
        while at is not None:
            if at.kind == "class":
                return frozenset({Value("instance", at.key)})
            if at.kind in FUNCTION_KINDS:
                if "arrow" in at.modifiers and not (at.kind == "method" and "member" not in at.modifiers):
                    at = at.parent
                    continue
                return self._this_of(at)
            at = at.parent if at.kind == "block" else None
        return NOTHING

    def _this_of(self, scope: Scope) -> Values:
        owner = scope.owner
        if scope.kind == "method" and owner is not None:
            if owner.kind in ("class", "interface"):
                return frozenset({Value("class" if "static" in scope.modifiers else "instance", owner.key)})
            if owner.kind == "function":
                static = "static" in scope.modifiers
                return frozenset({Value("function" if static else "instance", owner.key)})
            return frozenset({Value("object", owner.key)})
        return frozenset({Value("instance", scope.key)}) if self.is_class(scope.key) else NOTHING

    def is_class(self, symbol: str) -> bool:
        """Whether a symbol is a class, or a function that is used as one."""
        scope = self.index.scopes.get(symbol)
        return scope is not None and (scope.kind == "class" or symbol in self.index.constructors)

    def _super(self, steps: list[str], scope: Scope) -> Values:
        at: Scope | None = scope
        while at is not None and at.kind != "class":
            at = at.owner if at.kind == "method" and "member" not in at.modifiers else at.parent
        if at is None:
            return NOTHING
        if not steps or steps[0] == "()":
            return joined(self.evaluate(base.value, at.parent or at) for base in at.bases)
        name = steps[0].removeprefix(".")
        for ancestor in self.members.order(at.key)[1:]:
            values = self.members.own(ancestor, name, "static" in scope.modifiers)
            if values:
                return self._follow(values, steps[1:])
        return self.members.from_outside(at.key, name) if len(steps) == 1 else NOTHING

    # Types

    def annotated(self, said: str, scope: Scope) -> Values:
        """Instances of the types that an annotation names; of `Promise<T>`, T: what `await` gives."""
        found: set[Value] = set()
        for name in type_names(said):
            if name in PRIMITIVES:
                found.add(Value("external", f"{BUILTIN}.{PRIMITIVES[name]}{{}}", True))
                continue
            for value in self.evaluate(name, scope):
                if value.kind in ("class", "interface") or (value.kind == "function" and self.is_class(value.what)):
                    found.add(Value("instance", value.what, True))
                elif value.kind == "external" and "(" not in value.what and "{" not in value.what:
                    found.add(Value("external", f"{value.what}{{}}", True))
        return frozenset(found)

    # Imports

    def imported(self, value: str, scope: Scope) -> Values:
        """What an import binds: `specifier:name`, an empty name for all of a library."""
        specifier, _, name = value.rpartition(":")
        if not specifier.startswith("."):
            dotted = specifier.removeprefix("node:")
            return frozenset({Value("external", f"{dotted}.{name}" if name else dotted)}) if dotted else NOTHING
        module = self.index.module_at(specifier, scope.file)
        if module is None:
            return NOTHING
        if name == "*":
            return frozenset({Value("module", module.key)})
        if name == "exports":
            return self.whole(module)
        values = self.exported(module, name)
        return values or (self.whole(module) if name == "default" and "default" not in module.exports else NOTHING)

    def whole(self, module: Scope) -> Values:
        """What `require` gives: what `module.exports` was set to, and the module for names that it exports beside."""
        whole = joined(self.evaluate(value, module) for value, _ in module.exports.get("exports", ()))
        if whole and len(module.exports) == 1:
            return whole
        return whole | {Value("module", module.key)}

    def exported(self, module: Scope, name: str) -> Values:
        """What a module exports under a name, through re-exports."""
        return self._once((module.key, f"export {name}"), partial(self._exported, module, name))

    def _exported(self, module: Scope, name: str) -> Values:
        found: Values = NOTHING
        for value, outside in module.exports.get(name, ()):
            found |= self.imported(value, module) if outside else self.evaluate(value, module)
        if found or name in module.exports:
            return found
        if module.binds(name):
            return self.bound(name, module)
        if name == "default":
            return NOTHING
        for star in module.stars:
            other = self.index.module_at(star, module.file)
            if other is not None and other is not module:
                found = self.exported(other, name)
                if found:
                    return found
        return NOTHING
