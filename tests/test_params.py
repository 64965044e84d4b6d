"""Parameters are strict: one line with the dotted path, from every stage, before any work."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from imports import ROOT

from graphmer.errors import ParamsError
from graphmer.params import check_tree, load_tree

STAGES = sorted(path.name for path in (ROOT / "stages").glob("[a-z]*.py"))


def tree(*changes: str) -> dict:  # type: ignore[type-arg]
    return load_tree(ROOT / "params.yaml", changes)


def test_the_committed_parameters_pass() -> None:
    check_tree(tree())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.lerning_rate=1", r"train\.lerning_rate: unknown key; did you mean 'learning_rate'"),
        ("trian.steps=1", r"trian: unknown key; did you mean 'train'"),
        ("train.steps", r"--set train\.steps: expected key\.path=value"),
    ],
)
def test_a_change_of_an_unknown_key_names_its_nearest(change: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        tree(change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.steps=many", r"train\.steps: expected int, got str 'many'"),
        ("train.steps=1.5", r"train\.steps: expected int, got float 1\.5"),
        ("train.steps=true", r"train\.steps: expected int, got bool True"),
        ("train.learning_rate=small", r"train\.learning_rate: expected float, got str 'small'"),
        ("train.precision=no", r"train\.precision: expected one of 'fp32', 'bf16', 'fp16', got False"),
        ("model.use_rel_attention_bias=1", r"model\.use_rel_attention_bias: expected bool, got int 1"),
        ("model.width=130", r"model\.width: expected a multiple of 2 x heads \(8\), got 130"),
        ("train.leaves.leaf_drop=2", r"train\.leaves\.leaf_drop: expected a share from 0 to 1, got 2"),
        ("fetch.allowed_licences=MIT", r"fetch\.allowed_licences: expected a list, got str 'MIT'"),
        ("ablation.baseline=nothing", r"ablation\.baseline: expected one of full, no_rel_bias, got nothing"),
        ("train.beta1=1.5", r"train\.beta1: expected at least 0 and under 1, got 1\.5"),
        ("train.mask_share=0", r"train\.mask_share: expected above 0, .*, got 0\.0"),
        ("train.weight_decay=-1", r"train\.weight_decay: expected at least 0, got -1\.0"),
        ("train.max_gradient_norm=0", r"train\.max_gradient_norm: expected above 0, got 0\.0"),
        ("train.loss.temperature=.nan", r"train\.loss\.temperature: expected a finite number, got nan"),
        ("train.loss.link=.inf", r"train\.loss\.link: expected a finite number, got inf"),
        ("model.rope_base=0", r"model\.rope_base: expected above 0, got 0\.0"),
        ("train.leaves=3", r"train\.leaves: expected a mapping, got int 3"),
    ],
)
def test_a_value_of_the_wrong_kind_names_its_path_and_what_was_expected(change: str, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        check_tree(tree(change))


def test_an_objective_without_a_term_is_refused() -> None:
    with pytest.raises(ParamsError, match=r"^train\.loss\.mlm: expected a weight above 0 for at least one term"):
        check_tree(tree("train.loss.mlm=0", "train.loss.mnm=0", "train.loss.link=0"))


@pytest.mark.parametrize("text", ["4e-05", "4E-5", "4.e-5", "+4e-5", "0.4e-4"])
def test_a_number_with_an_exponent_is_a_number_however_it_is_written(text: str, tmp_path: Path) -> None:
    assert tree(f"train.final_learning_rate={text}")["train"]["final_learning_rate"] == 4.0e-5
    (tmp_path / "params.yaml").write_text(f"a: {text}\nb: e-5\nc: 4e\nd: 0xe-5\n", encoding="utf-8")
    assert load_tree(tmp_path / "params.yaml") == {"a": 4.0e-5, "b": "e-5", "c": "4e", "d": "0xe-5"}


def test_a_whole_number_stands_for_a_float() -> None:
    check_tree(tree("train.loss.mnm=1"))


def test_an_optional_bound_may_be_null() -> None:
    check_tree(tree("validate.orphans=null"))


def test_a_missing_key_is_named() -> None:
    broken = tree()
    del broken["train"]["steps"]
    with pytest.raises(ParamsError, match=r"train\.steps: missing"):
        check_tree(broken)


def test_an_unknown_section_is_named() -> None:
    with pytest.raises(ParamsError, match=r"extra: unknown section"):
        check_tree({**tree(), "extra": {}})


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_checks_the_whole_file_before_any_work(stage: str, tmp_path: Path) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(yaml.safe_dump({**tree(), "trane": {}}), encoding="utf-8")
    extra = ["--variant", "full", "--seed", "1"] if stage == "ablation_cell.py" else []
    command = [sys.executable, str(ROOT / "stages" / stage), "--params", str(params), *extra]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == "params: trane: unknown section; did you mean 'train'?"
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"not found; run from the project's root or pass --params"):
        load_tree(tmp_path / "params.yaml")
