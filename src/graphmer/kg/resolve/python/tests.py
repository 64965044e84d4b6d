"""What a Python test is about: by its name and what it calls directly, never every call in it."""

from collections import defaultdict

from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Fact, Resolved
from graphmer.kg.resolve.python.index import PackageIndex

NAMED_AND_CALLED = 0.95  # the name of what is called stands in the test's name
NAMED_CLASS = 0.8  # TestPool for the only class Pool


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def test_facts(index: PackageIndex, resolved: Resolved, params: GraphParams) -> list[Fact]:
    """`tests` facts of a package, from its call facts and its test classes' names."""
    found = []
    calls: dict[str, list[Fact]] = defaultdict(list)
    for fact in resolved.facts:
        if fact.relation in ("calls", "instantiates") and fact.resolution in ("exact", "inferred"):
            calls[fact.head].append(fact)
    classes: dict[str, list[str]] = defaultdict(list)
    for symbol in index.symbols.values():
        if resolved.types.get(symbol.symbol) in ("Class", "Interface", "ExceptionType"):
            classes[symbol.name].append(symbol.symbol)
    for symbol in index.symbols.values():
        if resolved.types.get(symbol.symbol) != "Test":
            continue
        if symbol.kind == "class":
            named = classes.get(symbol.name.removeprefix("Test"), [])
            if len(named) == 1:
                scope = index.scopes[symbol.symbol]
                place = (symbol.name_byte_start, symbol.name_byte_end)
                found.append(Fact(symbol.symbol, "tests", named[0], scope.file, *place, "inferred", NAMED_CLASS))
            continue
        words = _plain(symbol.name.removeprefix("test"))
        for fact in calls[symbol.symbol]:
            target = index.symbols[fact.tail]
            plain = _plain(target.name)
            is_test = resolved.types.get(fact.tail) == "Test" or index.files[fact.file].file == _file_of(
                index, fact.tail
            )
            if len(plain) > 2 and plain in words and not is_test:
                found.append(fact._replace(relation="tests", resolution="inferred", confidence=NAMED_AND_CALLED))
    return found


def _file_of(index: PackageIndex, symbol: str) -> str:
    scope = index.scopes.get(symbol)
    return scope.file if scope is not None else ""
