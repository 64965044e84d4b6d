"""A SCIP index as a source of exact triples: what it decides, what it leaves alone, and what of it is refused."""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scip_index import Document, span, write_index
from test_build import PARAMS, parse_packages
from test_cli import graphmer

from graphmer.artifacts import read_json, read_table, sha256_tree
from graphmer.corpus.parse.python.parser import parse_python
from graphmer.corpus.parse.records import FileKey
from graphmer.errors import CorpusError
from graphmer.kg.build import CALL_OUTCOMES, build_graph
from graphmer.kg.facts import PackageFacts, SourceFile
from graphmer.kg.resolve.python.resolver import resolve_python
from graphmer.kg.schema import triples_schema
from graphmer.kg.scip.index import read_index
from graphmer.kg.scip.overlay import ScipOverlay
from graphmer.kg.scip.positions import Positions
from graphmer.kg.scip.symbols import Descriptor, parse_symbol

PACKAGE = "scip-python python zoo 1.0 `zoo.core`/"
STDLIB = "scip-python python python-stdlib 3.11 "
CORE = "python:zoo:zoo/core.py#"
TEXT = """\
import json
from typing import overload


class Cat:
    def __init__(self, name): ...
    def speak(self): ...


class Dog:
    def speak(self): ...


class Kitten(Cat):
    pass


def known(): ...


def other(): ...


def visit(animal, table, box):
    größe = animal.speak()
    table["𝛼"].purr(); box.opened()
    known()
    json.dumps(größe)
    return table.adopt()
"""


def occurrences(document: Document) -> Document:
    """Every definition of TEXT; references are each test's own."""
    for word, symbol, nth in (
        ("Cat", "Cat#", 0), ("__init__", "Cat#__init__().", 0), ("speak", "Cat#speak().", 0), ("Dog", "Dog#", 0),
        ("speak", "Dog#speak().", 1), ("Kitten", "Kitten#", 0), ("known", "known().", 0), ("other", "other().", 0),
        ("visit", "visit().", 0),
    ):  # fmt: skip
        document.defines(word, PACKAGE + symbol, nth)
    return document


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_WORKERS", "1")


class Zoo:
    """One parsed package, and the graph of it under an index."""

    def __init__(self, folder: Path, sources: dict[str, str]) -> None:
        self.folder, self.sources = folder, sources
        self.parsed = parse_packages(folder, {"zoo": sources}, {"zoo": "train"})

    def build(self, *documents: Document) -> tuple[pd.DataFrame, dict[str, int]]:
        overlay = None
        if documents:
            code = {file: text for file, text in self.sources.items() if file.endswith((".py", ".java"))}
            overlay = ScipOverlay(read_index([write_index(self.folder / "index.scip", *documents)], code))
        build_graph(self.parsed, self.folder / "kg", PARAMS, overlay=overlay)
        manifest = read_json(self.folder / "kg" / "manifest.json")
        counts = {**(overlay.index.counts if overlay else {}), **manifest.get("overlay", {})}
        self.calls = next(iter(manifest["calls"].values()))["zoo"]
        return read_table(self.folder / "kg" / "triples.parquet", triples_schema()), counts


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    return Zoo(tmp_path, {"zoo/__init__.py": "", "zoo/core.py": TEXT})


def core(encoding: int = 2) -> Document:
    return occurrences(Document("zoo/core.py", TEXT, encoding))


def tails(triples: pd.DataFrame, head: str, *relations: str) -> set[tuple[str, str, str]]:
    rows = triples[(triples["head"] == head) & triples["relation"].isin(relations)]
    return set(zip(rows["relation"], rows["tail"], rows["resolution"], strict=True))


CALLS = ("calls", "instantiates", "invokes")


# Calls


def test_an_ambiguous_call_becomes_the_one_that_the_index_names(zoo: Zoo) -> None:
    before, _ = zoo.build()
    assert ("calls", f"{CORE}Dog.speak", "ambiguous") in tails(before, f"{CORE}visit", "calls")
    ambiguous = zoo.calls["ambiguous"]
    triples, counts = zoo.build(core().refers("speak", PACKAGE + "Cat#speak().", 2))
    found = tails(triples, f"{CORE}visit", "calls")
    assert ("calls", f"{CORE}Cat.speak", "exact") in found
    assert not {tail for _, tail, _ in found} & {f"{CORE}Dog.speak"}
    assert counts["calls.settled"] == 1
    assert zoo.calls["ambiguous"] == ambiguous - 1


