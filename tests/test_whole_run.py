"""A profile with all that is measured of it: every part once, in order, and none again that is done."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from imports import ROOT

from graphmer.artifacts import read_json, sha256_file, write_json, write_text
from graphmer.errors import ArtifactError, ParamsError
from graphmer.params import check_tree, load_tree
from graphmer.report import whole_run
from graphmer.report.whole_run import DATA, fitting_bits, main, measure_profile, parts, seal
from graphmer.train.profile import Profile, read_profile

NAMES = sorted(path.stem for path in (ROOT / "profiles/controls").glob("*.params"))
NO_CHANGE = Profile("mine", ("train.rows=4",), {})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which the profile's own run is done at once and commands are written down instead of run."""
    monkeypatch.chdir(tmp_path)
    write_text(tmp_path / "profiles/controls/mine.params", "model.layers=1\n")
    write_text(tmp_path / ".venv-peers/bin/python", "")
    calls = tmp_path / "calls"
    calls.write_text("")

    def run(profile: Profile, environ: object) -> str:
        shutil.rmtree("results/mine", ignore_errors=True)  # as the real one, which replaces the folder
        folder = Path("results/mine")
        write_text(folder / "params.yaml", (ROOT / "params.yaml").read_text(encoding="utf-8"))
        write_text(folder / "dvc.lock", (tmp_path / "lock").read_text() if (tmp_path / "lock").exists() else "one\n")
        write_json(folder / "metrics/train.json", {"weights": {"total": 1000}})
        write_json(folder / "environment.json", {"profile": "mine", "sha256": {}})
        return "c0ffee"

    def call(command: list[str], environ: object) -> None:
        with calls.open("a") as file:
            file.write(json.dumps(command) + "\n")
        if "stages/long_ablation.py" in command:
            write_text(Path("results/mine/controls/ablation.json"), "{}\n")
        if (tmp_path / "fail").exists() and "benchmarks/train_speed.py" in command:
            raise ArtifactError("`train_speed` did not end well")

    monkeypatch.setattr(whole_run, "run_profile", run)
    monkeypatch.setattr(whole_run, "_call", call)
    return tmp_path


def called(project: Path) -> list[list[str]]:
    found = [json.loads(line) for line in (project / "calls").read_text().splitlines()]
    (project / "calls").write_text("")
    return found


def test_every_part_is_done_once_and_goes_on_where_it_was_cut_off(project: Path) -> None:
    (project / "fail").touch()
    with pytest.raises(ArtifactError, match="did not end well"):
        measure_profile(NO_CHANGE, {})
    first = called(project)
    assert [command[1] for command in first if command[0] == "dvc"] == ["get"] * len(DATA)
    assert first[-1][1] == "benchmarks/train_speed.py"
    (project / "fail").unlink()
    measure_profile(NO_CHANGE, {})
    assert [command[1:3] for command in called(project)] == [
        ["benchmarks/train_speed.py", ".scratch/whole/mine/data/packed"],
        ["-m", "graphmer.model.compact"],
        ["stages/eval.py", "--params"],
        ["-m", "graphmer.report.adapted"],
        ["-m", "graphmer.index.fit"],
    ]
    measure_profile(NO_CHANGE, {})
    assert called(project) == []
    digests = read_json(project / "results/mine/environment.json")["sha256"]
    assert digests["controls/ablation.json"] == sha256_file(project / "results/mine/controls/ablation.json")


def test_another_run_of_the_pipeline_is_measured_anew(project: Path) -> None:
    measure_profile(NO_CHANGE, {})
    first = called(project)
    (project / "lock").write_text("another\n")
    measure_profile(NO_CHANGE, {})
    assert called(project) == first


def test_what_is_missing_is_told_before_anything_runs(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ParamsError, match="no 'other' in profiles/controls; known: mine"):
        measure_profile(Profile("other", (), {}), {})
    (project / ".venv-peers/bin/python").unlink()
    with pytest.raises(ArtifactError, match="`make whole` builds it"):
        measure_profile(NO_CHANGE, {})
    assert called(project) == []
    assert main({"PROFILE": "none"}) == 2
    assert capsys.readouterr().err == "whole: profile: no 'none' in profiles; known: \n"


@pytest.mark.parametrize("name", NAMES)
def test_controls_fit_their_profile(name: str) -> None:
    changes = [*read_profile(name, ROOT / "profiles").changes, *read_profile(name, ROOT / "profiles/controls").changes]
    tree = load_tree(ROOT / "params.yaml", changes)
    check_tree(tree)
    assert tree["ablation"]["long"]["rows"] == ["full", "no_rel_bias", "plain_tokens", "shuffled_relations"]


def test_scripts_and_flags_of_the_commands_are_there(project: Path) -> None:
    measure_profile(NO_CHANGE, {})  # writes results/mine
    for part in parts(NO_CHANGE, [], "c0ffee", Path("results/mine"), Path("work"), {}):
        for command in part.commands:
            assert command[0] in ("dvc", sys.executable, ".venv-peers/bin/python")
            script = command[1] if command[1] != "-m" else "src/" + command[2].replace(".", "/") + ".py"
            if command[0] != "dvc":
                text = (ROOT / script).read_text(encoding="utf-8")
                assert "add_argument" in text or "_stage.run(" in text


def test_as_many_bits_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [fitting_bits(weights) for weights in (2_113_856, 50_000_000, 100_000_000)] == [16, 8, 4]
    with pytest.raises(ArtifactError, match="no compact one of 60 MiB"):
        fitting_bits(200_000_000)


def test_sealing_names_every_file_and_keeps_the_rest(tmp_path: Path) -> None:
    write_json(tmp_path / "environment.json", {"profile": "mine", "sha256": {"gone": "ab"}})
    write_text(tmp_path / "metrics/a.json", "{}\n")
    seal(tmp_path)
    found = read_json(tmp_path / "environment.json")
    assert found == {"profile": "mine", "sha256": {"metrics/a.json": sha256_file(tmp_path / "metrics/a.json")}}
