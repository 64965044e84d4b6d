"""A folder of everything that a real disk can hold, and sources that no author wrote: a graph, or a counted skip."""

import multiprocessing
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from imports import ROOT

from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.folder import read_files
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.java import parse_java
from graphmer.corpus.parse.python.parser import parse_python
from graphmer.corpus.parse.records import FileKey, ParsedFile
from graphmer.kg.config import GraphParams
from graphmer.kg.containment import file_symbol, modules_of
from graphmer.kg.facts import PackageFacts, Resolved, SourceFile
from graphmer.kg.folder_graph import FolderParams, FolderSource, graph_folder
from graphmer.kg.resolve.java import resolve_java
from graphmer.kg.resolve.python.resolver import resolve_python
from graphmer.kg.validate_config import ValidateParams
from graphmer.params import load_section, load_tree

TREE = load_tree(ROOT / "params.yaml")
PARAMS = FolderParams(
    load_section(TREE, "fetch", FetchParams),
    load_section(TREE, "parse", ParseParams),
    load_section(TREE, "kg", GraphParams),
    load_section(TREE, "validate", ValidateParams),
)
GOOD = b"def first():\n    return second()\n\n\ndef second():\n    return 1\n"
# What each file becomes: the reason that counts it, or the qualified names that the graph must hold.
UNFIT: dict[str, tuple[bytes, str]] = {
    "binary.py": (bytes(range(256)) * 4, "nul_bytes"),
    "utf16.py": ("x = 1\n".encode("utf-16"), "utf16"),
    "latin.py": ("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"), "not_utf8"),
    "nul.py": (b"x = 1\0\n", "nul_bytes"),
    "blank.py": (b"\n \n", "empty"),
    "long_line.py": (b"x = [" + b"1," * 200_000 + b"]\n", "long_line"),
    "brackets.py": (b"x = " + b"(\n" * 10_000 + b"1" + b"\n)" * 10_000 + b"\n", "too_deep"),
    "Brackets.java": (b"class Brackets { int x = " + b"(\n" * 10_000 + b"1" + b"\n)" * 10_000 + b"; }\n", "too_deep"),
}
KEPT: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "half.py": (b"def whole():\n    return 1\n\n\ndef cut(a, b:\n", ("half.whole",)),
    "Half.java": (b"class Half { int whole() { return 1; } int cut() { return (1 + ", ("whole",)),
    "ring_a.py": (b"from ring_b import B\n\n\nclass A(B):\n    pass\n", ("ring_a.A",)),
    "ring_b.py": (b"from ring_a import A\n\n\nclass B(A):\n    def go(self):\n        self.gone()\n", ("ring_b.B",)),
    "ring_c.py": (b"class C(C):\n    pass\n", ("ring_c.C",)),
    "RingA.java": (b"class RingA extends RingB { void go() { gone(); } }\n", ("RingA.go",)),
    "RingB.java": (b"class RingB extends RingA { RingB self() { return self().self(); } }\n", ("RingB.self",)),
    "FaceA.java": (b"interface FaceA extends FaceB {}\ninterface FaceB extends FaceA {}\n", ("FaceA",)),
    "imports_a.py": (b"import imports_b\nfrom imports_b import *\n\nx = imports_b.y\n", ("imports_a",)),
    "imports_b.py": (b"from imports_a import *\nimport imports_a\n\ny = imports_a.x\n", ("imports_b",)),
    "builtins.py": (b"def print(*a):\n    return len(a)\n\n\ndef len(a):\n    return print(a)\n", ("builtins.print",)),
    "str.py": (b"import str\n\n\ndef f():\n    return str.f()\n", ("str.f",)),
    "many.py": (b"".join(b"class C%d(C%d):\n    pass\n" % (i - 1, i) for i in range(10_000, 1, -1)), ("many.C1",)),
    "odd 'name' \"quoted\".py": (b"def odd():\n    pass\n", ()),
    "quine.py": (b"def f(f=lambda f: f(f)):\n    return f(f)(f(f))\n\n\nf = f(f)\nf(f)\n", ("quine.f",)),
}


