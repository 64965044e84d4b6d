"""The table of a model before and after adaptation: paired by question, refused where the questions differ."""

from argparse import Namespace
from pathlib import Path

import pandas as pd
import pytest
from imports import ROOT

from graphmer.artifacts import read_json, write_json, write_table
from graphmer.errors import ArtifactError
from graphmer.evaluate.config import BootstrapParams, EvalParams
from graphmer.evaluate.predictions import PREDICTION_COLUMNS, predictions_schema
from graphmer.params import load_section, load_tree
from graphmer.report.adapted import ABSENT, adapted_figures, compact_figures, compared, main


@pytest.fixture
def bootstrap() -> BootstrapParams:
    return load_section(load_tree(ROOT / "params.yaml"), "eval", EvalParams).bootstrap


def predicted(folder: Path, ranks: list[float], hits: list[float], queries: str = "abcd") -> Path:
    """What eval leaves: two scorers' ranks, of files f0 and f1 in turn, and masked tokens that were right or not."""
    rows = []
    for at, query in enumerate(queries):
        shared = {"package": "mine", "language": "python", "relation": "", "file": f"f{at % 2}", "query": query}
        shared |= {"stratum": "", "pool": 0}
        links = {"task": "link_prediction", "setting": "headline"}
        rows.append(shared | links | {"scorer": "graphmer", "value": ranks[at]})
        rows.append(shared | links | {"scorer": "symbolic", "value": 2.0})
        rows.append(shared | {"task": "masked_tokens", "setting": "all", "scorer": "neural", "value": hits[at]})
    folder.mkdir()
    table = pd.DataFrame(rows)[list(PREDICTION_COLUMNS)]
    write_table(table.sample(frac=1.0, random_state=1), folder / "predictions.parquet", predictions_schema())
    return folder


def test_differences_are_those_of_each_question(tmp_path: Path, bootstrap: BootstrapParams) -> None:
    before = predicted(tmp_path / "before", [1, 2, 4, 4], [0, 0, 1, 0])
    after = predicted(tmp_path / "after", [1, 1, 2, 4], [1, 0, 1, 0])
    found = compared(before, after, bootstrap)
    link = found["link_prediction"]["headline"]["graphmer"]
    assert (link["figure"], link["queries"], link["files"]) == ("mrr", 4, 2)
    assert link["before"]["value"] == pytest.approx((1 + 1 / 2 + 1 / 4 + 1 / 4) / 4)
    assert link["difference"]["value"] == pytest.approx((1 / 2 + 1 / 4) / 4)
    assert link["difference"]["low"] == pytest.approx(1 / 8)  # of the file f0 alone: (0 + 1/4) / 2
    assert found["link_prediction"]["headline"]["symbolic"]["difference"]["value"] == 0
    token = found["masked_tokens"]["all"]["neural"]
    assert (token["figure"], token["after"]["value"], token["difference"]["value"]) == ("accuracy", 0.5, 0.25)


def test_other_questions_are_refused(tmp_path: Path, bootstrap: BootstrapParams) -> None:
    before = predicted(tmp_path / "before", [1, 2, 4, 4], [0, 0, 1, 0])
    after = predicted(tmp_path / "after", [1, 1, 2, 4], [1, 0, 1, 0], queries="abce")
    with pytest.raises(ArtifactError, match=r"link_prediction.headline.graphmer was asked other queries"):
        compared(before, after, bootstrap)


def test_the_file_says_how_it_came_about_and_becomes_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = predicted(tmp_path / "before", [1, 2, 4, 4], [0, 0, 1, 0])
    after = predicted(tmp_path / "after", [1, 1, 2, 4], [1, 0, 1, 0])
    (tmp_path / "model").mkdir()
    write_json(tmp_path / "model/training.json", {"steps": 150})
    write_json(tmp_path / "model/packed.json", {"train": {"samples": 1595}})
    write_json(tmp_path / "model/config.json", {"files": {"model.safetensors": "ab"}, "weights": {"bits": 16}})
    out = tmp_path / "adapted.json"
    asked = Namespace(before=before, after=after, model=tmp_path / "model", out=out, params=ROOT / "params.yaml")
    assert main(asked) == 0
    how = read_json(out)["how"]
    assert (how["steps"], how["train_samples"], how["packages"]) == (150, 1595, ["mine"])
    assert (how["bits"], how["files"]) == (16, {"model.safetensors": "ab"})
    assert compact_figures(out).splitlines()[0].endswith("After: stored in 16 bits a weight.")
    assert adapted_figures(out) in capsys.readouterr().out
    lines = adapted_figures(out).splitlines()
    assert lines[0].endswith("After: 150 steps on 1,595 windows of mine.")
    (row,) = [line for line in lines if "| graphmer |" in line]
    assert row.startswith("| link prediction | headline | graphmer | mrr | 4 in 2 files | 0.500 [")
    assert "| +0.1875 [+0.1250, +0.2500] |" in row


def test_a_run_that_failed_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = Namespace(before=tmp_path, after=tmp_path, model=tmp_path, out=tmp_path / "x", params=ROOT / "params.yaml")
    assert main(asked) == 1
    assert capsys.readouterr().err.startswith("adapted: ")
    assert adapted_figures(tmp_path / "x") == compact_figures(tmp_path / "x") == ABSENT
