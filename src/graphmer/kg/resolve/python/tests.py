"""What a Python test is about: by its name and what it calls directly, never every call in it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.facts import Fact, Resolved
from graphmer.kg.resolve.python.index import PackageIndex

NAMED_AND_CALLED = 0.95  # the name of what is called stands in the test's name
NAMED_CLASS = 0.8  # TestPool for the only class Pool


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def test_facts(index: PackageIndex, resolved: Resolved) -> list[Fact]:
    """`tests` facts of a package, from its call facts and its test classes' names."""
    calls: dict[str, list[Fact]] = defaultdict(list)
    for fact in resolved.facts:
        if fact.relation in ("calls", "instantiates") and fact.resolution in ("exact", "inferred"):
            calls[fact.head].append(fact)
    classes: dict[str, list[str]] = defaultdict(list)
    for symbol in index.symbols.values():
        if resolved.types.get(symbol.symbol) in ("Class", "Interface", "ExceptionType"):
            classes[symbol.name].append(symbol.symbol)
    found = []
    for symbol in index.symbols.values():
        if resolved.types.get(symbol.symbol) != "Test":
            continue
        if symbol.kind == "class":
            found += _named_class(index, symbol, classes)
        else:
            found += _named_and_called(index, resolved, symbol, calls[symbol.symbol])
    return found


def _named_class(index: PackageIndex, test: Symbol, classes: Mapping[str, list[str]]) -> list[Fact]:
    """A test class is about the only class that it is named after."""
    named = classes.get(test.name.removeprefix("Test"), [])
    if len(named) != 1:
        return []
    place = (test.name_byte_start, test.name_byte_end)
    return [Fact(test.symbol, "tests", named[0], index.scopes[test.symbol].file, *place, "inferred", NAMED_CLASS)]


def _named_and_called(index: PackageIndex, resolved: Resolved, test: Symbol, calls: Iterable[Fact]) -> Iterator[Fact]:
    """A test function is about what it calls and is named after, unless that is a test or a helper beside it."""
    words = _plain(test.name.removeprefix("test"))
    for fact in calls:
        if fact.tail not in index.symbols:  # `kind = Warning; kind()`: inferred, and yet from outside
            continue
        plain = _plain(index.symbols[fact.tail].name)
        beside = resolved.types.get(fact.tail) == "Test" or index.scopes[fact.tail].file == fact.file
        if len(plain) > 2 and plain in words and not beside:
            yield fact._replace(relation="tests", resolution="inferred", confidence=NAMED_AND_CALLED)
