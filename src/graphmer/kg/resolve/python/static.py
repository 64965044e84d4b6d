"""What a name or dotted path is without following values: definitions, imports and aliases."""

from collections.abc import Iterator
from functools import cached_property

from graphmer.corpus.parse.python.notation import is_path
from graphmer.corpus.parse.records import Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.resolve.python.alias_hops import AliasHops
from graphmer.kg.resolve.python.builtin_names import BUILTINS
from graphmer.kg.resolve.python.classes import Classes
from graphmer.kg.resolve.python.final import Finals
from graphmer.kg.resolve.python.index import PackageIndex, Scope, expression
from graphmer.kg.resolve.python.modules import Modules
from graphmer.kg.resolve.python.values import BUILTIN, Value, ValueTable


class Statics:
    """Static resolution in one package. Every answer is found once."""

    def __init__(self, index: PackageIndex, params: GraphParams) -> None:
        self.index = index
        values = ValueTable()
        self.value = values.value
        self.modules = Modules(index, values, params.max_alias_hops)
        self.classes = Classes(index, self.named)
        self.hops = AliasHops(params.max_alias_hops)
        self.known: dict[tuple[Scope, str], tuple[Value, ...]] = {}
        self.finals = Finals(self)

    @cached_property
    def raised(self) -> frozenset[str]:
        """Dotted names of what the package raises or catches and does not define: only exceptions are allowed there."""
        found = set()
        for source in self.index.files.values():
            for reference in source.references:
                if reference.kind == "raise" or reference.kind == "catch":
                    path = self.callee_path(reference.value, source.file)
                    scope = self.index.scopes.get(reference.scope)
                    values = self.path(path, scope) if path and scope is not None else ()
                    found |= {value.what for value in values if value.kind == "external"}
        return frozenset(found)

    # Names

    def binder(self, name: str, scope: Scope) -> Scope | None:
        """The scope that binds a name, seen from `scope`: itself, the functions around it, the module."""
        at: Scope | None = scope
        while at is not None:
            if name in at.names and (at is scope or at.symbol.kind != "class"):
                return at
            at = at.parent
        return None

    def _seen(self, name: str, scope: Scope) -> tuple[Value, ...]:
        """What a bare name may be, by definitions, imports and aliases; nothing for what flows."""
        at = self.binder(name, scope)
        if at is not None:
            return self.bound(name, at)
        found = self.modules.starred(name, scope.module)
        if found is not None:
            return self.bound(found[1], found[0])
        return (self.value("external", f"{BUILTIN}.{name}"),) if name in BUILTINS else ()

    def bound(self, name: str, scope: Scope) -> tuple[Value, ...]:
        """What a name of this very scope may be."""
        key = (scope, name)
        known = self.known.get(key)
        if known is not None:
            return known
        return self.hops.once(self.known, key, (), lambda: tuple(dict.fromkeys(self._bindings(name, scope))))

    def _bindings(self, name: str, scope: Scope) -> Iterator[Value]:
        for symbol in self.definitions(name, scope):
            yield self.value("class" if symbol.kind == "class" else "function", symbol.symbol)
        for origin in scope.imports.get(name, ()):
            yield from self.imported(origin, scope)
        for version in scope.versions.get(name, ()):
            yield from self.bound(version, scope)
        for said in scope.assigned.get(name, ()):
            if is_path(said):
                yield from self.path(said, scope)

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

    def path(self, path: str, scope: Scope) -> tuple[Value, ...]:
        """What a dotted path may be."""
        key = (scope, path)
        known = self.known.get(key) if "." in path else None
        if known is not None:
            return known
        if not path:
            return ()
        first, *names = path.split(".")
        values = self._seen(first, scope)
        for name in names:
            values = tuple(dict.fromkeys(one for value in values for one in self.attribute(value, name)))
        if names:
            self.known[key] = values
        return values

    def attribute(self, value: Value, name: str) -> tuple[Value, ...]:
        """A member that is defined, or imported, under its own name."""
        if value.kind == "module":
            return self._module_attribute(self.index.scopes[value.what], name)
        if value.kind == "namespace":
            return self.modules.named(f"{value.what}.{name}", False)
        if value.kind == "external":
            return (self.value("external", f"{value.what}.{name}"),)
        if value.kind == "class":
            for ancestor in self.classes.order(value.what):
                scope = self.index.scopes[ancestor]
                if name in scope.names:
                    return self.bound(name, scope)
        return ()

    def _module_attribute(self, module: Scope, name: str) -> tuple[Value, ...]:
        found = self.modules.member(module, name)
        if found is not None:
            return self.bound(found[1], found[0])
        return self.modules.named(f"{module.dotted}.{name}", False)

    def imported(self, value: str, scope: Scope) -> tuple[Value, ...]:
        """What an import binds: `pkg.mod`, or `pkg.mod:attr` with leading dots where relative."""
        origin, colon, attribute = value.partition(":")
        module = self.modules.absolute(origin, scope.module)
        if not colon:
            return self.modules.named(module)
        inside = self.index.modules.get(module)
        if inside is not None and inside is not scope.module:
            return self._module_attribute(inside, attribute)
        inner = self.modules.named(f"{module}.{attribute}", False)
        if inner or module.partition(".")[0] in self.index.top_levels or origin.startswith("."):
            return inner
        return (self.value("external", f"{module}.{attribute}"),) if module else ()

    def named(self, said: str, scope: Scope) -> tuple[Value, ...]:
        """What an expression names: a path what it leads to, `Generic[T]` Generic, anything else nothing."""
        value = expression(said)
        while isinstance(value, list) and value[0] == "[]":
            value = value[1]
        return self.path(value, scope) if is_path(value) else ()

    def callee_path(self, said: str, file: str) -> str:
        """The path of a value, or of what it calls, as in @route("/") or `raise E(x)`; empty where it is none."""
        while said[:1] == "@":
            call = self.index.calls.get((file, int(said[1:])))
            said = expression(call.value)[1] if call is not None else ""
            said = said if isinstance(said, str) else ""
        return said if is_path(said) else ""
