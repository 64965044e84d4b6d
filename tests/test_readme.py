"""README's table is what the committed metrics say, and its commands name files that exist."""

import re

from imports import ROOT

from graphmer.report.readme import results_table, with_results

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_results_table_is_what_the_metrics_say() -> None:
    assert with_results(README, results_table(ROOT / "metrics")) == README


def test_every_file_that_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_tree_entry_of_the_library_is_a_package() -> None:
    for name in re.findall(r"^  (\w+)/ ", README, flags=re.MULTILINE):
        assert (ROOT / "src" / "graphmer" / name).is_dir(), name
