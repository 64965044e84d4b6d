"""The report on a pull request: what differs from the commit where the branch left its base, and what that shows."""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from graphmer.artifacts import write_json, write_table, write_text
from graphmer.errors import ArtifactError
from graphmer.kg.schema import triples_schema
from graphmer.report.figure_changes import Change, changes, figures
from graphmer.report.lock import dvc_cache, locked_stages
from graphmer.report.pull_request import main, pull_request_report

PIPELINE = """\
stages:
  build_kg:
    cmd: python build.py
    params: [kg]
    outs: [data/kg]
  eval:
    cmd: python eval.py
    deps: [data/kg]
    metrics: [{metrics/eval.json: {cache: false}}]
"""
HEADLINE = {"mrr": 0.5, "mrr_low": 0.45, "mrr_high": 0.55}
CALL = ("python:p:a.py#f", "calls", "python:p:a.py#g", "a.py", 3)


def git(root: Path, *arguments: str) -> str:
    author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *author, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def triples(rows: list[tuple[str, str, str, str, int]]) -> pd.DataFrame:
    plain = {"language": "python", "package": "p", "version": "1", "license": "MIT", "line_end": 1, "byte_start": 0,
             "byte_end": 1, "source": "static_analysis", "resolution": "exact", "split": "train"}  # fmt: skip
    frame = pd.DataFrame(rows, columns=["head", "relation", "tail", "file", "line_start"])
    return frame.assign(**plain, confidence=1.0).astype({"confidence": "float32"})


def run_pipeline(root: Path, rows: list[tuple[str, str, str, str, int]], eval_figures: dict[str, object]) -> None:
    """What a run leaves: outputs, their digests in the lock, the graph in the cache; then a commit."""
    from dvc.repo import Repo

    write_table(triples(rows), root / "data/kg/triples.parquet", triples_schema())
    write_json(root / "metrics/eval.json", eval_figures)
    with contextlib.chdir(root):  # DVC commits what is below the folder that it is called in
        Repo().commit(force=True)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "run")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, made once: a lock and a cache cost seconds."""
    from dvc.repo import Repo

    tmp_path = tmp_path_factory.mktemp("template")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    Repo.init(str(tmp_path))
    write_text(tmp_path / "dvc.yaml", PIPELINE)
    write_text(tmp_path / "params.yaml", "kg: {max_candidates: 8, seeds: [1, 2]}\n")
    write_text(tmp_path / ".gitignore", "/data\n/.scratch\n")
    write_text(tmp_path / "plots/train.svg", "<svg/>")
    run_pipeline(tmp_path, [CALL], {"link": {"graphmer": HEADLINE, "peer": {"mrr": 0.4}}})
    git(tmp_path, "checkout", "--quiet", "-b", "change")
    return tmp_path


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A project whose branch `change` stands where `main` stands."""
    shutil.copytree(template, tmp_path / "project")
    return tmp_path / "project"


def report(root: Path, images: str = "") -> str:
    return pull_request_report(root, "main", images)


def test_a_branch_that_changes_nothing_says_so(project: Path) -> None:
    text = report(project)
    assert text.count("None changed.") == 3
    assert "Current.\n" in text
    assert "The graph is the same, byte for byte." in text


def test_only_changed_parameters_are_shown_by_their_dotted_key(project: Path) -> None:
    write_text(project / "params.yaml", "kg: {max_candidates: 9, seeds: [1, 2], hops: '|'}\n")
    text = report(project)
    assert "| `kg.max_candidates` | `8` | `9` |" in text
    assert '| `kg.hops` |  | `"\\|"` |' in text
    assert "kg.seeds" not in text


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.56, 0.66, "▲"), (0.30, 0.44, "▼"), (0.55, 0.65, "≈"), (0.44, 0.46, "≈"), (0.35, 0.45, "≈")],
)
def test_an_arrow_stands_only_where_the_intervals_part(low: float, high: float, verdict: str) -> None:
    before = figures({"mrr": 0.5, "mrr_low": 0.45, "mrr_high": 0.55})
    (change,) = changes(before, figures({"mrr": (low + high) / 2, "mrr_low": low, "mrr_high": high}))
    assert change.verdict == verdict


def test_a_figure_that_has_an_interval_on_one_side_alone_has_no_verdict() -> None:
    bare, whole = figures({"f1": 0.9}), figures({"f1": 0.1, "f1_low": 0.0, "f1_high": 0.2})
    (change,) = changes(bare, whole)
    assert (change.verdict, change.difference) == ("", "-0.800000")


def test_the_ends_of_an_interval_are_no_figures_of_their_own() -> None:
    found = figures({"a": {"mrr": 0.5, "mrr_low": 0.4, "mrr_high": 0.6, "lows": 3}, "b": {"mrr_low": 0.1}})
    assert {name: figure.interval for name, figure in found.items()} == {
        "a.mrr": (0.4, 0.6), "a.lows": None, "b.mrr_low": None}  # fmt: skip
    ablation = figures({"row": {"mrr": {"difference": 0.1, "low": 0.0, "high": 0.2, "mean": 0.7}}})
    assert {name: figure.interval for name, figure in ablation.items()} == {
        "row.mrr.difference": (0.0, 0.2), "row.mrr.mean": None}  # fmt: skip


