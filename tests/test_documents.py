"""The cards and the specification are what the generator writes from committed files, and follow the figures."""

import json
import shutil
from pathlib import Path

import pytest
from imports import ROOT

from graphmer.artifacts import read_json, write_json
from graphmer.corpus.pins import load_corpus
from graphmer.errors import ArtifactError
from graphmer.params import load_tree
from graphmer.report.documents import CARDS, documents, main

TREE = load_tree(ROOT / "params.yaml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What git keeps, and nothing of data/ but the pins."""
    for name in ("metrics", "plots", "docs", "results", "data/corpora"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("params.yaml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_every_committed_page_is_what_the_generator_writes() -> None:
    for path, text in documents(ROOT).items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path}: run make docs"


def test_the_pages_come_from_committed_files_alone(project: Path) -> None:
    for path in CARDS:
        (project / path).unlink()
    assert main(project) == 0
    for path in CARDS:
        assert (project / path).read_bytes() == (ROOT / path).read_bytes()


def test_the_data_card_has_a_row_for_each_package_with_licence_and_digest() -> None:
    text = documents(ROOT)["docs/data_card.md"]
    counted = read_json(ROOT / "metrics/packages.json")["packages"]
    for source in load_corpus(ROOT / TREE["fetch"]["corpus"]).sources:
        triples = f"{counted[source.name]['triples']:,}"
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {source.name} |")]
        assert f"| {source.version} | {source.license} |" in row
        assert row.endswith(f"| {triples} |")
        assert f"`{source.sha256}`" in text


def test_the_packages_triples_are_the_graphs(project: Path) -> None:
    counted = read_json(ROOT / "metrics/packages.json")["packages"]
    kg = read_json(ROOT / "metrics/kg.json")
    assert sum(part["triples"] for part in counted.values()) == kg["triples"]


def test_what_was_left_out_is_told_by_reason(project: Path) -> None:
    counted = read_json(project / "metrics/packages.json")
    counted["left_out"] |= {"near_duplicates_removed": {"train": {"test": 1234}}, "skipped": {"too_large": 5}}
    write_json(project / "metrics/packages.json", counted)
    lines = documents(project)["docs/data_card.md"].splitlines()
    assert "| files that were not parsed | too large | 5 |" in lines
    assert "| near-duplicate files removed, by their split and that of the file kept | train.test | 1,234 |" in lines


def test_a_changed_figure_changes_the_model_card_and_the_acceptance(project: Path) -> None:
    train = read_json(project / "metrics/train.json")
    write_json(project / "metrics/train.json", train | {"weights": {"blocks": 84_934_656, "total": 99_000_000}})
    kg = read_json(project / "metrics/kg.json")
    write_json(project / "metrics/kg.json", kg | {"triples": 29_174})
    pages = documents(project)
    assert "| weights in the blocks' matrices | 84,934,656 |" in pages["docs/model_card.md"]
    assert "| triples | >= 30,000 | 29,174 | missed |" in pages["docs/specs.md"]
    assert "29,174 triples" in pages["docs/data_card.md"]


def test_a_profile_that_ran_is_a_row_of_the_model_card(project: Path) -> None:
    text = documents(project)["docs/model_card.md"]
    assert "| `tpu` | not run |" in text
    train = {"weights": {"blocks": 84_934_656, "total": 97_000_000}, "steps": 500}
    write_json(project / "results/base_cpu/metrics/train.json", train)
    shutil.copytree(project / "results/base_cpu", project / "results/scaling")
    write_json(project / "results/scaling/metrics/eval.json", json.loads((ROOT / "metrics/eval.json").read_text()))
    lines = documents(project)["docs/model_card.md"].splitlines()
    assert "| `base_cpu` | 97,000,000 | 500 | not evaluated | `make repro PROFILE=base_cpu` |" in lines
    assert any(line.startswith("| `scaling` | 97,000,000 | 500 | 0.") for line in lines)


def test_a_missing_figure_is_one_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "metrics/packages.json").unlink()
    with pytest.raises(ArtifactError, match=r"packages\.json: not found; run the stage that writes it"):
        documents(project)
    assert main(project) == 1
    assert capsys.readouterr().err.count("\n") == 1
