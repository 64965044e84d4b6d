"""Builds the steps to come while an accelerator computes, in processes of their own."""

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from graphmer.errors import GraphmerError, TrainingError
from graphmer.train.data import TrainStream
from graphmer.train.micro_batch import MicroBatch, Share
from graphmer.train.parcel import Parcel, parcel

BUILDERS = 2  # ours: one keeps up with an H200; two do while the next epoch is laid out beside them
STEPS_READY = 4  # of each builder
KILLED = ("killed by signal", "exited unexpectedly")  # what DataLoader says of a builder that is gone


class _Steps(Dataset[list[Parcel] | GraphmerError]):
    """The steps of a run by number."""

    def __init__(self, stream: TrainStream, share: Share) -> None:
        self.stream, self.share = stream, share

    def __getitem__(self, number: int) -> list[Parcel] | GraphmerError:
        try:
            return [parcel(micro) for micro in self.stream.micro_batches(number, self.share)]
        except GraphmerError as error:
            return error  # raised where the step is taken: from here it would come with a builder's traceback


@dataclass
class _Running:
    """Builders at work. next: the step that comes next from them."""

    share: Share
    next: int
    steps: Iterator[list[Parcel] | GraphmerError]

    def end(self) -> None:
        """End the builders now. DataLoader does when nobody holds the iterator, but an error's traceback may hold it to
        the end of this process, which then waits for builders that no signal ends."""
        if isinstance(self.steps, _MultiProcessingDataLoaderIter):
            self.steps._shutdown_workers()


class StepsAhead:
    """One process's part of each step: built ahead for an accelerator, when asked on a CPU, whose cores compute."""

    def __init__(self, stream: TrainStream, steps: int, is_ahead: bool) -> None:
        """steps: of the whole run."""
        self.stream, self.steps, self.is_ahead = stream, steps, is_ahead
        self._running: _Running | None = None

    def __enter__(self) -> "StepsAhead":
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Raises TrainingError where the block ended because a builder is gone: DataLoader says so at any moment."""
        self._end()
        if isinstance(error, RuntimeError) and any(words in str(error) for words in KILLED):
            raise TrainingError(
                "a process that builds steps was killed, mostly for memory; free some and run again, it goes on from "
                "the last checkpoint"
            ) from error

    def take(self, number: int, share: Share) -> Sequence[MicroBatch | Parcel]:
        """The micro-batches of step `number`; another step or share than the one after the last starts anew."""
        if not self.is_ahead:
            return list(self.stream.micro_batches(number, share))
        running = self._running
        if running is None or (running.share, running.next) != (share, number):
            self._end()
            running = self._running = _Running(share, number, self._start(number, share))
        built = next(running.steps)
        if isinstance(built, GraphmerError):
            raise built
        running.next += 1
        return built

    def _end(self) -> None:
        if self._running is not None:
            self._running.end()
            self._running = None

    def _start(self, number: int, share: Share) -> Iterator[list[Parcel] | GraphmerError]:
        loader = DataLoader(
            _Steps(self.stream, share),
            batch_size=None,
            sampler=range(number, self.steps),
            num_workers=BUILDERS,
            prefetch_factor=STEPS_READY,
            multiprocessing_context="fork",  # they share the corpus; nothing of CUDA's is touched in them
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=_begin,
        )
        return iter(loader)


def _begin(_builder: int) -> None:
    """A signal is for the process that trains: it still wants the step in hand, and ends its builders itself."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    info = torch.utils.data.get_worker_info()
    if info is not None and isinstance(info.dataset, _Steps):
        info.dataset.stream.lay_out_ahead()
