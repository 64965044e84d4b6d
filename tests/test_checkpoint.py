"""Checkpoints: the last good one stays, another run's is refused, old folders can be seen and deleted."""

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from packed import write_packed

from graphmer.errors import ArtifactError
from graphmer.train import clean
from graphmer.train.checkpoint import CheckpointClock, RunFolder, describe, fingerprint, run_folder, runs_folder
from graphmer.train.stop import StopSignal

DESCRIPTION = {
    "model": {"width": 8},
    "train": {"learning_rate": 1e-3, "loss": {"mlm": 1.0}},
    "inputs": {"packed": {"train.npz": "ab" * 32}},
}


def state(value: float) -> dict[str, Any]:
    return {"weights": torch.full((1000,), value), "curve": [[1, 0.5]], "step": int(value)}


@contextmanager
def files_of_at_most(max_bytes: int) -> Iterator[None]:
    """A disk that is full in mid-file: the system refuses to let one grow further."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_is_saved_comes_back_and_the_newest_counts(tmp_path: Path) -> None:
    folder = run_folder(DESCRIPTION, tmp_path)
    assert (folder.load(), folder.step()) == (None, 0)
    assert folder.save(state(1.0), 1)
    assert folder.save(state(2.0), 2)
    found = run_folder(DESCRIPTION, tmp_path).load()
    assert found is not None
    assert torch.equal(found["weights"], torch.full((1000,), 2.0))
    assert (found["curve"], folder.step()) == ([[1, 0.5]], 2)
    assert sorted(path.name for path in folder.path.iterdir()) == ["description.json", "last.pt"]
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_named_by_every_parameter_and_every_byte_of_the_data_and_not_by_where_they_lie(
    tmp_path: Path,
) -> None:
    one, same, other = (write_packed(tmp_path / name) for name in ("one", "same", "other"))
    (other / "manifest.json").write_text("{}\n")
    sections = {"train": {"learning_rate": 1e-7}}
    described = describe(sections, {"packed": one})
    assert fingerprint(describe(sections, {"packed": same})) == fingerprint(described)
    assert fingerprint(describe(sections, {"packed": other})) != fingerprint(described)
    assert fingerprint(describe({"train": {"learning_rate": 2e-7}}, {"packed": one})) != fingerprint(described)


def test_a_checkpoint_of_other_parameters_or_data_is_refused_with_the_differences(tmp_path: Path) -> None:
    folder = run_folder(DESCRIPTION, tmp_path)
    folder.save(state(1.0), 1)
    other = {
        **DESCRIPTION,
        "train": {"learning_rate": 2e-3, "loss": {"mlm": 1.0}, "warm": True},
        "inputs": {"packed": {"train.npz": "cd" * 32}},
    }
    with pytest.raises(ArtifactError) as caught:
        run_folder(other, tmp_path, resume=folder.path)
    assert str(caught.value) == (
        f"{folder.path}: checkpoint of another run: train.learning_rate: 0.001 there, 0.002 here; "
        "train.warm: nothing there, true here; inputs.packed.train.npz: abababababab there, cdcdcdcdcdcd here; "
        "run with those values, or name another folder"
    )
    folder.path.rename(tmp_path / fingerprint(other))
    with pytest.raises(ArtifactError, match=r"train\.learning_rate: 0\.001 there"):
        run_folder(other, tmp_path)


def test_a_folder_to_resume_from_must_hold_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"nothing: no checkpoint to go on from"):
        run_folder(DESCRIPTION, tmp_path, resume=tmp_path / "nothing")


@pytest.mark.parametrize("max_bytes", [0, 100, 2000])
def test_a_full_disk_leaves_the_last_good_checkpoint_and_is_told(
    tmp_path: Path, max_bytes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_folder(DESCRIPTION, tmp_path)
    folder.save(state(1.0), 1)
    with files_of_at_most(max_bytes):
        assert not folder.save(state(2.0), 2)
        assert not folder.save(state(3.0), 3)
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("train: the checkpoint of step 2 found no room on the disk; that of step 1 is kept")
    assert folder.lost() is not None
    assert "step 3 found no room on the disk (2 so far)" in said[1]
    found = folder.load()
    assert found is not None
    assert found["step"] == 1
    assert sorted(path.name for path in folder.path.iterdir()) == ["description.json", "last.pt"]
    assert folder.save(state(4.0), 4)
    assert folder.step() == 4


def test_a_fault_that_is_no_full_disk_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="Not a directory") as caught:
        RunFolder(tmp_path / "file" / "run", DESCRIPTION).save(state(1.0), 1)
    assert caught.value.errno == errno.ENOTDIR


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_checkpoint_is_refused_with_a_remedy(tmp_path: Path, damage: str) -> None:
    folder = run_folder(DESCRIPTION, tmp_path)
    folder.save(state(1.0), 1)
    data = bytearray(folder.last.read_bytes())
    at = data.index(torch.full((4,), 1.0).numpy().tobytes())  # among the weights
    data[at] ^= 1
    folder.last.write_bytes({"cut": bytes(data[: len(data) // 2]), "flipped": bytes(data), "empty": b""}[damage])
    with pytest.raises(ArtifactError, match=r"last\.pt: not readable as a checkpoint .*; delete .* and run again"):
        folder.load()


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    folder = run_folder(DESCRIPTION, tmp_path)
    folder.path.mkdir()
    torch.save({"step": 1, "state": {"call": Path("x")}}, folder.last)
    with pytest.raises(ArtifactError, match="not readable as a checkpoint"):
        folder.load()


def test_a_checkpoint_is_due_every_so_many_steps_where_they_are_given() -> None:
    assert [step for step in range(1, 10) if CheckpointClock(4).due(step)] == [4, 8]
    assert not CheckpointClock(None).due(4)


def test_run_folders_are_listed_and_deleted_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAPHMER_RUNS", str(tmp_path / "runs"))
    assert clean.main([]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/runs: 0 run folders\n"
    folder = run_folder(DESCRIPTION, runs_folder(os.environ))
    folder.save(state(7.0), 7)
    (tmp_path / "runs" / "zz").mkdir()
    (tmp_path / "runs" / "zz" / "last.pt").write_text("no checkpoint")
    (tmp_path / "runs" / "zz" / "description.json").write_text("{}")
    clean.main([])
    listed = capsys.readouterr().out.splitlines()
    assert listed[0].startswith(f"{fingerprint(DESCRIPTION)}  step 7  0.0 MiB")
    assert listed[1].startswith("zz  damaged")
    assert listed[2].endswith("2 run folders; delete with: make clean-runs EXECUTE=1")
    assert folder.last.exists()
    clean.main(["--execute"])
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_that_is_no_runs_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRAPHMER_RUNS", str(tmp_path / "disk"))
    run_folder(DESCRIPTION, runs_folder(os.environ)).save(state(1.0), 1)
    thesis = run_folder({**DESCRIPTION, "model": {"width": 9}}, runs_folder(os.environ))
    thesis.save(state(1.0), 1)
    (thesis.path / "thesis.tex").write_text("years")
    (tmp_path / "disk" / "empty").mkdir()
    run_folder(DESCRIPTION, tmp_path / "elsewhere").save(state(1.0), 1)
    (tmp_path / "disk" / "link").symlink_to(tmp_path / "elsewhere" / fingerprint(DESCRIPTION))
    clean.main(["--execute"])
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == sorted(["empty", "link", thesis.path.name])
    assert (tmp_path / "elsewhere" / fingerprint(DESCRIPTION) / "last.pt").exists()
    listed = capsys.readouterr().out.splitlines()
    assert listed[1:] == [f"{tmp_path}/disk: 1 run folders; deleted", f"{tmp_path}/disk: 3 other folders, left alone"]


def test_sigterm_is_heard_inside_and_ends_the_process_outside_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignal() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested
    assert signal.getsignal(signal.SIGTERM) is before
