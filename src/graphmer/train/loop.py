"""One optimiser step after another: accumulate, check, step, report, keep."""

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from graphmer.artifacts import stable_hash
from graphmer.errors import Stopped
from graphmer.train.ahead import StepsAhead
from graphmer.train.checkpoint import CheckpointClock, RunFolder
from graphmer.train.config import TrainParams
from graphmer.train.curve import Curve, CurveFile, growing_csv
from graphmer.train.data import TrainStream
from graphmer.train.device import is_xla, mark_step, on_host, reseed
from graphmer.train.figures import Figures, StepFigures
from graphmer.train.micro import check_micro_batch, is_out_of_memory, micro_batches, next_micro_batch, out_of_memory
from graphmer.train.micro_batch import MicroBatch, Share
from graphmer.train.objective import Objective
from graphmer.train.parcel import Parcel
from graphmer.train.plan import Plan
from graphmer.train.stop import StopSignal

Batches = Sequence[MicroBatch | Parcel]


def learning_rate_factor(step: int, params: TrainParams) -> float:
    """Linear warm-up, then a cosine down to final_learning_rate; a factor of learning_rate."""
    if step < params.warmup_steps:
        return (step + 1) / params.warmup_steps
    progress = (step - params.warmup_steps) / max(1, params.steps - params.warmup_steps)
    floor = params.final_learning_rate / params.learning_rate
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices decay; norms, biases and the attention bias' scalars do not. What is frozen is left out."""
    decayed: list[torch.nn.Parameter] = []
    plain: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            matrix = parameter.dim() >= 2 and "encoder.bias" not in name
            (decayed if matrix else plain).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


@dataclass(frozen=True)
class Setting:
    """Where a run happens: nothing of it changes the result beyond float order."""

    accelerator: Accelerator
    plan: Plan
    runs: RunFolder | None


