"""Members of an enumeration are instances of it, whatever they are written as."""

from typing import TYPE_CHECKING

from graphmer.corpus.parse.python.notation import is_path
from graphmer.kg.resolve.python.attributes import ENUMS
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import Scope
from graphmer.kg.resolve.python.values import Value

if TYPE_CHECKING:
    from graphmer.kg.resolve.python.world import World

DEFINED = frozenset({"function", "class"})  # stay what they are


class Enums:
    """Finds them among the classes of a package."""

    def __init__(self, world: "World") -> None:
        self.network, self.statics, self.attributes = world.network, world.statics, world.attributes
        self.known: dict[str, bool] = {}

    def is_enum(self, symbol: str) -> bool:
        """Whether a class of the package is an enumeration."""
        found = self.known.get(symbol)
        if found is None:
            bases = self.statics.classes.outside_bases(symbol)
            found = self.known[symbol] = any(base in ENUMS for base in bases)
        return found

    def assign(self, name: str, said: str, scope: Scope, source: Node) -> Node:
        """What a name in a class body is bound to: in an enumeration an instance, whose `value` is the source."""
        symbol = scope.symbol.symbol
        if scope.symbol.kind != "class" or name[:1] == "_" or not self.is_enum(symbol):
            return source
        if said[:1] == "&" or (is_path(said) and any(one.kind in DEFINED for one in self.statics.path(said, scope))):
            return source
        self.network.flow(source, self.attributes.store_on(symbol, "value"))
        return self.network.constant(self.member(symbol))

    def member(self, symbol: str) -> Value:
        """What a member of an enumeration is."""
        return self.network.value("instance", symbol)
