"""What a name or dotted path is without following values: definitions, imports, aliases, classes and their order."""

from collections.abc import Iterator
from functools import cached_property

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.linearise import merge_orders
from graphmer.kg.resolve.python.annotations import type_names
from graphmer.kg.resolve.python.builtin_names import BUILTINS
from graphmer.kg.resolve.python.index import FUNCTION_KINDS, PackageIndex, Scope, expression

BUILTIN = "<builtin>"
CLASS_SELF = frozenset({"Self", "typing.Self", "typing_extensions.Self"})


class Value:
    """One thing that an expression may be; there is one object of each, so that they compare by identity.

    kind       what is                                       of
    function   symbol of a function or lambda
    bound      symbol of a function                          the instance or class that it is bound to
    class      symbol of a class
    instance   symbol of a class
    module     symbol of a module
    namespace  dotted name of a folder above modules
    external   dotted name of something from outside
    result     dotted name of what was called outside: an instance where that is a class
    constant   a text or whole number, as the parser writes it
    container  where it is made, and its type after a space: list, tuple, set, dict, generator
    method     name of a container's method                  the container
    generator  symbol of a generator function
    super      symbol of the class whose method says super() the receiver
    partial    where it is made
    many       more than are followed
    """

    __slots__ = ("kind", "of", "what")

    def __init__(self, kind: str, what: str, of: "Value | None" = None) -> None:
        self.kind, self.what, self.of = kind, what, of

    def __repr__(self) -> str:
        return f"{self.kind} {self.what}"


