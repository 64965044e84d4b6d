"""The ablation's aggregate against hand truth: which cells are read, how they are paired, when there is a verdict."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphmer.artifacts import read_json, write_json, write_table
from graphmer.errors import ArtifactError
from graphmer.evaluate.bootstrap import Interval
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.predictions import predictions_schema
from graphmer.report.ablation import PAIRED, aggregate_cells, verdict
from graphmer.report.config import AblationParams, LongParams, VariantSwitches

METRIC = "link_prediction.headline.graphmer.mrr"
BOOTSTRAP = BootstrapParams(resamples=500, confidence=0.95, packages_from=20, seed=1)
LONG = LongParams(("full", "no_rel_bias"), (1, 2, 3), 300, 17)
SWITCHES = {
    "full": VariantSwitches(
        use_rel_attention_bias=True,
        use_hgat=True,
        hop_decay="additive",
        terms=("mlm",),
        use_curriculum=True,
        graph_form="intact",
        show_graph=True,
    ),
    "no_rel_bias": VariantSwitches(
        use_rel_attention_bias=False,
        use_hgat=True,
        hop_decay="additive",
        terms=("mlm",),
        use_curriculum=True,
        graph_form="intact",
        show_graph=True,
    ),
}


def params(*seeds: int) -> AblationParams:
    return AblationParams("full", tuple(SWITCHES), seeds, 100, 10, 3, LONG, SWITCHES)


def write_cell(folder: Path, ranks: np.ndarray, files: int = 5) -> None:
    """One cell: every paired metric has the same queries, ranks and (as 1 for rank 1) hits."""
    rows = []
    for task, setting, scorer in PAIRED.values():
        for query, rank in enumerate(ranks.tolist()):
            value = rank if task == "link_prediction" else float(rank == 1)
            where = {"package": "p", "language": "python", "relation": "calls", "file": f"f{query % files}.py"}
            rows.append(
                {"task": task, "setting": setting, "scorer": scorer, **where, "query": f"q{query:03d}"}
                | {"stratum": "B", "pool": 10, "value": float(value)}
            )
    write_table(pd.DataFrame(rows), folder / "predictions.parquet", predictions_schema())
    figures = {name: float(np.mean(1 / ranks if name.endswith("mrr") else ranks == 1)) for name in PAIRED}
    write_json(folder / "figures.json", figures | {"val.link_mrr": 0.5})


def aggregate(tmp_path: Path, cells: dict[str, np.ndarray], *seeds: int, files: int = 5) -> tuple[dict, list[dict]]:
    for name, ranks in cells.items():
        write_cell(tmp_path / "cells" / name, ranks, files)
    aggregate_cells(tmp_path / "cells", tmp_path / "m.json", tmp_path / "p.csv", params(*seeds), BOOTSTRAP)
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as stream:
        return read_json(tmp_path / "m.json"), list(csv.DictReader(stream))


def figure(metrics: dict, variant: str, metric: str = METRIC) -> dict[str, float]:
    node = metrics[variant]
    for name in metric.split("."):
        node = node[name]
    return node


def test_means_run_over_seeds_and_differences_are_paired_to_the_baseline(tmp_path: Path):
    cells = {
        "full-1": np.array([1, 2, 1, 4.0]),
        "full-2": np.array([1, 1, 1, 1.0]),
        "no_rel_bias-1": np.array([2, 4, 2, 4.0]),
        "no_rel_bias-2": np.array([1, 1, 2, 2.0]),
    }
    metrics, _ = aggregate(tmp_path, cells, 1, 2)
    assert figure(metrics, "full") == {"mean": pytest.approx((2.75 / 4 + 1) / 2)}
    found = figure(metrics, "no_rel_bias")
    assert found["mean"] == pytest.approx((1.5 / 4 + 3 / 4) / 2)
    assert found["difference"] == pytest.approx((-0.5 - 0.25 - 0.5 + 0 + 0 + 0 - 0.5 - 0.5) / 8, abs=1e-6)
    assert found["low"] <= found["difference"] <= found["high"]


def test_equal_cells_differ_by_nothing_at_all(tmp_path: Path):
    ranks = np.random.default_rng(0).integers(1, 9, 40).astype(float)
    metrics, rows = aggregate(tmp_path, {f"{v}-{s}": ranks for v in SWITCHES for s in (1, 2, 3)}, 1, 2, 3)
    found = figure(metrics, "no_rel_bias")
    assert (found["difference"], found["low"], found["high"]) == (0, 0, 0)
    assert {row["verdict"] for row in rows} == {"no difference shown"}


def test_two_seeds_give_no_verdict_however_clear_the_interval(tmp_path: Path):
    cells = {f"full-{seed}": np.ones(40) for seed in (1, 2)} | {
        f"no_rel_bias-{seed}": np.full(40, 9.0) for seed in (1, 2)
    }
    metrics, rows = aggregate(tmp_path, cells, 1, 2)
    assert figure(metrics, "no_rel_bias")["high"] < 0
    assert {row["verdict"] for row in rows} == {"none (2 seeds)"}


def test_three_seeds_may_say_worse_or_better():
    below, above = Interval(-0.2, -0.3, -0.1, 9, 3), Interval(0.2, 0.1, 0.3, 9, 3)
    assert verdict(below, params(1, 2, 3)) == "worse than the baseline"
    assert verdict(above, params(1, 2, 3)) == "better than the baseline"
    assert verdict(Interval(0.2, -0.1, 0.3, 9, 3), params(1, 2, 3)) == "no difference shown"


def test_a_missing_cell_is_named_with_the_command_that_makes_it(tmp_path: Path):
    cells = {name: np.ones(4) for name in ("full-1", "full-2", "no_rel_bias-1")}
    with pytest.raises(ArtifactError, match=r"no_rel_bias-2: this cell has not run; dvc repro ablation_cell@no_rel"):
        aggregate(tmp_path, cells, 1, 2)
    assert not (tmp_path / "m.json").exists()


def test_a_stale_cell_on_disk_is_not_read(tmp_path: Path):
    cells = {f"{variant}-1": np.ones(6) for variant in SWITCHES}
    expected = aggregate(tmp_path / "clean", cells, 1)
    stale = {"full-2": np.full(6, 5.0), "dropped_variant-1": np.full(6, 5.0)}
    assert aggregate(tmp_path / "stale", cells | stale, 1) == expected


def test_a_variant_that_is_not_compared_needs_no_cell(tmp_path: Path):
    for name in ("full-1", "no_rel_bias-1"):
        write_cell(tmp_path / "cells" / name, np.ones(4))
    both = params(1)
    defined = {**SWITCHES, "no_hgat": dataclasses.replace(SWITCHES["full"], use_hgat=False)}
    wider = dataclasses.replace(both, variants=defined)
    for one, out in ((both, "one"), (wider, "two")):
        aggregate_cells(tmp_path / "cells", tmp_path / f"{out}.json", tmp_path / f"{out}.csv", one, BOOTSTRAP)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_cells_that_answer_different_queries_are_refused(tmp_path: Path):
    with pytest.raises(ArtifactError, match="seed 1: cells answer different queries"):
        aggregate(tmp_path, {"full-1": np.ones(6), "no_rel_bias-1": np.ones(5)}, 1)


def test_one_file_gives_a_difference_without_an_interval(tmp_path: Path):
    cells = {"full-1": np.ones(6), "no_rel_bias-1": np.full(6, 2.0)}
    metrics, rows = aggregate(tmp_path, cells, 1, files=1)
    assert figure(metrics, "no_rel_bias") == {"mean": 0.5, "difference": -0.5}
    assert {(row["low"], row["high"]) for row in rows} == {("", "")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"baseline": "best"}, "baseline: expected one of full, no_rel_bias"),
        ({"baseline": "no_rel_bias", "compared": ("full",)}, "baseline: expected one of full, got no_rel_bias"),
        ({"compared": ("full", "no_hgat")}, "compared: no 'no_hgat' in ablation.variants; known: full, no_rel_bias"),
        ({"compared": ("full", "full")}, "compared: expected different variants"),
        ({"seeds": (1, 1)}, "seeds: expected one or more different"),
        ({"verdict_from_seeds": 2}, "verdict_from_seeds: expected at least 3"),
        (
            {"long": dataclasses.replace(LONG, rows=("full", "no_hgat"))},
            r"long.rows: no 'no_hgat' in ablation.variants",
        ),
        (
            {"long": dataclasses.replace(LONG, rows=("no_rel_bias",))},
            "long.rows: expected the baseline full among them",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change: dict[str, object], message: str):
    values: dict[str, object] = {
        "baseline": "full",
        "compared": ("full", "no_rel_bias"),
        "seeds": (1, 2),
        "steps": 10,
        "warmup_steps": 1,
        "verdict_from_seeds": 3,
        "long": LONG,
    }
    with pytest.raises(ValueError, match=message):
        AblationParams(**values | {"variants": SWITCHES} | change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": ("full", "full")}, "rows: expected different variants"),
        ({"seeds": ()}, "seeds: expected one or more different"),
        ({"warmup_steps": 300}, "warmup_steps: expected fewer than steps"),
    ],
)
def test_parameters_of_the_long_ablation_that_make_no_sense_are_refused(change: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(LONG, **change)  # type: ignore[arg-type]
