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
from graphmer.kg.predicted import Earlier, carried_over, read_earlier, widened
from graphmer.kg.schema import triples_schema
from graphmer.kg.validate import read_tables
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


@pytest.fixture
def applied(doors: Path, tmp_path: Path) -> Path:
    """A copy of the code and of the graph, to which a proposal was added."""
    copied(doors / "code", tmp_path / "code")
    copied(doors / "kg", tmp_path / "kg")
    assert apply_proposals(tmp_path / "kg", doors / "kg" / CACHE, [proposal("Door", 0.75)], PARAMS).added
    return tmp_path


@pytest.mark.parametrize("through", ["parquet", "jsonl"])
def test_a_second_run_keeps_what_was_added_where_its_file_is_as_it_was(through: str, applied: Path) -> None:
    (applied / "code/other.py").write_text(OTHER + "\n\ndef fresh():\n    return other()\n", encoding="utf-8")
    before = ours(applied / "kg").reset_index(drop=True)
    assert make(applied, "code", "--format", through)["ml_extraction"]["kept"] == 1
    said = make(applied, "code")
    assert {reason: count for reason, count in said["ml_extraction"].items() if count} == {"kept": 1}
    pd.testing.assert_frame_equal(ours(applied / "kg").reset_index(drop=True), before)
    triples = read_table(applied / "kg/triples.parquet", triples_schema())
    assert said["manifest"]["triples"]["calls"]["python"] == int((triples["relation"] == "calls").sum())
    assert said["manifest"]["ml_extraction"] == {"added": 1}
    assert json.loads((applied / "kg/validation.json").read_text())["triples"] == len(triples)


@pytest.mark.parametrize("text", [f"\n{CODE}", None])
def test_a_second_run_drops_what_was_added_to_another_text(text: str | None, applied: Path) -> None:
    if text is None:
        (applied / "code/doors.py").unlink()
    else:
        (applied / "code/doors.py").write_text(text, encoding="utf-8")
    said = make(applied, "code")
    assert {reason: count for reason, count in said["ml_extraction"].items() if count} == {"text_changed": 1}
    assert ours(applied / "kg").empty
    assert "ml_extraction" not in said["manifest"]
    assert make(applied, "code")["ml_extraction"] == {}


@pytest.mark.parametrize("owner", ["Door", "Gate"])
def test_a_row_is_dropped_where_its_mention_is_settled_by_now(owner: str, applied: Path) -> None:
    """As a SCIP index, or a file beside it, may settle a call in a text that is as it was."""
    earlier, tables = before(applied), read_tables(applied / "kg", applied / "kg" / CACHE)
    static = tables._replace(triples=tables.triples[tables.triples["source"] != "ml_extraction"])
    fact = {**earlier.rows[0], "tail": f"{DOORS}{owner}.pop", "source": "static_analysis", "resolution": "exact"}
    kept = carried_over(widened(static, [fact]), earlier.digests, earlier)
    assert {reason: count for reason, count in kept.counts.items() if count} == {"settled_now": 1}
    assert set(kept.tables.triples["source"]) == {"static_analysis"}


def test_a_row_is_dropped_where_an_end_is_gone_or_a_rule_forbids_it(applied: Path) -> None:
    earlier, tables = before(applied), read_tables(applied / "kg", applied / "kg" / CACHE)
    static = tables._replace(triples=tables.triples[tables.triples["source"] != "ml_extraction"])
    gone = {**earlier.rows[0], "tail": f"{DOORS}Fence.pop"}
    class_called = {**earlier.rows[0], "tail": f"{DOORS}Door"}
    kept = carried_over(static, earlier.digests, earlier._replace(rows=[gone, class_called]))
    assert {reason: count for reason, count in kept.counts.items() if count} == {"symbol_gone": 1, "breaks_a_rule": 1}
    assert kept.tables.triples.equals(static.triples)


def before(at: Path) -> Earlier:
    found = read_earlier(at / "kg", at / "kg" / CACHE)
    assert found is not None
    return found


def test_what_n_triples_do_not_mark_is_dropped_and_told(applied: Path) -> None:
    assert make(applied, "code", "--format", "nt")["ml_extraction"]["kept"] == 1
    command = ["kg", str(applied / "code"), "--out", str(applied / "kg"), "--name", "doors", "--license", "MIT"]
    said = CliRunner().invoke(app, command).stdout
    assert said.endswith("\nadded by complete --apply before: kept 0, dropped 1 (unreadable 1)\n")
    assert "added by" not in CliRunner().invoke(app, command).stdout


@pytest.mark.parametrize("damage", ["[]", "{", '{"ml_extraction": 3}', '{"ml_extraction": {"added": "x"}}'])
def test_a_damaged_manifest_stops_no_second_run(damage: str, applied: Path) -> None:
    (applied / "kg/manifest.json").write_text(damage, encoding="utf-8")
    assert make(applied, "code")["ml_extraction"] == {}