class Statics:
    """Static resolution in one package. Every answer is found once."""

    def __init__(self, index: PackageIndex, params: GraphParams) -> None:
        self.index, self.params = index, params
        self.values: dict[tuple[str, str, Value | None], Value] = {}
        self.known: dict[tuple[Scope, str], tuple[Value, ...]] = {}
        self.finals: dict[tuple[Scope, str], Value | None] = {}
        self.depth = 0  # hops of the alias that is being followed
        self.cuts = 0  # how often one was too long
        self.absolutes: dict[tuple[str, Scope], str] = {}
        self.outside: dict[str, list[str]] = {}
        self.orders: dict[str, list[str]] = {}
        self.external_bases: dict[str, tuple[str, ...]] = {}

    @cached_property
    def raised(self) -> frozenset[str]:
        """Dotted names of what the package raises or catches and does not define: only exceptions are allowed there."""
        found = set()
        for source in self.index.files.values():
            for reference in source.references:
                if reference.kind == "raise" or reference.kind == "catch":
                    path = self.decorator_path(reference.value, source.file)
                    scope = self.index.scopes.get(reference.scope)
                    values = self.path(path, scope) if path and scope is not None else ()
                    found |= {value.what for value in values if value.kind == "external"}
        return frozenset(found)

    def value(self, kind: str, what: str, of: Value | None = None) -> Value:
        """The one object of a value."""
        key = (kind, what, of)
        found = self.values.get(key)
        if found is None:
            found = self.values[key] = Value(kind, what, of)
        return found

    # Names

    def binder(self, name: str, scope: Scope) -> Scope | None:
        """The scope that binds a name, seen from `scope`: itself, the functions around it, the module."""
        at: Scope | None = scope
        while at is not None:
            if name in at.names and (at is scope or at.symbol.kind != "class"):
                return at
            at = at.parent
        return None

    def lookup(self, name: str, scope: Scope) -> tuple[Value, ...]:
        """What a bare name may be, by definitions, imports and aliases; nothing for what flows."""
        at = self.binder(name, scope)
        if at is not None:
            return self.bound(name, at)
        found = self.starred(name, scope.module)
        if found is not None:
            return self.member_values(*found)
        return (self.value("external", f"{BUILTIN}.{name}"),) if name in BUILTINS else ()

    def bound(self, name: str, scope: Scope) -> tuple[Value, ...]:
        """What a name of this very scope may be."""
        key = (scope, name)
        known = self.known.get(key)
        if known is not None:
            return known
        if self.depth >= self.params.max_alias_hops:
            self.cuts += 1
            return ()
        self.known[key] = ()  # a name that needs itself
        cuts = self.cuts
        self.depth += 1
        found = tuple(dict.fromkeys(self._bindings(name, scope)))
        self.depth -= 1
        if self.cuts == cuts or found:
            self.known[key] = found
        else:  # nothing, since the search was cut off: another way in may see more
            del self.known[key]
        return found

    def _bindings(self, name: str, scope: Scope) -> Iterator[Value]:
        for symbol in self.definitions(name, scope):
            yield self.value("class" if symbol.kind == "class" else "function", symbol.symbol)
        for origin in scope.imports.get(name, ()):
            yield from self.imported(origin, scope)
        for version in scope.versions.get(name, ()):
            yield from self.bound(version, scope)
        for said in scope.assigned.get(name, ()):
            if said[:1] not in "[@&?<'#":
                yield from self.path(said, scope)

    def definition(self, name: str, scope: Scope) -> Symbol | None:
        """The last of the definitions that a scope may leave under a name."""
        symbols = self.definitions(name, scope)
        return symbols[-1] if symbols else None

    def definitions(self, name: str, scope: Scope) -> list[Symbol]:
        """The definitions that a scope may leave under a name: the last, and those before it that stand in a branch.

        Where a property's setter comes last, it is the getter.
        """
        symbols = scope.definitions.get(name, [])
        if len(symbols) < 2:
            return symbols
        if "setter" in symbols[-1].modifiers:
            return [one for one in symbols if "property" in one.modifiers.split()][:1] or symbols[-1:]
        last = next((at for at in reversed(range(len(symbols))) if "conditional" not in symbols[at].modifiers), 0)
        return [one for one in symbols[last:] if "overload" not in one.modifiers] or symbols[-1:]

    def starred(self, name: str, module: Scope, seen: tuple[Scope, ...] = ()) -> tuple[Scope, str] | None:
        """The module that gives `name` to `module` through a star import, and the name there."""
        for star in reversed(module.stars):  # the last one wins
            origin = self.index.modules.get(self.absolute(star, module))
            if origin is None or origin is module or origin in seen or len(seen) >= self.params.max_alias_hops:
                continue
            if (origin.exports and name not in origin.exports) or (not origin.exports and name.startswith("_")):
                continue
            if name in origin.names:
                return origin, name
            found = self.starred(name, origin, (*seen, module))
            if found is not None:
                return found
        return None

    def path(self, path: str, scope: Scope) -> tuple[Value, ...]:
        """What a dotted path may be."""
        key = (scope, path)
        known = self.known.get(key) if "." in path else None
        if known is not None:
            return known
        if not path:
            return ()
        first, *names = path.split(".")
        values = self.lookup(first, scope)
        for name in names:
            values = tuple(dict.fromkeys(one for value in values for one in self.attribute(value, name)))
        if names:
            self.known[key] = values
        return values

    def attribute(self, value: Value, name: str) -> tuple[Value, ...]:
        """A member that is defined, or imported, under its own name."""
        if value.kind == "module":
            return self.module_attribute(self.index.scopes[value.what], name)
        if value.kind == "namespace":
            return self.module(f"{value.what}.{name}", False)
        if value.kind == "external":
            return (self.value("external", f"{value.what}.{name}"),)
        if value.kind == "class":
            for ancestor in self.order(value.what):
                scope = self.index.scopes[ancestor]
                if name in scope.names:
                    return self.bound(name, scope)
        return ()

    def module_attribute(self, module: Scope, name: str) -> tuple[Value, ...]:
        found = self.module_member(module, name)
        return self.member_values(*found) if found is not None else self.module(f"{module.dotted}.{name}", False)

    def module_member(self, module: Scope, name: str) -> tuple[Scope, str] | None:
        """Where a module's attribute is bound: in it, or in one that it imports all from."""
        if name in module.names:
            return module, name
        return self.starred(name, module)

    def member_values(self, module: Scope, name: str) -> tuple[Value, ...]:
        return self.bound(name, module)

    # Imports

    def imported(self, value: str, scope: Scope) -> tuple[Value, ...]:
        """What an import binds: `pkg.mod`, or `pkg.mod:attr` with leading dots where relative."""
        origin, colon, attribute = value.partition(":")
        module = self.absolute(origin, scope.module)
        if not colon:
            return self.module(module)
        inside = self.index.modules.get(module)
        if inside is not None and inside is not scope.module:
            return self.module_attribute(inside, attribute)
        inner = self.module(f"{module}.{attribute}", False)
        if inner or module.partition(".")[0] in self.index.top_levels or origin.startswith("."):
            return inner
        return (self.value("external", f"{module}.{attribute}"),) if module else ()

    def absolute(self, origin: str, module: Scope) -> str:
        """Dotted name of an imported module, seen from a module."""
        key = (origin, module)
        known = self.absolutes.get(key)
        if known is None:
            known = self.absolutes[key] = self._absolute(origin, module)
        return known

    def _absolute(self, origin: str, module: Scope) -> str:
        dots = len(origin) - len(origin.lstrip("."))
        if not dots:
            return self._beside(origin, module)
        parts = module.dotted.split(".")
        keep = len(parts) - dots + (1 if self.index.is_package(module) else 0)
        return ".".join([*parts[: max(keep, 0)], *filter(None, [origin[dots:]])])

    def _beside(self, origin: str, module: Scope) -> str:
        """A script imports what lies beside it by its bare name: `import helpers` in tests/run.py is tests.helpers.

        That holds in a folder that is no package, whose files are run by themselves.
        """
        first = origin.partition(".")[0]
        folder = module.dotted.rpartition(".")[0]
        if (
            folder
            and folder not in self.index.modules
            and first not in self.index.top_levels
            and f"{folder}.{first}" in self.index.modules
        ):
            return f"{folder}.{origin}"
        return origin

    def module(self, dotted: str, outside: bool = True) -> tuple[Value, ...]:
        """A module of the package by its dotted name, else an external one."""
        found = self.index.modules.get(dotted)
        if found is not None:
            return (self.value("module", found.symbol.symbol),)
        if dotted in self.index.prefixes:
            return (self.value("namespace", dotted),)
        inside = dotted.partition(".")[0] in self.index.top_levels
        return (self.value("external", dotted),) if outside and dotted and not inside else ()

    # What is sure

    def final(self, path: str, scope: Scope) -> Value | None:
        """What a path is where it can be nothing else: every step is bound once, and no decorator changes it."""
        key = (scope, path)
        if key not in self.finals:
            self.finals[key] = None
            self.finals[key] = self._final(path, scope)
        return self.finals[key]

    def _final(self, path: str, scope: Scope) -> Value | None:
        owner, dot, name = path.rpartition(".")
        if not dot:
            at = self.binder(name, scope)
            if at is not None:
                return self.final_member(name, at)
            found = self.starred(name, scope.module)
            if found is not None:
                return self.final_member(found[1], found[0])
            return self.value("external", f"{BUILTIN}.{name}") if name in BUILTINS else None
        value = self.final(owner, scope)
        if value is None:
            return None
        if value.kind == "module":
            member = self.module_member(self.index.scopes[value.what], name)
            if member is not None:
                return self.final_member(member[1], member[0])
        elif value.kind == "class":
            return None
        found_values = self.attribute(value, name)
        return found_values[0] if len(found_values) == 1 else None

    def final_member(self, name: str, scope: Scope) -> Value | None:
        """As `final`, for a name of this very scope."""
        symbols, imports = scope.definitions.get(name, ()), scope.imports.get(name, ())
        if name in scope.assigned or name in scope.annotations or len(symbols) > 1 or len(imports) > 1:
            return None
        if any(parameter.name == name for parameter in scope.parameters):
            return None
        if symbols and not imports:
            symbol = symbols[0]
            if symbol.kind != "class" and not self.undecorated(self.index.scopes[symbol.symbol]):
                return None
            return self.value("class" if symbol.kind == "class" else "function", symbol.symbol)
        if imports and not symbols:
            return self._final_import(imports[0], scope)
        return None

    def _final_import(self, origin: str, scope: Scope) -> Value | None:
        module, colon, attribute = origin.partition(":")
        inside = self.index.modules.get(self.absolute(module, scope.module)) if colon else None
        if inside is not None and inside is not scope.module:
            member = self.module_member(inside, attribute)
            if member is not None:
                return self._final_member_once(member[0], member[1])
        values = self.imported(origin, scope)
        return values[0] if len(values) == 1 else None

    def _final_member_once(self, scope: Scope, name: str) -> Value | None:
        key = (scope, name)
        if key in self.finals:
            return self.finals[key]
        if self.depth >= self.params.max_alias_hops:
            self.cuts += 1
            return None
        self.finals[key] = None
        cuts = self.cuts
        self.depth += 1
        found = self.final_member(name, scope)
        self.depth -= 1
        if self.cuts == cuts or found is not None:
            self.finals[key] = found
        else:
            del self.finals[key]
        return found

    def undecorated(self, scope: Scope) -> bool:
        """Whether nothing of the package decorates a function: what comes from outside leaves it callable as it is."""
        outer = scope.parent or scope
        for decorator in scope.decorators:
            values = self.path(self.decorator_path(decorator.value, scope.file), outer)
            if not values or any(value.kind != "external" for value in values):
                return False
        return True

    def decorator_path(self, said: str, file: str) -> str:
        """The path of a decorator, or of the factory that makes it; empty where it is no path."""
        while said[:1] == "@":
            call = self.index.calls.get((file, int(said[1:])))
            said = expression(call.value)[1] if call is not None else ""
            said = said if isinstance(said, str) else ""
        return said if said[:1] not in "[&?<'#" else ""

    # Classes

    def order(self, symbol: str) -> list[str]:
        """Method resolution order: C3, or depth first where the bases do not linearise or are cyclic."""
        todo: list[tuple[str, list[str] | None]] = [(symbol, None)]  # a stack: chains are longer than Python's own
        while todo:
            one, bases = todo.pop()
            if bases is not None:
                self.orders[one] = self._merged(one, bases)
            elif one not in self.orders:
                self.orders[one] = [one]  # a cycle ends here
                bases = self._bases(one)
                todo.append((one, bases))
                todo += [(base, None) for base in reversed(bases)]
        return self.orders[symbol]

    def _bases(self, symbol: str) -> list[str]:
        """Base classes that the package defines, in order; notes the others."""
        scope = self.index.scopes[symbol]
        found: list[str] = []
        outside: list[str] = []
        for value in self.base_values(scope):
            if value.kind == "class" and value.what != symbol:
                found.append(value.what)
            elif value.kind == "external" and value.what != f"{BUILTIN}.object":
                outside.append(value.what)
        self.external_bases[symbol] = tuple(outside)
        return list(dict.fromkeys(found))

    def base_values(self, scope: Scope) -> list[Value]:
        """What the bases of a class are, in order."""
        outer = scope.parent or scope
        return [value for base in scope.bases for value in self.named(base.value, outer)]

    def named(self, said: str, scope: Scope) -> tuple[Value, ...]:
        """What a path names; `Generic[T]` names Generic, and `with_base(A)` its arguments."""
        value = expression(said)
        while isinstance(value, list) and value[0] == "[]":
            value = value[1]
        if isinstance(value, str) and value[:1] not in "@&?<'#":
            return self.path(value, scope)
        return ()

    def _merged(self, symbol: str, bases: list[str]) -> list[str]:
        orders = [self.orders[base] for base in bases]
        merged = orders[0] if len(orders) == 1 else merge_orders([*orders, bases])
        if merged is None:
            merged = list(dict.fromkeys(name for order in orders for name in order))
        return [symbol, *(name for name in merged if name != symbol)]

    def outside_bases(self, symbol: str) -> list[str]:
        """Dotted names of the bases from outside, of a class and its ancestors."""
        known = self.outside.get(symbol)
        if known is None:
            order = self.order(symbol)
            known = self.outside[symbol] = [name for one in order for name in self.external_bases.get(one, ())]
        return known

    def owner_class(self, scope: Scope | None) -> Scope | None:
        """The class whose method a scope is or stands in."""
        while scope is not None and scope.symbol.kind in FUNCTION_KINDS:
            scope = scope.parent
        return scope if scope is not None and scope.symbol.kind == "class" else None

    # Annotations

    def annotated(self, said: str, scope: Scope) -> list[Value]:
        """Instances of the types that an annotation names; of a container, none: its items are not it."""
        return [value for name in type_names(said) for value in self.named_type(name, scope)]

    def named_type(self, name: str, scope: Scope, kind: str = "instance") -> list[Value]:
        """Instances of a type that an annotation in a scope names, or the type itself."""
        if name in CLASS_SELF:
            owner = self.owner_class(scope)
            return [self.value(kind, owner.symbol.symbol)] if owner is not None else []
        outer = scope.parent if scope.symbol.kind in FUNCTION_KINDS and scope.parent is not None else scope
        found = []
        for value in self.path(name, outer):
            if value.kind == "class":
                found.append(self.value(kind, value.what))
            elif value.kind == "external":
                found.append(self.value("result" if kind == "instance" else "external", value.what))
        return found
