"""Python resolution against expectations that stand as comments in the parsed source (tests/fixtures/python).

`#   ^ relation tail (resolution)` speaks of the code above it, at the caret's column; `# <-` of its first word; without
a resolution any will do. Every `calls`, `invokes` and `instantiates` fact of a fixture must be expected: precision is
tested with recall. What the resolver is known to miss is marked `(missed)`, what it is known to say too much `(wrong)`:
both are counted, and a mark that no longer holds fails.
"""

import dataclasses
import gc
import re
from pathlib import Path

import pytest
from expectations import CALL_GRAPH, PARAMS, Said, expected, said
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphmer.corpus.parse.python.operations import ARITHMETIC, COMPARISONS
from graphmer.corpus.parse.python.parser import module_name, parse_python
from graphmer.corpus.parse.records import FileKey
from graphmer.kg.facts import PackageFacts, Resolved, SourceFile
from graphmer.kg.resolve.python import world
from graphmer.kg.resolve.python.constraints import flow_values
from graphmer.kg.resolve.python.flow import Node
from graphmer.kg.resolve.python.index import build_index
from graphmer.kg.resolve.python.operators import BINARY, MEMBERSHIP, UNARY
from graphmer.kg.resolve.python.resolver import resolve_python
from graphmer.kg.resolve.python.static import Statics
from graphmer.kg.resolve.python.world import World

FIXTURES = Path(__file__).parent / "fixtures" / "python"
FOLDERS = sorted(folder.name for folder in FIXTURES.iterdir() if folder.is_dir())
FIRST_WORD = re.compile(r" *(?:def |with |return )?")


def without_resolution(said: Said) -> Said:
    """A fact however it was found."""
    return said._replace(resolution="")


def resolve(sources: dict[str, bytes]) -> tuple[Resolved, dict[str, str]]:
    """Facts of some files, and the qualified name of every entity."""
    files = []
    for name, source in sorted(sources.items()):
        parsed = parse_python(source, FileKey("fixture", "python", name))
        files.append(SourceFile(name, parsed.module, "test" in name, parsed.symbols, parsed.references))
    names = {symbol.symbol: symbol.qualified_name for file in files for symbol in file.symbols}
    resolved = resolve_python(PackageFacts("fixture", "python", files), PARAMS)
    return resolved, names | {name: entity.qualified_name for name, entity in resolved.externals.items()}


def folder_facts(folder: str) -> tuple[list[Said], list[Said]]:
    """What the comments of a fixture expect, and what is found."""
    paths = sorted((FIXTURES / folder).rglob("*.py"))
    sources = {path.relative_to(FIXTURES / folder).as_posix(): path.read_bytes() for path in paths}
    wanted = [one for name, source in sources.items() for one in expected(name, source.decode(), FIRST_WORD)]
    resolved, names = resolve(sources)
    return wanted, [said(fact, sources[fact.file], names[fact.tail]) for fact in resolved.facts]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_expected_fact_is_found_where_it_stands(folder: str) -> None:
    wanted, found = folder_facts(folder)
    true = [said for said in wanted if said.resolution != "wrong"]
    assert len(true) >= 8
    missed = [said for said in true if said not in found and without_resolution(said) not in plain(found)]
    strict = [said for said in true if said.resolution in ("exact", "inferred", "ambiguous") and said not in found]
    assert strict == []
    assert [said for said in true if (said in missed) != (said.resolution == "missed")] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_call_is_found_that_nobody_expects(folder: str) -> None:
    wanted, found = folder_facts(folder)
    assert [said for said in unexpected(wanted, found) if without_resolution(said) not in plain(wrong(wanted))] == []
    assert [said for said in wrong(wanted) if without_resolution(said) not in plain(found)] == []


def test_calls_of_all_fixtures_reach_the_precision_and_recall_that_are_asked_for() -> None:
    said, true, extra = 0, 0, 0
    for folder in FOLDERS:
        wanted, found = folder_facts(folder)
        calls = [one for one in wanted if one.relation in CALL_GRAPH and one.resolution != "wrong"]
        said += len(calls)
        true += sum(without_resolution(one) in plain(found) for one in calls)
        extra += len(unexpected(wanted, found))
    assert said > 1500
    assert true / said >= 0.95
    assert true / (true + extra) >= 0.98


def wrong(wanted: list[Said]) -> list[Said]:
    return [said for said in wanted if said.resolution == "wrong"]


