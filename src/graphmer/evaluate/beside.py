"""The network's answers about links, computed in a process of its own while this one counts, fits and ranks.

On a CPU the two halves of the evaluation take about as long. The other process computes on one thread, so that what it
says does not hang on the number of cores.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import torch

from graphmer.errors import EvaluationError
from graphmer.evaluate.neural import LinkAnswers, ModelScorer, load_scorer, untrained_scorer
from graphmer.evaluate.queries import LinkQueries


class Net(NamedTuple):
    """Which net answers: the model in a folder, or the same with random weights."""

    model: Path
    packed: Path
    show_graph: bool
    is_trained: bool

    def load(self) -> ModelScorer:
        """Its scorer; raises ArtifactError as `load_scorer` does."""
        read = load_scorer if self.is_trained else untrained_scorer
        return read(self.model, self.packed, self.show_graph)


@contextmanager
def answered_beside(asked: Sequence[tuple[ModelScorer, Net, LinkQueries]]) -> Iterator[None]:
    """Begin to answer, in this order; each scorer gets its answers when it is asked within the block.

    On a GPU, and where there is one core, a scorer computes its answers itself.
    """
    here = [one for one in asked if one[0].device_kind == "cpu"] if (os.cpu_count() or 1) > 1 else []
    if not here:
        yield
        return
    # Spawned, not forked: this process has threads that hold locks.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin) as pool:
        try:
            for scorer, net, queries in here:
                coming = pool.submit(_answers, net, queries)
                scorer.expect(queries, coming.result)
            yield
        except BrokenProcessPool:
            raise EvaluationError(
                "the process that computes the network's answers was killed, mostly for memory; free some and run again"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Compute on one thread, and end with the process that asked, however it ends: nobody else would end this one."""
    torch.set_num_threads(1)
    Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _answers(net: Net, queries: LinkQueries) -> LinkAnswers:
    return _loaded(net).answer(queries)


@lru_cache(maxsize=2)
def _loaded(net: Net) -> ModelScorer:
    return net.load()
