"""README's table is what the committed metrics say, and its commands name files that exist."""

import re
from pathlib import Path

import pytest
from imports import ROOT

from graphmer.artifacts import write_json
from graphmer.errors import ArtifactError
from graphmer.report.readme import SPEED, results_table, with_figures, with_results
from graphmer.report.scale import scale_figures

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_results_table_is_what_the_metrics_say() -> None:
    assert with_results(README, results_table(ROOT / "metrics")) == README


def test_every_file_that_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_tree_entry_of_the_library_is_a_package() -> None:
    for name in re.findall(r"^  (\w+)/ ", README, flags=re.MULTILINE):
        assert (ROOT / "src" / "graphmer" / name).is_dir(), name


def test_the_figures_of_the_page_on_scale_are_what_was_measured() -> None:
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    assert with_figures(page, scale_figures(ROOT / SPEED)) == page


def test_every_corpus_that_was_measured_is_a_row_with_its_machine(tmp_path: Path) -> None:
    ratio = {"ratio_to_parse": 2.5, "ratio_to_parse_low": 2.25, "ratio_to_parse_high": 1234.5}
    growth = [{"files": 1000, "cpu_s_per_mib": 1.5, "peak_mib": 300.2}]
    small = {"files": 1059, "triples": 222090, **ratio, "peak_mib": 640.4, "growth": growth}
    write_json(tmp_path / "speed.json", {"machine": {"cores": 2, "cpu": "some"}, "rounds": 5, "small": small})
    lines = scale_figures(tmp_path / "speed.json").splitlines()
    assert lines[0] == "Machine: cores 2, cpu some."
    assert "| small | 1,059 | 222,090 | 2.50 (2.25 to 1,234) |  |  | 640 |  |" in lines
    assert lines[-1] == "| 1,000 | 1.50 | 300 |"


def test_a_measurement_without_a_corpus_is_one_line(tmp_path: Path) -> None:
    write_json(tmp_path / "speed.json", {"machine": {}})
    with pytest.raises(ArtifactError, match=r"speed.json: no corpus with 'ratio_to_parse'; run python benchmarks/"):
        scale_figures(tmp_path / "speed.json")
