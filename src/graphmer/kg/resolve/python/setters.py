"""What assigning to an attribute calls: a property's setter, `__setattr__`, or a descriptor's `__set__`."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import is_setter
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Setters:
    """Finds them by the class of what is assigned to."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network

    def assign(self, base: Node, name: str, source: Node) -> None:
        """`base.name = source` where a class of the package has a setter of that name, which is called."""

        def enter(value: Value) -> None:
            setter = self.of_property(value, name)
            if setter:
                self.world.arguments.enter(setter, value, [source])
                return
            held = self._held_by_class(value, name)
            if held is not None:
                self.network.watch(held, partial(self._set, self.network.constant(value), source))

        self.network.watch(base, enter)

    def _set(self, owner: Node, source: Node, member: Value) -> None:
        setter = self.world.attributes.special_method(member, "__set__") if member.kind == "instance" else ""
        if setter:
            self.world.arguments.enter(setter, member, [owner, source])

    def of(self, value: Value, name: str) -> list[str]:
        """What assigning to an attribute of a value calls: a setter, `__setattr__`, or a descriptor's `__set__`."""
        hook = self.world.attributes.special_method(value, "__setattr__") if value.kind == "instance" else ""
        setter = hook or self.of_property(value, name)
        if setter:
            return [setter]
        held = self._held_by_class(value, name)
        members = [one for one in held.values if one.kind == "instance"] if held is not None else []
        return [setter for member in members if (setter := self.world.attributes.special_method(member, "__set__"))]

    def of_property(self, value: Value, name: str) -> str:
        """The setter of a property of an instance's class; empty where there is none."""
        if value.kind != "instance":
            return ""
        for ancestor in self.world.statics.classes.order(value.what):
            found = self.world.index.scopes[ancestor].definitions.get(name, ())
            if found:
                setters = [one.symbol for one in found if is_setter(self.world.index.scopes[one.symbol])]
                return setters[-1] if setters else ""
        return ""

    def _held_by_class(self, value: Value, name: str) -> Node | None:
        """What the class of an instance holds under a name; None where no class of the package does."""
        for ancestor in self.world.statics.classes.order(value.what) if value.kind == "instance" else ():
            scope = self.world.index.scopes[ancestor]
            if name in scope.names:
                return self.world.names.variable(name, scope)
        return None
