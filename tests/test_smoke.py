"""The whole pipeline on a tiny corpus of Python and Java, through the stage scripts, without network."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from imports import ROOT

from graphmer.artifacts import canonical_json, nested, read_table, sha256_file, sha256_files
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.predictions import predictions_schema, task_tables
from graphmer.evaluate.record import check_record
from graphmer.evaluate.summary import summarise
from graphmer.params import load_section, load_tree
from graphmer.report.readme import results_table

CHANGES = [
    line
    for line in (ROOT / "profiles/smoke.params").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


# Runs the script that is its first argument where no metrics can be written.
ON_A_FULL_DISK = """
import runpy, sys
from pathlib import Path
sys.argv = sys.argv[1:]
sys.path.insert(0, str(Path(sys.argv[0]).parent))
real = Path.write_text
Path.write_text = lambda path, *rest, **named: real(
    Path("/dev/full") if path.name.startswith(".kg.json.") else path, *rest, **named
)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def stage(
    name: str,
    *paths: str,
    expect: int = 0,
    cwd: Path = ROOT,
    max_file_bytes: int = resource.RLIM_INFINITY,
    python: Sequence[str] = (),
) -> str:
    """Run one stage script with the smoke profile; returns its standard error."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    flags = [part for change in CHANGES for part in ("--set", change)]
    command = [sys.executable, "-W", "ignore", *python, str(ROOT / "stages" / f"{name}.py"), *flags, *paths]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRAPHMER_WORKERS": "1", "GRAPHMER_DEVICE": "cpu"}
    bounded = limit if max_file_bytes != resource.RLIM_INFINITY else None
    done = subprocess.run(
        command, cwd=cwd, env=environment, preexec_fn=bounded, capture_output=True, text=True, check=False
    )
    assert done.returncode == expect, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("run")

    def flags(**names: str) -> list[str]:
        return [part for flag, place in names.items() for part in (f"--{flag.replace('_', '-')}", str(at / place))]

    data = {"packed": "packed", "kg": "kg", "parsed": "parsed"}
    stage("fetch", *flags(out="raw"))
    stage("parse", *flags(raw="raw", out="parsed"))
    stage("build_kg", *flags(parsed="parsed", out="kg"))
    stage("validate_kg", *flags(kg="kg", parsed="parsed", metrics="metrics/kg.json", plot="plots/kg_relations.csv"))
    stage("describe", *flags(raw="raw", kg="kg", out="metrics/packages.json"))
    stage(
        "pack",
        *flags(kg="kg", parsed="parsed", kg_metrics="metrics/kg.json", out="packed", metrics="metrics/pack.json"),
    )
    stage("train", *flags(packed="packed", out="model", metrics="metrics/train.json", plot="plots/train.csv"))
    stage("eval", *flags(**data, model="model", out="eval", metrics="metrics/eval.json", plots="plots"))
    one_seed = ("--set", "ablation.seeds=[1]")
    for variant in ("full", "no_rel_bias"):
        cell = flags(**data, out=f"ablation/{variant}-1")
        stage("ablation_cell", *one_seed, *cell, "--variant", variant, "--seed", "1")
    stage("ablation", *one_seed, *flags(cells="ablation", metrics="metrics/ablation.json", plot="plots/ablation.csv"))
    stage("draw", *flags(plots="plots"))
    return at


def metrics(run: Path, name: str) -> dict:  # type: ignore[type-arg]
    found: dict = json.loads((run / "metrics" / f"{name}.json").read_text(encoding="utf-8"))  # type: ignore[type-arg]
    return found


def test_the_graph_is_valid_and_speaks_both_languages(run: Path) -> None:
    figures = metrics(run, "kg")
    assert figures["domain_range"] >= 0.99
    assert figures["duplicates"] == 0
    assert figures["licence"] == 1.0
    assert set(figures["resolution_rate"]) == {"java", "python"}
    triples = pd.read_parquet(run / "kg" / "triples.parquet")
    assert set(triples["language"]) >= {"java", "python"}
    assert {"calls", "overrides", "raises", "tests", "depends_on", "produces"} <= set(triples["relation"])


def test_packing_tells_rows_and_how_full_they_are(run: Path) -> None:
    figures = metrics(run, "pack")
    for split in ("train", "val", "test"):
        counted = figures[split]
        assert {"rows", "fill", "tokens", "leaves"} <= set(counted)
        assert 0.5 < counted["fill"] <= 1.0
        assert counted["rows"] <= counted["samples"]


def test_a_call_through_a_re_export_and_an_attribute_is_resolved(run: Path) -> None:
    triples = pd.read_parquet(run / "kg" / "triples.parquet")
    calls = set(zip(triples["head"], triples["relation"], triples["tail"], strict=True))
    journal = "python:ledger:ledger/journal.py#Journal"
    assert (f"{journal}.post", "calls", f"{journal}.find") in calls
    assert (f"{journal}.post", "calls", "python:ledger:ledger/accounts.py#Account.withdraw") in calls
    shapes = "java:shapes:src/main/java/org/shapes"
    assert (f"{shapes}/Drawing.java#Drawing.totalArea", "calls", f"{shapes}/Shape.java#Shape.area") in calls


def test_training_and_evaluation_leave_their_named_figures(run: Path) -> None:
    train, evaluated = metrics(run, "train"), metrics(run, "eval")
    assert set(train["val"]) == {"mlm_accuracy", "mnm_accuracy", "link_mrr"}
    headline = evaluated["link_prediction"]["headline"]
    assert {"graphmer", "neural", "symbolic", "untrained", "gain", "gain_over_best_peer"} <= set(headline)
    assert {"mentions_visible", "zero_support", "calls"} <= set(evaluated["link_prediction"])
    shown = {
        "code_search.pool1000_masked": "graphmer",
        "masked_tokens.all": "neural",
        "masked_nodes.masked_mentions": "neural",
        "dependency_inference.all": "graphmer",
    }
    for place, ours in shown.items():
        task, setting = place.split(".")
        scorers = set(evaluated[task][setting])
        heuristics = {name for name in scorers if name.endswith("_names")} if task == "dependency_inference" else set()
        assert {ours, "gain"} < scorers, place
        assert len(scorers - heuristics) == 3 or heuristics - {"gain_over_names"}, place  # the third is the best peer
    assert set(evaluated["peers"]) == {"merged", "stale", "missing"}
    assert evaluated["peers"]["merged"] == 0  # what results/ holds was measured on another corpus


def test_the_record_holds_what_was_read_and_written_and_the_figures_follow_from_the_predictions(run: Path) -> None:
    record = json.loads((run / "eval/run.json").read_text(encoding="utf-8"))
    check_record(record, "run.json")
    for name in ("parsed", "kg", "packed", "model"):
        assert record["data"][name] == sha256_files(run / name)
    assert record["outputs"]["eval.json"] == sha256_file(run / "metrics/eval.json")
    assert record["outputs"]["predictions.parquet"] == sha256_file(run / "eval/predictions.parquet")
    assert (record["device"], set(record["parameters"])) == (
        {"eval": "cpu", "train": "cpu"},
        {"eval", "model", "train"},
    )
    tree = load_tree(ROOT / "params.yaml", CHANGES)
    predictions = read_table(run / "eval/predictions.parquet", predictions_schema())
    _, flat = summarise(task_tables(predictions), load_section(tree, "eval", EvalParams))
    told = {name: part for name, part in metrics(run, "eval").items() if name not in ("leaks", "peers")}
    assert canonical_json(nested(flat)) == canonical_json(told)


def test_packages_are_counted_and_what_was_left_out_of_them(run: Path) -> None:
    counted = metrics(run, "packages")
    triples = pd.read_parquet(run / "kg" / "triples.parquet")["package"].value_counts().to_dict()
    assert {name: part["triples"] for name, part in counted["packages"].items() if part["triples"]} == triples
    assert counted["sha256"]["triples.parquet"] == sha256_file(run / "kg" / "triples.parquet")
    assert set(counted["left_out"]) == {"skipped", "partial", "dropped", "near_duplicates_removed"}


def test_the_ablation_pairs_the_variant_with_the_baseline_and_one_seed_gives_no_verdict(run: Path) -> None:
    found = metrics(run, "ablation")
    headline = found["no_rel_bias"]["link_prediction"]["headline"]["graphmer"]["mrr"]
    assert set(headline) == {"mean", "difference", "low", "high"}
    baseline = found["full"]["link_prediction"]["headline"]["graphmer"]["mrr"]
    assert set(baseline) == {"mean"}
    assert headline["difference"] == pytest.approx(headline["mean"] - baseline["mean"], abs=2e-6)
    assert "none (1 seeds)" in (run / "plots/ablation.csv").read_text(encoding="utf-8")
    config = json.loads((run / "ablation/no_rel_bias-1/model/config.json").read_text(encoding="utf-8"))
    assert config["model"]["use_rel_attention_bias"] is False


def test_the_long_ablation_runs_each_cell_once_and_shares_weights_between_rows_that_differ_at_test(
    run: Path, tmp_path: Path
) -> None:
    changes = ("ablation.long.seeds=[1]", "ablation.long.steps=4", "ablation.long.warmup_steps=1")
    places = {name: run / name for name in ("packed", "kg", "parsed")}
    places |= {name: tmp_path / name for name in ("work", "out")}
    flags = [part for name, path in places.items() for part in (f"--{name}", str(path))]
    flags += [part for change in changes for part in ("--set", change)]
    rows = ("--rows", "no_leaves_at_test random_tails")
    said = stage("long_ablation", *flags, *rows)
    assert "0 cells are there, 3 to run: full-1, random_tails-1, no_leaves_at_test-1" in said
    assert [len(list((tmp_path / "work" / kind).iterdir())) for kind in ("models", "cells")] == [2, 3]
    found = json.loads((tmp_path / "out/ablation.json").read_text(encoding="utf-8"))
    assert set(found["rows"]) == {"no_leaves_at_test", "random_tails"}
    assert found["same_as_baseline"] == ["no_regularisers"]
    assert "plain_tokens" in found["not_run"]
    before = (tmp_path / "out/ablation.json").read_bytes()
    assert "3 cells are there, 0 to run" in stage("long_ablation", *flags, *rows)
    assert (tmp_path / "out/ablation.json").read_bytes() == before


def test_every_plot_has_its_table_and_its_image(run: Path) -> None:
    for name in ("kg_relations", "train", "eval_peers", "ablation"):
        assert (run / f"plots/{name}.csv").read_text(encoding="utf-8").count("\n") > 1
        assert "<svg" in (run / f"plots/{name}.svg").read_text(encoding="utf-8")


def test_the_leak_audit_is_in_the_metrics_with_its_offenders_by_name(run: Path) -> None:
    leaks = metrics(run, "eval")["leaks"]
    told = json.loads((run / "eval" / "leaks.json").read_text(encoding="utf-8"))
    assert told["counts"] == leaks
    assert set(told["bounds"]) == set(leaks)
    assert all(leaks[check] == 0 for check, bound in told["bounds"].items() if bound == 0)
    assert told["notes"] == []


def test_a_leak_past_its_bound_ends_the_stage_with_one_line_and_leaves_no_metrics(run: Path, tmp_path: Path) -> None:
    inputs = [part for name in ("packed", "kg", "parsed", "model") for part in (f"--{name}", str(run / name))]
    loose = ("--set", "eval.audit.near_duplicate_jaccard=0.01", "--set", "eval.audit.bounds.repeated_functions=0")
    said = stage("eval", *inputs, *loose, "--out", str(tmp_path / "eval"), expect=1).strip().splitlines()[-1]
    assert re.match(r"eval: leaks\.repeated_functions is \d+, at most 0 allowed \(eval\.audit\.bounds\.rep", said)
    assert json.loads((tmp_path / "eval" / "leaks.json").read_text(encoding="utf-8"))["offenders"]["repeated_functions"]
    assert not (tmp_path / "eval.metrics.json").exists()


def test_the_example_of_a_scorer_of_ones_own_runs_every_task_and_the_audit(run: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "overlap.py").write_text(example, encoding="utf-8")
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    inputs = [part for name in ("packed", "kg", "parsed") for part in (f"--{name}", str(run / name))]
    scorer = ("--scorer", "overlap:Overlap", "--scorer-options", "64")
    inputs += ["--dependencies", str(ROOT / "data/dependencies")]
    stage("eval", *inputs, *scorer, "--out", "tries/overlap", cwd=tmp_path)
    figures = json.loads((tmp_path / "tries/overlap.metrics.json").read_text(encoding="utf-8"))
    assert {"neural", "graphmer", "symbolic", "gain"} <= set(figures["link_prediction"]["headline"])
    assert "untrained" not in figures["link_prediction"]["headline"]
    assert "graphmer" in figures["code_search"]["pool1000"]
    for task, setting in (("masked_tokens", "all"), ("masked_nodes", "masked_mentions")):
        assert "neural" in figures[task][setting]
    assert figures["leaks"]["visible_names"] == figures["leaks"]["visible_tokens"] == 0
    assert json.loads((tmp_path / "tries/overlap/run.json").read_text(encoding="utf-8"))["scorer"] == "overlap:Overlap"
    said = stage("eval", *inputs, *scorer, expect=2, cwd=tmp_path)
    assert said.startswith("params: --scorer: name --out too")


def test_parsed_tables_of_another_graph_are_refused_before_any_work(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "parsed", tmp_path / "parsed")
    symbols = pd.read_parquet(tmp_path / "parsed/symbols.parquet")
    symbols.iloc[:-1].to_parquet(tmp_path / "parsed/symbols.parquet")
    places = {name: str(run / name) for name in ("packed", "kg", "model")} | {"parsed": str(tmp_path / "parsed")}
    flags = [part for name, place in places.items() for part in (f"--{name}", place)]
    said = stage("eval", *flags, "--out", str(tmp_path / "eval"), expect=1)
    assert said.startswith(f"eval: {tmp_path}/parsed/symbols.parquet: not what {run}/kg was built from; run dvc repro")
    assert not (tmp_path / "eval").exists()


def test_no_half_written_output_is_left(run: Path) -> None:
    assert [path.name for path in run.rglob("*.partial")] == []


def test_a_run_by_hand_with_out_alone_writes_beside_it_and_touches_nothing_of_dvcs(run: Path, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    for name in ("metrics/train.json", "metrics/eval.json", "plots/train.csv", "plots/eval_peers.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("DVC's", encoding="utf-8")
    packed = ("--packed", str(run / "packed"))
    stage("train", *packed, "--out", "hand/model", cwd=tmp_path)
    inputs = (*packed, "--kg", str(run / "kg"), "--parsed", str(run / "parsed"), "--model", "hand/model",
              "--dependencies", str(ROOT / "data/dependencies"))  # fmt: skip
    stage("eval", *inputs, "--out", "hand/eval", cwd=tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.read_text(encoding="utf-8") for path in files if path.parent.name in ("metrics", "plots")} == {"DVC's"}
    by_hand = ("model.metrics.json", "model.plot.csv", "eval.metrics.json", "eval.plots/eval_peers.csv")
    assert all((tmp_path / "hand" / name).is_file() for name in by_hand)
    assert not (tmp_path / "data").exists()


def test_the_headline_figure_is_what_the_predictions_say(run: Path) -> None:
    rows = pd.read_parquet(run / "eval" / "predictions.parquet")
    chosen = rows[
        (rows["task"] == "link_prediction") & (rows["setting"] == "headline") & (rows["scorer"] == "graphmer")
    ]
    expected = metrics(run, "eval")["link_prediction"]["headline"]["graphmer"]["mrr"]
    assert (1.0 / chosen["value"]).mean() == pytest.approx(expected, abs=1e-6)


def test_the_metrics_file_is_a_screenful(run: Path) -> None:
    def leaves(tree: object) -> int:
        return sum(map(leaves, tree.values())) if isinstance(tree, dict) else 1

    figures = metrics(run, "eval")
    # Apart: `dvc metrics diff` shows what changed, and these stay.
    assert leaves(figures.pop("leaks")) <= 12
    assert leaves(figures.pop("peers")) == 3
    assert leaves(figures) <= 70  # the smoke corpus has no traced package, whose two tasks add 15


def test_every_gain_that_readme_would_show_has_its_interval(run: Path) -> None:
    lines = [line for line in results_table(run / "metrics").splitlines() if line.startswith("| ")][1:]
    gains = [line.split("|")[6].strip() for line in lines]
    assert len(gains) == 10
    one = r"[+-][\d.]+ \[[+-][\d.]+, [+-][\d.]+\]"  # and over which peer, where there are two
    assert all(re.fullmatch(f"{one}(?: over symbolic; {one} over boosting)?", gain) for gain in gains), gains


def test_outputs_hold_no_absolute_path_and_no_host(run: Path) -> None:
    import socket

    for path in [*run.rglob("*.json"), *run.rglob("*.csv")]:
        text = path.read_text(encoding="utf-8")
        assert str(run) not in text, path
        assert str(ROOT) not in text, path
        assert socket.gethostname() not in text, path


def test_from_fetch_to_pack_two_runs_give_the_same_bytes_with_two_workers_and_another_hash_seed(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("GRAPHMER_WORKERS", "2")
    again = {name: str(tmp_path / name) for name in ("raw", "parsed", "kg", "packed")}
    stage("fetch", "--out", again["raw"])
    stage("parse", "--raw", again["raw"], "--out", again["parsed"])
    stage("build_kg", "--parsed", again["parsed"], "--out", again["kg"])
    inputs = ("--kg", again["kg"], "--parsed", again["parsed"], "--kg-metrics", str(run / "metrics/kg.json"))
    stage("pack", *inputs, "--out", again["packed"], "--metrics", str(tmp_path / "pack.json"))
    for name, folder in again.items():
        files = sorted(path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file())
        assert files
        for file in files:
            assert (Path(folder) / file).read_bytes() == (run / name / file).read_bytes(), f"{name}/{file}"


def test_a_graph_that_breaks_the_ontology_leaves_no_metrics_and_cannot_be_packed(run: Path, tmp_path: Path) -> None:
    import shutil

    from graphmer.artifacts import read_table, write_table
    from graphmer.kg.schema import triples_schema

    shutil.copytree(run / "kg", tmp_path / "kg")
    triples = read_table(tmp_path / "kg" / "triples.parquet", triples_schema())
    triples.loc[triples["relation"] == "calls", "relation"] = "overrides"
    write_table(triples, tmp_path / "kg" / "triples.parquet", triples_schema())
    kg_metrics = tmp_path / "kg.json"
    shutil.copy(run / "metrics" / "kg.json", kg_metrics)
    paths = ("--kg", str(tmp_path / "kg"), "--parsed", str(run / "parsed"), "--metrics", str(kg_metrics))
    said = stage("validate_kg", *paths, "--plot", str(tmp_path / "r.csv"), expect=1)
    assert "validate_kg: domain_range is" in said
    assert not kg_metrics.exists()
    inputs = ("--kg", str(tmp_path / "kg"), "--parsed", str(run / "parsed"), "--kg-metrics", str(kg_metrics))
    said = stage("pack", *inputs, "--out", str(tmp_path / "packed"), "--metrics", str(tmp_path / "p.json"), expect=1)
    assert said.strip().endswith("kg.json: not found; run the stage that writes it (dvc repro)")
    assert not (tmp_path / "packed").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full, which Linux has")
def test_a_full_disk_is_one_line(run: Path, tmp_path: Path) -> None:
    paths = ("--kg", str(run / "kg"), "--parsed", str(run / "parsed"), "--metrics", str(tmp_path / "metrics/kg.json"))
    said = stage("validate_kg", *paths, "--plot", str(tmp_path / "r.csv"), expect=1, python=["-c", ON_A_FULL_DISK])
    assert said.strip().splitlines()[-1].endswith("the disk is full; free some space and run again")
    assert list((tmp_path / "metrics").iterdir()) == []


def test_a_model_that_does_not_fit_the_disk_is_one_line_and_leaves_no_model_and_no_figures(
    run: Path, tmp_path: Path
) -> None:
    paths = ("--packed", str(run / "packed"), "--out", str(tmp_path / "model"), "--metrics", str(tmp_path / "t.json"))
    # A limit on the size of a file ends the write as a full disk does: after the training, in mid-file.
    said = stage("train", *paths, "--plot", str(tmp_path / "t.csv"), expect=1, max_file_bytes=20_000)
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1] == (
        "train: output: the file is larger than this account may write (ulimit -f); raise the limit and run again"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_an_output_below_a_file_is_one_line_that_names_the_path(run: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    said = stage("build_kg", "--parsed", str(run / "parsed"), "--out", str(tmp_path / "taken" / "kg"), expect=1)
    last = said.strip().splitlines()[-1]
    assert "Traceback" not in said
    assert last.startswith("build_kg: ")
    assert "taken" in last
    assert "check the path and run again" in last
