"""One way to run a function over many tasks: in order, on as many processes as the machine or a cluster gives.

    GRAPHMER_EXECUTOR=local    processes of this machine (the default)
    GRAPHMER_EXECUTOR=ray      Ray: the cluster at RAY_ADDRESS, or one that Ray starts here (the extra [ray])
    GRAPHMER_WORKERS=N         processes on this machine; by default all cores

All three are facts of the machine, never parameters: results come back in the order of the tasks, so they cannot
change them.
"""

import multiprocessing
import os
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from graphmer.errors import GraphmerError, ParamsError

T = TypeVar("T")
R = TypeVar("R")

LIBRARY = Path(__file__).resolve().parent
AHEAD = 4  # tasks handed to Ray for each CPU before the oldest result is taken: enough to keep all busy
ANSWER_S = 10.0
KILLED = "was killed, mostly for memory; try GRAPHMER_WORKERS=1"


def worker_count() -> int:
    """Processes to use: GRAPHMER_WORKERS, or the number of cores.

    Raises ParamsError unless the variable is a whole number of at least 1.
    """
    text = os.environ.get("GRAPHMER_WORKERS", "")
    if not text:
        return os.cpu_count() or 1
    if not text.isdecimal() or int(text) < 1:
        raise ParamsError(f"GRAPHMER_WORKERS: expected a whole number of at least 1, got '{text}'")
    return int(text)


def map_ordered(
    function: Callable[[T], R], tasks: Sequence[T], weights: Sequence[int], label: str, unit: str
) -> Iterator[R]:
    """Results of `function` over `tasks`, in their order, with a progress bar that counts `weights` in `unit`.

    function: picklable, of this library; it may run in another process or on another machine.
    Raises what `function` raises, ParamsError where the environment names no executor, and GraphmerError where a
    process was killed or Ray cannot be had.
    """
    run = _executor()
    with tqdm(total=sum(weights), desc=label, unit=unit, mininterval=0.5, disable=None if tasks else True) as bar:
        for result, weight in zip(run(function, tasks, label), weights, strict=True):
            yield result
            bar.update(weight)


def _executor() -> Callable[[Callable[[T], R], Sequence[T], str], Iterable[R]]:
    name = os.environ.get("GRAPHMER_EXECUTOR", "") or "local"
    if name == "local":
        return _run_local
    if name == "ray":
        return _run_ray
    raise ParamsError(f"GRAPHMER_EXECUTOR: expected local or ray, got '{name}'")


def _run_local(function: Callable[[T], R], tasks: Sequence[T], label: str) -> Iterator[R]:
    workers = min(worker_count(), len(tasks))
    if workers <= 1:
        yield from map(function, tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=_clean_processes(function)) as pool:
        try:
            yield from pool.map(function, tasks)
        except BrokenProcessPool:
            raise GraphmerError(f"{label}: one of {workers} processes {KILLED}") from None


def _clean_processes(function: Callable[..., Any]) -> BaseContext:
    """How processes start: as forks of a server that holds no threads and has imported what they need.

    Not as forks of this one: it may hold threads (the bar's, Arrow's), and a lock that one of them holds stays locked
    in a fork. The server serves all pools of this process; without it each process imports for 0.3 s in each pool.
    Where there are no forks (Windows), they do.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    named = function.func if isinstance(function, partial) else function
    context.set_forkserver_preload([named.__module__, "pyarrow.parquet"])
    inherited = os.environ.get("PYTHONPATH")
    # The server is not told where modules are: it might find this library somewhere else.
    os.environ["PYTHONPATH"] = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)
    try:
        forkserver.ensure_running()
    finally:
        if inherited is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = inherited
    return context


def _run_ray(function: Callable[[T], R], tasks: Sequence[T], label: str) -> Iterator[R]:
    ray = _connected_ray()
    # No second try: what a kernel killed for memory would be killed again.
    remote = ray.remote(_call).options(max_retries=0)
    shared = ray.put(function)
    num_ahead = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting = iter(tasks)
    running = deque(remote.remote(shared, task) for task in islice(waiting, num_ahead))
    while running:
        try:
            result: R = ray.get(running.popleft())
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None  # as the function raised it, without the worker's trace in its message
        except ray.exceptions.RayError:
            raise GraphmerError(f"{label}: a Ray worker {KILLED}") from None
        yield result
        running.extend(remote.remote(shared, task) for task in islice(waiting, 1))


def _call(function: Callable[[T], R], task: T) -> R:
    return function(task)


def _connected_ray() -> Any:
    """Ray, connected to RAY_ADDRESS or to a cluster of its own on this machine, where workers find this library."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it reports to its makers otherwise
    try:
        import ray
    except ImportError:
        raise GraphmerError(
            "GRAPHMER_EXECUTOR=ray: Ray is not installed; pip install ray (the extra [ray]), or unset GRAPHMER_EXECUTOR"
        ) from None
    if ray.is_initialized():
        return ray
    address = os.environ.get("RAY_ADDRESS", "")
    _check_answers(address)
    # "local" by name: without an address, Ray would join whatever cluster it finds on this machine.
    own = {"address": "local", "num_cpus": worker_count(), "include_dashboard": False}
    place = {"address": address} if address else own
    try:
        ray.init(**place, log_to_driver=False, logging_level="ERROR", runtime_env={"py_modules": [str(LIBRARY)]})
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        where = address or "a cluster on this machine"
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise GraphmerError(
            f"GRAPHMER_EXECUTOR=ray: cannot start on {where} ({reason}); check RAY_ADDRESS, or unset GRAPHMER_EXECUTOR"
        ) from None
    return ray


def _check_answers(address: str) -> None:
    """Raises GraphmerError where nothing listens at host:port: Ray itself would try for many minutes.

    Addresses of another form are Ray's to judge.
    """
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_S).close()
    except OSError as error:
        raise GraphmerError(
            f"RAY_ADDRESS: nothing answers at {address} ({error.strerror or error}); start the cluster or correct it"
        ) from None
