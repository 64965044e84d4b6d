"""The protocols of iteration and of context managers: what a loop or a with statement gives, and what it calls."""

from functools import partial
from typing import TYPE_CHECKING

from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Protocol:
    """What a loop or a with statement gives, and which methods it calls."""

    __slots__ = ("each", "parts")

    def __init__(self) -> None:
        self.each = Node()
        self.parts: list[dict[str, None]] = []  # they grow while the fixed point is sought

    def also(self, called: dict[str, None]) -> None:
        """More functions are called."""
        self.parts.append(called)

    @property
    def called(self) -> list[str]:
        """Symbols of the functions that are called, once each."""
        return list(dict.fromkeys(symbol for part in self.parts for symbol in part))


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

        self.network.watch(self.world.attributes.view(value, name), call)
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
        network = self.network
        if value.kind == "container":
            container = network.containers[value]
            network.flow(container.keys if value.what.endswith(" dict") else container.all, found.each)
        elif value.kind == "generator":
            network.flow(self.world.functions.of(value.what).yielded, found.each)
        elif value.kind == "class" and self.world.enums.is_enum(value.what):
            network.add(found.each, self.world.enums.member(value.what))
        elif value.kind == "instance":
            result, called = self.method(value, "__aiter__" if is_async else "__iter__")
            found.also(called)
            network.watch(result, partial(self._next_value, found, is_async))

    def _next_value(self, found: Protocol, is_async: bool, value: Value) -> None:
        if value.kind == "instance":
            result, called = self.method(value, "__anext__" if is_async else "__next__")
            found.also(called)
            self.network.flow(result, found.each)
        else:
            self._iterate_value(found, is_async, value)

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
            found.also(called)
            self.network.flow(result, found.each)
            found.also(self.method(value, f"__{mark}exit__")[1])
        elif value.kind == "generator":
            if "contextmanager" in self.world.functions.modifiers(value.what):
                self.network.flow(self.world.functions.of(value.what).yielded, found.each)
        elif value.kind in ("external", "result", "container"):
            self.network.add(found.each, value)
