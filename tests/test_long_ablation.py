"""The long ablation: its intervals over seeds and files, its claims, which cells are run and which are read."""

import csv
import dataclasses
import math
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from imports import ROOT

from graphmer.artifacts import read_json, read_table, sha256_file, write_json
from graphmer.errors import ArtifactError, ParamsError
from graphmer.evaluate.bootstrap import mean_interval
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.crossed import crossed_interval
from graphmer.params import load_section, load_tree
from graphmer.report.ablation import BETTER, WORSE
from graphmer.report.claims import CONTROLS, bias_claim, graph_claim
from graphmer.report.config import AblationParams
from graphmer.report.long_ablation import Cell, Inputs, chosen_rows, code_digests, plan_cells
from graphmer.report.long_results import Finished, ranks_schema, write_results
from graphmer.report.measures import HEADLINE, MEASURES, NAMES_HIDDEN, POOLED, Compared, compare

BOOTSTRAP = BootstrapParams(resamples=400, confidence=0.95, packages_from=20, seed=1)
TREE = load_tree(ROOT / "params.yaml")
PARAMS = load_section(TREE, "ablation", AblationParams)
FILES = 6


def test_seeds_that_agree_leave_the_interval_over_files() -> None:
    rng = np.random.default_rng(0)
    value, group = rng.normal(size=40), np.arange(40) % 8
    found = crossed_interval(np.stack([value] * 3), group, BOOTSTRAP)
    assert dataclasses.astuple(found.files) == pytest.approx(
        dataclasses.astuple(mean_interval(value, group, BOOTSTRAP))
    )
    assert dataclasses.astuple(found.both) == pytest.approx(dataclasses.astuple(found.files))
    assert found.by_seed.tolist() == pytest.approx([value.mean()] * 3)


def test_files_that_agree_leave_students_interval_of_the_seeds() -> None:
    value = np.repeat([[1.0], [2.0], [3.0]], 40, axis=1)
    found = crossed_interval(value, np.arange(40) % 8, BOOTSTRAP)
    half = 4.3027 / math.sqrt(3)  # Student's t with two degrees of freedom at 97.5 %, by a table
    assert (2 - found.both.low, found.both.high - 2) == pytest.approx((half, half), rel=0.02)
    assert (found.files.low, found.files.high) == (2, 2)


def test_with_one_seed_nothing_is_said_of_the_next() -> None:
    found = crossed_interval(np.ones((1, 10)), np.arange(10) % 5, BOOTSTRAP)
    assert math.isnan(found.both.low)
    assert not found.both.excludes_zero
    assert found.files.low == 1


def test_three_seeds_and_thirty_files_cover_the_truth_as_often_as_promised_and_files_alone_do_not() -> None:
    rng = np.random.default_rng(0)
    group, trials = np.repeat(np.arange(30), 4), 200
    inside = np.zeros(2)
    for _ in range(trials):
        seed, file, both = rng.normal(size=(3, 1)), rng.normal(size=30)[group], rng.normal(size=(3, 30))[:, group]
        value = 0.3 * seed + file + 0.5 * both + rng.normal(size=(3, 120))
        found = crossed_interval(value, group, dataclasses.replace(BOOTSTRAP, resamples=200))
        inside += [part.low <= 0 <= part.high for part in (found.both, found.files)]
    both_share, files_share = inside / trials
    assert both_share >= 0.93
    assert files_share < both_share - 0.03


def cell(rank: float = 2.0, right: float = 0.5, seed: int = 0, stratum: str = "BCD", queries: int = 24) -> pd.DataFrame:
    """A cell's predictions: every rank alike, the first share of names right, one file after the other."""
    rows = []
    for scorer in ("graphmer", "neural", "symbolic"):
        for query in range(queries):
            shared = {"package": "p", "language": "python", "file": f"f{query % FILES}.py", "query": f"q{query:03d}"}
            kinds = {"relation": ("calls", "returns")[query % 2], "stratum": stratum[query % len(stratum)]}
            link = {"task": "link_prediction", "setting": "headline", "pool": 10, "value": float(rank)}
            rows.append({**shared, **kinds, **link, "scorer": scorer})
            for setting in ("masked_mentions", "visible_mentions"):
                value = float(query < right * queries + seed % 2)
                name = {"task": "masked_nodes", "setting": setting, "pool": 0, "value": value}
                rows.append({**shared, **kinds, **name, "stratum": "", "scorer": scorer})
    return pd.DataFrame(rows)


