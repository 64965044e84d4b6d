"""Runs that are killed, stopped, shared out over processes, or gone on from: by the stage itself, as a user runs it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from packed import write_packed

ROOT = Path(__file__).resolve().parents[1]
SIZES = {
    "model.layers": 1, "model.width": 16, "model.heads": 2, "model.ffn": 32, "model.hgat_rank": 4,
    "train.steps": 30, "train.warmup_steps": 2, "train.rows": 4, "train.link_rows": 4, "train.row_length": 64,
    "train.report_every": 5, "train.leaves.max_leaves": 3, "train.text_code.pairs": 4,
    "train.loss.sbo": 0.5, "train.loss.text_code": 0.3, "train.loss.antisymmetry": 0.1, "train.loss.acyclicity": 0.1,
}  # fmt: skip


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_packed(tmp_path_factory.mktemp("data") / "packed")


def command(packed: Path, folder: Path, **changes: object) -> list[str]:
    flags = [flag for key, value in {**SIZES, **changes}.items() for flag in ("--set", f"{key}={value}")]
    stage = [sys.executable, str(ROOT / "stages" / "train.py"), "--params", str(ROOT / "params.yaml")]
    return [*stage, "--packed", str(packed), "--out", str(folder / "model"), *flags]


def environment(**facts: str) -> dict[str, str]:
    return {**os.environ, "GRAPHMER_DEVICE": "cpu", "GRAPHMER_THREADS": "1", "GRAPHMER_CHECKPOINT_STEPS": "1", **facts}


def run(packed: Path, folder: Path, facts: dict[str, str] | None = None, **changes: object):  # type: ignore[no-untyped-def]
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        command(packed, folder, **changes),
        cwd=folder,
        env=environment(**facts or {}),
        capture_output=True,
        text=True,
        timeout=300,
    )


def interrupted(packed: Path, folder: Path, how: int, facts: dict[str, str] | None = None) -> int:
    """Start the stage, send it `how` once it has a few checkpoints, and return how it ended."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        command(packed, folder), cwd=folder, env=environment(**facts or {}), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (kept := sorted(folder.glob(".scratch/train/*/last.pt"))) and time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it was interrupted"
        time.sleep(0.01)
    assert kept
    if how == signal.SIGKILL:  # the whole group: no process of the run is left to tidy up
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    return process.wait(timeout=120)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_run_that_is_killed_ends_with_the_bytes_of_an_unbroken_one(
    packed: Path, tmp_path: Path, processes: str
) -> None:
    facts = {"GRAPHMER_PROCESSES": processes}
    assert run(packed, tmp_path / "whole", facts).returncode == 0
    assert interrupted(packed, tmp_path / "broken", signal.SIGKILL, facts) == -signal.SIGKILL
    assert not (tmp_path / "broken" / "model").exists()
    second = run(packed, tmp_path / "broken", facts)
    assert second.returncode == 0, second.stderr
    for name in ("model/model.safetensors", "model.metrics.json", "model.plot.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "broken" / name).read_bytes()
    assert not list((tmp_path / "broken").glob(".scratch/train/*"))


def test_sigterm_leaves_a_checkpoint_and_says_so(packed: Path, tmp_path: Path) -> None:
    assert run(packed, tmp_path / "whole").returncode == 0
    assert interrupted(packed, tmp_path / "stopped", signal.SIGTERM) == 143
    assert run(packed, tmp_path / "stopped").returncode == 0
    assert (tmp_path / "whole/model/model.safetensors").read_bytes() == (
        tmp_path / "stopped/model/model.safetensors"
    ).read_bytes()


def test_two_processes_follow_the_curve_of_one(packed: Path, tmp_path: Path) -> None:
    changes = {"model.hgat_dropout": 0.0}
    assert run(packed, tmp_path / "one", **changes).returncode == 0
    two = run(packed, tmp_path / "two", {"GRAPHMER_PROCESSES": "2"}, **changes)
    assert two.returncode == 0, two.stderr
    one, other = (list(csv.DictReader((tmp_path / name / "model.plot.csv").open())) for name in ("one", "two"))
    assert len(one) == len(other) == 6
    for row, twin in zip(one, other, strict=True):
        for name, value in row.items():
            assert float(twin[name]) == pytest.approx(float(value), rel=2e-3, abs=1e-6), (row["step"], name)


def test_a_process_that_dies_ends_the_others_and_is_named(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    process = subprocess.Popen(
        command(packed, folder, **{"train.steps": 100000}),
        cwd=folder,
        env=environment(GRAPHMER_PROCESSES="2"),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not list(folder.glob(".scratch/train/*/last.pt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = children(process.pid)
    assert len(workers) == 2
    os.kill(workers[1], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    (line,) = [line for line in errors.splitlines() if line.startswith("train:")]
    assert "SIGKILL" in line or "signal 9" in line


def children(parent: int) -> list[int]:
    """Processes that run the stage below `parent`."""
    import psutil

    below = psutil.Process(parent).children(recursive=True)
    return sorted(child.pid for child in below if any("train.py" in part for part in child.cmdline()))


def test_a_checkpoint_of_other_parameters_is_refused_with_the_difference(packed: Path, tmp_path: Path) -> None:
    interrupted(packed, tmp_path / "run", signal.SIGKILL)
    (kept,) = (tmp_path / "run").glob(".scratch/train/*")
    other = subprocess.run(
        [*command(packed, tmp_path / "other", **{"train.learning_rate": 1.0e-3}), "--resume", str(kept)],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert other.returncode == 1
    was = yaml.safe_load((ROOT / "params.yaml").read_text())["train"]["learning_rate"]
    assert f"train.learning_rate: {was} there, 0.001 here" in other.stderr
    assert len(other.stderr.strip().splitlines()) == 1


def test_a_model_goes_on_from_an_earlier_one_and_refuses_another_shape(packed: Path, tmp_path: Path) -> None:
    assert run(packed, tmp_path / "first").returncode == 0
    earlier = str(tmp_path / "first" / "model")
    second = run(packed, tmp_path / "second", **{"train.init_from": earlier, "train.learning_rate": 2.0e-4})
    assert second.returncode == 0, second.stderr
    first_loss, second_loss = (
        json.loads((tmp_path / name / "model.metrics.json").read_text())["loss"]["mlm"] for name in ("first", "second")
    )
    assert second_loss < first_loss
    wider = run(packed, tmp_path / "wider", **{"train.init_from": earlier, "model.width": 32})
    assert wider.returncode == 1
    assert "width 16, this run 32" in wider.stderr