def test_an_unresolved_call_is_resolved_within_the_package_and_outside_it(zoo: Zoo) -> None:
    before, _ = zoo.build()
    unresolved = zoo.calls["unresolved"]
    document = core().refers("opened", STDLIB + "zipfile/ZipFile#opened().")
    triples, counts = zoo.build(document)
    row = triples[triples["tail"] == "python:api:zipfile.ZipFile.opened"].iloc[0]
    assert (row["head"], row.relation, row.resolution) == (f"{CORE}visit", "invokes", "external")
    assert TEXT.encode()[row.byte_start : row.byte_end] == b"opened"
    assert row.line_start == 1 + span(TEXT, "opened")[0]
    assert counts["calls.resolved"] == 1
    assert (zoo.calls["unresolved"], zoo.calls["external"]) == (unresolved - 1, 2)
    assert sum(count for outcome, count in zoo.calls.items() if outcome != "seen") == zoo.calls["seen"]
    assert len(triples) == len(before) + 1


def test_an_exact_call_that_differs_stays_and_is_counted(tmp_path: Path) -> None:
    text = "def pick(): ...\n\n\ndef pick(): ...\n\n\ndef use():\n    pick()\n"
    zoo = Zoo(tmp_path, {"zoo/__init__.py": "", "zoo/core.py": text})
    document = Document("zoo/core.py", text).defines("pick", PACKAGE + "pick().").refers("pick", PACKAGE + "pick().", 2)
    triples, counts = zoo.build(document)
    assert counts["calls.differs_from_exact"] == 1
    assert tails(triples, f"{CORE}use", *CALLS) == {("calls", f"{CORE}pick~2", "exact")}


def test_a_word_that_is_neither_the_symbol_nor_its_alias_shows_an_older_index(zoo: Zoo) -> None:
    before, _ = zoo.build()
    triples, counts = zoo.build(core().refers("opened", PACKAGE + "other()."))
    assert counts["calls.other_words"] == 1
    assert triples.equals(before)


def test_an_external_call_keeps_the_name_by_which_the_code_imports_it(zoo: Zoo) -> None:
    triples, counts = zoo.build(core().refers("dumps", STDLIB + "`json.encoder`/dumps()."))
    assert ("invokes", "python:api:json.dumps", "external") in tails(triples, f"{CORE}visit", "invokes")
    assert counts["calls.external_kept"] == 1


def test_a_called_class_is_instantiated_and_the_constructor_it_inherits_is_called(zoo: Zoo) -> None:
    text = TEXT.replace("table.adopt()", "table.Kitten()")
    zoo = Zoo(zoo.folder / "again", {**zoo.sources, "zoo/core.py": text})
    triples, counts = zoo.build(occurrences(Document("zoo/core.py", text)).refers("Kitten", PACKAGE + "Kitten#", 1))
    assert counts["calls.resolved"] == 1
    assert {("instantiates", f"{CORE}Kitten", "exact"), ("calls", f"{CORE}Cat.__init__", "exact")} <= tails(
        triples, f"{CORE}visit", *CALLS
    )


def test_two_symbols_at_one_call_are_two_candidates(zoo: Zoo) -> None:
    document = core().refers("speak", PACKAGE + "Cat#speak().", 2).refers("speak", PACKAGE + "Dog#speak().", 2)
    triples, _ = zoo.build(document)
    rows = triples[(triples["head"] == f"{CORE}visit") & triples["tail"].str.endswith(".speak")]
    assert set(zip(rows["tail"], rows["resolution"], rows["confidence"])) == {
        (f"{CORE}Cat.speak", "ambiguous", 0.5), (f"{CORE}Dog.speak", "ambiguous", 0.5),
    }  # fmt: skip


def test_a_call_of_a_variable_is_left_as_it_is(zoo: Zoo) -> None:
    before, _ = zoo.build()
    triples, counts = zoo.build(core().refers("speak", PACKAGE + "Cat#speak.", 2).refers("opened", "local 3"))
    assert counts["calls.no_function_or_class"] == 2
    assert triples.equals(before)


