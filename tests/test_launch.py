"""Two processes on one machine: they start, they end together, and the user hears one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from imports import ROOT

from graphmer.errors import TrainingError
from graphmer.params import load_section, load_tree
from graphmer.train.config import TrainParams
from graphmer.train.launch import first_failure, launch
from graphmer.train.plan import read_plan
from graphmer.train.worker import Record

SCRIPT = str(ROOT / "tests" / "launched.py")
PARAMS = load_section(load_tree(ROOT / "params.yaml"), "train", TrainParams)
PATIENCE_S = 60.0  # of the tests with a launcher that does not end; none waits that long


TWO = {"GRAPHMER_DEVICE": "cpu", "GRAPHMER_PROCESSES": "2", "GRAPHMER_THREADS": "1"}


def run(how: str, out: Path) -> None:
    launch(read_plan(TWO, PARAMS), [sys.executable, SCRIPT, how, str(out)])


@pytest.fixture(autouse=True)
def _library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.chdir(tmp_path)


def said(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """What the launcher and its processes printed; some versions of torch greet by themselves."""
    return [line for text in capfd.readouterr() for line in text.splitlines() if not line.startswith("[Gloo]")]


def gone(out: Path) -> bool:
    """Whether no process that took a step lives on."""
    return not any(psutil.pid_exists(int((out / f"{rank}.pid").read_text())) for rank in (0, 1))


def test_two_processes_end_well_with_the_threads_of_the_plan(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = dict(os.environ)
    run("ends", tmp_path)
    assert [(tmp_path / f"{rank}.threads").read_text() for rank in (0, 1)] == ["1", "1"]
    assert said(capfd) == []
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("how", "line"),
    [
        ("own error", r"^rank 1: step 4: loss is nan; lower train.learning_rate$"),
        (
            "killed",
            r"^rank 1: killed by SIGKILL; mostly for memory: try a smaller GRAPHMER_MICRO_BATCH; run again",
        ),
        ("unforeseen", r"^rank 1: KeyError: 'weights' \(its traceback: \.scratch/train-traceback\.txt\)$"),
    ],
)
def test_a_process_that_dies_ends_the_other_and_its_reason_is_the_one_line(
    tmp_path: Path, how: str, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TrainingError, match=line):
        run(how, tmp_path)
    assert gone(tmp_path)
    assert said(capfd) == []
    trace = tmp_path / ".scratch/train-traceback.txt"
    assert trace.exists() == (how == "unforeseen")
    assert not trace.exists() or 'raise KeyError("weights")' in trace.read_text()


LAUNCHER = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT / "stages")!r})
import _stage
from graphmer.params import load_section, load_tree
from graphmer.train.config import TrainParams
from graphmer.train.launch import launch
from graphmer.train.plan import read_plan
def work():
    plan = read_plan({TWO}, load_section(load_tree(Path({str(ROOT / "params.yaml")!r})), "train", TrainParams))
    launch(plan, [sys.executable, {SCRIPT!r}, "goes on", sys.argv[1]])
sys.exit(_stage._guarded(work, "train", _stage.say))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_signal_to_the_launcher_reaches_every_process(tmp_path: Path, number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-c", LAUNCHER, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as launcher:
        assert launcher.stderr is not None
        wait_for(lambda: (tmp_path / "1.stepped").exists() or launcher.poll() is not None)
        launcher.send_signal(number)
        said = launcher.stderr.read()
    assert launcher.returncode == code
    wait_for(lambda: gone(tmp_path))
    checkpoints = [file.read_text() for file in sorted(tmp_path.glob("*.checkpoint"))]
    if number == signal.SIGTERM:
        assert checkpoints[0] == checkpoints[1]
        assert said == f"train: stopped by SIGTERM after step {checkpoints[0]}; run again to go on from there\n"
    else:
        assert checkpoints == []
        assert said == ("train: interrupted; nothing half-written is left, run again\n" if code == 130 else "")


def wait_for(condition) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def record(rank: int, time: float) -> Record:
    return Record(rank, time, 1, f"words of {rank}", "")


@pytest.mark.parametrize(
    ("ends", "records", "rank"),
    [
        ({0: (1, 100.0), 1: (-9, 101.0)}, {0: record(0, 100.2)}, 1),  # the killed one, though its end was seen later
        ({0: (1, 100.0), 1: (1, 100.0)}, {0: record(0, 100.2), 1: record(1, 100.1)}, 1),  # the first to leave a record
        ({0: (-9, 131.0), 1: (1, 100.0)}, {1: record(1, 99.9)}, 1),  # killed by the agent, half a minute later
        ({0: (-15, 101.0), 1: (1, 100.0)}, {1: record(1, 99.9)}, 1),  # ended by the agent
        ({0: (3, 101.0), 1: (3, 100.0)}, {}, 1),  # no record at all: the first that was seen
    ],
)
def test_the_first_failure_is_the_one_that_the_others_followed(
    ends: dict[int, tuple[int, float]], records: dict[int, Record], rank: int
) -> None:
    assert first_failure(ends, records) == (rank, ends[rank][0])


def test_machines_that_do_not_meet_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("graphmer.train.launch.MEETING_S", 1.0)
    environment = {
        "GRAPHMER_DEVICE": "cpu", "GRAPHMER_NODES": "2", "GRAPHMER_NODE_RANK": "1",
        "GRAPHMER_MAIN_ADDRESS": "127.0.0.1", "GRAPHMER_MAIN_PORT": "1",
    }  # fmt: skip
    with pytest.raises(TrainingError, match=r"^GRAPHMER_MAIN_ADDRESS, .* cannot meet at 127\.0\.0\.1:1 \(.*\); check"):
        launch(read_plan(environment, PARAMS), [sys.executable, SCRIPT, "ends", str(tmp_path)])
