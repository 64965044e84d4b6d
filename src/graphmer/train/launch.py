"""`python stages/train.py` is the launcher: it starts the processes that the plan asks for and tells how they ended.

Torch's elastic agent starts and watches them; it ends the others where one dies. This module adds what a user sees: one
line for a failure, and a signal that reaches every process.
"""

import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import psutil
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.elastic.rendezvous import RendezvousError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from graphmer.errors import Stopped, TrainingError
from graphmer.train.plan import Plan
from graphmer.train.worker import RECORDS, Record, read_records

TICK_S = 0.2
GRACE_S = 120.0  # from a signal to SIGKILL: a step in progress, then a checkpoint of a gigabyte on a slow disk
FIRST_S = 5.0  # processes that die this soon after the first died of themselves; the agent kills after half a minute
MEETING_S = 900.0  # for all machines to come
TRACE = Path(".scratch/train-traceback.txt")


def launch(plan: Plan, command: Sequence[str]) -> None:
    """Run `command` as each of this machine's processes and wait for all of them.

    command: an executable and its arguments. SIGTERM and SIGINT are passed on; a second signal kills.
    Raises TrainingError with the rank and the reason of the first failure, Stopped after SIGTERM and KeyboardInterrupt
    after SIGINT.
    """
    plan = replace(plan, port=plan.port or free_port(plan.address))
    with tempfile.TemporaryDirectory(prefix="graphmer-") as name, _environment(plan, Path(name)):
        outcome = _run(_config(plan, Path(name)), command)
        records = read_records(Path(name))
    error = outcome.error
    if outcome.heard == signal.SIGINT:
        raise KeyboardInterrupt
    if isinstance(error, ChildFailedError):
        raise _failure(plan, error.failures, records, outcome.heard) from None
    if error is not None:
        raise TrainingError(
            f"GRAPHMER_MAIN_ADDRESS, GRAPHMER_MAIN_PORT: the processes cannot meet at {plan.address}:{plan.port} "
            f"({_first_line(error)}); check that rank 0 runs there and that the port is free"
        ) from None
    if outcome.heard is not None and not outcome.done:
        raise Stopped("stopped before its processes had started")


@dataclass
class _Outcome:
    """How the agent ended, and the first signal that was heard meanwhile."""

    done: bool = False
    error: BaseException | None = None
    heard: signal.Signals | None = None


def _run(config: LaunchConfig, command: Sequence[str]) -> _Outcome:
    """The agent in a thread of its own: signals are this thread's, and its grace is longer than the agent's."""
    future: Future[object] = Future()

    def agent() -> None:
        try:
            future.set_result(elastic_launch(config, command[0])(*command[1:]))
        except (ChildFailedError, RendezvousError, RuntimeError, ValueError, OSError) as error:
            future.set_exception(error)

    thread = threading.Thread(target=agent, daemon=True)
    with _heard() as signals:
        thread.start()
        _watch(thread, signals)
    done = future.done()
    assert done or signals, "the agent ended without a result"
    return _Outcome(done, future.exception() if done else None, signals[0] if signals else None)


def _watch(thread: threading.Thread, signals: Sequence[signal.Signals]) -> None:
    """Wait for the agent; pass signals on to the workers, each once."""
    told: set[tuple[int, signal.Signals]] = set()
    since = None
    while thread.is_alive():
        thread.join(TICK_S)
        if not signals:
            continue
        since = since or time.monotonic()
        workers = psutil.Process().children()
        if not workers:
            thread.join(10 * TICK_S)
            return  # they have ended, or never began: the agent may wait long for other machines
        late = time.monotonic() - since > GRACE_S or len(signals) > 1
        number = signal.SIGKILL if late else signals[0]
        for worker in workers:
            if (worker.pid, number) not in told:
                told.add((worker.pid, number))
                _send(worker, number)


def _send(worker: psutil.Process, number: signal.Signals) -> None:
    try:
        worker.send_signal(number)
    except psutil.NoSuchProcess:
        return  # it ended by itself meanwhile