def test_what_a_property_gives_is_called_and_not_the_property(tmp_path: Path) -> None:
    text = (
        "class Cat:\n    @property\n    def voice(self): ...\n\n    def copy(self):\n"
        "        self.voice()\n        return self.__class__()\n"
    )
    zoo = Zoo(tmp_path, {"zoo/__init__.py": "", "zoo/core.py": text})
    before, _ = zoo.build()
    document = Document("zoo/core.py", text).defines("Cat", PACKAGE + "Cat#")
    document.defines("voice", PACKAGE + "Cat#voice().").refers("voice", PACKAGE + "Cat#voice().", 1)
    triples, counts = zoo.build(document.refers("__class__", STDLIB + "builtins/object#__class__()."))
    assert counts["calls.no_function_or_class"] == 2
    assert triples.equals(before)


def test_what_is_handed_on_at_a_call_stays_beside_it(tmp_path: Path) -> None:
    text = "def each(x): ...\n\n\ndef use(items):\n    return list(map(each, items))\n"
    zoo = Zoo(tmp_path, {"zoo/__init__.py": "", "zoo/core.py": text})
    before, _ = zoo.build()
    document = Document("zoo/core.py", text).defines("each", PACKAGE + "each().")
    triples, counts = zoo.build(document.refers("map", STDLIB + "builtins/map#"))
    assert counts["calls.external_kept"] == 1
    assert triples.equals(before)
    assert ("calls", f"{CORE}each", "inferred") in tails(triples, f"{CORE}use", "calls")


def test_an_installed_copy_of_the_package_is_no_external_library(zoo: Zoo) -> None:
    before, _ = zoo.build()
    copy = "scip-python python zoo 0.9 `zoo.core`/Cat#speak()."
    triples, counts = zoo.build(core().refers("speak", copy, 2).refers("opened", PACKAGE + "gone()."))
    assert counts["calls.no_function_or_class"] == 2
    assert triples.equals(before)


def test_a_builtin_class_is_no_member_of_an_unknown_receiver(zoo: Zoo) -> None:
    text = TEXT.replace("box.opened()", "box.set()")
    zoo = Zoo(zoo.folder / "again", {**zoo.sources, "zoo/core.py": text})
    _, counts = zoo.build(occurrences(Document("zoo/core.py", text)).refers("set", STDLIB + "builtins/set#"))
    assert counts["skipped.builtin_class_as_a_member"] == 1


def test_an_overload_means_the_definition_with_the_code_and_shared_names_mean_nothing(tmp_path: Path) -> None:
    text = (
        "from typing import overload\n@overload\ndef pick(x: int): ...\n@overload\ndef pick(x: str): ...\n"
        "def pick(x): return x\n\n\nclass T:\n    def a(self):\n        def coro(): ...\n"
        "    def b(self):\n        def coro(): ...\n\n\ndef use(box):\n    box.pick()\n    box.coro()\n"
    )
    zoo = Zoo(tmp_path, {"zoo/__init__.py": "", "zoo/core.py": text})
    document = Document("zoo/core.py", text).defines("pick", PACKAGE + "pick().")
    for nth in (0, 1):
        document.defines("coro", PACKAGE + "T#coro().", nth)
    document.refers("pick", PACKAGE + "pick().", 3).refers("coro", PACKAGE + "T#coro().", 2)
    triples, counts = zoo.build(document)
    assert ("calls", f"{CORE}pick~3", "exact") in tails(triples, f"{CORE}use", "calls")
    assert counts["calls.no_function_or_class"] == 1


# Classes


def test_a_base_that_was_external_becomes_the_class_of_the_folder(tmp_path: Path) -> None:
    sources = {
        "zoo/__init__.py": "",
        "zoo/base.py": "class Base:\n    def run(self): ...\n",
        "zoo/core.py": "from installed.base import Base\n\n\nclass Own(Base):\n    def run(self): ...\n",
    }
    zoo = Zoo(tmp_path, sources)
    before, _ = zoo.build()
    assert tails(before, f"{CORE}Own", "inherits_from") == {
        ("inherits_from", "python:api:installed.base.Base", "external")
    }
    base = "scip-python python zoo 1.0 `zoo.base`/Base#"
    documents = (
        Document("zoo/base.py", sources["zoo/base.py"]).defines("Base", base).defines("run", base + "run()."),
        Document("zoo/core.py", sources["zoo/core.py"])
        .defines("Own", PACKAGE + "Own#", implements=[base])
        .defines("run", PACKAGE + "Own#run().", implements=[base + "run()."])
        .refers("Base", base, 1),
    )
    triples, counts = zoo.build(*documents)
    assert tails(triples, f"{CORE}Own", "inherits_from") == {("inherits_from", "python:zoo:zoo/base.py#Base", "exact")}
    overrides = ("overrides", "python:zoo:zoo/base.py#Base.run", "exact")
    assert tails(triples, f"{CORE}Own.run", "overrides") == {overrides}
    assert (counts["bases.corrected"], counts["overrides.resolved"]) == (1, 1)