def test_a_new_and_a_lost_figure_have_one_side_and_no_difference() -> None:
    found = {change.name: change for change in changes(figures({"old": 1}), figures({"new": 2}))}
    assert found["new"] == Change("new", None, figures({"new": 2})["new"])
    assert [found["old"].difference, found["new"].difference, found["old"].verdict] == ["", "", ""]


def test_metrics_show_both_sides_with_arrows_first(project: Path) -> None:
    better = {"mrr": 0.7, "mrr_low": 0.6, "mrr_high": 0.8}
    write_json(project / "metrics/eval.json", {"a": {"n": 4}, "link": {"graphmer": better, "peer": {"mrr": 0.45}}})
    lines = [line for line in report(project).splitlines() if line.startswith("| `eval:")]
    assert lines == [
        "| `eval: link.graphmer.mrr` | 0.5 [0.45, 0.55] | 0.7 [0.6, 0.8] | +0.200000 | ▲ |",
        "| `eval: a.n` |  | 4 |  |  |",
        "| `eval: link.peer.mrr` | 0.4 | 0.45 | +0.050000 |  |",
    ]


def test_what_main_has_gained_since_is_no_change_of_the_branch(project: Path) -> None:
    git(project, "checkout", "--quiet", "main")
    run_pipeline(project, [CALL], {"link": {"graphmer": HEADLINE, "peer": {"mrr": 0.1}}})
    git(project, "checkout", "--quiet", "change")
    assert "None changed." in report(project).partition("## Metrics")[2].partition("## Plots")[0]


def test_changed_drawings_are_images_behind_the_given_address(project: Path) -> None:
    write_text(project / "plots/train.svg", "<svg></svg>")
    write_text(project / "results/a b/[x](y).svg", "<svg/>")
    assert "![plots/train.svg](plots/train.svg)" in report(project)
    text = report(project, "https://example.org/raw/1/")
    assert "![plots/train.svg](https://example.org/raw/1/plots/train.svg)" in text
    assert "](https://example.org/raw/1/results/a%20b/%5Bx%5D%28y%29.svg)" in text
    (project / "plots/train.svg").unlink()
    assert "`plots/train.svg` is no longer there." in report(project)


def test_triples_gained_and_lost_are_told_with_file_and_line(project: Path) -> None:
    head, _, _, file, line = CALL
    run_pipeline(project, [(head, "calls", "python:p:b.py#h", file, line + 1)], {"link": {"graphmer": HEADLINE}})
    text = report(project)
    assert "1 gained, 1 lost;" in text
    assert "+ python:p:a.py#f calls python:p:b.py#h  a.py:4" in text
    assert "- python:p:a.py#f calls python:p:a.py#g  a.py:3" in text


def test_a_triple_that_moved_is_neither_gained_nor_lost(project: Path) -> None:
    run_pipeline(project, [(*CALL[:4], 30)], {"link": {"graphmer": HEADLINE}})
    assert "The same triples; what differs" in report(project)


def test_the_first_fifty_of_each_kind_are_shown(project: Path) -> None:
    many = [(f"python:p:a.py#f{number:03}", "calls", "python:p:a.py#g", "a.py", number) for number in range(120)]
    run_pipeline(project, many, {"link": {"graphmer": HEADLINE}})
    lines = [line for line in report(project).splitlines() if line.startswith("+ ")]
    assert lines == [f"+ {head} calls {tail}  a.py:{line}" for head, _, tail, _, line in many[:50]]


def test_a_graph_that_is_not_here_is_one_line_that_says_how_to_get_it(project: Path) -> None:
    before = locked_stages(project)["build_kg"]["outs"][0]["md5"]
    run_pipeline(project, [(*CALL[:2], "python:p:a.py#x", "a.py", 1)], {"link": {"graphmer": HEADLINE}})
    listing = dvc_cache(project)(before)
    kept = listing.read_bytes()
    listing.unlink()
    commit = git(project, "rev-parse", "main")[:12]
    (line,) = [line for line in report(project).splitlines() if line.startswith("Not compared")]
    assert f"`dvc get . data/kg --rev {commit} --out .scratch/graphs/{before}`" in line
    # What that command would bring is found, and only where it is the graph that the lock names.
    fetched = project / ".scratch/graphs" / before / "triples.parquet"
    write_table(triples([(*CALL[:2], "python:p:a.py#other", "a.py", 1)]), fetched, triples_schema())
    assert "Not compared" in report(project)
    write_table(triples([CALL]), fetched, triples_schema())
    assert "1 gained, 1 lost;" in report(project)
    assert kept