def build(folder: Path, out: Path) -> tuple[dict[str, Any], "pd.DataFrame"]:
    """Manifest and triples of a folder, by qualified names."""
    manifest = graph_folder(FolderSource(folder, "hostile", "MIT"), out, "parquet", PARAMS).manifest
    triples = pd.read_parquet(out / "triples.parquet")
    names = pd.read_parquet(out / "entities.parquet").set_index("entity")["qualified_name"]
    triples["head"], triples["tail"] = triples["head"].map(names), triples["tail"].map(names)
    return manifest, triples


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_WORKERS", "1")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, (content, _) in {**UNFIT, **KEPT}.items():
        (folder / name).write_bytes(content)
    (folder / "good.py").write_bytes(GOOD)
    with (folder / "huge.py").open("wb") as stream:  # 50 MB, without taking the disk for it
        stream.truncate(50_000_000)
    (folder / "new\nline.py").write_bytes(GOOD)
    os.mkfifo(folder / "fifo.py")
    (folder / "loop").symlink_to(".")
    (folder / "self.py").symlink_to("self.py")
    (folder / "dangling.py").symlink_to("nowhere.py")
    (folder / "folder.py").mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def graph(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], "pd.DataFrame", set[str]]:
    out = tmp_path_factory.mktemp("out") / "kg"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAPHMER_WORKERS", "1")
        manifest, triples = build(hostile, out)
    return manifest, triples, set(pd.read_parquet(out / "entities.parquet")["qualified_name"])


def test_every_unfit_file_of_a_hostile_folder_is_counted_by_its_reason(graph: Any) -> None:
    manifest, _, _ = graph
    assert manifest["skipped"] == dict(sorted(Counter(reason for _, reason in UNFIT.values()).items()))
    assert manifest["left_out"] == {"link": 3, "odd_name": 1, "special": 1, "too_large": 1}
    assert manifest["files"]["python"]["skipped"] + manifest["files"]["java"]["skipped"] == len(UNFIT)


def test_what_is_sound_in_a_hostile_folder_is_in_its_graph(graph: Any) -> None:
    _, triples, names = graph
    for file, (_, kept) in KEPT.items():
        assert set(kept) <= names, file
    assert (triples[["head", "relation", "tail"]] == ["good.first", "calls", "good.second"]).all(axis=1).any()


def test_a_ring_of_classes_keeps_the_classes_and_loses_the_edges_that_close_it(graph: Any) -> None:
    _, triples, _ = graph
    ring = triples[triples["relation"] == "inherits_from"]
    edges = set(zip(ring["head"], ring["tail"], strict=True))
    for one, other in (("ring_a.A", "ring_b.B"), ("RingA", "RingB"), ("FaceA", "FaceB"), ("ring_c.C", "ring_c.C")):
        assert not {(one, other), (other, one)} <= edges
    assert ("many.C1", "many.C2") in edges


def test_a_file_that_vanishes_while_the_folder_is_read_is_counted(tmp_path: Path) -> None:
    (tmp_path / "stays.py").write_bytes(GOOD)
    skipped: Counter[str] = Counter()
    read = dict(read_files(tmp_path, ["gone.py", "stays.py"], skipped))
    assert (read, skipped) == ({"stays.py": GOOD}, Counter(vanished=1))


def _as_nobody(folder: Path, queue: "multiprocessing.Queue[Any]") -> None:
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    tempfile.tempdir = str(folder / "tmp")
    queue.put(build(folder / "code", folder / "tmp" / "kg")[0])


def test_what_may_not_be_read_is_counted_and_the_rest_is_a_graph() -> None:
    folder = Path(tempfile.mkdtemp(prefix="graphmer-test-"))  # not tmp_path: nobody else may enter that
    try:
        for part in ("code", "code/closed", "tmp"):
            (folder / part).mkdir()
        for name in ("code/open.py", "code/closed.py", "code/closed/inside.py"):
            (folder / name).write_bytes(GOOD)
        folder.chmod(0o755)
        (folder / "tmp").chmod(0o777)
        (folder / "code/closed.py").chmod(0)
        (folder / "code/closed").chmod(0)
        queue: multiprocessing.Queue[Any] = multiprocessing.get_context("fork").Queue()
        process = multiprocessing.get_context("fork").Process(target=_as_nobody, args=(folder, queue))
        process.start()
        manifest = queue.get(timeout=60)
        process.join()
        assert manifest["left_out"] == {"unreadable": 2}
        assert manifest["files"] == {"python": {"ok": 1}}
    finally:
        (folder / "code/closed").chmod(0o755)
        shutil.rmtree(folder)


# Sources that no author wrote

