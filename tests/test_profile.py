"""Profiles: their lines, who wins over whom, which stages they reach, and what is kept of a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from imports import ROOT

from graphmer.artifacts import sha256_file
from graphmer.errors import ArtifactError, ParamsError
from graphmer.params import check_tree, load_section, load_tree
from graphmer.report.profile_run import described, keep, stages_up_to
from graphmer.report.run_record import run_record
from graphmer.train.config import TrainParams
from graphmer.train.micro import check_micro_batch, micro_batches
from graphmer.train.profile import VARIABLES, Profile, read_profile

NAMES = sorted(path.stem for path in (ROOT / "profiles").glob("*.params"))
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
# The machines that the profiles are for, as their comments say: processes and micro-batch beside the defaults.
OTHER_MACHINES = {"tpu": [(4, 4)], "scaling": [(1, 16), (4, 16), (16, 16)], "base": [(1, 64), (4, 16)]}


def write(folder: Path, params: str, env: str | None = None, name: str = "mine") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.params").write_text(params, encoding="utf-8")
    if env is not None:
        (folder / f"{name}.env").write_text(env, encoding="utf-8")
    return folder


def test_the_profiles_are_those_that_readme_names() -> None:
    assert NAMES == ["base", "base_cpu", "gpu_16gb", "scaling", "smoke", "tpu"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in readme for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_fits_the_parameters_and_shares_its_rows_evenly(name: str) -> None:
    profile = read_profile(name, ROOT / "profiles")
    tree = load_tree(ROOT / "params.yaml", profile.changes)
    check_tree(tree)
    assert (ROOT / tree["fetch"]["corpus"]).is_file()
    params = load_section(tree, "train", TrainParams)
    processes = int(profile.defaults.get("GRAPHMER_PROCESSES", "1"))
    micro_batch = int(profile.defaults.get("GRAPHMER_MICRO_BATCH", "0"))
    check_micro_batch(
        micro_batch or micro_batches(params.rows, params.link_rows, processes)[0],
        params.rows, params.link_rows, processes,
    )  # fmt: skip
    for world, micro in OTHER_MACHINES.get(name, []):
        check_micro_batch(micro, params.rows, params.link_rows, world)
    stages_up_to(STAGES, profile.defaults.get("DVC_TARGET", ""))


@pytest.mark.parametrize("name", NAMES)
def test_dvc_writes_a_profiles_changes_as_the_strict_loader_reads_them(name: str, tmp_path: Path) -> None:
    # DVC writes a float below 0.0001 as 4e-05, which YAML 1.1, and so the loader, reads as text.
    from dvc.utils.hydra import apply_overrides

    changes = read_profile(name, ROOT / "profiles").changes
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    apply_overrides(tmp_path / "params.yaml", list(changes))
    assert load_tree(tmp_path / "params.yaml") == load_tree(ROOT / "params.yaml", changes)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "smoke"])
def test_every_profile_of_the_large_model_has_its_84934656_weights_in_the_blocks(name: str) -> None:
    model = load_tree(ROOT / "params.yaml", read_profile(name, ROOT / "profiles").changes)["model"]
    attention, feed_forward = 4 * model["width"] ** 2, 2 * model["width"] * model["ffn"]
    assert model["layers"] * (attention + feed_forward) == 84_934_656


def test_a_profile_whose_micro_batch_runs_the_ablation_too_fits_a_cell_which_is_one_process() -> None:
    for name in NAMES:
        profile = read_profile(name, ROOT / "profiles")
        micro_batch = profile.defaults.get("GRAPHMER_MICRO_BATCH")
        if micro_batch and "ablation" in stages_up_to(STAGES, profile.defaults.get("DVC_TARGET", "")):
            train = load_section(load_tree(ROOT / "params.yaml", profile.changes), "train", TrainParams)
            check_micro_batch(int(micro_batch), train.rows, train.link_rows, 1)


def test_comments_and_empty_lines_are_no_changes_and_values_stay_as_written(tmp_path: Path) -> None:
    folder = write(tmp_path, "# why\n\ntrain.steps=5\ntrain.curriculum=[{until: 0.5, divisor: 2}]\n", "# a GPU\n\n")
    assert read_profile("mine", folder) == Profile(
        "mine", ("train.steps=5", "train.curriculum=[{until: 0.5, divisor: 2}]"), {}
    )


@pytest.mark.parametrize(
    ("params", "env", "message"),
    [
        ("train.steps 5\n", None, "mine.params:1: expected key.path=value, comments on lines of their own, got 'tr"),
        ("# why\ntrain.steps=\n", None, "mine.params:2: expected key.path=value"),
        ("steps=5\n", None, "mine.params:1: expected key.path=value"),
        ("train.steps=5 # few\n", None, "mine.params:1: expected key.path=value, comments on lines of their own"),
        ("train.steps=5\ntrain.steps=6\n", None, "mine.params:2: train.steps is set twice"),
        ("train.steps=5\n", "GRAPHMER_DEVICE\n", "mine.env:1: expected NAME=value"),
        ("train.steps=5\n", "GRAPHMER_DEVICE=\n", "mine.env:1: expected NAME=value"),
        ("train.steps=5\n", "GRAPHMER_DEVICES=gpu\n", "mine.env: GRAPHMER_DEVICES is no variable of a profile; known:"),
        ("train.steps=5\n", "PATH=/bin\n", "mine.env: PATH is no variable of a profile"),
    ],
)
def test_a_malformed_line_is_one_line_with_its_place(
    tmp_path: Path, params: str, env: str | None, message: str
) -> None:
    with pytest.raises(ParamsError) as caught:
        read_profile("mine", write(tmp_path, params, env))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_profile_names_those_that_are_there(tmp_path: Path) -> None:
    for name in ("other", "", "../mine"):
        with pytest.raises(ParamsError, match=rf"no '{name}' in .*; known: mine$"):
            read_profile(name, write(tmp_path / "profiles", "train.steps=5\n"))


def test_a_variable_that_is_set_wins_even_an_empty_one() -> None:
    profile = Profile("mine", (), {"GRAPHMER_DEVICE": "gpu", "GRAPHMER_MICRO_BATCH": "4", "DVC_TARGET": "train"})
    given = {"GRAPHMER_DEVICE": "cpu", "DVC_TARGET": "", "HOME": "/home"}
    assert profile.environment(given) == {
        "GRAPHMER_DEVICE": "cpu", "GRAPHMER_MICRO_BATCH": "4", "DVC_TARGET": "", "HOME": "/home",
    }  # fmt: skip
    assert list(described(profile, given)) == [
        "profile: mine", "  GRAPHMER_DEVICE=cpu (set by you)", "  GRAPHMER_MICRO_BATCH=4", "  DVC_TARGET= (set by you)",
    ]  # fmt: skip


def test_a_target_reaches_the_stages_before_it_and_no_others() -> None:
    assert list(stages_up_to(STAGES, "train")) == ["fetch", "parse", "build_kg", "validate_kg", "pack", "train"]
    assert list(stages_up_to(STAGES, "")) == list(STAGES)
    assert "ablation_cell" in stages_up_to(STAGES, "ablation")
    assert "eval" not in stages_up_to(STAGES, "ablation")
    with pytest.raises(ParamsError, match=r"DVC_TARGET: no stage 'trian' in dvc.yaml; known: fetch, "):
        stages_up_to(STAGES, "trian")


@pytest.mark.parametrize(
    ("profile", "change", "message"),
    [
        ("none", "", "profile: profile: no 'none' in profiles; known: mine\n"),
        ("mine", "train.stepz=5", "profile: train.stepz: unknown key; did you mean 'steps'?\n"),
        ("mine", "train.steps=five", "profile: train.steps: expected int, got str 'five'\n"),
        ("mine", "train.steps", "profile: profiles/mine.params:1: expected key.path=value, "),
        ("mine", "train.precision=fp16", "profile: train.precision: fp16 needs a GPU"),
    ],
)
def test_a_bad_profile_ends_in_one_line_before_anything_runs(
    tmp_path: Path, profile: str, change: str, message: str
) -> None:
    write(tmp_path / "profiles", f"{change}\n")
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "graphmer.report.profile_run"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PROFILE": profile, "GRAPHMER_DEVICE": "cpu"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if "fp16" in change else 2)
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose commit holds what an experiment up to `train` leaves, beside an older evaluation."""
    monkeypatch.chdir(tmp_path)
    files = {
        "params.yaml": "train: {steps: 5}\n",
        "dvc.lock": yaml.safe_dump({"schema": "2.0", "stages": {
            "train": {"cmd": "python stages/train.py", "outs": [{"path": "data/model", "md5": "aa.dir"}]},
            "eval": {"cmd": "python stages/eval.py", "outs": [{"path": "data/eval", "md5": "bb.dir"}]},
        }}),
        "metrics/kg.json": "{}\n", "metrics/pack.json": "{}\n", "metrics/train.json": '{"steps": 5}\n',
        "metrics/eval.json": '{"old": 1}\n',
        "plots/kg_relations.csv": "relation,triples,exact,inferred,ambiguous,external\ncalls,9,4,2,1,2\n",
        "plots/train.csv": "step,learning_rate,loss,loss.mlm\n20,0.001,9.1,5.2\n40,0.0009,7.4,4.1\n",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "run"]):
        author = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *author, *arguments], cwd=tmp_path, check=True)
    return tmp_path


