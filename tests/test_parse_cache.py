"""A second run parses what has changed, writes what a first run would have written, and trusts no damaged cache."""

import dataclasses
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from imports import ROOT

from graphmer.artifacts import read_json, sha256_tree
from graphmer.corpus import parse
from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.parse.config import ParseParams
from graphmer.errors import CorpusError
from graphmer.kg.config import GraphParams
from graphmer.kg.folder_graph import CACHE, FolderParams, FolderSource, graph_folder
from graphmer.kg.parse_cache import CACHE_FILES, ParseCounts, parser_sources
from graphmer.kg.validate_config import ValidateParams
from graphmer.params import load_section, load_tree

FIXTURES = ROOT / "tests/fixtures/corpus"
TREE = load_tree(ROOT / "params.yaml")
PARAMS = FolderParams(
    load_section(TREE, "fetch", FetchParams),
    load_section(TREE, "parse", ParseParams),
    load_section(TREE, "kg", GraphParams),
    load_section(TREE, "validate", ValidateParams),
)
MODULES = "abcdefgh"


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_WORKERS", "1")


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Python, Java, documents and a manifest in one folder; ledger declares the licence."""
    shutil.copytree(FIXTURES / "ledger", tmp_path / "code")
    shutil.copytree(FIXTURES / "shapes", tmp_path / "code" / "shapes")
    (tmp_path / "code" / "broken.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "code" / "tests" / "__init__.py").touch()
    (tmp_path / "code" / "tests" / "blank.py").touch()
    return tmp_path / "code"


def num_files(code: Path) -> int:
    return sum(path.suffix in (".py", ".java", ".md", ".toml") for path in code.rglob("*"))


def run(code: Path, out: Path, cache: Path | None = None, **changes: object) -> ParseCounts:
    parse_params = dataclasses.replace(PARAMS.parse, **changes)  # type: ignore[arg-type]
    source = FolderSource(code, name="own")
    return graph_folder(source, out, "parquet", dataclasses.replace(PARAMS, parse=parse_params), cache).files


def edit(code: Path) -> int:
    (code / "ledger" / "cli.py").write_text("from ledger.journal import Journal\n\n\ndef main():\n    Journal()\n")
    return 1


def add(code: Path) -> int:
    (code / "ledger" / "a_first.py").write_text("from .cli import main\n\nmain()\n")
    return 1


def delete(code: Path) -> int:
    (code / "ledger" / "errors.py").unlink()
    return 0


def rename(code: Path) -> int:
    (code / "ledger" / "cli.py").rename(code / "ledger" / "shell.py")
    return 1


def swap(code: Path) -> int:
    first, second = code / "ledger" / "cli.py", code / "ledger" / "errors.py"
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    return 2


def mend(code: Path) -> int:
    (code / "broken.py").write_text("x = 1\n")
    return 1


def touch(code: Path) -> int:
    path = code / "ledger" / "cli.py"
    path.write_bytes(path.read_bytes())
    return 0


@pytest.mark.parametrize("change", [edit, add, delete, rename, swap, mend, touch])
def test_only_what_has_changed_is_parsed_and_the_graph_is_that_of_a_first_run(
    change: Callable[[Path], int], code: Path, tmp_path: Path
) -> None:
    assert run(code, tmp_path / "kg") == ParseCounts(num_files(code), 0, 0)
    num_changed = change(code)
    assert run(code, tmp_path / "kg") == ParseCounts(num_changed, num_files(code) - num_changed, 0)
    run(code, tmp_path / "first")
    assert sha256_tree(tmp_path / "kg") == sha256_tree(tmp_path / "first")  # the cache in it too


@pytest.mark.parametrize("name", sorted(CACHE_FILES - {".gitignore"}))
@pytest.mark.parametrize("harm", ["bit", "half", "gone"])
def test_a_damaged_cache_is_counted_and_never_trusted(name: str, harm: str, code: Path, tmp_path: Path) -> None:
    run(code, tmp_path / "kg")
    before = sha256_tree(tmp_path / "kg")
    path = tmp_path / "kg" / CACHE / name
    data = bytearray(path.read_bytes())
    if harm == "bit":
        data[-3 if name.endswith(".json") else len(data) // 2] ^= 1
    path.write_bytes(data if harm == "bit" else data[: len(data) // 2])
    if harm == "gone":
        path.unlink()
    assert run(code, tmp_path / "kg") == ParseCounts(num_files(code), 0, num_files(code))
    assert sha256_tree(tmp_path / "kg") == before
    assert run(code, tmp_path / "kg").cached == num_files(code)


def test_git_passes_over_the_cache(code: Path, tmp_path: Path) -> None:
    run(code, tmp_path / "kg")
    subprocess.run(["git", "init", "-q", str(tmp_path / "kg")], check=True)
    git = ["git", "-C", str(tmp_path / "kg"), "status", "--porcelain", "--untracked-files=all"]
    said = subprocess.run(git, check=True, capture_output=True, text=True).stdout
    assert set(said.split()) - {"??"} == {"entities.parquet", "triples.parquet", "manifest.json", "validation.json"}


def test_other_parameters_parse_all_again(code: Path, tmp_path: Path) -> None:
    run(code, tmp_path / "kg")
    assert run(code, tmp_path / "kg", max_line_bytes=60_000) == ParseCounts(num_files(code), 0, 0)


def test_another_parser_parses_all_again(code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(code, tmp_path / "kg")
    changed = tmp_path / "parsers"
    shutil.copytree(next(iter(parse.__path__)), changed)
    with (changed / "python.scm").open("a", encoding="utf-8") as query:
        query.write("; one more pattern\n")
    monkeypatch.setattr(parse, "__path__", [str(changed)])
    assert run(code, tmp_path / "kg") == ParseCounts(num_files(code), 0, 0)


def test_a_cache_elsewhere_serves_another_out_and_leaves_only_the_graph_there(code: Path, tmp_path: Path) -> None:
    run(code, tmp_path / "one", tmp_path / "cache")
    assert run(code, tmp_path / "two", tmp_path / "cache").cached == num_files(code)
    assert sha256_tree(tmp_path / "one") == sha256_tree(tmp_path / "two")
    graph = {"entities.parquet", "triples.parquet", "manifest.json", "validation.json"}
    assert {path.name for path in (tmp_path / "two").iterdir()} == graph


def test_a_folder_that_is_no_cache_is_never_replaced(code: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"holds 'README.md', which is no cache; give an empty or a new folder"):
        run(code, tmp_path / "kg", code)
    assert not (tmp_path / "kg").exists()


def test_an_output_inside_the_code_changes_nothing_of_a_second_run(code: Path) -> None:
    run(code, code / "docs" / "kg")
    before = sha256_tree(code / "docs" / "kg")
    assert run(code, code / "docs" / "kg").parsed == 0
    assert sha256_tree(code / "docs" / "kg") == before


def test_one_repository_alone_is_dealt_out_by_module_from_a_cache_too(tmp_path: Path) -> None:
    for name in MODULES:
        (tmp_path / "app" / name).mkdir(parents=True)
        others = [other for other in MODULES if other != name]
        lines = [f"from app.{other}.run import run_{other}" for other in others]
        lines += ["", "", f"def run_{name}():", "    return " + " + ".join(f"run_{other}()" for other in others)]
        (tmp_path / "app" / name / "run.py").write_text("\n".join(lines) + "\n")
    source = FolderSource(tmp_path / "app", licence="LicenseRef-Proprietary", split="by_module")
    for kind in ("parsed", "cached"):
        counts = graph_folder(source, tmp_path / "kg", "parquet", PARAMS).files
        assert getattr(counts, kind) == len(MODULES)
        triples = pd.read_parquet(tmp_path / "kg" / "triples.parquet")
        assert set(triples["split"]) == {"train", "val", "test"}
        assert set(triples["license"]) == {"LicenseRef-Proprietary"}
        assert read_json(tmp_path / "kg" / "validation.json")["leakage"] == 1.0


def test_a_parser_in_a_package_of_its_own_is_part_of_the_key_too() -> None:
    folder = ROOT / "src/graphmer/corpus/parse"
    named = set(parser_sources(folder))
    assert {"java.py", "java.scm", "python/python.scm", "python/parser.py"} <= named
    assert {path.relative_to(folder).as_posix() for path in folder.glob("*/*.py")} <= named
