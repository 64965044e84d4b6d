"""Nodes of names and dotted paths."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.attributes import is_private
from graphmer.kg.resolve.python.builtin_names import BUILTINS
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Scope
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Names:
    """Makes nodes for the names of scopes, once each."""

    def __init__(self, world: "World") -> None:
        self.world, self.network, self.statics = world, world.network, world.statics
        self.index = world.index

    def name(self, name: str, scope: Scope) -> Node | None:
        """The node of a bare name, seen from a scope; None where nobody knows it."""
        node: Node | None = scope.nodes.get(name)
        if node is not None:
            return node
        node = self._seen_name(name, scope)
        if node is not None:
            scope.nodes[name] = node
        return node

    def _seen_name(self, name: str, scope: Scope) -> Node | None:
        at = self.statics.binder(name, scope)
        if at is not None:
            return self.variable(name, at) if at is scope else self.whole(name, at)
        found = self.statics.modules.starred(name, scope.module)
        if found is not None:
            return self.whole(found[1], found[0])
        if name in BUILTINS:
            return self.network.constant(self.network.value("external", f"{BUILTIN}.{name}"))
        return None

    def whole(self, name: str, scope: Scope) -> Node:
        """The node of a name as others see it: all that it was bound to, one after the other."""
        versions = scope.versions.get(name)
        if not versions:
            return self.variable(name, scope)
        key = f"*{name}"
        node = scope.nodes.get(key)
        if node is None:
            node = scope.nodes[key] = Node()
            for version in [name, *dict.fromkeys(versions)]:
                self.network.flow(self.variable(version, scope), node)
        return node

    def variable(self, name: str, scope: Scope) -> Node:
        """The node of a name that this very scope binds."""
        key = f"={name}"
        node: Node | None = scope.nodes.get(key)
        if node is not None:
            return node
        final = self.statics.finals.member(name, scope)
        if final is not None:
            node = scope.nodes[key] = self.network.constant(final)
            return node
        node = scope.nodes[key] = Node()
        for symbol in self.statics.definitions(name, scope):
            self.world.decorators.define(symbol, node)
        for origin in scope.imports.get(name, ()):
            self._import(origin, scope, node)
        if name in scope.annotations:
            self.world.annotated.add(node, scope.annotations[name], scope, name)
        return node

    def _import(self, origin: str, scope: Scope, node: Node) -> None:
        module, colon, attribute = origin.partition(":")
        inside = self.index.modules.get(self.statics.modules.absolute(module, scope.module)) if colon else None
        # What a package imports from itself is a module in its folder.
        outside = inside is not None and inside is not scope.module
        member = self.statics.modules.member(inside, attribute) if inside is not None and outside else None
        if member is None:
            for value in self.statics.imported(origin, scope):
                self.network.add(node, value)
            return
        where, name = member

        def flow(_: Value) -> None:  # later: a chain of imports may be longer than Python's stack
            self.network.flow(self.whole(name, where), node)

        self.network.work.append((flow, self.network.value("module", where.symbol.symbol)))

    def path(self, path: str, scope: Scope) -> Node | None:
        """The node of a dotted path."""
        final = self.statics.finals.path(path, scope)
        if final is not None:
            return self.network.constant(final)
        owner, dot, name = path.rpartition(".")
        if not dot:
            return self.name(name, scope)
        base = self.path(owner, scope)
        if base is None:
            return None
        within = self.statics.classes.owner_class(scope) if is_private(name) else None
        if within is not None:
            return self.world.attributes.load_private(base, name, within)
        return self.world.attributes.load(base, name)
