"""The benchmarks run, and what they say of the graph is what the graph holds; how fast is no test's business."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
from imports import ROOT

from graphmer.report.scale import scale_figures

CORPUS = ROOT / "tests/fixtures/corpus/smoke.yaml"


def script(name: str, *flags: str, expect: int = 0) -> str:
    command = [sys.executable, str(ROOT / name), *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stderr
    return done.stderr


def test_the_graphs_speed_is_measured_on_the_files_that_the_graph_is_built_of(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    script("stages/fetch.py", "--set", f"fetch.corpus={CORPUS}", "--out", str(raw))
    script("benchmarks/kg_speed.py", str(raw), "--rounds", "1", "--out", str(tmp_path / "speed.json"))
    measured = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))
    corpus = json.loads((raw / "manifest.json").read_text(encoding="utf-8"))["corpus"]
    figures = measured[corpus]
    assert f"\n| {corpus} | {figures['files']} | {figures['triples']:,} |" in scale_figures(tmp_path / "speed.json")

    script("stages/parse.py", "--raw", str(raw), "--out", str(tmp_path / "parsed"))
    script("stages/build_kg.py", "--parsed", str(tmp_path / "parsed"), "--out", str(tmp_path / "kg"))
    files = pd.read_parquet(tmp_path / "parsed" / "files.parquet")
    triples = pd.read_parquet(tmp_path / "kg" / "triples.parquet")
    assert figures["files"] == ((files["kind"] == "code") & (files["status"] != "skipped")).sum()
    assert figures["triples"] == len(triples)
    calls = triples.loc[triples["relation"] == "calls", "resolution"]
    assert figures["resolution_by_relation"]["calls"]["exact"] == round((calls == "exact").mean(), 4)
    sizes = [row["files"] for row in figures["growth"]]
    assert sizes == sorted(sizes)
    assert sizes[-1] == figures["files"]
    parts = figures["ratio_to_parse_of_parse"] + figures["ratio_to_parse_of_build"]
    assert abs(parts - figures["ratio_to_parse"]) < 0.01
    for name in ("ratio_to_parse", "files_per_cpu_s", "triples_per_cpu_s", "peak_mib", "speedup_2"):
        assert 0 < figures[f"{name}_low"] <= figures[name] <= figures[f"{name}_high"]


def test_a_folder_that_nobody_fetched_is_one_line(tmp_path: Path) -> None:
    said = script("benchmarks/kg_speed.py", str(tmp_path), expect=1)
    assert said.strip() == f"kg_speed: {tmp_path}: no fetched corpus; run stages/fetch.py --out {tmp_path}"
