"""Training in one process and in two, by stages/train.py itself: what sharing the work costs in CPU time."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from spread import spread

from graphmer.train.checkpoint import RUNS_VARIABLE

FEW, MANY = 2, 52  # steps of a run; what both have alike (start, validation) falls out of the difference
MOST_ROUNDS = 3  # a round is four runs, and a run's start and validation take a minute of CPU time
CHANGES = ("train.warmup_steps=1", "train.curriculum=[]")


def measure_processes(packed: Path, root: Path, rounds: int) -> dict[str, float]:
    """CPU time of MANY steps less that of FEW, on the default sizes: one process over two, at equal global batches."""
    ratios = []
    with tempfile.TemporaryDirectory(prefix="graphmer-") as scratch:
        for _ in range(min(rounds, MOST_ROUNDS)):
            one, two = (_steps_cpu_s(packed, root, Path(scratch), processes) for processes in ("1", "2"))
            ratios.append(one / two)
    return spread("ratio_2_to_1", ratios)


def _steps_cpu_s(packed: Path, root: Path, scratch: Path, processes: str) -> float:
    few, many = (_run_cpu_s(packed, root, scratch, processes, steps) for steps in (FEW, MANY))
    return many - few


def _run_cpu_s(packed: Path, root: Path, scratch: Path, processes: str, steps: int) -> float:
    """CPU time of a whole run, its processes together; one thread each, since a waiting one would count."""
    command = [sys.executable, str(root / "stages/train.py"), "--params", str(root / "params.yaml")]
    command += ["--packed", str(packed.resolve()), "--out", str(scratch / "model")]
    for change in (f"train.steps={steps}", *CHANGES):
        command += ["--set", change]
    facts = {"GRAPHMER_PROCESSES": processes, "GRAPHMER_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **facts, RUNS_VARIABLE: str(scratch / "runs")}
    before = _children_s()
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"train_speed: {processes} processes: {[*done.stderr.strip().splitlines(), 'no message'][-1]}")
    return _children_s() - before


def _children_s() -> float:
    """CPU time of all that this process has waited for, and of what those have waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
