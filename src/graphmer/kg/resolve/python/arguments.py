"""Arguments flow to parameters: by place, by name, and out of `*` and `**`."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.sites import Function, Site
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Arguments:
    """Binds what is given to what takes it."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network

    def bind(self, site: Site, symbol: str, receiver: Value | None) -> bool:
        """Arguments flow to parameters; False where they do already."""
        function = self.world.functions.of(symbol)
        if receiver is not None:
            self._receive(function, receiver)
            if function.positional and function.positional[0] in function.passes:
                self.network.add(site.result, receiver)
        if symbol in site.bound:
            return False
        site.bound = (*site.bound, symbol)
        self._bind(site, function, 0 if receiver is None else 1)
        return True

    def enter(self, symbol: str, receiver: Value | None, args: list[Node | None] | None = None) -> Node:
        """Call a function without a site of its own; returns what it gives."""
        function = self.world.functions.of(symbol)
        result = function.result
        if function.passes:  # what is passed through is this caller's alone
            result = Node()
            self.network.flow(function.result, result)
        if receiver is not None:
            self._receive(function, receiver)
            if function.positional and function.positional[0] in function.passes:
                self.network.add(result, receiver)
        self._bind_places(function, args or (), 0 if receiver is None else 1, result)
        return result

    def _receive(self, function: Function, receiver: Value) -> None:
        if function.positional:
            self.network.add(function.positional[0], receiver)
        elif function.rest is not None:
            self.network.add(self.network.item(function.rest, "#0"), receiver)

    def _target(self, function: Function, place: int) -> Node | None:
        """Where the argument at a place goes, the receiver counted."""
        if place < len(function.positional):
            return function.positional[place]
        if function.rest is not None:
            return self.network.item(function.rest, f"#{place - len(function.positional)}")
        return None

    def _bind_places(self, function: Function, args: Sequence[Node | None], first: int, result: Node) -> None:
        for place, node in enumerate(args, first):
            target = self._target(function, place) if node is not None else None
            if node is not None and target is not None:
                self.network.flow(node, target)
                if target in function.passes:
                    self.network.flow(node, result)

    def _bind(self, site: Site, function: Function, first: int) -> None:
        network = self.network
        self._bind_places(function, site.args, first, site.result)
        for name, node in site.keywords.items():
            if name in function.by_name:
                network.flow(node, function.by_name[name])
                if function.by_name[name] in function.passes:
                    network.flow(node, site.result)
            elif function.keywords is not None:
                self.world.items.store(function.keywords, network.constant(network.value("constant", f"'{name}")), node)
        for star, node in site.stars:
            spread = self._spread_dict if star == "**" else self._spread
            network.watch(node, partial(spread, function, first + len(site.args)))

    def _spread(self, function: Function, first: int, value: Value) -> None:
        """`*value`: its items by their places, as far as those are known."""
        if value.kind != "container":
            each = self.world.protocols.iterate(self.network.constant(value)).each
            for target in function.positional[first:]:
                self.network.flow(each, target)
            return
        container = self.network.containers[value]

        def place(key: str, node: Node) -> None:
            target = self._target(function, first + int(key[1:])) if key[:1] == "#" and key[1:].isdecimal() else None
            if target is not None:
                self.network.flow(node, target)

        self.network.each_item(container, place)
        for target in function.positional[first:]:
            self.network.flow(container.any, target)
        if function.rest is not None:
            self.network.flow(container.any, function.rest.any)

    def _spread_dict(self, function: Function, _: int, value: Value) -> None:
        """`**value`: its items by their keys."""
        if value.kind != "container":
            return
        container = self.network.containers[value]

        def place(key: str, node: Node) -> None:
            target = function.by_name.get(key[1:])
            if target is not None:
                self.network.flow(node, target)
            elif function.keywords is not None:
                self.network.flow(node, self.network.item(function.keywords, key))

        self.network.each_item(container, place)
        if function.keywords is not None:
            self.network.flow(container.any, function.keywords.any)
            self.network.flow(container.keys, function.keywords.keys)
        for target in function.by_name.values():
            self.network.flow(container.any, target)
