"""The benchmarks run, and what they say of the graph is what the graph holds; how fast is no test's business."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from imports import ROOT
from packed import write_packed

from graphmer.report.scale import scale_figures

sys.path.insert(0, str(ROOT / "benchmarks"))

from train_speed import COSTS, step_figures
from train_subjects import (
    ADDED,
    EVERY_TERM,
    IGNORED,
    TOKENS_ONLY,
    labels,
    make_stream,
    our_subjects,
    read_setting,
    take,
)

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
    assert f"\n| {corpus} | 1 | {figures['files']} | {figures['triples']:,} |" in scale_figures(tmp_path / "speed.json")

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
    for name in (
        "ratio_to_parse",
        "validation_to_parse",
        "files_per_cpu_s",
        "triples_per_cpu_s",
        "peak_mib",
        "speedup_2",
    ):
        assert 0 < figures[f"{name}_low"] <= figures[name] <= figures[f"{name}_high"]


def test_a_folder_that_nobody_fetched_is_one_line(tmp_path: Path) -> None:
    said = script("benchmarks/kg_speed.py", str(tmp_path), expect=1)
    assert said.strip() == f"kg_speed: {tmp_path}: no fetched corpus; run stages/fetch.py --out {tmp_path}"


def test_the_figures_of_training_are_ratios_of_one_round_each() -> None:
    names = ["ours", "hf_bert", "hf_bert_masked", *COSTS.values(), "all_positions", *ADDED]
    seconds = {name: [2.0, 4.0, 1.0] for name in names}
    seconds |= {"hf_bert": [3.0, 5.0, 1.1], "no_hgat": [1.8, 3.0, 0.99], "with_link": [3.0, 8.0, 1.5]}
    figures = step_figures(
        seconds, {"bf16": [10.0, 10.0, 50.0]}, [100, 100, 30], [4.0, 8.0, 30.0], [0.2, 0.1, 0.1], "cpu"
    )
    assert [figures[f"ratio_to_hf_bert{end}"] for end in ("_low", "", "_high")] == [1.1, 1.25, 1.5]
    assert figures["tokens_per_cpu_s"] == 30.0
    assert figures["hgat_cost"] == pytest.approx(0.1)
    assert figures["bias_cost"] == 0.0
    assert figures["link_extra"] == pytest.approx(0.5)
    assert [figures[f"matrix_share{end}"] for end in ("_low", "", "_high")] == [0.2, 0.2, 0.6]
    assert figures["data_extra"] == pytest.approx(0.1)


def test_each_subject_trains_on_the_same_masked_positions(tmp_path: Path) -> None:
    packed = write_packed(tmp_path / "packed", 400)
    small = ["layers=1", "width=16", "heads=2", "ffn=32", "hgat_rank=4"]
    setting = read_setting(ROOT, packed, 2, 512, [f"model.{change}" for change in small])
    batch = take(make_stream(setting, packed, TOKENS_ONLY), 0)
    asked = (labels(batch) != IGNORED).sum().item()
    assert asked == batch.mlm_weight.sum().item() + batch.name.numel()
    subjects = our_subjects(setting, "cpu")
    losses = [subjects[name].loss(batch).item() for name in ("ours", "all_positions") if subjects[name].module.eval()]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    linked = take(make_stream(setting, packed, EVERY_TERM), 0)
    assert torch.equal(linked.batch.token, batch.batch.token)


def test_weights_are_shared_and_what_is_off_has_none(tmp_path: Path) -> None:
    packed = write_packed(tmp_path / "packed", 400)
    small = ["layers=1", "width=16", "heads=2", "ffn=32", "hgat_rank=4"]
    subjects = our_subjects(read_setting(ROOT, packed, 2, 512, [f"model.{change}" for change in small]), "cpu")
    whole = {id(weight) for weight in subjects["ours"].module.parameters()}
    for name, subject in subjects.items():
        own = {id(weight) for weight in subject.module.parameters()}
        assert own <= whole or name == "with_sbo"  # whose head is of use in training alone
        assert (own == whole) == (name in {"ours", "all_positions", "with_link", "with_text_code", "with_order"})


def test_a_folder_that_nobody_packed_is_one_line(tmp_path: Path) -> None:
    said = script("benchmarks/train_speed.py", str(tmp_path), expect=1)
    assert said.startswith("train_speed: ")
    assert len(said.strip().splitlines()) == 1
