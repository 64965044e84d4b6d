"""What a JavaScript test is about: by its title and what it calls directly, never every call in it."""

import re
from collections import defaultdict

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Fact, Resolved
from graphmer.kg.resolve.javascript_index import PackageIndex

NAMED_AND_CALLED = 0.95  # the name of what is called stands in the test's title, or in one around it
WORD = re.compile(r"[A-Za-z_$][\w$]*")
TESTED = frozenset({"Function", "Method", "Class", "Interface", "ExceptionType"})


def test_facts(index: PackageIndex, resolved: Resolved, params: GraphParams) -> list[Fact]:
    """`tests` facts of a package, from its call facts and its tests' titles."""
    calls: dict[str, list[Fact]] = defaultdict(list)
    for fact in resolved.facts:
        if fact.relation in ("calls", "instantiates") and fact.resolution in ("exact", "inferred"):
            calls[fact.head].append(fact)
    found = []
    for head, facts in calls.items():
        test = _test_around(index, resolved, head)
        if test is None:
            continue
        words = _words(index, test)
        for fact in facts:
            is_own = index.file_of[fact.tail] == fact.file
            name = index.symbols[fact.tail].name
            if resolved.types.get(fact.tail) in TESTED and not is_own and name in words:
                found.append(
                    fact._replace(head=test, relation="tests", resolution="inferred", confidence=NAMED_AND_CALLED)
                )
    return found


def _test_around(index: PackageIndex, resolved: Resolved, symbol: str) -> str | None:
    """The test that a piece of code is, or stands in as an unnamed function: `expect(() => f()).toThrow()`."""
    at: Symbol | None = index.symbols.get(symbol)
    while at is not None and at.kind == "lambda":
        if resolved.types.get(at.symbol) == "Test":
            return at.symbol
        at = index.symbols.get(at.container)
    return None


def _words(index: PackageIndex, symbol: str) -> set[str]:
    """The words of a test's title and of those around it."""
    words: set[str] = set()
    at: Symbol | None = index.symbols.get(symbol)
    while at is not None:
        if "test" in at.modifiers.split():
            words.update(WORD.findall(at.docstring))
        at = index.symbols.get(at.container)
    return words
