"""Special methods that operators call: which of both operands has one, and what it gives."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from graphmer.corpus.parse.records import Reference
from graphmer.kg.resolve.python.flow import Node, Watcher
from graphmer.kg.resolve.python.index import Scope, expression
from graphmer.kg.resolve.python.protocols import Protocol
from graphmer.kg.resolve.python.values import BUILTIN, Value, is_builtin

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

_ARITHMETIC = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow", "@": "matmul",
    "<<": "lshift", ">>": "rshift", "&": "and", "|": "or", "^": "xor",
}  # fmt: skip
# Methods in the order in which they are asked for: of the left operand, then of the right one.
BINARY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **{word: ((f"__{name}__",), (f"__r{name}__",)) for word, name in _ARITHMETIC.items()},
    **{f"{word}=": ((f"__i{name}__", f"__{name}__"), (f"__r{name}__",)) for word, name in _ARITHMETIC.items()},
    "divmod": (("__divmod__",), ("__rdivmod__",)),
    "==": (("__eq__",), ("__eq__",)),
    "!=": (("__ne__", "__eq__"), ("__ne__", "__eq__")),
    "<": (("__lt__",), ("__gt__",)),
    "<=": (("__le__",), ("__ge__",)),
    ">": (("__gt__",), ("__lt__",)),
    ">=": (("__ge__",), ("__le__",)),
}
TEXTS: dict[str, tuple[str, ...]] = {
    "repr": ("__repr__",),
    "str": ("__str__", "__repr__"),
    "format": ("__format__", "__str__", "__repr__"),
}
HASH = ("__hash__",)
UNARY: dict[str, tuple[str, ...]] = {
    **TEXTS,
    "-x": ("__neg__",),
    "+x": ("__pos__",),
    "~x": ("__invert__",),
    "await": ("__await__",),
    "hash": HASH,
    "[]": ("__getitem__",),
    "[]=": ("__setitem__",),
    "del[]": ("__delitem__",),
    "bool": ("__bool__", "__len__"),
}
HASHING = (" dict", " set")  # containers that ask their keys
MEMBERSHIP = frozenset({"in", "not in"})
AUGMENTED = frozenset(f"{word}=" for word in _ARITHMETIC)
REFUSED = f"{BUILTIN}.NotImplemented"
UNION = "|"  # of dicts, sets and types too, which have no method of the package: it gives what either side is


def _is_known(value: Value) -> bool:
    """Whether all that a value has is known: a class from outside may have a method for anything."""
    return value.kind == "instance" or is_builtin(value)


class Operators:
    """One protocol for each operator; those that stand within others are there before any is looked into."""

    def __init__(self, world: "World") -> None:
        self.world, self.network = world, world.network
        self.found: dict[tuple[str, int], Protocol] = {}  # (file, where the operator stands)
        classes = (scope for scope in world.index.scopes.values() if scope.symbol.kind == "class")
        self.defined = frozenset(name for scope in classes for name in scope.names if name[:2] == "__")

    def make(self) -> None:
        """A protocol for every operator that a method of the package may stand for."""
        for place, reference in self.world.index.operations.items():
            if self.may_call(reference.name):
                self.found[place] = Protocol()

    def may_call(self, word: str) -> bool:
        """Whether a class of the package has a method for an operator."""
        if word == UNION or word in MEMBERSHIP:
            return True
        names = UNARY[word] if word in UNARY else (*BINARY[word][0], *BINARY[word][1])
        return self.has_any(names)

    def has_any(self, names: tuple[str, ...]) -> bool:
        """Whether a class of the package has one of some special methods."""
        return not self.defined.isdisjoint(names)

    def result(self, file: str, at: int) -> Node | None:
        """What the operator gives that stands at a byte."""
        found = self.found.get((file, at))
        return found.each if found is not None else None

    def lay(self, reference: Reference, scope: Scope) -> Protocol | None:
        """What an operator calls, with what."""
        found = self.found.get((scope.file, reference.ordinal))
        if found is None:
            return None
        word, *said = expression(reference.value)
        nodes = [self.world.expressions.node(one, scope) for one in said]
        if nodes[0] is None and said[0] == "<None>" and word in BINARY:
            nodes[0] = self.network.constant(self.network.value("result", f"{BUILTIN}.None"))
        if word in MEMBERSHIP:
            self._contains(found, nodes[1], nodes[0])
        elif word in BINARY:
            self._binary(found, word, nodes[0], nodes[1])
        elif nodes[0] is not None:
            self.network.watch(nodes[0], partial(self._unary, found, UNARY[word]))
        return found

    def ask(self, source: Node, names: tuple[str, ...]) -> Protocol:
        """The first of some special methods that each value of a node has is called without arguments."""
        found = Protocol(self.network.sink)
        self.network.watch(source, partial(self._unary, found, names))
        return found

    def item(self, source: Node, key: Node | None, names: tuple[str, ...]) -> Protocol:
        """An item of each value of a node is read, stored or deleted; a dict asks the key for its hash."""
        found = self.ask(source, names)
        if key is not None and self.has_any(HASH):
            self.network.watch(source, partial(self._ask_hash, found, key))
        return found

    def _ask_hash(self, found: Protocol, key: Node, value: Value) -> None:
        """A dict or a set asks a key for its hash, once."""
        if value.kind == "container" and value.what.endswith(HASHING) and found.hashing is None:
            found.hashing = self.ask(key, HASH)

    def apply(self, word: str, left: Node, right: Node) -> Protocol:
        """An operator between the values of two nodes."""
        found = Protocol()
        self._binary(found, word, left, right)
        return found

    def _unary(self, found: Protocol, names: tuple[str, ...], value: Value) -> None:
        if not self._call(found, value, names, None):
            found.elsewhere |= _is_known(value)

    def _contains(self, found: Protocol, container: Node | None, item: Node | None) -> None:
        if container is None:
            return
        hashes = item is not None and self.has_any(HASH)

        def ask(value: Value) -> None:
            if self._call(found, value, ("__contains__",), [item]):
                return
            if item is not None and hashes:
                self._ask_hash(found, item, value)
            if self.has(value, ("__iter__",)):
                found.or_else.append(self.world.protocols.iterate(self.network.constant(value)))
            else:
                found.elsewhere |= _is_known(value)

        self.network.watch(container, ask)

    def _binary(self, found: Protocol, word: str, left: Node | None, right: Node | None) -> None:
        """Python asks the left operand; the right one where that has no method, or refuses, or is of a base class."""
        forward, reflected = BINARY[word]
        reflects = right is not None and self.has_any(reflected)
        asked: set[str] = set()  # for which reasons the right side is asked
        lacking: set[str] = set()  # sides that may have no method of the package: if both, it is one from elsewhere

        def lacks(side: str) -> None:
            lacking.add(side)
            found.elsewhere |= "left" in lacking and ("right" in lacking or not reflects)

        def ask_right(value: Value) -> None:
            if not self._call(found, value, reflected, [left]) and _is_known(value):
                lacks("right")

        def ask_other(value: Value) -> None:
            """Where the left side refuses, which it does for values of other classes."""
            if left is not None and not any(one.what == value.what for one in left.values):
                self._call(found, value, reflected, [left])

        def once(reason: str, watcher: Watcher) -> None:
            if reflects and right is not None and reason not in asked:
                asked.add(reason)
                self.network.watch(right, watcher)

        def ask_left(value: Value) -> None:
            if self._call(found, value, forward, [right], partial(once, "refused", ask_other)):
                if reflects and right is not None and value.kind == "instance":
                    self.network.watch(right, partial(self._ask_heir, found, value, reflected, left))
            elif _is_known(value):
                lacks("left")
                once("lacking", ask_right)

        def keep(value: Value) -> None:
            if value.kind != "instance":
                self.network.add(found.each, value)

        if left is not None:
            self.network.watch(left, ask_left)
        if word == UNION:
            for side in (left, right):
                if side is not None:
                    self.network.watch(side, keep)

    def _ask_heir(
        self, found: Protocol, left: Value, reflected: tuple[str, ...], argument: Node | None, value: Value
    ) -> None:
        """A right operand whose class inherits the left one's and has the reflected method itself is asked first."""
        if value.kind != "instance" or value is left:
            return
        order = self.world.statics.classes.order(value.what)
        if left.what in order:
            scopes = self.world.index.scopes
            nearer = order[: order.index(left.what)]
            if any(name in scopes[one].names for one in nearer for name in reflected):
                self._call(found, value, reflected, [argument])
                found.elsewhere = True  # either of both runs

    def has(self, value: Value, names: tuple[str, ...]) -> str:
        """The first of some special methods that the type of a value has; empty where it has none."""
        order = self.world.statics.classes.special_order(value)
        scopes = self.world.index.scopes
        for name in names if order else ():
            if name not in self.defined:
                continue
            owner = next((one for one in order if name in scopes[one].names), None)
            # A class that defines __eq__ alone has no hash, whatever its bases have.
            if owner is not None and not (name in HASH and self._hides_hash(order[: order.index(owner)])):
                return name
        return ""

    def _hides_hash(self, nearer: list[str]) -> bool:
        return any("__eq__" in self.world.index.scopes[one].names for one in nearer)

    def _call(
        self,
        found: Protocol,
        value: Value,
        names: tuple[str, ...],
        args: list[Node | None] | None,
        refuse: Callable[[], None] | None = None,
    ) -> bool:
        """Call the first of some special methods, where the value has one. refuse: what NotImplemented leads to."""
        name = self.has(value, names)
        if not name:
            return False
        result, called = self.world.protocols.method(value, name, args)
        found.also(names[0], called)

        def give(one: Value) -> None:
            if one.kind != "external" or one.what != REFUSED:
                self.network.add(found.each, one)
            elif refuse is not None:
                refuse()

        if found.each is not self.network.sink or refuse is not None:
            self.network.watch(result, give)
        return True