def test_dvc_get_brings_a_graph_from_a_remote_to_where_it_is_looked_for(project: Path, tmp_path_factory) -> None:
    before = locked_stages(project)["build_kg"]["outs"][0]["md5"]
    dvc = [sys.executable, "-m", "dvc"]
    remote = tmp_path_factory.mktemp("remote")
    for arguments in (["remote", "add", "--default", "store", str(remote)], ["push", "--quiet"]):
        subprocess.run([*dvc, *arguments], cwd=project, check=True, capture_output=True)
    git(project, "commit", "--quiet", "--all", "--message", "remote")
    git(project, "branch", "--quiet", "--force", "main")
    run_pipeline(project, [(*CALL[:2], "python:p:a.py#x", "a.py", 1)], {"link": {"graphmer": HEADLINE}})
    dvc_cache(project)(before).unlink()
    (line,) = [line for line in report(project).splitlines() if line.startswith("Not compared")]
    (command,) = [part for part in line.split("`") if part.startswith("dvc get")]
    subprocess.run([*dvc, *command.split()[1:]], cwd=project, check=True, capture_output=True)
    assert "1 gained, 1 lost;" in report(project)


def test_a_lock_that_is_behind_is_told_with_what_differs(project: Path) -> None:
    write_text(project / "params.yaml", "kg: {max_candidates: 9, seeds: [1, 2]}\n")
    text = report(project)
    assert "**Not current**: run `make repro` and commit the result." in text
    assert "- `build_kg: parameter kg.max_candidates is 9, locked 8`" in text


def test_names_in_code_stay_text_in_the_comment(project: Path) -> None:
    hostile = "python:p:a.py#<img src=x>|`@everyone`\n## Forged\n```"
    run_pipeline(project, [CALL, (hostile, "calls", CALL[2], "a|b\n.py", 7)], {"link": {"graphmer": HEADLINE}})
    write_text(project / "params.yaml", yaml.safe_dump({"kg": {"max_candidates": "`|\n# Forged"}}))
    text = report(project)
    assert "\n## Forged" not in text
    assert "\n# Forged" not in text
    (line,) = [line for line in text.splitlines() if "<img" in line]
    block = text[: text.index(line)].splitlines()
    assert block[-1] == "````diff"
    (row,) = [row for row in text.splitlines() if row.startswith("| `kg.max_candidates`")]
    assert row.replace("\\|", "").count("|") == 4
    assert row.endswith('| `8` | ``"`\\|\\n# Forged"`` |')


def test_a_report_never_grows_past_what_a_comment_holds(project: Path) -> None:
    long = "x" * 200
    many = [(f"python:p:{long}{number}", "calls", long, f"{long}.py", number) for number in range(200)]
    run_pipeline(project, many, {f"{long}{number}": number for number in range(400)})
    write_text(project / "params.yaml", yaml.safe_dump({"kg": {f"{long}{number}": long for number in range(400)}}))
    for number in range(40):
        write_text(project / f"plots/{long[:150]}/{number}.svg", "<svg/>")
    text = report(project)
    assert len(text) < 65_536
    assert [part.count(" more.") for part in text.split("\n## ")] == [0, 1, 1, 1, 1, 0]
    assert "200 gained, 1 lost; of each the first 50" in text
    shown = [line for line in text.splitlines() if line.startswith("| `kg.")]
    assert f"and {400 + 2 - len(shown):,} more." in text  # new ones, and the two that are gone


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("nowhere", "BASE=nowhere: git knows no such commit"),
        ("--all", "BASE=--all: git knows no such commit"),
        ("alone", "BASE=alone: shares no history with HEAD"),
        ("bare", "no metrics/ there to compare with"),
    ],
)
def test_a_base_that_cannot_be_compared_with_is_one_line(
    project: Path, base: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = git(project, "hash-object", "-t", "tree", "-w", "/dev/null")
    alone = git(project, "commit-tree", tree, "-m", "empty")
    git(project, "branch", "alone", alone)
    if base == "bare":
        git(project, "branch", "bare", alone)
        git(project, "replace", "--graft", "HEAD", alone)
    assert main([f"--base={base}", "--root", str(project)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_outside_of_a_repository_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--base", "main", "--root", str(tmp_path)]) == 2
    assert "not in a git repository" in capsys.readouterr().err
    assert main(["--base", "main", "--root", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_damaged_file_is_one_line_that_names_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_text(project / "params.yaml", "kg: {max_candidates: 8, seeds: [1, 2]\n")
    assert main(["--base", "main", "--root", str(project)]) == 2
    captured = capsys.readouterr()
    assert "params.yaml" in captured.err
    assert captured.err.count("\n") == 1
    with pytest.raises(ArtifactError, match=r"params\.yaml"):
        report(project)


def test_a_project_below_the_repositorys_root_is_compared_too(project: Path) -> None:
    git(project, "checkout", "--quiet", "-b", "moved")
    inner = project / "inner"
    inner.mkdir()
    for name in ("metrics", "plots", "params.yaml", "dvc.yaml", "dvc.lock"):
        (project / name).rename(inner / name)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "moved")
    git(project, "branch", "--quiet", "--force", "main")
    write_json(inner / "metrics/eval.json", {"link": {"peer": {"mrr": 0.9}}})
    from dvc.repo import Repo

    Repo.init(str(inner), subdir=True)
    assert "| `eval: link.peer.mrr` | 0.4 | 0.9 | +0.500000 |  |" in report(inner)