class Loop:
    """The state of a run and how it moves on."""

    def __init__(self, setting: Setting, objective: Objective, stream: TrainStream, params: TrainParams) -> None:
        self.setting, self.stream, self.params = setting, stream, params
        self.terms = objective.terms
        optimizer = torch.optim.AdamW(
            parameter_groups(objective, params.weight_decay),
            lr=params.learning_rate,
            betas=(params.beta1, params.beta2),
            fused=setting.plan.device != "tpu",  # 7 x the loop on a CPU
            capturable=setting.plan.device == "tpu",  # else every weight's count of steps is read by the host
        )
        self.schedule = LambdaLR(optimizer, lambda step: learning_rate_factor(step, params))
        self.objective, self.optimizer = setting.accelerator.prepare(objective, optimizer)
        self.curve = Curve(params.steps, params.report_every)
        self.figures = Figures(setting.accelerator, setting.plan, params, self.terms, self.curve)
        self.clock = CheckpointClock(setting.plan.checkpoint_steps)
        self.done = 0
        self.room = (params.rows, params.link_rows, setting.plan.world)
        if setting.plan.micro_batch is not None:
            check_micro_batch(setting.plan.micro_batch, *self.room)
        self.rows = setting.plan.micro_batch or micro_batches(*self.room)[0]

    def run(self, curve: Path) -> dict[str, float]:
        """All steps that are left; each term's mean over the last tenth of the run.

        Raises Stopped after a SIGTERM, TrainingError where training cannot go on.
        """
        self._resume()
        is_main = self.setting.accelerator.is_main_process
        with ExitStack() as stack:
            stop = stack.enter_context(StopSignal())
            file = stack.enter_context(growing_csv(curve, self.curve)) if is_main else None
            bar = stack.enter_context(
                tqdm(total=self.params.steps, initial=self.done, unit="step", desc="train",
                     disable=None if is_main else True)
            )  # fmt: skip
            steps = stack.enter_context(StepsAhead(self.stream, self.params.steps, self.setting.plan.device != "cpu"))
            tokens = 0
            while self.done < self.params.steps:
                batches = steps.take(self.done, self._share())
                tokens += sum(batch.occupied for batch in batches) * self.setting.plan.world
                is_stopped = self._advance(batches, stop)
                self._report(bar, file, tokens)
                self._keep(is_stopped)
        return dict(self.curve.final)

    def _advance(self, batches: Batches, stop: StopSignal) -> bool:
        """One optimiser step; whether some process was told to stop."""
        sums = self._gradients(batches)
        try:
            norm = self.setting.accelerator.clip_grad_norm_(self._weights(), self.params.max_gradient_norm)
            self.optimizer.step()
            mark_step(self.setting.accelerator)
            self.schedule.step()
            self.optimizer.zero_grad()
            self.done += 1
            step = StepFigures(sums, norm, float(self.schedule.get_last_lr()[0]))
            return self.figures.add(step, self.done, stop.requested)
        except (RuntimeError, MemoryError) as error:
            # The optimiser's moments, or all of a graph of XLA's. Some weights may have moved: no second try.
            if is_out_of_memory(error):
                raise out_of_memory(self.rows, *self.room) from error
            raise

    def _gradients(self, batches: Batches) -> torch.Tensor:
        """As `_accumulate`, with less at once where that does not fit."""
        while True:
            try:
                return self._accumulate(batches)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._take_less(error)
            # Not in the handler: the error's frames hold the activations that did not fit.
            self.optimizer.zero_grad()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            batches = list(self.stream.micro_batches(self.done, self._share()))

    def _accumulate(self, batches: Batches) -> torch.Tensor:
        """Gradients of the whole step; this process's part of each term, in the order of `terms`."""
        accelerator = self.setting.accelerator
        sums = torch.zeros(len(self.terms), device=accelerator.device)
        for index, batch in enumerate(batches):
            # Keyed by the step, so that a resumed run drops what an unbroken one drops.
            reseed(accelerator, stable_hash(self.params.seed, self.done, index, accelerator.process_index) % 2**31)
            is_last = index + 1 == len(batches)
            with nullcontext() if is_last else accelerator.no_sync(self.objective):
                with accelerator.autocast():
                    values = self.objective(batch.to(accelerator.device))
                accelerator.backward(values["backward"])
            sums += torch.stack([values[name].detach().float() for name in self.terms])
            if not is_last:
                mark_step(accelerator)  # one graph of all micro-batches would hold the activations of all
        return sums

    def _take_less(self, error: RuntimeError | MemoryError) -> None:
        """Go down to the next micro-batch; raises an error that names it where only a new start helps."""
        smaller, plan = next_micro_batch(self.rows, *self.room), self.setting.plan
        # Other processes wait for this one's gradients; a graph of XLA's that failed may have taken the weights along.
        if smaller is None or plan.micro_batch or plan.world > 1 or is_xla(self.setting.accelerator):
            raise out_of_memory(self.rows, *self.room) from error
        tqdm.write(f"train: out of memory with {self.rows} rows at once; going on with {smaller}", file=sys.stderr)
        self.rows = smaller

    def _share(self) -> Share:
        accelerator = self.setting.accelerator
        return Share(accelerator.process_index, accelerator.num_processes, self.rows)

    def _weights(self) -> Iterator[torch.nn.Parameter]:
        return (weight for weight in self.objective.parameters() if weight.requires_grad)

    def _report(self, bar: Any, file: CurveFile | None, tokens: int) -> None:
        bar.update()
        elapsed = bar.format_dict["elapsed"]
        rate = f"{tokens / elapsed:.0f}" if elapsed else "0"
        bar.set_postfix(loss=f"{self.curve.mean('total'):.3f}", tok_s=rate, refresh=False)
        if file is not None:
            file.flush()

    def _keep(self, is_stopped: bool) -> None:
        runs, accelerator = self.setting.runs, self.setting.accelerator
        is_done = self.done == self.params.steps
        # The clock is the main process's; the others do not wait: they meet again in the next step's gradients.
        if (
            runs is not None
            and accelerator.is_main_process
            and not is_done
            and not self.figures.unread  # weights whose figures nobody has checked are not worth keeping
            and (is_stopped or self.clock.due(self.done))
        ):
            runs.save(self._state(), self.done)
        if is_stopped and not is_done:
            accelerator.wait_for_everyone()  # whoever left now would have the launcher end a writer in mid-write
            raise Stopped(f"stopped by SIGTERM after step {self.done}; run again to go on from there")

    def _state(self) -> dict[str, Any]:
        scaler = self.setting.accelerator.scaler
        state = {
            "step": self.done,
            "objective": self.setting.accelerator.unwrap_model(self.objective).state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else {},
            "curve": self.curve.state(),
        }
        return on_host(state) if is_xla(self.setting.accelerator) else state

    def _resume(self) -> None:
        state = self.setting.runs.load() if self.setting.runs is not None else None
        if state is None:
            return
        self.setting.accelerator.unwrap_model(self.objective).load_state_dict(state["objective"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.setting.accelerator.scaler is not None:
            self.setting.accelerator.scaler.load_state_dict(state["scaler"])
        self.curve.restore(state["curve"])
        self.done = int(state["step"])
