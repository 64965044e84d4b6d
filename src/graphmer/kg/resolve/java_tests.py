"""What a Java test is about: the class that its name says, and the methods of that class that it calls."""

from collections import defaultdict

from graphmer.corpus.parse.records import Symbol
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Fact
from graphmer.kg.resolve.java_types import JavaTypes

TEST_SUFFIXES = ("TestCase", "Tests", "Test", "IT")
TEST_PREFIXES = ("Tests", "Test")


def test_facts(
    types: JavaTypes, entities: dict[str, str], calls: dict[str, dict[str, Fact]], params: GraphParams
) -> list[Fact]:
    """`tests` facts. calls: scope -> called method -> the first call, where it is certain.

    A test class tests the class of the package whose name is left when Test is taken off its own. A test method tests
    a method of that class that it calls itself: with the confidence of an inference where its own name holds the
    method's, else one share for each such method.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    for symbol in types.classes:
        if entities[symbol] != "Test":
            by_name[types.symbols[symbol].name].append(symbol)
    facts: list[Fact] = []
    for symbol, declared in types.classes.items():
        subject = _subject(types, declared.symbol, by_name) if entities[symbol] == "Test" else None
        if subject is None:
            continue
        facts.append(_class_fact(types, declared.symbol, subject, params))
        for group in declared.methods.values():
            for method in group:
                if entities[method.symbol.symbol] == "Test":
                    facts += _method_facts(types, method.symbol, subject, calls, params)
    return facts


def _subject(types: JavaTypes, test: Symbol, by_name: dict[str, list[str]]) -> str | None:
    """The class under test, in the test's own Java package if there are several; None where that leaves a choice."""
    for suffix in TEST_SUFFIXES:
        if test.name.endswith(suffix) and test.name != suffix:
            name = test.name.removesuffix(suffix)
            break
    else:
        prefix = next((prefix for prefix in TEST_PREFIXES if test.name.startswith(prefix)), "")
        name = test.name.removeprefix(prefix) if prefix else ""
    found = by_name.get(name, [])
    if len(found) > 1:
        module = test.qualified_name.rpartition(".")[0]
        found = [symbol for symbol in found if types.symbols[symbol].qualified_name.rpartition(".")[0] == module]
    return found[0] if len(found) == 1 else None


def _class_fact(types: JavaTypes, test: Symbol, subject: str, params: GraphParams) -> Fact:
    place = (test.name_byte_start, test.name_byte_end)
    return Fact(
        test.symbol, "tests", subject, types.file_of[test.symbol], *place, "inferred", params.inferred_confidence
    )


def _method_facts(
    types: JavaTypes, test: Symbol, subject: str, calls: dict[str, dict[str, Fact]], params: GraphParams
) -> list[Fact]:
    family = {subject, *types.ancestors(subject)[0]}
    called = {tail: fact for tail, fact in calls.get(test.symbol, {}).items() if types.methods[tail].owner in family}
    facts = []
    for tail, fact in called.items():
        named = types.symbols[tail].name.lower() in test.name.lower()
        share = params.inferred_confidence if named else 1.0 / len(called)
        if named or len(called) <= params.max_candidates:
            resolution = "inferred" if named or len(called) == 1 else "ambiguous"
            confidence = params.inferred_confidence if resolution == "inferred" else share
            facts.append(fact._replace(relation="tests", resolution=resolution, confidence=confidence))
    return facts
