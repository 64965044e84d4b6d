"""Nodes of expressions, in the notation of corpus.parse.python.notation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from graphmer.corpus.parse.python.notation import UNKNOWN
from graphmer.kg.resolve.python.displays import Displays
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Expression, Scope, expression
from graphmer.kg.resolve.python.sequences import Sequences
from graphmer.kg.resolve.python.values import BUILTIN, Value, is_builtin

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World


class Expressions:
    """Makes the node of what an expression may be."""

    def __init__(self, world: "World") -> None:
        self.world, self.network, self.index = world, world.network, world.index
        displays, sequences = Displays(world), Sequences(world)
        self.parts: dict[str, Callable[[Expression, Scope], Node | None]] = {
            "()": self._call,
            ".": self._attribute,
            "[]": self._subscript,
            **dict.fromkeys(("list", "tuple", "set"), displays.sequence),
            "dict": displays.dictionary,
            "each": displays.comprehension,
            "dict_each": displays.dictionary_comprehension,
            "|": self._choice,
            "+": sequences.total,
            "union": self._union,
            "slice": sequences.part,
            "prefix": self._prefix,
            "place": self._place,
            "is": self._is,
            "item": sequences.item,
            "rest": sequences.rest,
            **dict.fromkeys(("iter", "aiter"), self._iter),
            **dict.fromkeys(("enter", "aenter"), self._enter),
        }

    def node(self, said: Expression, scope: Scope) -> Node | None:
        """The node of an expression; None where nothing can be known of it."""
        if isinstance(said, str):
            return self.atom(said, scope)
        return self.parts[said[0]](said, scope)

    def read(self, value: str, scope: Scope) -> Node | None:
        """The node of a reference's value."""
        return self.node(expression(value), scope)

    def atom(self, said: str, scope: Scope) -> Node | None:
        """The node of an expression without parts."""
        mark = said[:1]
        network = self.network
        if mark == "@":
            return self.world.calls.result(scope.file, int(said[1:]))
        if mark == "%":
            return self.world.operators.result(scope.file, int(said[1:]))
        if mark == "'" or mark == "#":
            return network.constant(network.value("constant", said))
        if mark == "<":
            if said == "<None>":
                return None
            return network.constant(network.value("result", f"{BUILTIN}.{said[1:-1]}"))
        if mark == "&":
            symbol = self.index.lambdas.get((scope.file, int(said[1:])))
            return network.constant(network.value("function", symbol)) if symbol is not None else None
        return self.world.names.path(said, scope) if mark != "?" and said else None

    def _call(self, said: Expression, scope: Scope) -> Node | None:
        """A call without a reference of its own: an exception that is caught is an instance of its class."""
        callee = self.node(said[1], scope)
        if callee is None:
            return None
        result = Node()

        def instance(value: Value) -> None:
            if value.kind in ("class", "external"):
                kind = "instance" if value.kind == "class" else "result"
                self.network.add(result, self.network.value(kind, value.what))

        self.network.watch_within(callee, instance)
        return result

    def _attribute(self, said: Expression, scope: Scope) -> Node | None:
        base = self.node(said[1], scope)
        return self.world.attributes.load(base, said[2]) if base is not None else None

    def _subscript(self, said: Expression, scope: Scope) -> Node | None:
        base, key = self.node(said[1], scope), self.node(said[2], scope)
        return self.world.items.subscript(base, key) if base is not None else None

    def _choice(self, said: Expression, scope: Scope) -> Node:
        result = Node()
        for part in said[1:]:
            node = self.node(part, scope)
            if node is not None:
                self.network.flow(node, result)
        return result

    def _union(self, said: Expression, scope: Scope) -> Node | None:
        return self._choice(said, scope) if said[3] == UNKNOWN else self.atom(said[3], scope)

    def _prefix(self, said: Expression, _: Scope) -> Node:
        return self.network.constant(self.network.value("prefix", said[1]))

    def _is(self, said: Expression, scope: Scope) -> Node | None:
        """What a class' pattern matches: instances of the class, and whatever is of no class of the package."""
        source, asked = self.node(said[1], scope), self.node(said[2], scope)
        if source is None or asked is None:
            return source
        result, classes = Node(), self.world.statics.classes

        def narrow(one: Value) -> None:
            def give(value: Value) -> None:
                if value.kind != "instance" or one.kind != "class" or one.what in classes.order(value.what):
                    self.network.add(result, value)

            self.network.watch(source, give)

        self.network.watch(asked, narrow)
        return result

    def _place(self, said: Expression, scope: Scope) -> Node | None:
        """`Point(x, y)` as a pattern: a field of an instance; a builtin value stands for itself."""
        source = self.node(said[1], scope)
        if source is None:
            return None
        result, place = Node(), int(said[2][1:])

        def give(value: Value) -> None:
            if value.kind == "instance":
                names = self.world.generated.match_names(value.what)
                if place < len(names):
                    self.network.flow(self.world.attributes.view(value, names[place]), result)
            elif place == 0 and is_builtin(value):
                self.network.add(result, value)

        self.network.watch(source, give)
        return result

    def _iter(self, said: Expression, scope: Scope) -> Node | None:
        source = self.node(said[1], scope)
        return self.world.protocols.iterate(source, said[0] == "aiter").each if source is not None else None

    def _enter(self, said: Expression, scope: Scope) -> Node | None:
        source = self.node(said[1], scope)
        return self.world.protocols.enter(source, said[0] == "aenter").each if source is not None else None
