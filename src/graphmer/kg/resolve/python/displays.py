"""Nodes of displays and comprehensions: each is a container of its own."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Expression, Scope

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Displays:
    """Makes containers and fills them with what is written in them."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network

    def sequence(self, said: Expression, scope: Scope) -> Node:
        """`[a, *b]`, `(a, b)`, `{a, b}`."""
        kind, at, *items = said
        value, container = self.network.container(f"{scope.file}@{at}", kind)
        place = 0
        known = True  # places behind a starred item are not
        for item in items:
            if isinstance(item, list) and item[0] == "*":
                source = self.world.expressions.node(item[1], scope)
                if source is not None:
                    self.network.flow(self.world.protocols.iterate(source).each, container.any)
                known = False
                continue
            node = self.world.expressions.node(item, scope)
            if node is not None:
                target = self.network.item(container, f"#{place}") if known and kind != "set" else container.any
                self.network.flow(node, target)
            place += 1
        return self.network.constant(value)

    def dictionary(self, said: Expression, scope: Scope) -> Node:
        """`{key: value, **others}`."""
        value, container = self.network.container(f"{scope.file}@{said[1]}", "dict")
        for key, item in said[2:]:
            node = self.world.expressions.node(item, scope)
            if key != "**":
                self.world.items.store(container, self.world.expressions.node(key, scope), node or Node())
            elif node is not None:
                self.network.watch(node, partial(self.world.items.merge, container))
        return self.network.constant(value)

    def comprehension(self, said: Expression, scope: Scope) -> Node:
        """`[item for x in y]`."""
        _, kind, at, item = said
        value, container = self.network.container(f"{scope.file}@{at}", kind)
        node = self.world.expressions.node(item, scope)
        if node is not None:
            self.network.flow(node, container.any)
        return self.network.constant(value)

    def dictionary_comprehension(self, said: Expression, scope: Scope) -> Node:
        """`{key: value for x in y}`."""
        value, container = self.network.container(f"{scope.file}@{said[1]}", "dict")
        node = self.world.expressions.node(said[3], scope)
        self.world.items.store(container, self.world.expressions.node(said[2], scope), node or Node())
        return self.network.constant(value)
