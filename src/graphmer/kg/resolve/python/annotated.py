"""What annotations say of the nodes that they stand at."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.annotations import read_annotation
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import FUNCTION_KINDS, Scope
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

CLASS_SELF = frozenset({"Self", "typing.Self", "typing_extensions.Self"})


class Annotated:
    """Adds the values of annotations to nodes."""

    def __init__(self, world: "World") -> None:
        self.network, self.statics = world.network, world.statics

    def add(self, node: Node, said: str, scope: Scope, name: str) -> None:
        """A node may be what its annotation says; `name` tells the containers of one scope apart."""
        for place, one in enumerate(read_annotation(said)):
            if one.kind in ("instance", "class"):
                for value in self._named(one.name, scope, one.kind):
                    self.network.add(node, value)
                continue
            at = f"{scope.symbol.symbol}:{name}.{place}"
            value, container = self.network.container(at, one.kind)
            for number, item in enumerate(one.items):
                target = self.network.item(container, f"#{number}") if one.kind == "tuple" else container.any
                self.add(target, item, scope, f"{name}.{place}.{number}")
            self.network.add(node, value)

    def _named(self, name: str, scope: Scope, kind: str) -> list[Value]:
        """Instances of a type that an annotation in a scope names, or the type itself."""
        if name in CLASS_SELF:
            owner = self.statics.classes.owner_class(scope)
            return [self.network.value(kind, owner.symbol.symbol)] if owner is not None else []
        outer = scope.parent if scope.symbol.kind in FUNCTION_KINDS and scope.parent is not None else scope
        found = []
        for value in self.statics.path(name, outer):
            if value.kind == "class":
                found.append(self.network.value(kind, value.what))
            elif value.kind == "external":
                found.append(self.network.value("result" if kind == "instance" else "external", value.what))
        return found
