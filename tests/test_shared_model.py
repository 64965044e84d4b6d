"""The model that comes with the project: small files, whole, and with a scoring that fits it and params.yaml."""

import subprocess

import pytest
from imports import ROOT

from graphmer.artifacts import read_json
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.record import parameters_digest
from graphmer.index.scoring import Scoring, scoring_beside
from graphmer.model.checkpoint import load_model, model_digest
from graphmer.params import load_section, load_tree

MODELS = sorted(path.parent for path in (ROOT / "models").glob("*/config.json"))
MIB = 2**20


def test_there_is_one() -> None:
    assert ROOT / "models/small" in MODELS


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_it_loads_and_is_small_enough_for_git(folder) -> None:  # type: ignore[no-untyped-def]
    load_model(folder)
    sizes = [path.stat().st_size for path in (*folder.iterdir(), scoring_beside(folder))]
    assert max(sizes) <= 16 * MIB
    assert sum(sizes) <= 60 * MIB


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_its_scoring_is_of_these_weights_and_of_the_parameters_as_they_are(folder) -> None:  # type: ignore[no-untyped-def]
    scoring = Scoring.load(scoring_beside(folder))
    assert scoring.model == model_digest(folder)
    params = load_section(load_tree(ROOT / "params.yaml"), "eval", EvalParams)
    assert scoring.eval == parameters_digest(params), "make share"


def test_what_it_lost_was_measured_on_the_weights_that_it_is_made_of() -> None:
    tracked = subprocess.run(["git", "ls-files", "models"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "models/small/model.safetensors" in tracked.split()
    measured = read_json(ROOT / "results/compact.json")["how"]
    config = read_json(ROOT / "models/small/config.json")
    assert measured["files"] == config["files"]
    assert measured["bits"] == config["weights"]["bits"]
