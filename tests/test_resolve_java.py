"""Java resolution against expectations that stand as comments in the parsed source (tests/fixtures/java)."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from expectations import CALL_GRAPH, PARAMS, Said, expected, said

from graphmer.corpus.parse.java import parse_java
from graphmer.corpus.parse.records import FileKey
from graphmer.kg.facts import Fact, PackageFacts, Resolved, SourceFile
from graphmer.kg.resolve.java import resolve_java

FIXTURES = Path(__file__).parent / "fixtures" / "java"
FOLDERS = sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir())
FIRST_WORD = re.compile(r" *")


class Package:
    """Java sources, parsed and resolved."""

    def __init__(self, sources: dict[str, bytes]) -> None:
        self.sources = sources
        files = []
        for name, source in sorted(sources.items()):
            parsed = parse_java(source, FileKey("fixture", "java", name))
            files.append(SourceFile(name, parsed.module, False, parsed.symbols, parsed.references))
        self.symbols = {symbol.symbol: symbol for file in files for symbol in file.symbols}
        self.resolved: Resolved = resolve_java(PackageFacts("fixture", "java", files), PARAMS)

    def shown(self, entity: str) -> str:
        """The qualified name; an overload with its number; a file or a library by its symbol."""
        if entity in self.resolved.externals:
            return self.resolved.externals[entity].qualified_name
        if entity not in self.symbols:
            return entity
        number = re.search(r"~\d+$", entity)
        return self.symbols[entity].qualified_name + (number[0] if number else "")

    def found(self, fact: Fact) -> Said:
        return said(fact, self.sources[fact.file], self.shown(fact.tail))

    def pairs(self, relation: str) -> set[tuple[str, str]]:
        return {(self.shown(f.head), self.shown(f.tail)) for f in self.resolved.facts if f.relation == relation}


def folder(name: str) -> Package:
    return Package({path.name: path.read_bytes() for path in (FIXTURES / name).glob("*.java")})


def package(**sources: str) -> Package:
    return Package({f"{name}.java": source.encode() for name, source in sources.items()})


def expectations(file: str, source: bytes) -> list[Said]:
    return expected(file, source.decode(), FIRST_WORD)


@pytest.mark.parametrize("name", FOLDERS)
def test_every_expectation_in_the_source_is_found(name: str) -> None:
    parsed = folder(name)
    wanted = [one for file, source in parsed.sources.items() for one in expectations(file, source)]
    found = {parsed.found(fact) for fact in parsed.resolved.facts}
    assert len(wanted) >= (10 if name != "tests_of" else 5)
    assert [one for one in wanted if one not in found] == []


@pytest.mark.parametrize("name", [name for name in FOLDERS if name != "tests_of"])
def test_no_call_is_found_that_the_source_does_not_expect(name: str) -> None:
    parsed = folder(name)
    wanted = {one for file, source in parsed.sources.items() for one in expectations(file, source)}
    found = {parsed.found(fact) for fact in parsed.resolved.facts if fact.relation in CALL_GRAPH}
    assert sorted(found - wanted) == []


@pytest.mark.parametrize("name", FOLDERS)
def test_the_span_of_a_fact_shows_its_tail(name: str) -> None:
    parsed = folder(name)
    for fact in parsed.resolved.facts:
        if fact.relation == "declares":
            continue
        text = parsed.sources[fact.file][fact.byte_start : fact.byte_end].decode()
        # What the language implies is not written: a constructor that is called, the enum of a constant's body.
        if fact.resolution == "inferred" and fact.relation in ("calls", "inherits_from"):
            continue
        # `throw failure(cause)` names what makes the exception.
        is_call = parsed.sources[fact.file][fact.byte_end : fact.byte_end + 1] == b"("
        if fact.resolution == "inferred" and fact.relation == "raises" and is_call:
            continue
        name = parsed.shown(fact.tail).rstrip("#").rpartition(".")[2].rpartition(":")[2].partition("~")[0]
        assert name in text or text in ("this", "super"), fact


@pytest.mark.parametrize("name", FOLDERS)
def test_every_internal_end_of_a_fact_has_a_type(name: str) -> None:
    parsed = folder(name)
    for fact in parsed.resolved.facts:
        for entity in (fact.head, fact.tail):
            known = entity in parsed.resolved.types or entity in parsed.resolved.externals
            assert known or entity in (f"java:fixture:{fact.file}", "java:fixture:static_imports#"), fact


def test_calls_in_a_lambda_have_the_lambda_as_their_caller() -> None:
    callers = {head for head, tail in folder("lambdas").pairs("calls") if tail == "lambdas.Pipeline.length"}
    assert callers == {"lambdas.Pipeline.run.<lambda1>", "lambdas.Pipeline.run"}


def test_code_in_a_field_initialiser_belongs_to_the_class() -> None:
    assert ("constructors.Factory", "constructors.Point") in folder("constructors").pairs("instantiates")


def test_entity_types_follow_the_ontology() -> None:
    types: dict[str, set[str]] = defaultdict(set)
    for name in ("tests_of", "inheritance", "interfaces", "constructors", "lambdas"):
        parsed = folder(name)
        for symbol, kind in parsed.resolved.types.items():
            types[parsed.symbols[symbol].qualified_name].add(kind)
    expected = {
        "counting.CounterTest": {"Test"},
        "counting.CounterTest.testNext": {"Test"},
        "counting.CounterTest.startsAgain": {"Test"},
        "counting.CounterTest.testHelper": {"Method"},
        "counting.CounterTest.counter": {"Variable"},
        "counting.OldCounterTestCase": {"Test"},
        "counting.OldCounterTestCase.testSomething": {"Test"},
        "counting.OldCounterTestCase.helper": {"Method"},
        "counting.Counter": {"Class"},
        "counting.Counter.Slow": {"Annotation"},
        "inheritance.AnimalException": {"ExceptionType"},
        "inheritance.Dog.Dog": {"Method"},
        "inheritance.Dog.Dog.name": {"Variable"},
        "interfaces.Shape": {"Interface"},
        "constructors.Range": {"Class"},
        "constructors.Level": {"Class"},
        "lambdas.Pipeline.run.<lambda1>": {"Function"},
    }
    assert {name: types[name] for name in expected} == expected


def test_local_variables_and_file_modules_are_no_entities() -> None:
    parsed = folder("inner")
    kinds = {parsed.symbols[symbol].kind for symbol in parsed.resolved.types}
    assert kinds.isdisjoint({"local", "module"})


def test_annotations_outside_the_package_are_named_as_the_language_names_them() -> None:
    parsed = folder("tests_of")
    assert parsed.pairs("annotated_with") == {
        ("counting.CounterTest.testNext", "org.junit.Test"),
        ("counting.CounterTest.startsAgain", "org.junit.Test"),
        ("counting.CounterTest.startsAgain", "counting.Counter.Slow"),
    }
    overriding = folder("interfaces")
    assert "java:annotation:Override" in overriding.resolved.externals


def test_imports_reach_classes_members_and_packages() -> None:
    parsed = folder("static_imports")
    tails = {(head.rpartition(":")[2], tail) for head, tail in parsed.pairs("imports")}
    assert tails >= {
        ("User.java", "static_imports.Tools.clip"),
        ("User.java", "static_imports.Tools.LIMIT"),
        ("User.java", "static_imports.Tools.Part"),
        ("User.java", "java.lang.Math.max"),
        ("User.java", "java:fixture:static_imports#"),
        ("Star.java", "static_imports.Tools"),
    }


def test_a_star_import_of_an_external_package_is_a_library() -> None:
    parsed = package(A="import java.util.*; class A { List<String> names; }")
    assert parsed.resolved.externals["library:java.util"].type == "Library"
    assert ("A", "java.util.List") in parsed.pairs("uses")


def test_returned_types_are_classes_of_the_package_or_external_types() -> None:
    parsed = package(
        A="class A { A self() { return this; } int[] sizes() { return null; } void none() {} <T> T t() { } }"
    )
    assert parsed.pairs("returns") == {("A.self", "A"), ("A.sizes", "int")}


def test_throwing_a_caught_variable_points_at_its_declared_type() -> None:
    source = "class A { void f() { try { g(); } catch (IllegalStateException e) { throw e; } } void g() {} }"
    parsed = package(A=source)
    [fact] = [fact for fact in parsed.resolved.facts if fact.relation == "raises"]
    assert (fact.head, fact.tail) == ("java:fixture:A.java#A.f", "java:exception:java.lang.IllegalStateException")
    assert source[fact.byte_start : fact.byte_end] == "IllegalStateException"
    assert (fact.resolution, fact.confidence) == ("inferred", PARAMS.inferred_confidence)


def test_an_unknown_receiver_gives_its_few_candidates_equal_shares() -> None:
    parsed = package(
        A="class A { void go() {} } class B { void go() {} } class C { void f() { r(x -> x.go()); } void r(T t) {} }"
    )
    facts = [fact for fact in parsed.resolved.facts if fact.relation == "calls" and fact.head.endswith("<lambda1>")]
    assert sorted((fact.tail.partition("#")[2], fact.resolution, fact.confidence) for fact in facts) == [
        ("A.go", "ambiguous", 0.5),
        ("B.go", "ambiguous", 0.5),
    ]


def test_too_many_candidates_are_counted_and_not_invented() -> None:
    classes = " ".join(f"class A{i} {{ void go() {{}} }}" for i in range(PARAMS.max_candidates + 1))
    parsed = package(A=classes + " class C { void f() { run(x -> x.go()); } void run(Task t) {} }")
    assert parsed.resolved.calls["unresolved"] == 1
    assert parsed.pairs("calls") == {("C.f", "C.run")}


def test_what_an_unknown_external_method_returns_is_no_candidate() -> None:
    parsed = package(A="import ext.Thing; class A { void go() {} void f(Thing thing) { thing.part().go(); } }")
    assert parsed.pairs("calls") == set()
    assert parsed.pairs("invokes") == {("A.f", "ext.Thing.part")}
    assert parsed.resolved.calls == {"seen": 2, "external": 1, "unresolved": 1}


def test_counts_of_calls_add_up() -> None:
    for name in FOLDERS:
        calls = folder(name).resolved.calls
        assert calls["seen"] == sum(calls.values()) - calls["seen"] > 0


def test_cyclic_inheritance_ends() -> None:
    parsed = package(A="class A extends B { void f() { g(); } } class B extends C {} class C extends A { void g() {} }")
    assert ("A.f", "C.g") in parsed.pairs("calls")


def test_a_var_that_feeds_on_itself_ends() -> None:
    parsed = package(
        A="class A { void f() { var x = x.next(); for (var y : y) { y.go(); } } <T extends T> void g(T t) { t.h(); } }"
    )
    assert parsed.resolved.calls["unresolved"] == 3


def test_two_classes_of_one_name_are_told_apart_by_their_folders() -> None:
    sources = {
        "core/A.java": b"package p; class A { void f() {} }",
        "core/User.java": b"package p; class User { void run(A a) { a.f(); } }",
        "lite/A.java": b"package p; class A { void f() {} }",
        "lite/User.java": b"package p; class User { void run(A a) { a.f(); } }",
    }
    calls = {(f.file, f.tail) for f in Package(sources).resolved.facts if f.relation == "calls"}
    assert calls == {
        ("core/User.java", "java:fixture:core/A.java#A.f"),
        ("lite/User.java", "java:fixture:lite/A.java#A.f"),
    }


def test_the_same_sources_give_the_same_facts() -> None:
    assert folder("inheritance").resolved == folder("inheritance").resolved
