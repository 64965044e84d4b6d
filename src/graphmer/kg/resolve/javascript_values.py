"""What an access path may be: values that flow through imports, assignments, members, annotations and returns.

Flow-insensitive. A value is a (kind, what) pair: `module`, `class`, `function`, `interface`, `namespace` and `object`
of the package by symbol, `instance` of a class by its symbol, `bound` for what `f.bind` gives when called, `external`
by dotted name (`x()` what it returns, `X{}` an instance), and `opaque`: from outside, of no known type. An empty set
means that nothing is known.
"""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.javascript_builtins import EMPTY_TYPES, GLOBALS, PRIMITIVES, TEST_GLOBALS
from graphmer.kg.resolve.javascript_index import FUNCTION_KINDS, PackageIndex, Scope, member_key

BUILTIN = "<builtin>"
STEP = re.compile(r"<fn .*>|<[^>]*>|\(\)|\{\}|\[\]|\.?[^.()\[\]{}<>]+")
MAX_STEPS = 2000  # evaluations that one outermost path may cause: the end of any cycle of values
VALUE_KINDS = {"class": "class", "enum": "class", "interface": "interface", "namespace": "namespace"}
TRANSPARENT = frozenset({"Promise", "Readonly", "Partial", "Required", "NonNullable", "Awaited", "PromiseLike"})
TYPE_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*")


class Value(NamedTuple):
    """One thing that a path may be. `inferred` where it flowed through an assignment, a return or an annotation."""

    kind: str
    what: str
    inferred: bool = False


Values = frozenset[Value]
NOTHING: Values = frozenset()


def _joined(parts: Iterable[Values]) -> Values:
    return frozenset().union(*parts)


def _ordered(values: Values) -> Iterable[Value]:
    """The values in an order that no hash decides: which search meets a bound first depends on it."""
    return sorted(values) if len(values) > 1 else values


def _guessed(values: Values) -> Values:
    return frozenset(value._replace(inferred=True) for value in values)


