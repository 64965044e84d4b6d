"""The protocols of iteration and of context managers: what a loop or a with statement gives, and what it calls."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.values import Value, is_builtin

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


ITERATING = ("__iter__", "__aiter__")


class Protocol:
    """What a loop or a with statement gives, and which methods it calls."""

    __slots__ = ("each", "elsewhere", "hashing", "or_else", "parts")

    def __init__(self, each: Node | None = None) -> None:
        """each: where what it gives goes; the network's sink where nobody asks."""
        self.each = each or Node()
        self.parts: list[tuple[str, dict[str, None]]] = []  # what is asked for, and by whom it is answered, growing
        self.elsewhere = False  # whether it may be a method that the package does not define
        self.or_else: list[
            Protocol
        ] = []  # what happens in its place: an iteration, where nothing else looks for an item
        self.hashing: Protocol | None = None  # what happens where a dict or a set asks for a key's hash

    def also(self, question: str, called: dict[str, None]) -> None:
        """More functions are called. question: `__str__` where it is `__repr__` that answers, too."""
        self.parts.append((question, called))

    def groups(self) -> dict[str, dict[str, None]]:
        """Symbols of the functions that are called, by what is asked for: of one group each may be the one."""
        found: dict[str, dict[str, None]] = {}
        for question, called in self.parts:
            found.setdefault(question, {}).update(called)
        for other in self.or_else:
            for question, called in other.groups().items():
                found.setdefault(question, {}).update(called)
        return found


class Protocols:
    """Iteration and entering, once for each node."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network
        self.iterations: dict[tuple[Node, bool], Protocol] = {}
        self.entries: dict[tuple[Node, bool], Protocol] = {}
        self.methods: dict[tuple[Value, str], tuple[Node, dict[str, None]]] = {}

    def method(self, value: Value, name: str, args: list[Node | None] | None = None) -> tuple[Node, dict[str, None]]:
        """What calling a special method of a value gives, and the functions that are called."""
        key = (value, name)
        known = self.methods.get(key)
        if known is not None and args is None:
            return known
        result, called = Node(), dict[str, None]()
        if args is None:
            self.methods[key] = result, called

        def call(member: Value) -> None:
            if member.kind in ("bound", "function"):
                called[member.what] = None
                self.network.flow(self.world.arguments.enter(member.what, member.of, args), result)

        self.network.watch(self.world.attributes.special(value, name), call)
        return result, called

    def iterate(self, source: Node, is_async: bool = False) -> Protocol:
        """The items of whatever `source` may be."""
        key = (source, is_async)
        found = self.iterations.get(key)
        if found is None:
            found = self.iterations[key] = Protocol()
            self.network.watch(source, partial(self._iterate_value, found, is_async))
        return found

    def _iterate_value(self, found: Protocol, is_async: bool, value: Value) -> None:
        if value.kind == "instance" or (value.kind == "class" and self.world.operators.has(value, ITERATING)):
            name = "__aiter__" if is_async else "__iter__"
            result, called = self.method(value, name)
            found.also(name, called)
            self.network.watch(result, partial(self._next_value, found, is_async))
            held = self.world.subclassed.container(value)
            if held is not None and not self.world.operators.has(value, ITERATING):
                self._give_items(found, held)
        else:
            found.elsewhere |= is_builtin(value)
            self._give_items(found, value)

    def _give_items(self, found: Protocol, value: Value) -> None:
        """The items of what has no method of the package for them."""
        network = self.network
        if value.kind == "container":
            container = network.containers[value]
            network.flow(container.keys if value.what.endswith(" dict") else container.all, found.each)
        elif value.kind == "generator":
            network.flow(self.world.functions.of(value.what).yielded, found.each)
        elif value.kind == "class" and self.world.enums.is_enum(value.what):
            network.add(found.each, self.world.enums.member(value.what))

    def _next_value(self, found: Protocol, is_async: bool, value: Value) -> None:
        if value.kind == "instance":
            name = "__anext__" if is_async else "__next__"
            result, called = self.method(value, name)
            found.also(name, called)
            self.network.flow(result, found.each)
        else:
            self._give_items(found, value)

    def next_of(self, source: Node) -> Protocol:
        """What `next(source)` gives and calls."""
        found = Protocol()
        self.network.watch(source, partial(self._next_value, found, False))
        return found

    def enter(self, source: Node, is_async: bool = False) -> Protocol:
        """What entering `source` gives; it is left again too."""
        key = (source, is_async)
        found = self.entries.get(key)
        if found is None:
            found = self.entries[key] = Protocol()
            self.network.watch(source, partial(self._enter_value, found, is_async))
        return found

    def _enter_value(self, found: Protocol, is_async: bool, value: Value) -> None:
        if value.kind == "instance":
            mark = "a" if is_async else ""
            result, called = self.method(value, f"__{mark}enter__")
            found.also("enter", called)
            self.network.flow(result, found.each)
            found.also("exit", self.method(value, f"__{mark}exit__")[1])
            return
        found.elsewhere |= is_builtin(value)
        if value.kind == "generator":
            if "contextmanager" in self.world.functions.modifiers(value.what):
                self.network.flow(self.world.functions.of(value.what).yielded, found.each)
        elif value.kind in ("external", "result", "container"):
            self.network.add(found.each, value)