def plain(facts: list[Said]) -> list[Said]:
    return [without_resolution(said) for said in facts]


def unexpected(wanted: list[Said], found: list[Said]) -> list[Said]:
    """Call facts that are not true."""
    true = plain([said for said in wanted if said.resolution != "wrong"])
    return [said for said in found if said.relation in CALL_GRAPH and without_resolution(said) not in true]


def edges(*sources: tuple[str, str]) -> set[tuple[str, str, str]]:
    resolved, names = resolve({name: source.encode() for name, source in sources})
    return {(names.get(fact.head, fact.head), fact.relation, names[fact.tail]) for fact in resolved.facts}


def test_a_lone_main_names_its_functions_nested_ones_and_lambdas() -> None:
    found = edges(("main.py", "def f():\n    def g(): pass\n    g()\nx = lambda: f()\ny = lambda: f()\nmap(f, [])\n"))
    calls = {edge for edge in found if edge[1] in CALL_GRAPH}
    assert calls == {
        ("main.f", "calls", "main.f.g"),
        ("main.<lambda1>", "calls", "main.f"),
        ("main.<lambda2>", "calls", "main.f"),
        ("main", "invokes", "<builtin>.map"),
        ("main", "calls", "main.f"),
    }


def test_every_operator_that_the_parser_files_has_its_methods() -> None:
    operators = [*ARITHMETIC, *(f"{word}=" for word in ARITHMETIC), *COMPARISONS]
    lines = [f"a {word} b" for word in operators]
    lines += [
        "-a",
        "+a",
        "~a",
        "a[0]",
        "a[0] = b",
        "del a[0]",
        "not a",
        "f'{a}{a!r}{a!s}'",
        "{a: b}",
        "{a}",
        "'%s' % a",
    ]
    source = "async def f(a, b):\n    await a\n" + "".join(f"    {line}\n" for line in lines)
    parsed = parse_python(source.encode(), FileKey("fixture", "python", "main.py"))
    words = {one.name for one in parsed.references if one.kind in ("operate", "item", "ask")}
    assert words >= set(operators)
    assert words == set(BINARY) - {"divmod"} | MEMBERSHIP | set(UNARY)


@pytest.mark.parametrize(
    ("base", "kind", "called"),
    [
        ("ABC", "Base", {"main.Base.run": 1 / 2, "main.Other.run": 1 / 2}),  # heirs of Base may stand elsewhere
        ("ABC", "Base | Heir", {"main.Heir.run": 1 / 2, "main.Other.run": 1 / 2}),
        ("Protocol", "Base", {"main.Other.run": 0.9}),
    ],
)
def test_an_abstract_method_is_a_candidate_unless_an_heirs_is_one_too(base: str, kind: str, called: object) -> None:
    source = (
        f"from abc import ABC, abstractmethod\nfrom typing import Protocol\nclass Base({base}):\n    @abstractmethod\n"
        "    def run(self): ...\nclass Heir(Base):\n    def run(self): ...\nclass Other:\n    def run(self): ...\n"
        f"def f(x: {kind} | Other):\n    x.run()\n"
    )
    resolved, names = resolve({"main.py": source.encode()})
    found = {names[fact.tail]: fact.confidence for fact in resolved.facts if fact.relation == "calls"}
    assert found == called


def test_two_modules_named_alike_in_two_folders_keep_apart() -> None:
    resolved, _ = resolve({"a/__init__.py": b"def f(): pass\n", "b/__init__.py": b"def f(): pass\nf()\n"})
    (call,) = [fact for fact in resolved.facts if fact.relation == "calls"]
    assert call.tail == "python:fixture:b/__init__.py#f"


def test_cyclic_inheritance_and_cyclic_imports_end() -> None:
    found = edges(
        ("a.py", "from b import B\nclass A(B):\n    def m(self): self.n()\n"),
        ("b.py", "from a import A\nclass B(A):\n    def n(self): self.m()\n"),
    )
    assert ("a.A", "inherits_from", "b.B") in found


def test_values_that_need_themselves_end() -> None:
    assert edges(("main.py", "def f(): return g()\ndef g(): return f()\nf().x.y()\nx = y\ny = x\nx.z()\n"))


