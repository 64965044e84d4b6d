"""Items of containers: read and stored under keys, known or not."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.flow import Container, Node
from graphmer.kg.resolve.python.values import Value, is_text

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Items:
    """Reading and storing under keys, known or not."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network
        # A key, what to hand on where nothing becomes known of it, and to what.
        self.open: list[tuple[Node, Node, Node]] = []

    def subscript(self, base: Node, key: Node | None) -> Node:
        """`base[key]`."""
        result = Node()

        def load(value: Value) -> None:
            if value.kind == "container":
                self.load(value, key, result)
            elif value.kind == "class" and self.world.enums.is_enum(value.what):
                self.network.add(result, self.world.enums.member(value.what))
            elif value.kind == "class" and self.world.operators.has(value, ("__getitem__",)):
                self.network.flow(self.world.protocols.method(value, "__getitem__", [key])[0], result)
            elif value.kind in ("class", "external"):  # Generic[T] is Generic
                self.network.add(result, value)
            elif value.kind == "instance":
                for held in self._held(value, key):
                    self.network.flow(held, result)
                self.network.flow(self.world.protocols.method(value, "__getitem__", [key])[0], result)
                self.world.subclassed.item(value, key, result)
            elif is_text(value):
                self.network.add(result, self.network.text)

        self.network.watch(base, load)
        return result

    def _held(self, value: Value, key: Node | None) -> list[Node]:
        known = [one.what for one in key.values if one.kind == "constant"] if key is not None and key.fixed else []
        found = [self.world.generated.item(value, said) for said in known]
        return [node for node in found if node is not None]

    def load(self, value: Value, key: Node | None, result: Node) -> None:
        """What a container holds under a key."""
        container = self.network.containers[value]
        if key is None:
            self.network.flow(container.all, result)
            return
        self.network.flow(container.any, result)

        def load(one: Value) -> None:
            if one.kind == "constant" and not one.what.startswith("#-"):
                self.network.flow(self.network.item(container, one.what), result)
            else:
                self.network.flow(container.all, result)

        self.network.watch(key, load)
        self.open.append((key, container.all, result))

    def store(self, container: Container, key: Node | None, source: Node) -> None:
        """`container[key] = source`."""
        if key is None:
            self.network.flow(source, container.any)
            return

        def store(one: Value) -> None:
            self.network.add(container.keys, one)
            if one.kind == "constant":
                self.network.flow(source, self.network.item(container, one.what))
            else:
                self.network.flow(source, container.any)

        self.network.watch(key, store)
        self.open.append((key, source, container.any))

    def store_in(self, base: Node, key: Node | None, source: Node) -> None:
        """`base[key] = source`, for whatever base may be."""

        def store(value: Value) -> None:
            if value.kind == "container":
                self.store(self.network.containers[value], key, source)
            elif value.kind == "instance":
                self.world.protocols.method(value, "__setitem__", [key, source])
                self.world.subclassed.store(value, key, source)

        self.network.watch(base, store)

    def merge(self, into: Container, value: Value) -> None:
        """All items of one container become items of another, under their keys."""
        if value.kind != "container" or self.network.containers[value] is into:
            return
        source = self.network.containers[value]
        self.network.flow(source.any, into.any)
        self.network.flow(source.keys, into.keys)
        self.network.each_item(source, lambda key, node: self.network.flow(node, self.network.item(into, key)))

    def close_unknown(self) -> None:
        """A key of which nothing became known may be any."""
        for key, source, target in self.open:
            if not key.values:
                self.network.flow(source, target)
        self.open.clear()
