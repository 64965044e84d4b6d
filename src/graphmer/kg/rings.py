"""Inheritance that runs in a ring: no program can have it, so no edge of the ring is known to be true."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from graphmer.kg.facts import Fact

FAMILY = frozenset({"inherits_from", "implements"})


def without_rings(facts: Iterable[Fact]) -> tuple[list[Fact], Counter[str]]:
    """The facts without inheritance in a ring, and without overrides that only a ring gave; what was dropped, counted.

    Python ends such a program with an error, and javac refuses it. Half-written code and wrong guesses of a name have
    it all the same.
    """
    kept = list(facts)
    family = {(fact.head, fact.tail) for fact in kept if fact.relation in FAMILY}
    rings = _on_a_ring(family)
    dropped: Counter[str] = Counter()
    if not rings:
        return kept, dropped
    ancestors = _Ancestors(family - rings)
    owners = {fact.tail: fact.head for fact in kept if fact.relation == "declares"}
    sound = []
    for fact in kept:
        if fact.relation in FAMILY and (fact.head, fact.tail) in rings:
            dropped[f"{fact.relation}_in_a_ring"] += 1
        elif fact.relation == "overrides" and owners.get(fact.tail) not in ancestors.of(owners.get(fact.head, "")):
            dropped["overrides_through_a_ring"] += 1
        else:
            sound.append(fact)
    return sound, dropped


def _on_a_ring(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Edges within a strongly connected part: what is left when sources and sinks are peeled off, then tested."""
    left = set(edges)
    while True:
        heads, tails = {head for head, _ in left}, {tail for _, tail in left}
        inner = {(head, tail) for head, tail in left if head in tails and tail in heads}
        if len(inner) == len(left):
            break
        left = inner
    ancestors = _Ancestors(left)
    return {(head, tail) for head, tail in left if head == tail or head in ancestors.of(tail)}


class _Ancestors:
    """All that is reached from a symbol along edges, computed when asked."""

    def __init__(self, edges: Iterable[tuple[str, str]]) -> None:
        self.parents: dict[str, list[str]] = defaultdict(list)
        for head, tail in edges:
            self.parents[head].append(tail)
        self.known: dict[str, set[str]] = {}

    def of(self, symbol: str) -> set[str]:
        if symbol not in self.known:
            found: set[str] = set()
            todo = list(self.parents.get(symbol, ()))
            while todo:
                one = todo.pop()
                if one not in found:
                    found.add(one)
                    todo += self.parents.get(one, ())
            self.known[symbol] = found
        return self.known[symbol]
