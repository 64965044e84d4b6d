"""The gates: each is judged by its bound, and an ablation with too few seeds gives no verdict."""

import json
import math
import shutil
from pathlib import Path

import pytest
from imports import ROOT
from test_verify import graphmer

from graphmer.artifacts import write_json
from graphmer.errors import ArtifactError, ParamsError
from graphmer.params import check_tree, load_section, load_tree
from graphmer.report.config import AblationParams
from graphmer.report.gates import finite_gate, judged, loss_gates, read_gates, rel_bias_gate
from graphmer.report.gates_config import GatesParams

TREE = load_tree(ROOT / "params.yaml")
PARAMS = load_section(TREE, "gates", GatesParams)
ABLATION = load_section(TREE, "ablation", AblationParams)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("metrics", "plots"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def test_the_committed_figures_keep_every_gate_that_was_measured() -> None:
    assert [gate.line() for gate in read_gates(ROOT) if gate.verdict == "missed"] == []


def test_a_figure_or_a_loss_that_is_no_number_misses() -> None:
    assert finite_gate({"kg": {"a": 1, "b": {"c": 0.5}}}, [{"loss": 2.0}]).verdict == "met"
    assert finite_gate({"kg": {"a": math.nan}}, [{"loss": 2.0}]).verdict == "missed"
    assert finite_gate({"kg": {"a": None}}, [{"loss": 2.0}]).verdict == "missed"
    assert finite_gate({"kg": {"a": 1}}, [{"loss": math.inf}]).value == "1 of 1 metrics and 1 losses are not finite"


@pytest.mark.parametrize(
    ("losses", "verdicts"),
    [
        ([5.0, 4.0, 3.0], ["met", "met"]),
        ([3.0, 3.0, 3.0], ["met", "met"]),
        ([3.0, 2.0, 3.1], ["missed", "missed"]),  # above its start
        ([9.0, 2.0, 3.0], ["met", "missed"]),  # below its start, and risen since
    ],
)
def test_a_loss_that_rises_misses(losses: list[float], verdicts: list[str]) -> None:
    assert [gate.verdict for gate in loss_gates(losses, PARAMS)] == verdicts


def ablated(without: float, full: float, low: float, high: float) -> dict[str, object]:
    """Figures of an ablation; low and high are of full minus no_rel_bias."""
    one = {"mean": without, "difference": without - full, "low": -high, "high": -low}
    accuracy = {"no_rel_bias": one, "full": {"mean": full}}
    return {
        name: {"masked_nodes": {"masked_mentions": {"neural": {"accuracy": part}}}} for name, part in accuracy.items()
    }


@pytest.mark.parametrize(
    ("low", "high", "seeds", "verdict", "said"),
    [
        (0.03, 0.05, 3, "met", "shown"),
        (0.01, 0.05, 3, "not measured", "no verdict (the interval holds the bound)"),
        (-0.01, 0.01, 3, "missed", "refuted"),
        (0.03, 0.05, 2, "not measured", "no verdict (2 seeds, 3 needed)"),
        (0.0, 0.0, 3, "not measured", "no verdict (no query is answered differently)"),
    ],
)
def test_the_claim_on_the_relation_bias_is_shown_refuted_or_open_by_its_interval(
    low: float, high: float, seeds: int, verdict: str, said: str
) -> None:
    """no_rel_bias names 0.2 right, so a tenth of that, 0.02, is what the whole interval must lie above."""
    gate = rel_bias_gate(ablated(0.2, 0.2 + (low + high) / 2, low, high), "cells", seeds, ABLATION, PARAMS)
    assert (gate.verdict, gate.value.rpartition(": ")[2]) == (verdict, said)
    assert "a difference of 0.0200" in gate.bound


@pytest.mark.parametrize(
    ("said", "verdict"),
    [("shown", "met"), ("refuted", "missed"), ("neither shown nor refuted (no difference shown)", "not measured")],
)
def test_where_the_long_ablation_has_run_its_claim_is_the_gate(project: Path, said: str, verdict: str) -> None:
    claim = {"full": 0.24, "without": 0.2, "contrast": 0.02, "low": 0.01, "high": 0.03, "verdict": said}
    write_json(project / "results/ablation/ablation.json", {"claims": {"the relation bias": claim}})
    (gate,) = [gate for gate in read_gates(project) if gate.name.startswith("masked names")]
    assert gate.verdict == verdict
    assert (
        gate.value == f"0.2000 to 0.2400, contrast +0.0200 [+0.0100, +0.0300] in results/ablation/ablation.json: {said}"
    )
    write_json(project / "results/ablation/ablation.json", {"claims": {}})
    (gate,) = [gate for gate in read_gates(project) if gate.name.startswith("masked names")]
    assert "metrics/ablation.json" in gate.value


def test_an_ablation_without_the_variant_is_not_measured() -> None:
    gate = rel_bias_gate({"full": {}}, "cells", 3, ABLATION, PARAMS)
    assert (gate.verdict, gate.value) == ("not measured", "no difference in cells")


def test_a_missed_gate_fails_only_a_strict_run(project: Path) -> None:
    assert "met: triples: " in graphmer("--gates", "--strict", cwd=project, expect=0).stdout
    write_json(project / "metrics/kg.json", json.loads((ROOT / "metrics/kg.json").read_text()) | {"triples": 29174})
    line = "missed: triples: 29,174, wanted >= 30,000; add packages to fetch.corpus"
    assert line in graphmer("--gates", cwd=project, expect=0).stdout.splitlines()
    found = json.loads(graphmer("--gates", "--strict", "--json", cwd=project, expect=1).stdout)
    assert {gate["name"]: gate["verdict"] for gate in found}["triples"] == "missed"


def test_what_was_not_measured_is_not_missed() -> None:
    gate = rel_bias_gate({}, "cells", 3, ABLATION, PARAMS)
    assert judged([gate], False) == (gate.line(), True)


def test_a_missing_curve_is_one_line(project: Path) -> None:
    (project / "plots/train.csv").unlink()
    with pytest.raises(ArtifactError, match=r"train\.csv: not found; run dvc repro"):
        read_gates(project)
    (project / "plots/train.csv").write_text("step,loss\n1,\n", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"train\.csv: no losses"):
        read_gates(project)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("gates.min_domain_range=1.5", r"gates\.min_domain_range: expected a share from 0 to 1, got 1\.5"),
        ("gates.max_loss_rise=0.9", r"gates\.max_loss_rise: expected at least 1, got 0\.9"),
        ("gates.min_triples=-1", r"gates\.min_triples: expected at least 0, got -1"),
    ],
)
def test_a_bound_out_of_range_names_itself(change: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        check_tree(load_tree(ROOT / "params.yaml", [change]))
