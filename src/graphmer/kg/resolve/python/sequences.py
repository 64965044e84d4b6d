"""Nodes of what is made of sequences: unpacked items, the rest of them, parts and sums."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Expression, Scope
from graphmer.kg.resolve.python.values import Value, is_text

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

PAST_ALL = 1 << 30  # past any list's end


class Sequences:
    """Hands the items of sequences on, with their places as far as those are known."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network

    def item(self, said: Expression, scope: Scope) -> Node | None:
        """What unpacking gives a target at a place."""
        source = self.world.expressions.node(said[1], scope)
        if source is None:
            return None
        key = self.network.constant(self.network.value("constant", said[2]))
        result = Node()

        def unpack(value: Value) -> None:
            if value.kind == "container" and not value.what.endswith(("set", "dict", "generator")):
                self.world.items.load(value, key, result)
                return
            held = self.world.generated.item(value, said[2])
            if held is not None:
                self.network.flow(held, result)
            else:
                self.network.flow(self.world.protocols.iterate(self.network.constant(value)).each, result)

        self.network.watch(source, unpack)
        return result

    def rest(self, said: Expression, scope: Scope) -> Node | None:
        """What a starred target gets: a list of the items from its place on."""
        source = self.world.expressions.node(said[1], scope)
        if source is None:
            return None
        value, rest = self.network.container(f"{scope.file}@{scope.symbol.symbol} {said[1]}", "list")
        first = int(said[2][1:])

        def unpack(whole: Value) -> None:
            if whole.kind != "container":
                self.network.flow(self.world.protocols.iterate(self.network.constant(whole)).each, rest.any)
                return
            container = self.network.containers[whole]
            self.network.flow(container.any, rest.any)

            def shift(key: str, node: Node) -> None:
                if key[:1] == "#" and int(key[1:]) >= first:
                    self.network.flow(node, self.network.item(rest, f"#{int(key[1:]) - first}"))

            self.network.each_item(container, shift)

        self.network.watch(source, unpack)
        return self.network.constant(value)

    def total(self, said: Expression, scope: Scope) -> Node:
        """A sum of lists has the items of both; other sums are what their special method gives."""
        result = Node()
        at = f"{scope.file}@{scope.symbol.symbol}{said}"
        given = self.world.expressions.atom(said[3], scope)
        if given is not None:
            self.network.flow(given, result)
        for part in said[1:3]:
            node = self.world.expressions.node(part, scope)
            if node is not None:
                self.network.watch(node, partial(self._add_to_sum, at, result))
        return result

    def _add_to_sum(self, at: str, result: Node, value: Value) -> None:
        if value.kind == "container" and value.what.endswith((" list", " tuple")):
            whole, container = self.network.container(at, "list")
            self.network.flow(self.network.containers[value].all, container.any)
            self.network.add(result, whole)

    def part(self, said: Expression, scope: Scope) -> Node | None:
        """`value[low:high]`."""
        _, value, low, high = said
        source = self.world.expressions.node(value, scope)
        if source is None:
            return None
        known = (low == "?" or low[1:].isdecimal()) and (high == "?" or high[1:].isdecimal())
        first, end = (int(low[1:] or 0), int(high[1:] or PAST_ALL)) if known else (-1, -1)
        result = Node()
        self.network.watch(source, partial(self._cut, f"{scope.file}@{scope.symbol.symbol}{said}", first, end, result))
        return result

    def _cut(self, at: str, first: int, end: int, result: Node, value: Value) -> None:
        """A part of a list is a list; where its ends are known, its items keep their places."""
        if value.kind != "container" or not value.what.endswith((" list", " tuple")):
            # A part of a known text is another text.
            self.network.add(result, self.network.text if is_text(value) else value)
            return
        container = self.network.containers[value]
        part, cut = self.network.container(at, value.what.rpartition(" ")[2])
        self.network.add(result, part)
        if first < 0:
            self.network.flow(container.all, cut.any)
            return
        self.network.flow(container.any, cut.any)

        def shift(key: str, node: Node) -> None:
            if key[:1] == "#" and key[1:].isdecimal() and first <= int(key[1:]) < end:
                self.network.flow(node, self.network.item(cut, f"#{int(key[1:]) - first}"))

        self.network.each_item(container, shift)
