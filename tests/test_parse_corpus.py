"""The parse stage over whole packages: which files are read or skipped and why, manifests, documents, splits."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from graphmer.artifacts import read_table, sha256_tree
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.corpus import parse_corpus
from graphmer.corpus.parse.documents import parse_document
from graphmer.corpus.parse.languages import is_test, language_of
from graphmer.corpus.parse.manifests import parse_manifest
from graphmer.corpus.parse.modules import split_modules
from graphmer.corpus.parse.records import FileKey, Reference
from graphmer.corpus.parse.schema import files_schema, references_schema, symbols_schema
from graphmer.errors import CorpusError, ParamsError

PARAMS = ParseParams(
    max_file_bytes=20_000,
    max_line_bytes=5_000,
    by_module_val_share=0.1,
    by_module_test_share=0.2,
    by_module_seed=0,
)


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_WORKERS", "1")


def write_raw(raw: Path, packages: Mapping[str, Mapping[str, bytes | str]], split: str = "train") -> Path:
    """What fetch leaves: a folder a package and the manifest."""
    sources = []
    for name, contents in packages.items():
        for file, data in contents.items():
            path = raw / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data.encode() if isinstance(data, str) else data)
        sources.append(
            {"name": name, "version": "1.0", "license": "MIT", "split": split, "languages": ["java", "python"]}
        )
    (raw / "manifest.json").write_text(json.dumps({"corpus": "t", "sources": sources}))
    return raw


def outcomes(parsed: Path) -> dict[str, tuple[str, str]]:
    files = read_table(parsed / "files.parquet", files_schema())
    return {row.file: (row.status, row.reason) for row in files.itertuples()}


HOSTILE = {
    "good.py": "def f():\n    return 1\n",
    "latin.py": "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1"),
    "nul.py": b"x = 1\0\n",
    "utf16.py": "x = 1\n".encode("utf-16"),
    "utf16_bare.py": "x = 1\n".encode("utf-16-le"),
    "large.py": b"x = 1\n" * 5_000,
    "minified.py": b"x = [" + b"1," * 4_000 + b"]\n",
    "blank.py": b" \n\n",
    "binary.py": bytes(range(256)),
    "odd 'name'\"\n.py": "x = 1\n",
}


def test_each_bad_file_is_a_row_with_its_reason_and_the_rest_is_parsed(tmp_path: Path):
    raw = write_raw(tmp_path / "raw", {"p": {**HOSTILE, "pkg/__init__.py": b""}})
    os.mkfifo(raw / "p" / "fifo.py")
    (raw / "p" / "link.py").symlink_to("good.py")
    (raw / "p" / "loop").symlink_to(".")
    (raw / "p" / "dangling.py").symlink_to("/nowhere")
    parse_corpus(raw, tmp_path / "parsed", PARAMS)
    assert outcomes(tmp_path / "parsed") == {
        "good.py": ("ok", ""),
        "pkg/__init__.py": ("ok", ""),
        "odd 'name'\"\n.py": ("ok", ""),
        "latin.py": ("skipped", "not_utf8"),
        "nul.py": ("skipped", "nul_bytes"),
        "utf16.py": ("skipped", "utf16"),
        "utf16_bare.py": ("skipped", "nul_bytes"),
        "large.py": ("skipped", "too_large"),
        "minified.py": ("skipped", "long_line"),
        "blank.py": ("skipped", "empty"),
        "binary.py": ("skipped", "nul_bytes"),
        "fifo.py": ("skipped", "not_a_regular_file"),
        "link.py": ("skipped", "link"),
        "dangling.py": ("skipped", "link"),
    }


def test_a_file_name_that_is_not_utf8_is_kept_as_an_escape(tmp_path: Path):
    raw = write_raw(tmp_path / "raw", {"p": {"good.py": "x = 1\n"}})
    try:
        Path(os.fsdecode(os.fsencode(raw / "p") + b"/b\xffd.py")).write_text("y = 1\n")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    parse_corpus(raw, tmp_path / "parsed", PARAMS)
    assert outcomes(tmp_path / "parsed")["b\\xffd.py"] == ("ok", "")


@pytest.mark.parametrize("opening", ["(", "[", "{", "f(", "-", "not ", "if x:\n"])
def test_ten_thousand_levels_end_in_a_row_and_not_in_a_crash(tmp_path: Path, opening: str):
    contents = {
        "good.py": "x = 1\n",
        "deep.py": "x = " + opening * 10_000 + "1\n",
        "Deep.java": "class A { int x = " + "(" * 10_000 + "1; }\n",
        "Deep2.java": "class A {" * 10_000,
    }
    raw = write_raw(tmp_path / "raw", {"p": contents})
    parse_corpus(raw, tmp_path / "parsed", replace(PARAMS, max_line_bytes=200_000, max_file_bytes=200_000))
    found = outcomes(tmp_path / "parsed")
    assert found["good.py"] == ("ok", "")
    assert {"deep.py", "Deep.java", "Deep2.java"} < set(found)


def test_text_holds_the_byte_offsets_of_symbols_and_references(tmp_path: Path):
    source = "'''Prüfung — 検査'''\r\nimport os\r\n\r\n\r\ndef größe(path):\r\n    return os.stat(path)\r\n"
    raw = write_raw(tmp_path / "raw", {"p": {"m.py": source}})
    parse_corpus(raw, tmp_path / "parsed", PARAMS)
    (text,) = read_table(tmp_path / "parsed" / "files.parquet", files_schema())["text"]
    assert text == source
    symbols = read_table(tmp_path / "parsed" / "symbols.parquet", symbols_schema())
    row = symbols[symbols["name"] == "größe"].iloc[0]
    assert text.encode()[row.name_byte_start : row.name_byte_end].decode() == "größe"
    references = read_table(tmp_path / "parsed" / "references.parquet", references_schema())
    call = references[references["kind"] == "call"].iloc[0]
    assert text.encode()[call.byte_start : call.byte_end] == b"stat"


def test_lines_are_those_of_the_first_and_the_last_byte(tmp_path: Path):
    contents = {
        "a.py": "é = 1\n\nclass A:\n    x = (\n        2)\n    def f(self):\n        pass",
        "crlf.py": "def g():\r\n    return 1\r\n\r\ndef h(): pass\r\n",
        "empty/__init__.py": "",
        "last.py": "\n\n\ny = 3\n",
    }
    raw = write_raw(tmp_path / "raw", {"p": contents, "q": contents})
    parse_corpus(raw, tmp_path / "parsed", PARAMS)
    symbols = read_table(tmp_path / "parsed" / "symbols.parquet", symbols_schema())
    assert len(symbols) == 2 * 12
    for row in symbols.itertuples():
        source = contents[row.file].encode()
        assert row.line_start == source.count(b"\n", 0, row.byte_start) + 1
        assert row.line_end == source.count(b"\n", 0, max(row.byte_end - 1, row.byte_start)) + 1


def test_a_docstring_that_no_encoding_can_write_is_kept_with_its_escape(tmp_path: Path):
    raw = write_raw(tmp_path / "raw", {"p": {"m.py": 'def f():\n    "half \\ud800 a pair"\n    return 1\n'}})
    parse_corpus(raw, tmp_path / "parsed", PARAMS)
    symbols = read_table(tmp_path / "parsed" / "symbols.parquet", symbols_schema())
    assert symbols.loc[symbols["name"] == "f", "docstring"].tolist() == ["half \\ud800 a pair"]


def test_one_and_two_processes_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    packages = {
        f"p{index}": {"m.py": f"def f{index}(x):\n    return g(x)\n", "A.java": "class A { int f() { return 1; } }\n"}
        for index in range(3)
    }
    raw = write_raw(tmp_path / "raw", packages)
    for workers in ("1", "2"):
        monkeypatch.setenv("GRAPHMER_WORKERS", workers)
        parse_corpus(raw, tmp_path / workers, PARAMS)
    assert sha256_tree(tmp_path / "1") == sha256_tree(tmp_path / "2")


def test_a_corpus_without_code_is_refused_and_nothing_is_written(tmp_path: Path):
    raw = write_raw(tmp_path / "raw", {"p": {"README.md": "# p\n", "bad.py": b"\0"}})
    with pytest.raises(CorpusError, match="no code file could be parsed"):
        parse_corpus(raw, tmp_path / "parsed", PARAMS)
    assert not (tmp_path / "parsed").exists()


def test_a_worker_count_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRAPHMER_WORKERS", "two")
    with pytest.raises(ParamsError, match="GRAPHMER_WORKERS: expected a whole number"):
        parse_corpus(write_raw(tmp_path / "raw", {"p": {"m.py": "x = 1\n"}}), tmp_path / "parsed", PARAMS)


def test_an_unknown_language_is_refused_by_name(tmp_path: Path):
    raw = write_raw(tmp_path / "raw", {"p": {"m.py": "x = 1\n"}})
    text = (raw / "manifest.json").read_text().replace('"java"', '"cobol"')
    (raw / "manifest.json").write_text(text)
    with pytest.raises(CorpusError, match="p: no parser for language 'cobol'"):
        parse_corpus(raw, tmp_path / "parsed", PARAMS)


@pytest.mark.parametrize(
    ("file", "language", "expected"),
    [
        ("tests/helpers.py", "python", True),
        ("trio/_core/_tests/test_run.py", "python", True),
        ("src/a/run_test.py", "python", True),
        ("conftest.py", "python", True),
        ("src/flask/testing.py", "python", False),
        ("src/contest.py", "python", False),
        ("src/test/java/org/A.java", "java", True),
        ("src/main/java/org/ParserTest.java", "java", True),
        ("src/main/java/org/Latest.java", "java", False),
        ("tests/README.md", "document", False),
    ],
)
def test_the_path_says_what_is_a_test(file: str, language: str, expected: bool):
    assert is_test(file, language) is expected


def test_the_name_says_what_reads_a_file():
    both = frozenset({"java", "python"})
    assert [
        language_of(file, both)
        for file in ("a.py", "A.java", "a.md", "setup.py", "sub/setup.py", "sub/pom.xml", "LICENSE")
    ] == [
        *("python", "java", "document", "manifest", "python", "manifest", None),
    ]
    assert language_of("A.java", frozenset({"python"})) is None


def manifest(file: str, text: str) -> list[Reference]:
    parsed = parse_manifest(text.encode(), FileKey("p", "manifest", file))
    assert parsed.status == "ok"
    source = text.encode()
    for row in parsed.references:
        shown = source[row.byte_start : row.byte_end].decode()
        assert shown
    return parsed.references


def declared(rows: list[Reference], kind: str) -> list[tuple[str, str]]:
    return sorted((row.name, row.value) for row in rows if row.kind == kind)


def test_pkg_info_gives_its_requirements_without_those_of_extras():
    text = (
        "Metadata-Version: 2.4\nName: p\nRequires-Dist: Attrs>=20.1.0\n"
        "Requires-Dist: typing_extensions; python_version < '3.9'\n"
        "Requires-Dist: pytest; extra == 'test'\nRequires-Dist: old (>=1.0)\n\nRequires-Dist: in-the-description\n"
    )
    rows = manifest("PKG-INFO", text)
    assert [name for name, _ in declared(rows, "dependency")] == ["attrs", "old", "typing-extensions"]
    attrs = next(row for row in rows if row.name == "attrs")
    assert text[attrs.byte_start : attrs.byte_end] == "Attrs>=20.1.0"
    assert declared(rows, "build_target") == [("sdist", ""), ("wheel", "")]


def test_pyproject_gives_dependencies_and_scripts():
    text = (
        '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "p"\n'
        'dependencies = ["idna", "sniffio >= 1.3.0; os_name != \'nt\'"]\n'
        '[project.scripts]\np-run = "p:main"\n[project.optional-dependencies]\nx = ["never"]\n'
    )
    rows = manifest("pyproject.toml", text)
    assert [name for name, _ in declared(rows, "dependency")] == ["idna", "sniffio"]
    assert declared(rows, "build_target") == [("console_script", "p-run"), ("sdist", ""), ("wheel", "")]


def test_a_pyproject_that_only_sets_tools_builds_nothing():
    assert manifest("pyproject.toml", "[tool.ruff]\nline-length = 100\n") == []


def test_poetry_and_setup_cfg_are_read():
    poetry = '[tool.poetry]\nname = "p"\n[tool.poetry.dependencies]\npython = "^3.9"\nRequests = "^2"\n'
    assert [name for name, _ in declared(manifest("pyproject.toml", poetry), "dependency")] == ["requests"]
    cfg = (
        "[metadata]\nname = p\n[options]\ninstall_requires =\n    # why\n    lxml>=4\n    six\n"
        "[options.entry_points]\nconsole_scripts =\n    go = p:go\n"
    )
    rows = manifest("setup.cfg", cfg)
    assert [name for name, _ in declared(rows, "dependency")] == ["lxml", "six"]
    assert ("console_script", "go") in declared(rows, "build_target")


def test_setup_py_is_read_and_never_run(tmp_path: Path):
    touched = tmp_path / "ran"
    text = (
        f"import setuptools\nopen({str(touched)!r}, 'w')\nneeds = ['MarkupSafe>=0.9.2']\n"
        "setuptools.setup(install_requires=needs, entry_points={'console_scripts': ['mako-render = mako.cmd:run']})\n"
    )
    rows = manifest("setup.py", text)
    assert declared(rows, "dependency") == [("markupsafe", "MarkupSafe>=0.9.2")]
    assert ("console_script", "mako-render") in declared(rows, "build_target")
    assert not touched.exists()
    assert (
        declared(manifest("setup.py", "from setuptools import setup\nsetup(install_requires=read())\n"), "dependency")
        == []
    )


POM = """<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <groupId>org.p</groupId><artifactId>p-core</artifactId>
  <dependencyManagement><dependencies><dependency><groupId>m</groupId><artifactId>managed</artifactId></dependency></dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId><version>2.0</version></dependency>
    <dependency><groupId>junit</groupId><artifactId>junit</artifactId><scope>test</scope></dependency>
    <dependency><groupId>org.p</groupId><artifactId>p-base</artifactId></dependency>
  </dependencies>