def test_of_all_methods_that_one_implements_the_nearest_is_overridden_and_no_stranger(tmp_path: Path) -> None:
    text = (
        "class A:\n    def m(self): ...\n\n\nclass B(A):\n    def m(self): ...\n\n\n"
        "class C(B):\n    def m(self): ...\n\n\nclass X:\n    def m(self): ...\n"
    )
    zoo = Zoo(tmp_path, {"zoo/__init__.py": "", "zoo/core.py": text})
    m = {name: f"{PACKAGE}{name}#m()." for name in "ABCX"}
    document = Document("zoo/core.py", text).defines("m", m["A"], 0).defines("m", m["B"], 1, [m["A"]])
    document.defines("m", m["C"], 2, [m["A"], m["B"]]).defines("m", m["X"], 3, [m["A"]])
    before, _ = zoo.build()
    triples, counts = zoo.build(document)
    assert triples.equals(before)
    assert (counts["overrides.agrees"], counts["overrides.of_no_ancestor"]) == (2, 1)


JAVA = """\
package zoo;

public class Keeper extends Thread {
    Keeper(int age) {}
    Keeper(String name) {}
    static class Pen {}
    Object open(Object key, java.util.List<String> names) {
        new Pen();
        names.add("x");
        return new Keeper(unknown(key));
    }
    void stop(Object it) { unknown(it).feed(); }
}
"""


def test_java_constructors_overloads_and_the_jdk(tmp_path: Path) -> None:
    zoo = Zoo(tmp_path, {"zoo/Keeper.java": JAVA})
    own, jdk = "semanticdb maven . . zoo/Keeper#", "semanticdb maven jdk 17 java/"
    document = (
        Document("zoo/Keeper.java", JAVA)
        .defines("Keeper", own)
        .defines("Keeper", f"{own}`<init>`().", 1)
        .defines("Keeper", f"{own}`<init>`(+1).", 2)
        .defines("Pen", f"{own}Pen#")
        .defines("Pen", f"{own}Pen#`<init>`().")
        .refers("Keeper", f"{own}`<init>`(+1).", 3)
        .refers("Pen", f"{own}Pen#`<init>`().", 1)
        .refers("add", f"{jdk}util/List#add().")
        .refers("Thread", f"{jdk}lang/Thread#")
        .refers("feed", f"{jdk}util/concurrent/Feeder#feed(+2).")
    )
    triples, counts = zoo.build(document)
    keeper = "java:zoo:zoo/Keeper.java#Keeper"
    made = tails(triples, f"{keeper}.open", *CALLS)
    assert ("instantiates", keeper, "exact") in made
    assert ("instantiates", f"{keeper}.Pen", "exact") in made
    assert [tail for relation, tail, _ in made if relation == "calls"] == [f"{keeper}.Keeper~2"]
    assert ("invokes", "java:api:java.util.concurrent.Feeder.feed", "external") in tails(
        triples, f"{keeper}.stop", *CALLS
    )
    assert counts["bases.external_kept"] == 1


# Positions


@pytest.mark.parametrize("encoding", [1, 2, 3])
def test_columns_in_any_encoding_find_the_same_bytes_on_lines_beyond_ascii(encoding: int, zoo: Zoo) -> None:
    reference, _ = zoo.build(core(2).refers("opened", STDLIB + "zipfile/ZipFile#opened()."))
    triples, counts = zoo.build(core(encoding).refers("opened", STDLIB + "zipfile/ZipFile#opened()."))
    assert counts["calls.resolved"] == 1
    assert triples.equals(reference)


def test_an_unspecified_encoding_counts_utf_16_units(zoo: Zoo) -> None:
    document = core(2).refers("opened", STDLIB + "zipfile/ZipFile#opened().")
    document.message.position_encoding = 0
    _, counts = zoo.build(document)
    assert counts["calls.resolved"] == 1


