"""Facts about whole definitions: what they declare, and which methods they override."""

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.facts import Fact
from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_types import JavaTypes

NOT_INHERITED = frozenset({"static", "private"})


def declarations(types: JavaTypes, entities: dict[str, str]) -> list[Fact]:
    """`declares` from each definition to the members, parameters and lambdas directly inside it."""
    return [
        _at_name(types, symbol, symbol.container, "declares", symbol.symbol)
        for symbol in types.symbols.values()
        if symbol.symbol in entities and symbol.container in entities
    ]


def overrides(types: JavaTypes) -> list[Fact]:
    """`overrides` from each method to the one of its nearest ancestor that it replaces or implements."""
    found = []
    for method in types.methods.values():
        target = overridden(types, method)
        if target is not None:
            symbol = method.symbol
            found.append(_at_name(types, symbol, symbol.symbol, "overrides", target.symbol.symbol))
    return found


def overridden(types: JavaTypes, method: JavaMethod) -> JavaMethod | None:
    """The method of the nearest ancestor that a method replaces; None for static, private and constructors."""
    if method.symbol.kind == "constructor" or not NOT_INHERITED.isdisjoint(method.modifiers):
        return None
    for ancestor in types.ancestors(method.owner)[0]:
        for other in types.classes[ancestor].methods.get(method.symbol.name, ()):
            if NOT_INHERITED.isdisjoint(other.modifiers) and types.same_parameters(method, other):
                return other
    return None


def _at_name(types: JavaTypes, shown: Symbol, head: str, relation: str, tail: str) -> Fact:
    """An exact fact at the name of a definition."""
    start, end = shown.name_byte_start, shown.name_byte_end
    return Fact(head, relation, tail, types.file_of[shown.symbol], start, end, "exact", 1.0)