def _config(plan: Plan, folder: Path) -> LaunchConfig:
    # What rank 0 prints is enough: the others would say the same again.
    silent = {local: Std.ALL for local in range(plan.processes) if plan.node_rank > 0 or local > 0}
    (folder / "logs").mkdir()
    return LaunchConfig(
        min_nodes=plan.nodes,
        max_nodes=plan.nodes,
        nproc_per_node=plan.processes,
        run_id="graphmer",
        rdzv_backend="static",
        rdzv_endpoint=f"{plan.address}:{plan.port}",
        rdzv_configs={"rank": plan.node_rank, "timeout": MEETING_S},
        max_restarts=0,
        monitor_interval=TICK_S,
        logs_specs=DefaultLogsSpecs(log_dir=str(folder / "logs"), redirects=silent),
    )


def free_port(address: str) -> int:
    """A port that nobody listens to now."""
    with socket.socket() as listener:
        listener.bind((address, 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def _environment(plan: Plan, folder: Path) -> Iterator[None]:
    """What the workers inherit; the agent's own reports, made for a cluster's operators, stay silent."""
    changes = {RECORDS: str(folder), "OMP_NUM_THREADS": str(plan.threads)}
    if plan.device == "cpu":
        changes["ACCELERATE_USE_CPU"] = "true"  # else accelerate would take a GPU that is there
    before = dict(os.environ)
    disabled = logging.root.manager.disable
    os.environ.update(changes)
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(disabled)
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _heard() -> Iterator[list[signal.Signals]]:
    """SIGTERM and SIGINT in the order in which they come, instead of their usual effect."""
    signals: list[signal.Signals] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        signals.append(signal.Signals(number))

    before = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _failure(
    plan: Plan, failures: Mapping[int, ProcessFailure], records: Mapping[int, Record], asked: signal.Signals | None
) -> TrainingError | Stopped:
    rank, code = first_failure({rank: (found.exitcode, found.timestamp) for rank, found in failures.items()}, records)
    record = records.get(rank)
    if record is not None and record.code == 128 + signal.SIGTERM:
        return Stopped(record.line)
    if asked == signal.SIGTERM and (record is None or record.trace):  # what processes that are ended in mid-step say
        return Stopped("stopped by SIGTERM before a checkpoint could be written; the last one, if any, is kept")
    elsewhere = "; the cause may be on another machine, whose launcher names it" if plan.nodes > 1 else ""
    return TrainingError(f"rank {rank}: {_reason(code, record)}{elsewhere}")


def first_failure(ends: Mapping[int, tuple[int, float]], records: Mapping[int, Record]) -> tuple[int, int]:
    """The rank and exit code of the process that the others followed.

    ends: rank -> exit code (negative: the signal) and time in seconds, by the agent, which looks now and then.
    A process killed by a signal leaves no record, and dies of nobody else: where one died among the first it is the
    cause. Else the first record is: a process closes its connections after it has left one.
    """
    start = min(time for _, time in ends.values())
    killed = [
        (time, rank)
        for rank, (code, time) in ends.items()
        if code < 0 and code != -signal.SIGTERM and rank not in records and time - start <= FIRST_S
    ]
    told = [(record.time, rank) for rank, record in records.items() if rank in ends]
    _, rank = min(killed or told or [(time, rank) for rank, (_, time) in ends.items()])
    return rank, ends[rank][0]


def _reason(code: int, record: Record | None) -> str:
    if record is not None and not record.trace:
        return record.line
    if record is not None:
        TRACE.parent.mkdir(parents=True, exist_ok=True)
        TRACE.write_text(record.trace, encoding="utf-8")
        return f"{record.line} (its traceback: {TRACE})"
    if code >= 0:
        return f"ended with exit code {code} and no message; run with GRAPHMER_PROCESSES=1 to see why"
    remedy = "; mostly for memory: try a smaller GRAPHMER_MICRO_BATCH" if code == -signal.SIGKILL else ""
    return f"killed by {signal.Signals(-code).name}{remedy}; run again to go on from the last checkpoint"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
