"""Classes of the package that are dicts, lists or sets: what one of their instances holds, all instances hold."""

from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.builtin_members import has_member
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.values import BUILTIN, Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

KINDS = {
    **{f"{BUILTIN}.{kind}": kind for kind in ("dict", "list", "set")},
    **{f"collections.{name}": "dict" for name in ("OrderedDict", "defaultdict", "UserDict", "Counter")},
    **{f"collections.{name}": "list" for name in ("UserList", "deque")},
}


class Subclassed:
    """Finds the container of an instance."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network
        self.known: dict[str, Value | None] = {}
        self.owners: dict[Value, str] = {}  # the base, by container: its methods are named by it

    def container(self, value: Value) -> Value | None:
        """What an instance holds besides its attributes; None for any other value."""
        if value.kind != "instance":
            return None
        if value.what not in self.known:
            bases = self.world.statics.classes.outside_bases(value.what)
            base = next((base for base in bases if base in KINDS), "")
            made = self.network.container(f"{value.what}*items", KINDS[base])[0] if base else None
            self.known[value.what] = made
            if made is not None:
                self.owners[made] = base
        return self.known[value.what]

    def method(self, value: Value, name: str) -> Value | None:
        """A method that an instance has of a container, where it has one of that name."""
        held = self.container(value)
        if held is None or not has_member(held.what.rpartition(" ")[2], name):
            return None
        return self.network.value("method", name, held)

    def item(self, value: Value, key: Node | None, result: Node) -> None:
        """An item of an instance whose class has no `__getitem__` of its own."""
        held = self.container(value)
        if held is not None and not self.world.operators.has(value, ("__getitem__",)):
            self.world.items.load(held, key, result)

    def store(self, value: Value, key: Node | None, source: Node) -> None:
        """An item is stored in an instance whose class has no `__setitem__` of its own."""
        held = self.container(value)
        if held is not None and not self.world.operators.has(value, ("__setitem__",)):
            self.world.items.store(self.network.containers[held], key, source)