def cells(*ranks: float, **values: Any) -> dict[int, pd.DataFrame]:
    return {seed: cell(rank, **values) for seed, rank in enumerate(ranks, 1)}


def test_a_row_is_paired_with_the_full_model_by_seed_and_query() -> None:
    found = compare(HEADLINE, cells(2, 4, 4), cells(1, 2, 1), BOOTSTRAP, 3)
    assert found.by_seed.tolist() == pytest.approx([-0.5, -0.25, -0.75])
    assert (found.full, found.mean) == pytest.approx((2.5 / 3, 1 / 3))
    assert found.interval.both.value == pytest.approx(-0.5)
    assert found.verdict == "no difference shown"  # three seeds that differ so much say little
    assert compare(HEADLINE, cells(2, 2, 2), cells(1, 1, 1), BOOTSTRAP, 3).verdict == WORSE
    assert compare(HEADLINE, cells(1, 1, 1), cells(2, 2, 2), BOOTSTRAP, 3).verdict == BETTER
    assert compare(HEADLINE, cells(2, 2), cells(1, 1), BOOTSTRAP, 3).verdict == "none (2 seeds)"


def test_cells_that_answer_different_queries_are_refused() -> None:
    with pytest.raises(ArtifactError, match="answer different queries"):
        compare(HEADLINE, cells(1, 1, 1), cells(1, 1, 1, queries=20), BOOTSTRAP, 3)


def test_a_measure_takes_the_queries_of_its_strata_and_relations_alone() -> None:
    table = cell(queries=24, stratum="ABCD")
    sizes = {name: len(MEASURES[name].values(table)) for name in MEASURES}
    link = "link_prediction.headline"
    assert (sizes[HEADLINE], sizes[POOLED], sizes[f"{link}.calls.neural.mrr"]) == (24, 18, 12)
    assert [sizes[f"{link}.{letter}.graphmer.mrr"] for letter in "BCD"] == [6, 6, 6]


def verdicts(**of: str) -> dict[str, dict[str, Compared]]:
    some = compare(HEADLINE, cells(1, 1, 1), cells(1, 1, 1), BOOTSTRAP, 3)
    return {row: dict.fromkeys((HEADLINE, POOLED), dataclasses.replace(some, verdict=of[row])) for row in of}


def test_the_graph_helps_only_where_every_control_is_beaten_in_both_measures() -> None:
    beaten = verdicts(**dict.fromkeys(CONTROLS, WORSE))
    assert graph_claim(beaten)["verdict"] == "shown"
    one = {**beaten, **verdicts(random_tails="no difference shown")}
    assert graph_claim(one)["verdict"].startswith("not shown: no verdict for the full model over random_tails in")  # type: ignore[attr-defined]
    one["random_tails"][HEADLINE] = beaten["random_tails"][HEADLINE]
    assert "random_tails in " + POOLED in str(graph_claim(one)["verdict"])
    two = {row: beaten[row] for row in CONTROLS[:2]}
    assert graph_claim(two)["verdict"] == "open: not run: random_tails"


@pytest.mark.parametrize(
    ("right", "answer"),
    [(0.75, "shown"), (0.5, "refuted"), (0.55, "neither shown nor refuted (no difference shown)")],
)
def test_the_claim_of_the_relation_bias_is_a_tenth_more_names_than_without(right: float, answer: str) -> None:
    full, without = cells(1, 1, 1, right=right, queries=60), cells(1, 1, 1, queries=60)
    found = bias_claim(full, without, 0.1, BOOTSTRAP, 3)
    assert found["contrast"] == pytest.approx(right - 1.1 * 0.5, abs=0.02)
    assert found["verdict"] == answer