@pytest.mark.parametrize(
    "source",
    [
        "from functools import partial\ndef f(*a): pass\ng = partial(f, 1)\nif f:\n    g = partial(g, g)\ng(g)\n",
        "def f(*a, **k):\n    return f(f, *a, x=f, **k)\nf(f, x=f)()\n",
        "a = []\na.append(a)\nfor x in a:\n    x[0][0]()\na = [a, *a]\na[1:][2:]()\n",
        "def f(g): return map(f, [g, f(g)])\nf(f)\nsorted([f, sorted], key=sorted)\n",
        "class A:\n    def __iter__(self): return self\n    def __next__(self): return A()\nfor x in A():\n    x()\n",
        "class A:\n    def m(self):\n        self.m = self.m\n        return self.m().m\nA().m().m()\n",
        "d = {}\nd[d] = d\nd.update(d)\nd['a'] = {**d}\nd['a']['a']()\n",
    ],
)
def test_values_that_hold_themselves_end_long_before_the_bound_of_steps(source: str) -> None:
    world = solved(source)
    assert world.network.steps < 20_000
    assert not world.network.work


@pytest.mark.parametrize(
    "source",
    [
        "x" + ".b" * 9_000 + "()\n", "f" + "()" * 9_000 + "\n", "x" + ".f()" * 9_000 + "\n", "f(" * 900 + ")" * 900,
        "x" + "[0]" * 9_000 + "()\n",
        "".join(f"@g{at + 1}\ndef g{at}(f): return f\n" for at in range(1_500)) + "g0(1)\n",
        "@d\n" * 2_000 + "def f(): pass\nf()\n", "x = " + " + ".join(["f()"] * 3_000),
        "d = " + '{"a":' * 300 + "f" + "}" * 300 + "\nd" + '["a"]' * 300 + "()\n",
    ],
)  # fmt: skip
def test_chains_longer_than_the_stack_end_in_counted_calls(source: str) -> None:
    resolved, _ = resolve({"main.py": source.encode()})
    assert resolved.calls["seen"] >= 1


def test_an_annotation_may_nest_as_deep_as_the_parser_lets_it() -> None:
    for name in ("Optional", "list", "Union"):
        nested = f"{name}[" * 950 + "A" + "]" * 950
        source = f"class A: pass\ndef f(x: {nested}): return x\nf(1)\n"
        resolved, _ = resolve({"main.py": source.encode()})
        assert resolved.calls["exact"] == 1


def test_a_partial_of_nothing_has_no_function() -> None:
    resolved, _ = resolve({"main.py": b"from functools import partial\npartial().func()\n"})
    assert resolved.calls["seen"] == 2


def test_a_name_is_sought_once_in_modules_that_all_import_all_of_each_other() -> None:
    stars = {f"m{at}.py": "".join(f"from m{to} import *\n" for to in range(14) if to != at) for at in range(14)}
    sources = {name: text.encode() for name, text in stars.items()}
    resolved, names = resolve(
        sources | {"m7.py": b"from m8 import *\ndef f(): pass\n", "main.py": b"from m0 import *\nf()\ng()\n"}
    )
    (call,) = [fact for fact in resolved.facts if fact.relation == "calls"]
    assert names[call.tail] == "m7.f"
    assert resolved.calls["unresolved"] == 1


def test_an_import_is_followed_through_two_thousand_modules() -> None:
    sources = {f"m{at}.py": f"from m{at + 1} import f\n".encode() for at in range(2000)}
    sources |= {"m2000.py": b"def f(): pass\n", "main.py": b"from m0 import f\nf()\n"}
    resolved, names = resolve(sources)
    (call,) = [fact for fact in resolved.facts if fact.relation == "calls"]
    assert names[call.tail] == "m2000.f"


def test_a_search_that_its_bound_ends_says_so() -> None:
    source = b"".join(b"def f%d(x): return f%d(x)\n" % (at, at + 1) for at in range(50)) + b"f0(f1)\n"
    parsed = parse_python(source, FileKey("fixture", "python", "main.py"))
    facts = PackageFacts("fixture", "python", [SourceFile("main.py", "main", False, parsed.symbols, parsed.references)])
    assert "left_by_the_bound_of_steps" not in resolve_python(facts, PARAMS).calls
    bounded = resolve_python(facts, dataclasses.replace(PARAMS, max_flow_steps=10))
    assert bounded.calls["left_by_the_bound_of_steps"] > 0


