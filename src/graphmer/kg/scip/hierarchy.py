"""Classes and what is above them, from the facts of one package."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from graphmer.kg.facts import Fact
from graphmer.kg.linearise import all_reached, class_order

FAMILY = frozenset({"inherits_from", "implements"})


class Hierarchy:
    """Superclasses and interfaces in the order in which they are written."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        bases: dict[str, set[tuple[int, str]]] = defaultdict(set)
        for fact in facts:
            if fact.relation in FAMILY:
                bases[fact.head].add((fact.byte_start, fact.tail))
        self.parents = {head: [tail for _, tail in sorted(found)] for head, found in bases.items()}
        self.orders: dict[str, list[str] | None] = {}

    def ancestors(self, symbol: str) -> set[str]:
        """All that is above a class; a ring ends."""
        return all_reached(symbol, self.parents)

    def constructor(self, symbol: str, constructors: Mapping[str, str]) -> str | None:
        """The constructor that a class defines or inherits within the package; None where it has no order (C3).

        constructors: that of each class that defines one.
        """
        order = class_order(symbol, self.parents, self.orders) or ()
        return next((constructors[owner] for owner in order if owner in constructors), None)


def nearest(symbols: Collection[str], implementations: Mapping[str, Collection[str]]) -> list[str]:
    """Those of some symbols that no other of them implements: an indexer may list all that is above."""
    above = {tail for one in symbols for tail in all_reached(one, implementations)}
    return sorted(set(symbols) - above)