def test_what_a_run_produced_is_kept_and_what_is_older_is_not(committed: Path) -> None:
    folder = committed / "results" / "mine"
    folder.mkdir(parents=True)
    (folder / "of_an_earlier_run").touch()
    keep("HEAD", stages_up_to(STAGES, "train"), folder, "mine", {"GRAPHMER_DEVICE": "cpu", "HOME": "/home/me"})
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    results = {"metrics/kg.json", "metrics/pack.json", "metrics/train.json", "plots/kg_relations.csv",
               "plots/kg_relations.svg", "plots/train.csv", "plots/train.svg", "params.yaml", "dvc.lock"}  # fmt: skip
    assert kept == results | {"environment.json"}
    assert list(yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]) == ["train"]
    origin = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    assert origin["outputs"] == {"data/model": "aa.dir"}
    assert origin["environment"]["GRAPHMER_DEVICE"] == "cpu"
    assert origin["sha256"] == {name: sha256_file(folder / name) for name in results}


def test_a_run_that_lacks_a_result_leaves_the_earlier_results_as_they_were(committed: Path) -> None:
    folder = committed / "results" / "mine"
    folder.mkdir(parents=True)
    (folder / "of_an_earlier_run").touch()
    with pytest.raises(ArtifactError, match=r"git show failed .*eval_peers\.csv"):
        keep("HEAD", stages_up_to(STAGES, "eval"), folder, "mine", {})
    assert [path.name for path in folder.parent.rglob("*")] == ["mine", "of_an_earlier_run"]


def test_a_record_names_the_machine_by_its_models_and_no_host_path_or_other_variable(tmp_path: Path) -> None:
    import socket
    from importlib.metadata import version

    environ = {"GRAPHMER_PROCESSES": "2", "GRAPHMER_MAIN_ADDRESS": "10.0.0.1", "GRAPHMER_RUNS": "/shared", "A": "b"}
    record = run_record("mine", environ, {}, tmp_path)
    assert record["environment"] == {"GRAPHMER_PROCESSES": "2"}
    assert record["versions"]["torch"] == version("torch")  # type: ignore[index]
    assert record["machine"]["cores"] == os.cpu_count()  # type: ignore[index]
    text = json.dumps(record)
    for private in (socket.gethostname(), str(tmp_path), "/shared", "10.0.0.1"):
        assert private not in text


def test_every_variable_of_a_profile_is_one_that_training_or_the_runner_reads() -> None:
    plan = (ROOT / "src/graphmer/train/plan.py").read_text(encoding="utf-8")
    assert [name for name in VARIABLES if name not in plan] == ["DVC_TARGET"]
