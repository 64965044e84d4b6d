"""Time and memory on a device, and what its matrix products could do."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import torch
from train_subjects import Setting

from graphmer.train.micro_batch import MicroBatch

REPEATS = 3  # of each matrix product; the fastest counts, as a limit


@dataclass
class Took:
    """seconds: set when what is measured has ended."""

    seconds: float = 0.0


class Clock:
    """The processor's time of this process; on a GPU the time until it is done."""

    def __init__(self, device: str) -> None:
        self.is_gpu = device == "cuda"

    def now(self) -> float:
        """Seconds since some moment."""
        if self.is_gpu:
            torch.cuda.synchronize()
            return time.perf_counter()
        return time.process_time()

    @contextmanager
    def measure(self) -> Iterator[Took]:
        """What the block takes."""
        took, start = Took(), self.now()
        yield took
        took.seconds = self.now() - start


def largest_mib(device: str) -> float:
    """The most that this process has held so far."""
    if device == "cuda":
        return float(torch.cuda.max_memory_allocated()) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held_mib(device: str) -> float:
    """What this process holds now."""
    if device == "cuda":
        return float(torch.cuda.memory_allocated()) / 2**20
    return float(psutil.Process().memory_info().rss) / 2**20


def matrix_rates(setting: Setting, clock: Clock, device: str) -> dict[str, float]:
    """FLOP/s of the encoder's own matrix products: each block's, forward and both ways back, by precision."""
    model, positions = setting.model, setting.train.rows * setting.train.row_length
    pairs = [(model.width, 3 * model.width), (model.width, model.width), (model.width, model.ffn)]
    shapes = [(positions, *pair) for pair in [*pairs, (model.ffn, model.width)]]
    # Back: the gradient of the input, then of the weight.
    shapes += [(m, n, k) for m, k, n in shapes] + [(k, m, n) for m, k, n in shapes]
    rates = {}
    for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        flops = seconds = 0.0
        for m, k, n in shapes:
            left, right = (torch.ones(shape, dtype=dtype, device=device) for shape in ((m, k), (k, n)))
            seconds += min(_product(clock, left, right) for _ in range(REPEATS))
            flops += 2.0 * m * k * n
        rates[name] = flops / seconds
    return rates


def _product(clock: Clock, left: torch.Tensor, right: torch.Tensor) -> float:
    with clock.measure() as took:
        left @ right
    return took.seconds


def useful_flops(setting: Setting, batch: MicroBatch) -> float:
    """Of one training step: the blocks' weights, attention, and logits at masked positions; three passes each."""
    model, tokens = setting.model, batch.batch.token
    weights = model.layers * (4 * model.width**2 + 2 * model.width * model.ffn)
    attention = model.layers * 2 * tokens.shape[1] * model.width
    masked = len(batch.mlm_position) + batch.name.numel()
    heads = masked * (model.width**2 + model.width * setting.vocabulary.tokens)
    return 3 * 2.0 * (tokens.numel() * (weights + attention) + heads)
