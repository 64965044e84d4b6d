"""A user's own closed code, one repository alone: the names in its graph, and its way through the stages."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
from imports import ROOT

from graphmer.artifacts import read_json

MAIN = """\
import ext
from ext import Cls


def f(values):
    def g():
        return helper()

    double = lambda x: helper()
    return map(lambda y: g(), values), double(1)


def helper():
    return len("x")


f([1])
Cls.fun()
ext.sub.top()
"""
CALLS = {
    ("main", "calls", "main.f"),
    ("main", "invokes", "ext.Cls.fun"),
    ("main", "invokes", "ext.sub.top"),
    ("main.f", "invokes", "<builtin>.map"),
    ("main.f.<lambda1>", "calls", "main.helper"),
    ("main.f.<lambda2>", "calls", "main.f.g"),
    ("main.f.g", "calls", "main.helper"),
    ("main.helper", "invokes", "<builtin>.len"),
}
PARTS = "abcdefgh"
CORPUS = """\
name: mine
sources:
  - {kind: path, name: mine, path: code, version: "1.0", license: LicenseRef-Proprietary, languages: [python],
     split: by_module}
"""


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run([sys.executable, *command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_lone_file_has_the_names_that_its_author_would_write(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text(MAIN, encoding="utf-8")
    flags = ("code", "--out", "kg", "--format", "jsonl", "--license", "LicenseRef-Proprietary")
    run("-m", "graphmer.cli", "kg", *flags, cwd=tmp_path)
    name = {row["entity"]: row["qualified_name"] for row in rows(tmp_path / "kg" / "entities.jsonl")}
    triples = rows(tmp_path / "kg" / "triples.jsonl")
    assert {(name[row["head"]], row["relation"], name[row["tail"]]) for row in triples} >= CALLS


def test_a_corpus_file_of_one_closed_repository_goes_through_the_stages_without_a_leak(tmp_path: Path) -> None:
    for part in PARTS:
        (tmp_path / "code" / "app" / part).mkdir(parents=True)
        lines = [f"from app.{other}.run import run_{other}" for other in PARTS if other != part]
        lines += [f"def run_{part}():", *(f"    run_{other}()" for other in PARTS if other != part)]
        (tmp_path / "code" / "app" / part / "run.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(CORPUS, encoding="utf-8")
    (tmp_path / "data" / "curated").mkdir(parents=True)
    changes = ("--set", "fetch.corpus=mine.yaml", "--set", "fetch.allow_proprietary=true")
    changes += ("--params", str(ROOT / "params.yaml"))
    for stage, flags in {
        "fetch": "--out raw",
        "parse": "--raw raw --out parsed",
        "build_kg": "--parsed parsed --out kg",
        "validate_kg": "--kg kg --parsed parsed --metrics kg.json --plot kg.csv",
    }.items():
        run(str(ROOT / "stages" / f"{stage}.py"), *changes, *flags.split(), cwd=tmp_path)
    assert set(pd.read_parquet(tmp_path / "kg" / "triples.parquet")["split"]) == {"train", "val", "test"}
    figures = read_json(tmp_path / "kg.json")
    assert (figures["leakage"], figures["licence"]) == (1.0, 1.0)