PYTHON_SEEDS = sorted((ROOT / "tests/fixtures/python").rglob("*.py"))
JAVA_SEEDS = sorted((ROOT / "tests/fixtures/java").rglob("*.java"))
PYTHON_WORDS = [
    *("def f(self, *a, **k):\n ", "class A(B, A):\n ", "lambda f: f(f)", "return ", "yield ", "@f\n", "f = ", "self.f"),
    *("from . import f\n", "super().", "(", ")", "[", "]", ":", "\n", "    ", "*", "…", "𝔘", "'"),
]
JAVA_WORDS = [
    *("class A<T extends A<T>> extends A ", "interface I extends I ", "{", "}", "(", ")", "void f() ", "f(", ";"),
    *("new A() {", "this.", "super.", "A.f()", "x -> f(x)", "A::f", "import static a.A.*;", "<", ">", "@A ", "é"),
]


def mutated(seeds: list[Path], words: list[str]) -> st.SearchStrategy[bytes]:
    """A real source with pieces cut out, doubled, moved and put in; or nothing but pieces."""
    edit = st.tuples(st.integers(0, 10**6), st.integers(0, 80), st.sampled_from([*words, ""]))

    def apply(source: bytes, edits: list[tuple[int, int, str]]) -> bytes:
        for place, length, word in edits:
            at = place % (len(source) + 1)
            source = source[:at] + word.encode() + source[at + length :]
        return source

    whole = st.builds(apply, st.sampled_from(seeds).map(Path.read_bytes), st.lists(edit, max_size=8))
    pieces = st.lists(st.sampled_from(words), max_size=60).map(lambda parts: "".join(parts).encode())
    return st.one_of(whole, pieces, st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))


def spans_hold(source: bytes, parsed: ParsedFile) -> None:
    """Every span lies in the file, and a definition's name span reads back as its name."""
    for symbol in parsed.symbols:
        assert 0 <= symbol.byte_start <= symbol.name_byte_start <= symbol.name_byte_end <= symbol.byte_end
        assert symbol.byte_end <= len(source)
    for reference in parsed.references:
        assert 0 <= reference.byte_start <= reference.byte_end <= len(source)


def facts_hold(facts: PackageFacts, resolved: Resolved) -> None:
    """No fact names an entity that does not exist, candidates of one call share confidence 1/k."""
    known = {symbol.symbol for file in facts.files for symbol in file.symbols} | set(resolved.externals)
    known |= {file_symbol(facts.language, facts.package, file.file) for file in facts.files}
    known |= {module.symbol for module in modules_of(facts)}
    ambiguous: Counter[tuple[object, ...]] = Counter()
    for fact in resolved.facts:
        assert 0.0 < fact.confidence <= 1.0
        assert {fact.head, fact.tail} <= known
        if fact.resolution == "ambiguous":
            ambiguous[fact.head, fact.relation, fact.file, fact.byte_start, fact.byte_end, fact.confidence] += 1
    references = [(file.file, reference) for file in facts.files for reference in file.references]
    # `f(x)(y)` is two calls, both named by the same bytes.
    calls = Counter((file, one.byte_start, one.byte_end) for file, one in references if one.kind == "call")
    for (_, _, *place, confidence), count in ambiguous.items():
        assert count <= round(1 / float(str(confidence))) * max(calls[tuple(place)], 1)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(mutated(PYTHON_SEEDS, PYTHON_WORDS), min_size=1, max_size=3))
@example([b"\xef\xbb\xbfclass A(A): pass"])
def test_any_python_source_ends_in_facts_that_hold(sources: list[bytes]) -> None:
    files = []
    for index, source in enumerate(sources):
        name = f"pkg/m{index}.py" if index else "pkg/__init__.py"
        one = parse_python(source, FileKey("fuzz", "python", name))
        if one.status != "skipped":
            spans_hold(source, one)
            files.append(SourceFile(name, one.module, False, one.symbols, one.references))
    facts = PackageFacts("fuzz", "python", files)
    facts_hold(facts, resolve_python(facts, PARAMS.kg))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(mutated(JAVA_SEEDS, JAVA_WORDS), min_size=1, max_size=3))
@example([b"class A { int f(boolean b) { return (b ? new X() : new Y()).name(); } }"])
def test_any_java_source_ends_in_facts_that_hold(sources: list[bytes]) -> None:
    files = []
    for index, source in enumerate(sources):
        one = parse_java(source, FileKey("fuzz", "java", f"M{index}.java"))
        if one.status != "skipped":
            spans_hold(source, one)
            files.append(SourceFile(f"M{index}.java", one.module, False, one.symbols, one.references))
    facts = PackageFacts("fuzz", "java", files)
    facts_hold(facts, resolve_java(facts, PARAMS.kg))