</project>
"""


def test_pom_gives_dependencies_outside_its_group_and_tests_and_its_jar():
    rows = manifest("pom.xml", POM)
    assert declared(rows, "dependency") == [("org.slf4j:slf4j-api", "org.slf4j:slf4j-api:2.0")]
    assert declared(rows, "build_target") == [("jar", "p-core")]
    (row,) = [row for row in rows if row.kind == "dependency"]
    assert POM[row.byte_start : row.byte_end] == "slf4j-api"


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("pom.xml", '<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]><project>&e;</project>', "xml_doctype"),
        ("pom.xml", "<project><", "syntax_error"),
        ("pyproject.toml", "[project\n", "syntax_error"),
        ("setup.cfg", "no section = 1\n", "syntax_error"),
        ("setup.py", "setup(\n", "syntax_error"),
        ("setup.py", "x = " + "(" * 9_000, "syntax_error"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_skipped_with_its_reason(file: str, text: str, reason: str):
    parsed = parse_manifest(text.encode(), FileKey("p", "manifest", file))
    assert (parsed.status, parsed.reason, parsed.references) == ("skipped", reason, [])


def test_documents_mention_code_names_with_their_spans():
    text = (
        "# Größe\nUse `Nursery.start` or ``trio.run()``, see :func:`~trio.open_nursery` and\n"
        ":class:`the nursery <trio.Nursery>`, not `a sentence`, `--flag`, ```block``` or `x = 1`.\n"
        "Also `run(f, *args)`.\n"
    )
    parsed = parse_document(text.encode(), FileKey("p", "document", "README.md"))
    lines = (text.encode().count(b"\n", 0, row.byte_start) + 1 for row in parsed.references)
    found = [(row.kind, row.name, row.value, line) for row, line in zip(parsed.references, lines, strict=True)]
    assert found == [
        ("mention", "start", "Nursery.start", 2),
        ("mention", "run", "trio.run", 2),
        ("mention", "open_nursery", "trio.open_nursery", 2),
        ("mention", "Nursery", "trio.Nursery", 3),
        ("mention", "run", "run", 4),
    ]
    assert all(text.encode()[row.byte_start : row.byte_end].decode() == row.name for row in parsed.references)
    assert {row.scope for row in parsed.references} == {"document:p:README.md"}


def test_modules_of_one_repository_go_to_three_splits_whole():
    names = [f"app.part{index}{tail}" for index in range(10) for tail in ("", ".views", ".models")]
    split = split_modules("p", [*names, "app"], PARAMS)
    assert {name: split[name] for name in names} == {name: split[".".join(name.split(".")[:2])] for name in names}
    counts = {part: sum(split[f"app.part{index}"] == part for index in range(10)) for part in ("train", "val", "test")}
    assert counts["train"] > counts["test"] >= 2
    assert min(counts.values()) >= 1
    assert split_modules("p", [*reversed(names), "app"], PARAMS) == split


@pytest.mark.parametrize("seed", range(5))
def test_a_package_beside_small_folders_does_not_fill_one_split_alone(seed: int):
    names = ["docs.conf", "tests.run", "pkg", *(f"pkg.{part}.m{index}" for part in "abcdefghij" for index in range(10))]
    split = split_modules("p", names, replace(PARAMS, by_module_seed=seed))
    shares = {part: sum(split[name] == part for name in names) / len(names) for part in ("train", "val", "test")}
    assert 0.2 <= shares["test"] <= 0.4
    assert 0.1 <= shares["val"] <= 0.3
    assert shares["train"] >= 0.3


def test_a_repository_of_two_modules_cannot_be_split():
    with pytest.raises(CorpusError, match=r"p: split: by_module needs at least 3 modules.*found 2"):
        split_modules("p", ["a", "b"], PARAMS)


def test_by_module_files_carry_their_modules_split_and_documents_train(tmp_path: Path):
    contents = {f"app/{part}/{name}.py": f"x_{part} = 1\n" for part in "abcdef" for name in ("one", "two")}
    raw = write_raw(tmp_path / "raw", {"p": {**contents, "README.md": "# p\n"}}, split="by_module")
    parse_corpus(raw, tmp_path / "parsed", PARAMS)
    files = read_table(tmp_path / "parsed" / "files.parquet", files_schema())
    code = files[files["kind"] == "code"]
    folder = code["file"].str.rsplit("/", n=1).str[0]
    assert (code.groupby(folder)["split"].nunique() == 1).all()
    assert set(code["split"]) == {"train", "val", "test"}
    assert files.loc[files["kind"] == "document", "split"].tolist() == ["train"]
