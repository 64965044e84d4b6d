"""`graphmer kg`: the graph of a folder, its formats, what it refuses, and that it leaves other people's files alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock
from imports import ROOT
from typer.testing import CliRunner

from graphmer.artifacts import sha256_tree
from graphmer.cli import app
from graphmer.kg import folder_graph

LEDGER = ROOT / "tests/fixtures/corpus/ledger"
JOURNAL = "python:ledger:ledger/journal.py#Journal"


def graphmer(*flags: str, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "graphmer.cli", *flags]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    return done


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("graphs")
    for file_format in ("parquet", "jsonl", "nt"):
        graphmer("kg", str(LEDGER), "--out", file_format, "--format", file_format, cwd=at)
    return at


def triples_of(graphs: Path) -> "pd.DataFrame":
    return pd.read_parquet(graphs / "parquet" / "triples.parquet")


def test_a_folder_outside_any_project_gives_a_validated_graph(graphs: Path) -> None:
    triples = triples_of(graphs)
    facts = set(zip(triples["head"], triples["relation"], triples["tail"], strict=True))
    assert (f"{JOURNAL}.post", "calls", f"{JOURNAL}.find") in facts
    figures = json.loads((graphs / "parquet" / "validation.json").read_text(encoding="utf-8"))
    assert figures["triples"] == len(triples)
    assert figures["domain_range"] == 1.0
    assert set(triples["license"]) == {"Apache-2.0"}


def test_every_format_says_the_same_triples(graphs: Path) -> None:
    from urllib.parse import quote

    triples = triples_of(graphs)
    lines = (graphs / "jsonl" / "triples.jsonl").read_text(encoding="utf-8").splitlines()
    assert pd.DataFrame(map(json.loads, lines))[["head", "relation", "tail"]].equals(
        triples[["head", "relation", "tail"]]
    )
    assert 0.9 in {json.loads(line)["confidence"] for line in lines}  # as it was meant, not as 32 bits keep it
    stated = set((graphs / "nt" / "graph.nt").read_text(encoding="utf-8").splitlines())
    for head, relation, tail in zip(triples["head"], triples["relation"], triples["tail"], strict=True):
        names = [quote(head, safe=""), relation, quote(tail, safe="")]
        kinds = ["entity", "relation", "entity"]
        assert " ".join(f"<urn:graphmer:{kind}:{name}>" for kind, name in zip(kinds, names)) + " ." in stated
    relations = [line for line in stated if "<urn:graphmer:relation:" in line]
    assert len(relations) == len(triples)


def test_the_table_counts_triples_by_relation_and_calls_resolved(graphs: Path, tmp_path: Path) -> None:
    said = graphmer("kg", str(LEDGER), "--out", "kg", cwd=tmp_path).stdout
    counts = triples_of(graphs)["relation"].value_counts()
    shown = {tuple(line.split()) for line in said.splitlines()}
    assert ("triples", f"{len(triples_of(graphs)):,}") in shown
    assert ("calls", f"{counts['calls']:,}") in shown
    assert "calls resolved, python" in said


def test_two_runs_from_two_folders_give_the_same_bytes(graphs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "ledger"
    shutil.copytree(LEDGER, copy)
    graphmer("kg", str(copy), "--out", "kg", cwd=tmp_path)
    assert sha256_tree(tmp_path / "kg") == sha256_tree(graphs / "parquet")


def test_a_second_run_says_what_it_parsed_and_what_it_took_from_the_cache(tmp_path: Path) -> None:
    copy = tmp_path / "ledger"
    shutil.copytree(LEDGER, copy)
    assert graphmer("kg", "ledger", "--out", "kg", cwd=tmp_path).stdout.endswith("\nfiles parsed 8, from cache 0\n")
    (copy / "ledger" / "cli.py").write_text("x = 1\n", encoding="utf-8")
    assert graphmer("kg", "ledger", "--out", "kg", cwd=tmp_path).stdout.endswith("\nfiles parsed 1, from cache 7\n")
    (tmp_path / "kg" / ".graphmer-cache" / "symbols.parquet").write_bytes(b"PAR1")
    said = graphmer("kg", "ledger", "--out", "kg", cwd=tmp_path).stdout
    assert said.endswith("\nfiles parsed 8, from cache 0\nthe cache was damaged: files parsed again 8\n")


def test_a_program_gets_one_object(tmp_path: Path) -> None:
    found = json.loads(graphmer("kg", str(LEDGER), "--out", "kg", "--json", cwd=tmp_path).stdout)
    manifest = json.loads((tmp_path / "kg/manifest.json").read_text(encoding="utf-8"))
    assert (found["manifest"], found["graph"], found["verdict"]) == (manifest, "kg", "")
    assert found["files"]["parsed"] > 0 == found["files"]["cached"]


def test_an_empty_folder_is_told_of_no_key_that_the_command_lacks(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = graphmer("kg", "empty", "--license", "MIT", "--out", "kg", cwd=tmp_path, expect=1).stderr
    assert said.endswith("file is left; give the root of a code base\n")
    assert "include" not in said


def test_a_folder_that_holds_other_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    said = graphmer("kg", str(LEDGER), "--out", str(tmp_path), cwd=tmp_path, expect=1).stderr
    assert "holds 'thesis.txt', which is no graph" in said
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_second_writer_of_a_graph_is_refused(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".kg.lock"):
        said = graphmer("kg", str(LEDGER), "--out", "kg", cwd=tmp_path, expect=1).stderr
    assert "another run of graphmer writes it" in said
    assert not (tmp_path / "kg").exists()


def test_off_a_terminal_no_progress_is_shown_and_nothing_is_left_beside_the_graph(tmp_path: Path) -> None:
    said = graphmer("kg", str(LEDGER), "--out", "kg", cwd=tmp_path).stderr
    assert "\r" not in said
    assert "%|" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["kg"]


def test_an_earlier_graph_is_replaced(tmp_path: Path) -> None:
    graphmer("kg", str(LEDGER), "--out", "kg", "--format", "jsonl", cwd=tmp_path)
    graphmer("kg", str(LEDGER), "--out", "kg", "--format", "nt", cwd=tmp_path)
    left = {".graphmer-cache", "graph.nt", "manifest.json", "validation.json"}
    assert {path.name for path in (tmp_path / "kg").iterdir()} == left


def test_the_current_folder_is_not_replaced_under_ones_feet(tmp_path: Path) -> None:
    (tmp_path / "kg").mkdir()
    said = graphmer("kg", str(LEDGER), "--out", ".", cwd=tmp_path / "kg", expect=1).stderr
    assert said.endswith("kg: the current folder is in it, so it cannot be replaced; name another one\n")
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["kg"]


def test_a_link_is_kept_and_the_folder_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "disk/kg").mkdir(parents=True)
    (tmp_path / "disk/rows").mkdir()
    for link, to in (("kg", "disk/kg"), ("rows", "disk/rows")):
        (tmp_path / link).symlink_to(tmp_path / to)
    for cached in ("from cache 0", "files parsed 0"):
        assert cached in graphmer("kg", str(LEDGER), "--out", "kg", "--cache", "rows", cwd=tmp_path).stdout
    assert (tmp_path / "kg").is_symlink()
    assert (tmp_path / "rows").is_symlink()
    assert (tmp_path / "disk/kg/triples.parquet").is_file()
    assert (tmp_path / "disk/rows/files.parquet").is_file()


def test_a_link_that_leads_round_in_a_circle_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "kg").symlink_to("kg")
    said = graphmer("kg", str(LEDGER), "--out", "kg", cwd=tmp_path, expect=1).stderr
    assert "is a link that leads to itself; give a folder as --out" in said
    assert said.count("\n") == 1
    assert (tmp_path / "kg").is_symlink()


def test_what_the_checks_found_is_told_by_the_verb(tmp_path: Path) -> None:
    said = graphmer("kg", str(LEDGER), "--out", "kg", cwd=tmp_path).stderr.splitlines()
    assert any("entity_coverage: the graph has no" in line for line in said)
    assert all(line.startswith("graphmer kg: ") for line in said)


@pytest.mark.parametrize("when", ["building", "swapping"])
def test_ctrl_c_leaves_the_earlier_graph_or_the_whole_new_one(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphmer("kg", str(LEDGER), "--out", "kg", "--format", "nt", cwd=tmp_path)
    before = sha256_tree(tmp_path / "kg")
    real = os.replace if when == "swapping" else folder_graph.build_graph

    def interrupted(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments)

    if when == "building":
        monkeypatch.setattr(folder_graph, "build_graph", interrupted)
    else:  # the last step of all, and of every file
        into = str(tmp_path / "kg")
        monkeypatch.setattr(os, "replace", lambda old, new: (interrupted if str(new) == into else real)(old, new))
    # Where the tests run in the background, a shell has them ignore the signal.
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = CliRunner().invoke(app, ["kg", str(LEDGER), "--out", str(tmp_path / "kg"), "--format", "jsonl"])
    finally:
        signal.signal(signal.SIGINT, earlier)
    if when == "building":
        assert (done.exit_code, done.stderr) == (130, "graphmer kg: interrupted\n")
        assert sha256_tree(tmp_path / "kg") == before
    else:
        assert done.exit_code == 0
        assert (tmp_path / "kg/triples.jsonl").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["kg"]


def test_sigterm_leaves_no_copy_of_the_code_and_the_earlier_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))

    def ended(*_: Any) -> Any:
        assert list(copies.iterdir())
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(folder_graph, "build_graph", ended)
    done = CliRunner().invoke(app, ["kg", str(LEDGER), "--out", str(tmp_path / "kg")])
    assert done.exit_code == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.rglob("*")] == ["copies"]


def test_a_cache_inside_the_graph_is_refused_since_the_graph_is_replaced(tmp_path: Path) -> None:
    for cache in ("kg", "kg/cache"):
        said = graphmer("kg", str(LEDGER), "--out", "kg", "--cache", cache, cwd=tmp_path, expect=1).stderr
        assert "lies in --out, which is replaced as a whole" in said
        assert said.count("\n") == 1


def test_files_that_are_never_read_count_for_no_limit(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "main.py").write_text("def f():\n    return 1\n", encoding="utf-8")
    (code / "data.bin").touch()
    os.truncate(code / "data.bin", 1 << 34)  # a hole, which takes no room
    graphmer("kg", "code", "--out", "kg", "--license", "MIT", cwd=tmp_path)
    assert json.loads((tmp_path / "kg/manifest.json").read_text(encoding="utf-8"))["left_out"] == {"not_needed": 1}


@pytest.mark.parametrize(
    ("file", "content"),
    [("package.json", "[" * 100_000), ("pyproject.toml", "x=" + "[" * 20_000)],
)
def test_a_manifest_that_nests_too_deep_declares_nothing(file: str, content: str, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "main.py").write_text("def f():\n    return 1\n", encoding="utf-8")
    (code / file).write_text(content, encoding="utf-8")
    said = graphmer("kg", "code", "--out", "kg", cwd=tmp_path, expect=1).stderr
    assert "declares no licence" in said
    graphmer("kg", "code", "--out", "kg", "--license", "MIT", cwd=tmp_path)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("p/Use.java", "package p;\nrecord Point(int x) { }\nclass Use { int f(Point q) { return q.x(); } }\n"),
        ("main.js", "const { run } = require('./a');\nfunction f() { run(); }\n"),
        ("main.py", "import os\ngetattr(os, 'getcwd')()\n"),
    ],
)
def test_ordinary_code_is_never_refused(file: str, source: str, tmp_path: Path) -> None:
    """Small folders, in which one fact is more than what the checks let pass."""
    code = tmp_path / "code"
    (code / file).parent.mkdir(parents=True)
    (code / file).write_text(source, encoding="utf-8")
    if file.endswith(".js"):
        (code / "a.js").write_text("function go() {}\nmodule.exports = { run: go };\n", encoding="utf-8")
    graphmer("kg", "code", "--out", "kg", "--license", "MIT", cwd=tmp_path)
    figures = json.loads((tmp_path / "kg" / "validation.json").read_text(encoding="utf-8"))
    assert (figures["constraints"], figures["provenance"]) == (1.0, 1.0)


def test_code_without_a_licence_needs_one_said(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "main.py").write_text("def f():\n    return g()\n\ndef g():\n    return 1\n", encoding="utf-8")
    said = graphmer("kg", "own", "--out", "kg", cwd=tmp_path, expect=1).stderr
    assert "declares no licence" in said
    assert not (tmp_path / "kg").exists()
    graphmer("kg", "own", "--out", "kg", "--license", "LicenseRef-Proprietary", cwd=tmp_path)
    entities = pd.read_parquet(tmp_path / "kg" / "entities.parquet")
    triples = pd.read_parquet(tmp_path / "kg" / "triples.parquet")
    names = dict(zip(entities["entity"], entities["qualified_name"], strict=True))
    calls = triples[triples["relation"] == "calls"]
    assert [(names[row.head], names[row.tail]) for row in calls.itertuples()] == [("main.f", "main.g")]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("nowhere",), "nowhere: no such folder"),
        ((".",), "declares no licence"),
        ((".", "--license", "MIT"), ".jsx or .mjs or .py or .cts or .mts or .ts or .tsx file is left"),
        ((".", "--license", "GPL-3.0-only"), "licence GPL-3.0-only is not on the allow list"),
        ((".", "--license", "MIT", "--params", "none.yaml"), "none.yaml: not found"),
    ],
)
def test_what_cannot_be_done_is_one_line(flags: tuple[str, ...], message: str, tmp_path: Path) -> None:
    code = 2 if "--params" in flags else 1
    said = graphmer("kg", *flags, "--out", "kg", cwd=tmp_path, expect=code).stderr
    assert message in said.strip().splitlines()[-1]
    assert "Traceback" not in said
    assert not (tmp_path / "kg").exists()


def test_a_graph_that_breaks_a_rule_is_refused_or_kept_and_called_invalid(tmp_path: Path) -> None:
    """No order of the bases of C keeps to both A and B: Python refuses such a class."""
    (tmp_path / "code").mkdir()
    source = "class A: pass\nclass B(A): pass\nclass C(A, B): pass\n"
    (tmp_path / "code" / "main.py").write_text(source, encoding="utf-8")
    flags = ("kg", "code", "--out", "kg", "--license", "MIT")
    refused = graphmer(*flags, cwd=tmp_path, expect=1)
    assert "constraints is" in refused.stderr
    assert "--keep-invalid" in refused.stderr
    assert not (tmp_path / "kg").exists()
    kept = graphmer(*flags, "--keep-invalid", cwd=tmp_path, expect=1)
    assert "constraints is" in kept.stderr.splitlines()[-1]
    assert len(pd.read_parquet(tmp_path / "kg" / "triples.parquet")) > 0
    assert json.loads((tmp_path / "kg" / "validation.json").read_text(encoding="utf-8"))["constraints"] < 0.99


def test_help_imports_neither_torch_nor_pandas() -> None:
    script = (
        "import sys, graphmer.cli; "
        "from typer.testing import CliRunner; "
        "assert CliRunner().invoke(graphmer.cli.app, ['kg', '--help']).exit_code == 0; "
        "print([name for name in ('torch', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_wheel_carries_the_parameters_that_the_command_needs(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    copy.mkdir()
    for name in ("pyproject.toml", "setup.py", "params.yaml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "."]
    subprocess.run([*command, str(copy)], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("graphmer/params.yaml") == (ROOT / "params.yaml").read_bytes()
