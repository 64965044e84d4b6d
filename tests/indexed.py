"""A model with its data on disk, small enough for tests: the smoke corpus, packed, and a net with random weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from imports import ROOT
from typer.testing import CliRunner, Result

from graphmer.cli import app
from graphmer.corpus.fetch import fetch_corpus
from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.corpus import parse_corpus
from graphmer.evaluate.config import EvalParams
from graphmer.index.fit import fit_scoring
from graphmer.index.scoring import scoring_beside
from graphmer.kg.build import build_graph
from graphmer.kg.config import GraphParams
from graphmer.kg.validate import validate_graph
from graphmer.kg.validate_config import ValidateParams
from graphmer.model.checkpoint import save_model, untrained_model
from graphmer.model.config import ModelParams, Vocabulary
from graphmer.model.heads import GraphMER
from graphmer.pack.build import pack_corpus
from graphmer.pack.config import PackParams
from graphmer.pack.draw import LeafDraw
from graphmer.params import load_section, load_tree

CORPUS = ROOT / "tests/fixtures/corpus"
ROUTER = CORPUS / "router"  # a held-out package of the smoke corpus


def smoke_tree() -> dict[str, Any]:
    """params.yaml with the smoke profile's changes."""
    lines = (ROOT / "profiles/smoke.params").read_text(encoding="utf-8").splitlines()
    return load_tree(ROOT / "params.yaml", [line for line in lines if line and not line.startswith("#")])


def make_model(at: Path) -> Path:
    """`at` with params.yaml, data/{raw,parsed,kg,packed,model} and data/model.scoring.json; returns `at`."""
    tree, data = smoke_tree(), at / "data"
    data.mkdir(parents=True)
    tree["fetch"]["corpus"] = str(ROOT / tree["fetch"]["corpus"])
    (at / "params.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    fetch, pack = load_section(tree, "fetch", FetchParams), load_section(tree, "pack", PackParams)
    fetch_corpus(Path(fetch.corpus), data / "raw", fetch)
    parse_corpus(data / "raw", data / "parsed", load_section(tree, "parse", ParseParams))
    build_graph(data / "parsed", data / "kg", load_section(tree, "kg", GraphParams))
    validate = load_section(tree, "validate", ValidateParams)
    validate_graph(data / "kg", data / "parsed", at / "kg.json", at / "kg.csv", validate, fetch.licences)
    layout = (tree["train"]["row_length"], LeafDraw(**tree["train"]["leaves"]))
    pack_corpus(data / "parsed", data / "kg", at / "kg.json", data / "packed", at / "pack.json", pack, *layout)
    add_model(data / "model", data / "packed", load_section(tree, "model", ModelParams), seed=1)
    params = load_section(tree, "eval", EvalParams)
    fit_scoring(data / "model", data, params).save(scoring_beside(data / "model"))
    return at


def add_model(folder: Path, packed: Path, params: ModelParams, seed: int) -> None:
    """A net of random weights on disk, as training writes one."""
    manifest = yaml.safe_load((packed / "manifest.json").read_text(encoding="utf-8"))
    sizes = (manifest["vocabulary"], len(manifest["relations"]), manifest["name_slots"], manifest["key_tokens"])
    folder.mkdir()
    save_model(folder, GraphMER(params, Vocabulary(*sizes)), packed)
    save_model(folder, untrained_model(folder, seed), packed)
    shutil.copyfile(packed / "manifest.json", folder / "packed.json")


def run(at: Path, verb: str, *flags: str, expect: int = 0) -> Result:
    """One verb in this process, with the small model's parameters."""
    model = ["--model", str(at / "data/model")] if verb == "index" and "--model" not in flags else []
    params = ["--params", str(at / "params.yaml")] if verb != "search" else []
    done = CliRunner().invoke(app, [verb, *flags, *model, *params])
    assert done.exit_code == expect, done.output
    return done


def answer(at: Path, verb: str, *flags: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(at, verb, *flags, "--json").stdout)
    return found


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to)
    return to