@pytest.mark.parametrize(
    ("encoding", "character", "offset"),
    [
        (1, 5, 5), (1, 3, None), (1, 6, 6), (1, 7, None),
        (2, 1, 1), (2, 2, None), (2, 3, 5), (2, 4, 6), (2, 5, None),
        (3, 1, 1), (3, 2, 5), (3, 3, 6), (3, 4, None), (3, -1, None),
    ],
)  # fmt: skip
def test_a_column_is_an_offset_unless_it_is_inside_a_character_or_past_the_line(
    encoding: int, character: int, offset: int | None
) -> None:
    assert Positions("a𝛼b\nx", encoding).offset(0, character) == offset


def test_lines_end_as_editors_end_them() -> None:
    positions = Positions("é\r\nb\rc\n", 2)
    assert [positions.offset(line, 0) for line in range(5)] == [0, 4, 6, 8, None]


def test_ranges_of_every_form_are_read(zoo: Zoo) -> None:
    document = core().refers("opened", STDLIB + "zipfile/ZipFile#opened().")
    line, start, end = span(TEXT, "opened")
    one = document.message.occurrences[-1]
    for form in ("four numbers", "single line", "several lines"):
        one.ClearField("range")
        if form == "four numbers":
            one.range.extend([line, start, line, end])
        elif form == "single line":
            one.single_line_range.line, one.single_line_range.start_character = line, start
            one.single_line_range.end_character = end
        else:
            one.ClearField("single_line_range")
            many = one.multi_line_range
            many.start_line, many.start_character, many.end_line, many.end_character = line, start, line, end
        _, counts = zoo.build(document)
        assert counts["calls.resolved"] == 1, form


# What is refused, and what is skipped and counted


def skipped(zoo: Zoo, document: Document) -> dict[str, int]:
    _, counts = zoo.build(document)
    return {name.removeprefix("skipped."): count for name, count in counts.items() if name.startswith("skipped.")}


def test_what_does_not_fit_the_text_is_counted_by_reason(zoo: Zoo) -> None:
    document = core()
    add = document.message.occurrences.add
    add(range=[99, 0, 3], symbol=PACKAGE + "known().")
    add(range=[0, 0, 99], symbol=PACKAGE + "known().")
    add(range=[0, 5, 2], symbol=PACKAGE + "known().")
    add(range=[1, 2], symbol=PACKAGE + "known().")
    add(range=[0, 0, 6], symbol="no symbol")
    document.defines("visit", PACKAGE + "renamed().")
    assert skipped(zoo, document) == {
        "range_outside_the_text": 3, "range_malformed": 1, "symbol_malformed": 1, "definition_of_another_name": 1
    }  # fmt: skip


def test_documents_that_are_not_of_the_folder_are_counted_by_reason(zoo: Zoo) -> None:
    stale, strange = Document("zoo/__init__.py", ""), Document("zoo/__init__.py", "")
    stale.message.text = "older\n"
    strange.message.position_encoding = 9
    others = [Document(path, "") for path in ("../core.py", "/zoo/core.py", "zoo/gone.py")]
    _, counts = zoo.build(core(), stale, strange, *others)
    assert {name: count for name, count in counts.items() if name.startswith(("skipped", "documents"))} == {
        "documents": 1, "skipped.document_outside_the_folder": 2, "skipped.document_not_parsed": 1,
        "skipped.document_of_another_text": 1, "skipped.document_of_unknown_encoding": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[: len(data) // 2], "not a whole SCIP index"),
        (lambda data: b"PK\x03\x04" + data, "not a whole SCIP index"),
        (lambda data: b"", "no metadata"),
        (lambda data: data.replace(b"zoo/core.py", b"far/core.py"), "none of its 1 documents is a parsed file"),
    ],
)
def test_a_file_that_is_no_index_of_the_folder_is_refused_in_one_line(
    change: Any, message: str, tmp_path: Path
) -> None:
    path = write_index(tmp_path / "index.scip", core())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CorpusError, match=message) as caught:
        read_index([path], {"zoo/core.py": TEXT})
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        read_index([tmp_path / "index.scip"], {})


@pytest.mark.parametrize(
    ("text", "package", "path"),
    [
        ("s python a 1 `a.b`/C#m().", ("python", "a", "1"), ["a.b namespace", "C type", "m method"]),
        ("s maven g:a . java/C#`<init>`(+1).", ("maven", "g:a", "."), ["java namespace", "C type", "<init> method"]),
        ("s npm a  b 1 `x``y`/v.", ("npm", "a b", "1"), ["x`y namespace", "v term"]),
        ("s p n v f().(x)", ("p", "n", "v"), ["f method", "x parameter"]),
        ("s p n v C#[T]", ("p", "n", "v"), ["C type", "T type_parameter"]),
        ("s p n v m/__init__:", ("p", "n", "v"), ["m namespace", "__init__ meta"]),
        ("s p n v m!", ("p", "n", "v"), ["m macro"]),
    ],
)
def test_a_symbol_is_a_package_and_a_path(text: str, package: tuple[str, str, str], path: list[str]) -> None:
    parsed = parse_symbol(text)
    assert parsed is not None
    assert parsed.package == package
    assert parsed.path == tuple(Descriptor(*step.split(" ")) for step in path)


