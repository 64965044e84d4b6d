"""dvc.yaml does what README says: which changes run what, and what is committed beside it."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from imports import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
NAMES = ["fetch", "parse", "build_kg", "validate_kg", "describe", "pack", "train", "eval",
         "ablation_cell", "ablation", "draw"]  # fmt: skip


def params_of(stage: str) -> list[str]:
    return [name.replace("${item.variant}", "full") for name in STAGES[stage].get("params", [])]


def reads(stage: str, key: str) -> bool:
    """Whether a change of a parameter runs a stage again."""
    return any(key == name or key.startswith(f"{name}.") or name.startswith(f"{key}.") for name in params_of(stage))


def test_the_stages_are_there_in_order_with_a_description_each() -> None:
    assert list(STAGES) == NAMES
    assert all(stage.get("desc") for stage in STAGES.values())


def test_switching_the_relation_bias_runs_train_and_nothing_before_it_and_no_cell() -> None:
    assert [stage for stage in NAMES if reads(stage, "model.use_rel_attention_bias")] == ["train"]
    assert "data/model" in STAGES["eval"]["deps"]
    assert "data/model" not in STAGES["ablation_cell"]["deps"]


def test_the_model_is_an_artifact_by_the_path_that_train_writes() -> None:
    artifacts = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["artifacts"]
    assert {name: (one["path"], one["type"]) for name, one in artifacts.items()} == {
        "graphmer": ("data/model", "model")
    }
    assert STAGES["train"]["outs"] == ["data/model"]


def test_hiding_the_graph_at_test_runs_eval_and_no_cell() -> None:
    assert [stage for stage in NAMES if reads(stage, "eval.show_graph")] == ["eval"]
    assert [stage for stage in NAMES if reads(stage, "model.graph_form")] == ["train"]


def test_the_default_pipeline_trains_two_variants_with_two_seeds() -> None:
    ablation = PARAMS["ablation"]
    assert (ablation["compared"], ablation["seeds"]) == (["full", "no_rel_bias"], [1, 2])
    assert not any(reads("ablation_cell", f"ablation.long.{key}") for key in ablation["long"])


def test_a_cell_reads_every_other_parameter_of_model_and_train() -> None:
    own = {*PARAMS["ablation"]["variants"]["full"], "seed", "steps", "warmup_steps"}
    for section in ("model", "train"):
        for key in PARAMS[section]:
            assert reads("ablation_cell", f"{section}.{key}") == (key not in own), f"{section}.{key}"


def test_other_seeds_and_a_further_variant_have_cells_that_the_aggregate_waits_for(tmp_path: Path) -> None:
    from dvc.repo import Repo

    changed = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    changed["ablation"]["seeds"] = [3, 4, 5]
    changed["ablation"]["variants"]["no_hgat"] = {**changed["ablation"]["variants"]["full"], "use_hgat": False}
    changed["ablation"]["compared"] = ["full", "no_hgat"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(changed), encoding="utf-8")
    (tmp_path / "dvc.yaml").write_bytes((ROOT / "dvc.yaml").read_bytes())
    graph = Repo.init(str(tmp_path), no_scm=True).index.graph
    (aggregate,) = [stage for stage in graph if stage.name == "ablation"]
    cells = {f"ablation_cell@{variant}-{seed}" for variant in ("full", "no_hgat") for seed in (3, 4, 5)}
    assert {stage.name for stage in graph if stage.name.startswith("ablation_cell")} == cells
    assert {stage.name for stage in graph.successors(aggregate)} == cells  # DVC's edges lead to what runs before


def test_every_section_runs_the_stage_that_owns_it() -> None:
    owners = {"fetch": "fetch", "parse": "parse", "kg": "build_kg", "validate": "validate_kg", "pack": "pack",
              "model": "train", "train": "train", "eval": "eval", "ablation": "ablation"}  # fmt: skip
    assert {*owners, "gates"} == set(PARAMS)
    for section, stage in owners.items():
        assert all(reads(stage, f"{section}.{key}") for key in PARAMS[section]), section


def test_a_gate_is_judged_on_what_a_run_left_and_runs_nothing_again() -> None:
    assert [stage for stage in NAMES for key in PARAMS["gates"] if reads(stage, f"gates.{key}")] == []


def test_packing_reads_of_training_what_its_counts_of_rows_need_and_no_more() -> None:
    train = [f"train.{key}" for key in PARAMS["train"]]
    assert [key for key in train if reads("pack", key)] == ["train.row_length", "train.leaves"]


def test_an_invalid_graph_cannot_be_packed() -> None:
    assert "metrics/kg.json" in STAGES["pack"]["deps"]


def test_metrics_and_plots_are_kept_in_git_and_every_plot_has_an_image() -> None:
    drawn = [name for entry in STAGES["draw"]["outs"] for name in entry]
    for stage in STAGES.values():
        for kind in ("metrics", "plots"):
            for entry in stage.get(kind, []):
                ((path, options),) = entry.items()
                assert options["cache"] is False
                assert (ROOT / path).exists(), path
                if kind == "plots":
                    assert path.replace(".csv", ".svg") in drawn
                    assert (ROOT / path).with_suffix(".svg").exists()


def test_commands_hold_no_fact_of_the_machine() -> None:
    for name, stage in STAGES.items():
        assert stage["cmd"].startswith("python stages/"), name
        assert not {"cuda", "--device", "/tmp", "OMP"} & set(stage["cmd"].split()), name


def test_caches_of_python_do_not_mark_a_stage_as_changed() -> None:
    assert "__pycache__/" in (ROOT / ".dvcignore").read_text(encoding="utf-8").split()


def test_the_lock_agrees_with_parameters_commands_and_metrics() -> None:
    done = subprocess.run([sys.executable, ".ci/check_lock.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_lock_that_does_not_agree_is_refused() -> None:
    from graphmer.report.lock import Lock

    lock = Lock(ROOT)
    locked = {
        "cmd": "python stages/other.py",
        "params": {"params.yaml": {"train.steps": -1}},
        "outs": [{"path": "metrics/none.json", "md5": ""}],
    }
    found = "\n".join(lock.unlike(locked, lock.stages["train"]))
    for expected in (
        "command is 'python stages/train.py', locked 'python stages/other.py'",
        f"parameter train.steps is {PARAMS['train']['steps']}, locked -1",
        "parameter model is in dvc.yaml, not in dvc.lock",
        "dependency src/graphmer/model is in dvc.yaml, not in dvc.lock",
        "output metrics/none.json is in dvc.lock, not in dvc.yaml",
        "metrics/none.json is not committed",
    ):
        assert expected in found


@pytest.mark.parametrize("profile", sorted(path.stem for path in (ROOT / "profiles").glob("*.params")))
def test_a_profile_changes_only_keys_that_exist(profile: str) -> None:
    lines = (ROOT / "profiles" / f"{profile}.params").read_text(encoding="utf-8").splitlines()
    changes = [line for line in lines if line and not line.startswith("#")]
    flags = [part for change in changes for part in ("--set", change)]
    command = [sys.executable, "stages/check_params.py", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="asks git, and this is no clone")
@pytest.mark.parametrize(("profile", "ignored"), [("smoke", True), ("base", False), ("benchmarks", False)])
def test_the_results_of_a_trial_are_ignored_and_those_of_a_real_run_are_not(profile: str, ignored: bool) -> None:
    command = ["git", "check-ignore", "--quiet", "--no-index", f"results/{profile}/metrics/kg.json"]
    assert (subprocess.run(command, cwd=ROOT, check=False).returncode == 0) is ignored


@pytest.mark.parametrize("name", ["results/peers.json", "results/peers.parquet"])
def test_eval_depends_on_the_outside_peers_once_they_are_committed(name: str) -> None:
    """Before that the dependency would end every run; after it eval would keep old peers without it."""
    assert (name in STAGES["eval"]["deps"]) == (ROOT / name).exists()
