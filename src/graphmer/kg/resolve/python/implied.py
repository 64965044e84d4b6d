"""What calls that no brackets show lead to: loops, truth, texts, items, patterns, and the making of classes."""

from collections.abc import Callable

from graphmer.corpus.parse.records import Reference
from graphmer.kg.resolve.python.descriptors import made_in_body
from graphmer.kg.resolve.python.index import Scope, expression
from graphmer.kg.resolve.python.operators import HASH, UNARY
from graphmer.kg.resolve.python.world import World


class Implied:
    """Lays them into the network."""

    def __init__(self, world: World) -> None:
        self.world, self.network, self.expressions = world, world.network, world.expressions
        self.handlers: dict[str, Callable[[Reference, Scope], None]] = {
            "iterate": self._iterate,
            "enter": self._enter,
            "ask": self._ask,
            "item": self._item,
            "match": self._match,
        }

    # Classes

    def of_class(self, scope: Scope) -> None:
        """What making a class calls."""
        self._make(scope)
        if "__set_name__" in self.world.index.methods:
            self._name_members(scope)

    def _make(self, scope: Scope) -> None:
        """A class is handed to the methods that its making calls."""
        made = self.network.value("class", scope.symbol.symbol)
        for method in self.world.statics.classes.makers(scope.symbol.symbol):
            receiver = None if method.endswith(".__new__") else made  # __new__ is handed the metaclass
            self.world.arguments.enter(method, receiver)

    def _name_members(self, scope: Scope) -> None:
        """The values in a class body are told their names, where their class wants to know."""
        classes, symbol = self.world.statics.classes, scope.symbol.symbol
        owner = self.network.constant(self.network.value("class", symbol))
        by_class = not classes.method(classes.meta_order(symbol), "__new__")  # else it is that one that has them told
        for name, said, made in made_in_body(self.world.statics, scope):
            method = classes.method(classes.order(made), "__set_name__") if made in self.world.index.scopes else ""
            if not method:
                continue
            site = self.world.calls.site(scope.file, int(said[1:])) if said[:1] == "@" else None
            if site is not None and by_class:
                site.inside().called[method] = None
            told = self.network.constant(self.network.value("constant", f"'{name}"))
            self.world.arguments.enter(method, self.network.value("instance", made), [owner, told])

    # Code

    def _iterate(self, reference: Reference, scope: Scope) -> None:
        source = self.expressions.read(reference.value, scope)
        if source is not None:
            found = self.world.protocols.iterate(source, bool(reference.ordinal))
            self.world.loops[scope.file, reference.byte_start, reference.byte_end] = found

    def _enter(self, reference: Reference, scope: Scope) -> None:
        source = self.expressions.read(reference.value, scope)
        if source is not None:
            found = self.world.protocols.enter(source, bool(reference.ordinal))
            self.world.loops[scope.file, reference.byte_start, reference.byte_end] = found

    def _ask(self, reference: Reference, scope: Scope) -> None:
        if not self.world.operators.may_call(reference.name):
            return
        source = self.expressions.read(reference.value, scope)
        if source is not None:
            asked = self.world.operators.ask(source, UNARY[reference.name])
            self.world.asked[scope.file, reference.byte_start, reference.name] = asked

    def _item(self, reference: Reference, scope: Scope) -> None:
        operators = self.world.operators
        if not operators.may_call(reference.name) and not operators.has_any(HASH):
            return
        said, said_key = expression(reference.value)
        source, key = self.expressions.node(said, scope), self.expressions.node(said_key, scope)
        if source is not None:
            found = operators.item(source, key, UNARY[reference.name])
            self.world.asked[scope.file, reference.byte_start, reference.name] = found

    def _match(self, reference: Reference, scope: Scope) -> None:
        matched, path = expression(reference.value)
        source, asked = self.expressions.node(matched, scope), self.expressions.node(path, scope)
        if source is not None and asked is not None:
            self.world.builtins.objects.test(source, asked)