def project(tmp_path: Path) -> Inputs:
    """A copy of the code and three folders of data."""
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    for name in ("packed", "kg", "parsed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data").write_text(name, encoding="utf-8")
    return Inputs(tmp_path / "packed", tmp_path / "kg", tmp_path / "parsed", tmp_path)


def changed(tree: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    return load_tree(ROOT / "params.yaml", [f"{key}={value}"])


def digests(tree: dict[str, Any], inputs: Inputs) -> dict[str, tuple[str, str]]:
    found: list[Cell] = plan_cells(tree, load_section(tree, "ablation", AblationParams), inputs)
    return {cell.name: (cell.model, cell.digest) for cell in found}


def test_a_cell_is_known_by_its_parameters_data_and_code_and_by_nothing_else(tmp_path: Path) -> None:
    inputs = project(tmp_path)
    before = digests(TREE, inputs)
    assert len({digest for _, digest in before.values()}) == len(before) - 3 == len(PARAMS.long.rows) * 3 - 3
    assert before["no_regularisers-1"] == before["full-1"]  # while these terms have no weight
    weighed = digests(changed(TREE, "train.loss.antisymmetry", 1.0), inputs)
    assert weighed["no_regularisers-1"] != weighed["full-1"]
    assert before["no_leaves_at_test-1"][0] == before["full-1"][0]  # the same weights
    for key, value in (("eval.code_search.pool", 500), ("model.use_rel_attention_bias", "false"), ("train.seed", 9)):
        assert digests(changed(TREE, key, value), inputs) == before, key
    again = digests(changed(TREE, "eval.link.l2", 10.0), inputs)
    assert all(again[name][0] == before[name][0] and again[name][1] != before[name][1] for name in before)
    for key, value in (("train.learning_rate", 1.0e-3), ("model.width", 64), ("ablation.long.steps", 299)):
        other = digests(changed(TREE, key, value), inputs)
        assert all(other[name][0] != before[name][0] and other[name][1] != before[name][1] for name in before), key


def test_a_change_of_code_or_data_makes_other_cells_and_a_cache_of_python_none(tmp_path: Path) -> None:
    inputs = project(tmp_path)
    before = digests(TREE, inputs)
    cache = tmp_path / "src/graphmer/model/__pycache__/heads.pyc"
    cache.parent.mkdir()
    cache.write_bytes(b"x")
    assert digests(TREE, inputs) == before
    (tmp_path / "src/graphmer/evaluate/code_search.py").write_text("", encoding="utf-8")  # no cell reads it
    assert digests(TREE, inputs) == before
    evaluation = tmp_path / "src/graphmer/evaluate/ranking.py"
    evaluation.write_text(evaluation.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    scored = digests(TREE, inputs)
    assert all(scored[name][0] == before[name][0] and scored[name][1] != before[name][1] for name in before)
    (tmp_path / "packed/data").write_text("other", encoding="utf-8")
    assert all(found[0] != scored[name][0] for name, found in digests(TREE, inputs).items())


def test_the_code_of_a_stage_is_what_dvc_names(tmp_path: Path) -> None:
    inputs = project(tmp_path)
    named = ["data/packed", "stages/_stage.py", "src/graphmer/ontology"]
    found = code_digests(inputs.root, named)
    assert "stages/_stage.py" in found
    assert "src/graphmer/ontology/ontology.yaml" in found
    assert set(found) == {"stages/_stage.py", *(name for name in found if name.startswith("src/graphmer/ontology/"))}


def test_rows_are_chosen_by_name_with_the_baseline_first() -> None:
    assert chosen_rows([], PARAMS) == list(PARAMS.long.rows)
    assert chosen_rows(["random_tails", "no_rel_bias"], PARAMS) == ["full", "no_rel_bias", "random_tails"]
    with pytest.raises(ParamsError, match=r"ROWS: no row 'no_bias' in ablation.long.rows; known: full, no_rel_bias"):
        chosen_rows(["no_bias"], PARAMS)


def test_every_row_of_the_method_is_a_variant_of_the_long_ablation() -> None:
    method = {"full", "no_rel_bias", "no_hgat", "no_decay", "multiplicative_decay", "plain_tokens", "mlm_only",
              "no_link", "no_regularisers", "no_curriculum", "shuffled_relations", "random_tails",
              "no_leaves_at_test"}  # fmt: skip
    assert method <= set(PARAMS.long.rows)
    assert len(PARAMS.long.seeds) >= PARAMS.verdict_from_seeds


def finished(**ranks: tuple[float, ...]) -> dict[str, dict[int, Finished]]:
    return {
        row: {seed: Finished(f"{row}{seed}", {"val.link_mrr": 0.5}, table) for seed, table in cells(*values).items()}
        for row, values in ranks.items()
    }


def test_results_hold_what_their_ranks_say_and_come_out_the_same_twice(tmp_path: Path) -> None:
    rows = finished(full=(1, 1, 1), no_rel_bias=(2, 2, 2), plain_tokens=(1, 1, 1))
    for out in ("one", "two"):
        write_results(TREE, rows, ["no_regularisers"], tmp_path / out)
    names = {"ablation.json", "ablation.csv", "ablation.svg", "ranks.parquet", "environment.json"}
    assert {path.name for path in (tmp_path / "one").iterdir()} == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    found = read_json(tmp_path / "one/ablation.json")
    headline = found["rows"]["no_rel_bias"][HEADLINE]
    assert (headline["difference"], headline["verdict"]) == (-0.5, WORSE)
    assert found["rows"]["plain_tokens"][HEADLINE]["verdict"] == "no difference shown"
    assert found["claims"]["the graph helps"]["verdict"].startswith("not shown")
    assert found["same_as_baseline"] == ["no_regularisers"]
    assert set(found["not_run"]) == set(PARAMS.long.rows) - set(rows) - {"no_regularisers"}
    ranks = read_table(tmp_path / "one/ranks.parquet", ranks_schema())
    chosen = ranks[(ranks["task"] == "link_prediction") & (ranks["scorer"] == "graphmer")]
    means = (1 / chosen["value"]).groupby(chosen["row"]).mean()
    assert means["no_rel_bias"] - means["full"] == pytest.approx(headline["difference"])
    record = read_json(tmp_path / "one/environment.json")
    assert record["sha256"] == {name: sha256_file(tmp_path / "one" / name) for name in names - {"environment.json"}}
    drawing = (tmp_path / "one/ablation.svg").read_text(encoding="utf-8")
    ElementTree.fromstring(drawing)
    assert all(word in drawing for word in ("plain_tokens", "worse", "no difference shown", "masked names (accuracy)"))
    with (tmp_path / "one/ablation.csv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert len(table) == 2 * len(MEASURES)
    assert {row["by_seed"] for row in table if row["row"] == "no_rel_bias" and row["measure"] == HEADLINE} == {
        "-0.500000;-0.500000;-0.500000"
    }


def test_a_stratum_that_no_query_is_in_is_named_and_not_measured(tmp_path: Path) -> None:
    rows = {
        row: {seed: dataclasses.replace(found, predictions=cell(2.0, stratum="BC")) for seed, found in by_seed.items()}
        for row, by_seed in finished(full=(1, 1, 1), no_rel_bias=(2, 2, 2)).items()
    }
    write_results(TREE, rows, [], tmp_path / "out")
    found = read_json(tmp_path / "out/ablation.json")
    empty = [f"link_prediction.headline.D.{scorer}.mrr" for scorer in ("graphmer", "neural")]
    assert found["without_queries"] == empty
    assert not set(empty) & set(found["rows"]["no_rel_bias"])


def test_without_the_baseline_nothing_is_written(tmp_path: Path) -> None:
    write_results(TREE, finished(no_rel_bias=(2, 2, 2)), [], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_hidden_is_a_measure_of_the_cells_that_the_pipeline_writes() -> None:
    assert NAMES_HIDDEN in MEASURES
    assert len(MEASURES[NAMES_HIDDEN].values(cell())) == 24


def test_a_cell_that_lost_a_file_is_named(tmp_path: Path) -> None:
    write_json(tmp_path / "figures.json", {})
    with pytest.raises(ArtifactError, match=r"predictions\.parquet: not found"):
        Finished.read(tmp_path, "abc")