def solved(source: str) -> World:
    """A lone file's values at their fixed point."""
    parsed = parse_python(source.encode(), FileKey("fixture", "python", "main.py"))
    facts = PackageFacts("fixture", "python", [SourceFile("main.py", "main", False, parsed.symbols, parsed.references)])
    index = build_index(facts)
    world = World(index, Statics(index, PARAMS), PARAMS)
    flow_values(world, facts)
    return world


def test_a_container_that_holds_itself_is_looked_into_once() -> None:
    """Asked for its classes by isinstance and by except; each look would call for the next one without an end."""
    world = solved(
        "class A(Exception): pass\nkinds = [A]\nkinds.append(kinds)\n"
        "def f(x):\n    try:\n        return isinstance(x, kinds)\n    except kinds as error:\n        return error\n"
    )
    assert world.network.left_over == 0
    assert world.network.steps < 1000


def test_a_call_that_nobody_can_place_is_counted_and_not_invented() -> None:
    resolved, _ = resolve({"main.py": b"def f(x):\n    x.nothing_here()\n"})
    assert resolved.calls["seen"] == resolved.calls["unresolved"] == 1
    assert not [fact for fact in resolved.facts if fact.relation in CALL_GRAPH]


def test_a_test_that_makes_a_builtin_under_another_name_is_about_nothing_of_the_package() -> None:
    source = b"def test_warning():\n    for kind in [Warning]:\n        kind('late')\n"
    resolved, names = resolve({"test_late.py": source})
    made = [(fact.relation, names[fact.tail], fact.resolution) for fact in resolved.facts]
    assert ("instantiates", "<builtin>.Warning", "inferred") in made
    assert "tests" not in {relation for relation, _, _ in made}


def test_k_candidates_share_their_confidence_with_what_is_not_defined() -> None:
    source = b"class A:\n    def go(self): pass\nclass B:\n    def go(self): pass\ndef f(x):\n    x.go()\n"
    resolved, _ = resolve({"main.py": source})
    calls = [fact for fact in resolved.facts if fact.relation == "calls"]
    assert [(fact.resolution, fact.confidence) for fact in calls] == [("ambiguous", pytest.approx(1 / 3))] * 2


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("main.py", "main"),
        ("src/pkg/__init__.py", "pkg"),
        ("src/pkg/a.py", "pkg.a"),
        ("pkg/sub/__init__.py", "pkg.sub"),
        ("tests/test_a.py", "tests.test_a"),
        ("__init__.py", "__init__"),
    ],
)
def test_a_files_module_is_its_path_below_a_source_root(file: str, module: str) -> None:
    assert module_name(file) == module


PIECES = st.sampled_from(
    [
        *("def f(", ")", ":", "\n", "    ", "class A(B", "x = ", "lambda y: ", "[", "]", "{", "}", "import a.b"),
        *("from . import c", "return ", "raise ", "except (", "@d", "self.x", ".y", "()", "'", '"', "\\", "é", "\t"),
        *("async ", "await ", "yield ", "with a as b", "global x", ":=", "*", "**k", "\r\n", "\x0c", "if ", "try:"),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_ends_in_facts_whose_spans_lie_in_the_file(source: str) -> None:
    data = source.encode()
    resolved, names = resolve({"main.py": data, "a/b.py": data})
    for fact in resolved.facts:
        assert 0 <= fact.byte_start <= fact.byte_end <= len(data)
        assert fact.tail in names or fact.tail.startswith(("python:", "library:"))


def test_the_memory_of_finished_packages_is_given_back_without_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        b"class A:\n    def m(self): return A\n    def n(self): return self.m()().n()\nxs = [A().n]\n"
        b"def f(g=f, *a, **k):\n    for x in xs: x(f(*a, **k))\n    return f\n"
    )
    monkeypatch.setattr(world, "MAX_ALIVE", 0)
    resolve({"main.py": source})  # whatever earlier tests left behind goes too
    gc.collect()
    gc.disable()
    try:
        before = sum(type(one) is Node for one in gc.get_objects())
        resolved, _ = resolve({"main.py": source})
        after = sum(type(one) is Node for one in gc.get_objects())
        monkeypatch.setattr(world, "MAX_ALIVE", 10**9)
        left_alone, _ = resolve({"main.py": source})
        kept = sum(type(one) is Node for one in gc.get_objects())
    finally:
        gc.enable()
    assert after == before, "nodes are left to the collector"
    assert kept > after + 20
    assert left_alone == resolved