@pytest.mark.parametrize("text", ["", "local 1", "s p n v ", "s p n f().", "s p n v f(", "s p n v `f#", "s p n v a b#"])
def test_what_keeps_to_no_such_form_is_no_symbol(text: str) -> None:
    assert parse_symbol(text) is None


def test_a_symbol_of_any_make_is_read_in_linear_time() -> None:
    start = time.process_time()
    for text in (" " * 300_001, "s p n v " + "`" * 300_000, "s p n v " + "a" * 300_000, "s p n v " + "a/" * 100_000):
        parse_symbol(text)
    assert time.process_time() - start < 5


@given(st.binary(max_size=300))
def test_any_bytes_are_an_index_or_one_line(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.scip"
        path.write_bytes(data)
        with pytest.raises(CorpusError) as caught:
            read_index([path], {"zoo/core.py": TEXT})
        assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(-2, 60), max_size=5), st.integers(0, 3), st.sampled_from([
    "", "local 1", PACKAGE + "Cat#", PACKAGE + "Cat#speak().", PACKAGE + "Kitten#", PACKAGE + "visit().",
    STDLIB + "builtins/str#lower().", "s p n v x", "s p n v [T]",
])), max_size=12))  # fmt: skip
def test_any_occurrences_give_counts_that_add_up_and_facts_of_known_entities(
    said: list[tuple[list[int], int, str]],
) -> None:
    document = core()
    for numbers, roles, symbol in said:
        document.message.occurrences.add(range=numbers, symbol_roles=roles, symbol=symbol)
    with tempfile.TemporaryDirectory() as folder:
        index = read_index([write_index(Path(folder) / "index.scip", document)], {"zoo/core.py": TEXT})
    parsed = parse_file_text(TEXT)
    resolved = resolve_python(parsed, PARAMS)
    seen = resolved.calls["seen"]
    counts = ScipOverlay(index)(parsed, resolved)
    assert sum(resolved.calls[outcome] for outcome in CALL_OUTCOMES) == 2 * seen
    assert sum(count for name, count in counts.items() if name.startswith("calls.")) == seen
    known = {*resolved.externals, *(symbol.symbol for source in parsed.files for symbol in source.symbols)}
    tails = {fact.tail for fact in resolved.facts if fact.relation in CALLS}
    assert tails <= known


def parse_file_text(text: str) -> PackageFacts:
    parsed = parse_python(text.encode("utf-8"), FileKey("zoo", "python", "zoo/core.py"))
    source = SourceFile("zoo/core.py", "zoo.core", False, parsed.symbols, parsed.references)
    return PackageFacts("zoo", "python", [source])


# The command


def test_the_command_reads_an_index_and_gives_the_same_bytes_on_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file, text in {"zoo/__init__.py": "", "zoo/core.py": TEXT}.items():
        (tmp_path / "src" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / file).write_text(text, encoding="utf-8")
    write_index(tmp_path / "index.scip", core().refers("speak", PACKAGE + "Cat#speak().", 2))
    digests = set()
    for workers in ("1", "2"):
        monkeypatch.setitem(os.environ, "GRAPHMER_WORKERS", workers)
        flags = ("kg", "src", "--out", "kg", "--license", "MIT", "--name", "zoo", "--scip", "index.scip")
        done = graphmer(*flags, cwd=tmp_path)
        digests.add(sha256_tree(tmp_path / "kg"))
    assert len(digests) == 1
    assert ["scip,", "calls.settled", "1"] in [line.split() for line in done.stdout.splitlines()]
    assert read_json(tmp_path / "kg" / "manifest.json")["scip"]["documents"] == 1
    (tmp_path / "index.scip").write_bytes(b"\x00")
    done = graphmer(*flags, cwd=tmp_path, expect=1)
    assert done.stderr.splitlines()[-1].startswith("graphmer kg: index.scip: not a whole SCIP index")