class Evaluator:
    """Evaluates access paths in scopes, each once; a path that needs itself is unknown."""

    def __init__(self, index: PackageIndex, params: GraphParams) -> None:
        self.index, self.params = index, params
        self.known: dict[tuple[str, str], Values] = {}
        self.under_way: set[tuple[str, str]] = set()
        self.orders: dict[str, list[str]] = {}
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
                values = _joined(map(self.call, _ordered(values)))
            elif step == "{}":
                values = _joined(map(self.new, _ordered(values)))
            elif step == "[]":
                values = frozenset(value for value in values if value.kind == "opaque")
            else:
                values = _joined(self.attribute(value, step.removeprefix(".")) for value in _ordered(values))
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
            found |= self._namespace_member(scope, name)
        for path in scope.variables.get(name, ()):
            values = self.evaluate(path, scope)
            found |= {one._replace(inferred=one.inferred or one.kind == "instance") for one in values}
        return frozenset(found)

    def _namespace_member(self, scope: Scope, name: str) -> Values:
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
            return _joined(self.evaluate(base.value, at.parent or at) for base in at.bases)
        name = steps[0].removeprefix(".")
        for ancestor in self.order(at.key)[1:]:
            values = self._member(ancestor, name, "static" in scope.modifiers)
            if values:
                return self._follow(values, steps[1:])
        return self._from_outside(at.key, name) if len(steps) == 1 else NOTHING

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
            return self._whole(module)
        values = self.exported(module, name)
        return values or (self._whole(module) if name == "default" and "default" not in module.exports else NOTHING)

    def _whole(self, module: Scope) -> Values:
        """What `require` gives: what `module.exports` was set to, and the module for names that it exports beside."""
        whole = _joined(self.evaluate(value, module) for value, _ in module.exports.get("exports", ()))
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

    # Members and calls

    def attribute(self, value: Value, name: str) -> Values:
        """What a member of a value may be."""
        kind, what = value.kind, value.what
        if kind == "module":
            module = self.index.scopes[what]
            if name == "exports":
                return frozenset({value})
            values = self.exported(module, name)
            return values or (self._whole(module) if name == "default" else NOTHING)
        if kind == "namespace":
            return self._namespace_member(self.index.scopes[what], name)
        if kind in ("instance", "class", "interface"):
            return self._class_attribute(value, name)
        if kind in ("function", "bound"):
            return self._function_attribute(value, name)
        if kind == "object":
            return self._member(what, name, None)
        if kind == "external":
            return self._external_attribute(value, name)
        return frozenset({value})

    def _function_attribute(self, value: Value, name: str) -> Values:
        own = self._member(value.what, name, True)
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
            values = self._member(ancestor, name, static)
            if values:
                return frozenset(one._replace(inferred=one.inferred or value.inferred) for one in values)
            if name in self.index.scopes[ancestor].fields or name in self.index.scopes[ancestor].members:
                return NOTHING
        if static and name in ("call", "apply"):
            return frozenset({value})
        return self._from_outside(value.what, name)

    def _from_outside(self, symbol: str, name: str) -> Values:
        """A member that no class of the package has: the base's from outside, where that is the one possibility."""
        outside: set[Value] = set()
        for ancestor in self.order(symbol):
            scope = self.index.scopes[ancestor]
            for base in scope.bases:
                values = self.evaluate(base.value, scope.parent or scope)
                outside |= {one for one in values if one.kind in ("external", "opaque")}
                if not values:
                    outside.add(Value("opaque", symbol))
        if len(outside) == 1:
            (only,) = outside
            plain = only.kind == "external" and "(" not in only.what and "{" not in only.what
            return frozenset({Value("external", f"{only.what}.{name}", True) if plain else Value("opaque", symbol)})
        return frozenset({Value("opaque", symbol)}) if outside else NOTHING

    def _member(self, owner: str, name: str, static: bool | None) -> Values:
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
                value = self.defined(symbol)
                found = set(self.call(value)) if "property" in words else {value}
            elif symbol.symbol in self.index.scopes:
                found.add(Value("object", symbol.symbol))
        if found:
            return frozenset(found)
        if name in scope.annotations:
            found |= self.annotated(scope.annotations[name], scope.parent or scope)
        for where, path in scope.fields.get(name, ()):
            values = self.evaluate(path, where)
            found |= values if scope.kind in ("variable", "field") else _guessed(values)
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
                return self.this(scope)
            return self.annotated(scope.returned, scope)
        return _guessed(_joined(self.evaluate(path, scope) for path in dict.fromkeys(scope.returns)))

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
            for value in sorted(self.evaluate(base.value, outer)):
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


def type_names(said: str) -> list[str]:
    """Dotted names of the types that a value of this annotation may have; of `T[]` it is Array."""
    names: list[str] = []
    for part in _split(said.strip(), "|&"):
        part = part.removeprefix("readonly ").strip()
        if part.startswith("(") and part.endswith(")") and "=>" not in part:
            names += type_names(part[1:-1])
            continue
        match = TYPE_NAME.match(part)
        if match is None or part.startswith(("typeof ", "keyof ", "infer ")) or " extends " in part:
            continue
        rest = part[match.end() :]
        if rest.endswith("[]"):
            names.append("Array")
        elif match.group() in TRANSPARENT and rest.startswith("<") and rest.endswith(">"):
            names += type_names(_split(rest[1:-1], ",")[0])
        elif match.group() not in EMPTY_TYPES and (not rest or (rest.startswith("<") and rest.endswith(">"))):
            names.append(match.group())
    return list(dict.fromkeys(names))


def _split(text: str, marks: str) -> list[str]:
    """Split at marks outside brackets."""
    parts, depth, start = [], 0, 0
    for place, character in enumerate(text):
        if character == ">" and text[place - 1 : place] == "=":
            continue
        depth += (character in "[(<{") - (character in "])>}")
        if character in marks and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]
