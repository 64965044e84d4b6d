"""One way to run a function over many tasks: in order, on as many processes as the machine gives.

The number of processes is a fact of the machine (GRAPHMER_WORKERS, by default all cores), never a parameter: results
come back in the order of the tasks, so it cannot change them.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

from graphmer.errors import GraphmerError, ParamsError

T = TypeVar("T")
R = TypeVar("R")


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
    """Results of `function` over `tasks`, in their order, with a progress bar that counts `weights` in `unit`."""
    workers = min(worker_count(), len(tasks))
    with tqdm(total=sum(weights), desc=label, unit=unit, mininterval=0.5) as bar:
        if workers <= 1:
            for task, weight in zip(tasks, weights, strict=True):
                yield function(task)
                bar.update(weight)
            return
        # Not fork: the parent may hold threads (the bar's, Arrow's), and a lock that one holds stays locked in a fork.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            try:
                for result, weight in zip(pool.map(function, tasks), weights, strict=True):
                    yield result
                    bar.update(weight)
            except BrokenProcessPool:
                raise GraphmerError(
                    f"{label}: one of {workers} processes was killed, mostly for memory; try GRAPHMER_WORKERS=1"
                ) from None
