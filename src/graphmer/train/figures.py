"""The figures of steps on their way to the curve: kept on the device, read when due, checked before they count."""

import math
from dataclasses import dataclass

import torch
from accelerate import Accelerator

from graphmer.errors import TrainingError
from graphmer.train.config import TrainParams
from graphmer.train.curve import Curve
from graphmer.train.device import is_xla, to_host
from graphmer.train.plan import Plan


@dataclass(frozen=True)
class StepFigures:
    """What a step computed. sums: (terms,) this process's parts; norm: () of the whole gradient."""

    sums: torch.Tensor
    norm: torch.Tensor
    learning_rate: float


class Figures:
    """Steps whose figures nobody has read yet; `unread` is empty after each reading."""

    def __init__(
        self, accelerator: Accelerator, plan: Plan, params: TrainParams, terms: tuple[str, ...], curve: Curve
    ) -> None:
        self.accelerator, self.params, self.terms, self.curve = accelerator, params, terms, curve
        # Each reading has the host wait for the device: on an accelerator only where a row of the curve or a
        # checkpoint by steps is due. All processes read after the same steps.
        late = (params.report_every, plan.checkpoint_steps or params.steps, params.steps)
        self.every = (1,) if plan.device == "cpu" else late
        self.unread: list[StepFigures] = []

    def add(self, step: StepFigures, done: int, stops: bool) -> bool:
        """Take in the step after which `done` are done, and read all unread ones if that is due.

        stops: whether this process was told to stop. Returns whether some process was, False where nothing is read.
        Raises TrainingError where a figure is not finite.
        """
        self.unread.append(step)
        # A process alone need not wait for the others to read when it is told to stop: who tells may not wait long.
        alone = self.accelerator.num_processes == 1 and not is_xla(self.accelerator)
        return ((stops and alone) or any(done % steps == 0 for steps in self.every)) and self._read(done, stops)

    def _read(self, done: int, stops: bool) -> bool:
        rows, is_stopped = self._reduced(stops)
        norms = to_host(torch.stack([step.norm for step in self.unread])).tolist()
        first = done - len(self.unread)
        for number, (step, values, norm) in enumerate(zip(self.unread, rows, norms, strict=True), first):
            self._check_finite(number, values, norm)
            self.curve.add(number, values, step.learning_rate)
        self.unread.clear()
        return is_stopped

    def _reduced(self, stops: bool) -> tuple[list[dict[str, float]], bool]:
        """Each term of each whole step and their weighted sum, the same in every process; whether one was stopped."""
        sums = torch.stack([step.sums for step in self.unread])
        vector = torch.cat([sums.flatten(), torch.tensor([float(stops)], device=sums.device)])
        reduced = to_host(self.accelerator.reduce(vector, reduction="sum"))
        rows = []
        for parts in reduced[:-1].view(sums.shape).tolist():
            values = dict(zip(self.terms, parts, strict=True))
            total = math.fsum(getattr(self.params.loss, name) * value for name, value in values.items())
            rows.append({"total": total, **values})
        return rows, bool(reduced[-1] > 0)

    def _check_finite(self, number: int, values: dict[str, float], norm: float) -> None:
        """A scaled fp16 gradient may overflow: that step is skipped and the scale lowered, which is no fault."""
        numbers = values if self.params.precision == "fp16" else values | {"gradient norm": norm}
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"step {number + 1}: {name} is {value}; lower train.learning_rate, or use fp32, and run again"
                )
