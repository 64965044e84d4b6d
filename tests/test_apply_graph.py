"""A model's triples in the graph of a folder: how sure they must be, one a mention, and what a second run keeps."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from imports import ROOT
from indexed import copied
from typer.testing import CliRunner

from graphmer.artifacts import read_table, sha256_tree
from graphmer.cli import app
from graphmer.errors import ArtifactError
from graphmer.index.apply import applied_text, apply_proposals
from graphmer.index.complete import Proposal
from graphmer.kg.folder_graph import CACHE, FolderParams
from graphmer.kg.schema import triples_schema
from graphmer.params import load_tree

PARAMS = FolderParams.of(load_tree(ROOT / "params.yaml"))
CODE = """class Door:
    def pop(self, key):
        return key

    def width(self):
        return 1


class Gate:
    def pop(self, key):
        return key


class Hatch:
    def pop(self, key):
        return key


def visit(thing):
    thing.pop(3)
    return thing.size
"""
OTHER = "def other():\n    return 1\n"
DOORS = "python:doors:doors.py#"
VISIT = f"{DOORS}visit"


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of code and the graph of it."""
    at = tmp_path_factory.mktemp("doors")
    (at / "code").mkdir()
    (at / "code/doors.py").write_text(CODE, encoding="utf-8")
    (at / "code/other.py").write_text(OTHER, encoding="utf-8")
    make(at, "code")
    return at


def make(at: Path, code: str, *flags: str) -> dict[str, Any]:
    """Run `graphmer kg`; what it says."""
    command = ["kg", str(at / code), "--out", str(at / "kg"), "--name", "doors", "--license", "MIT", "--json", *flags]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def proposal(owner: str, confidence: float, **changes: Any) -> Proposal:
    """That `visit` calls the `pop` of a class."""
    start = CODE.index("pop(3)")
    place = ("doors.py", CODE.count("\n", 0, start) + 1, start, start + 3, "pop")
    return Proposal(VISIT, "calls", f"{DOORS}{owner}.pop", confidence, *place)._replace(**changes)


def ours(graph: Path) -> "pd.DataFrame":
    triples = read_table(graph / "triples.parquet", triples_schema())
    return triples[triples["source"] == "ml_extraction"]


def test_what_is_less_likely_than_not_is_not_written(doors: Path, tmp_path: Path) -> None:
    graph = copied(doors / "kg", tmp_path / "kg")
    before = sha256_tree(graph)
    unsure = [proposal("Gate", 0.08), proposal("Hatch", 0.05), proposal("Door", float("nan"))]
    done = apply_proposals(graph, doors / "kg" / CACHE, unsure, PARAMS)
    assert (done.added, done.skipped["too_unsure"]) == ([], 3)
    assert applied_text(graph, done).endswith("added to " + str(graph) + ": 0; skipped: too unsure 3")
    assert sha256_tree(graph) == before
    done = apply_proposals(graph, doors / "kg" / CACHE, [proposal("Door", 0.6), *unsure], PARAMS)
    assert done.added == [proposal("Door", 0.6)]
    assert ours(graph)["resolution"].tolist() == ["inferred"]


@pytest.mark.parametrize(("said", "written"), [([0.3, 0.2, 0.1], [0.3, 0.2, 0.1]), ([0.8, 0.8, 0.4], [0.4, 0.4, 0.2])])
def test_several_candidates_of_one_mention_are_ambiguous_and_come_to_one_at_most(
    said: list[float], written: list[float], doors: Path, tmp_path: Path
) -> None:
    graph = copied(doors / "kg", tmp_path / "kg")
    every = [proposal(owner, share) for owner, share in zip(("Door", "Gate", "Hatch"), said, strict=True)]
    assert apply_proposals(graph, doors / "kg" / CACHE, every, PARAMS, 0.0).added == every
    rows = ours(graph)
    assert rows["resolution"].tolist() == ["ambiguous"] * 3
    assert rows["confidence"].tolist() == pytest.approx(written)
    assert json.loads((graph / "validation.json").read_text())["constraints"] == 1.0


def test_a_mention_that_has_its_triple_takes_no_other(doors: Path, tmp_path: Path) -> None:
    graph = copied(doors / "kg", tmp_path / "kg")
    assert apply_proposals(graph, doors / "kg" / CACHE, [proposal("Door", 0.6)], PARAMS).added
    done = apply_proposals(graph, doors / "kg" / CACHE, [proposal("Door", 0.6), proposal("Gate", 0.3)], PARAMS, 0.0)
    assert (done.added, done.skipped["there"], done.skipped["mention_settled"]) == ([], 1, 1)


def test_a_graph_of_another_package_is_refused_by_both_names(doors: Path, tmp_path: Path) -> None:
    command = ["kg", str(doors / "code"), "--out", str(tmp_path / "kg"), "--name", "gates", "--license", "MIT"]
    assert CliRunner().invoke(app, command).exit_code == 0
    says = "a graph of package 'gates', while the index is of 'doors'; make it again .* --name doors$"
    with pytest.raises(ArtifactError, match=says):
        apply_proposals(tmp_path / "kg", doors / "kg" / CACHE, [proposal("Door", 0.9)], PARAMS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("[]", "expected an object"),
        ("{", "not readable as JSON"),
        ("{}", "says no ontology_version"),
        ({"files": None}, "says no files"),
        ({"files": 3}, "files are no counts"),
        ({"calls": {"python": {"doors": 1}}}, "calls are no counts"),
        ({"skipped": []}, "skipped are no counts"),
        ({"near_duplicates_removed": {"train": {"test": "1"}}}, "near_duplicates_removed are no counts"),
    ],
)
def test_a_manifest_of_another_shape_is_one_line(
    change: str | dict[str, Any], says: str, doors: Path, tmp_path: Path
) -> None:
    graph = copied(doors / "kg", tmp_path / "kg")
    path = graph / "manifest.json"
    if isinstance(change, dict):
        tree = {**json.loads(path.read_text()), **change}
        change = json.dumps({key: value for key, value in tree.items() if value is not None})
    path.write_text(change, encoding="utf-8")
    with pytest.raises(ArtifactError) as caught:
        apply_proposals(graph, doors / "kg" / CACHE, [proposal("Door", 0.9)], PARAMS)
    said = str(caught.value)
    assert said == f"{path}: damaged ({says}); make it again with graphmer kg PATH --out FOLDER"
