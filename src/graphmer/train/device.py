"""The device at hand: an accelerator that is what the plan asks for, and the seam to XLA.

    python -m graphmer.train.device --profile base     what this machine has, and whether the profile fits it

The only importer of torch_xla, which TorchTPU is set to replace.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, KwargsHandler, is_torch_xla_available, send_to_device, set_seed
from torch import Tensor

from graphmer.errors import TrainingError
from graphmer.train.config import TrainParams
from graphmer.train.plan import Plan

MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def start(plan: Plan, params: TrainParams, handlers: Sequence[KwargsHandler] = ()) -> Accelerator:
    """The accelerator that the plan asks for, threads pinned and seeds set.

    handlers: accelerate's own settings, such as those of its data-parallel wrapper. From here on ask the accelerator
    for process_index and num_processes: under XLA the plan does not know the rank.
    Raises TrainingError where the device or the number of processes is another than the plan's.
    """
    torch.set_num_threads(plan.threads)
    check_precision(plan)
    _prepare_xla(plan)
    if plan.device != "tpu" and not plan.is_worker:
        _check_world(plan, 1)
    if plan.device == "cpu" and plan.world > 1:
        handlers = [InitProcessGroupKwargs(backend="gloo"), *handlers]
    set_seed(params.seed)
    # A GPU's attention has no deterministic gradient of a bias; the rest of it, asked for alone, costs 7 % of a step.
    torch.use_deterministic_algorithms(plan.device != "gpu")
    accelerator = Accelerator(
        cpu=plan.device == "cpu", mixed_precision=MIXED[plan.precision], kwargs_handlers=list(handlers) or None
    )
    _check_world(plan, accelerator.num_processes)
    return accelerator


def _check_world(plan: Plan, running: int) -> None:
    if running != plan.world:
        raise TrainingError(
            f"GRAPHMER_PROCESSES x GRAPHMER_NODES: {plan.world} processes were asked for, {running} run; "
            "start `python stages/train.py` itself, it starts the others"
        )


def is_xla(accelerator: Accelerator) -> bool:
    """Whether operations are recorded and run as one compiled graph a step."""
    return str(accelerator.device.type) == "xla"


def mark_step(accelerator: Accelerator) -> None:
    """End a step's graph where graphs are recorded; call it after each optimiser step."""
    if is_xla(accelerator):
        import torch_xla

        torch_xla.sync()


def reseed(accelerator: Accelerator, seed: int) -> None:
    """Set the random numbers of this process and its device anew, so that what a step draws does not hang on the steps
    before it."""
    torch.manual_seed(seed)
    if is_xla(accelerator):
        import torch_xla

        torch_xla.manual_seed(seed, accelerator.device)


def to_host(values: Tensor) -> Tensor:
    """`values` in the host's memory, out of the graph of gradients; under XLA this runs what is recorded, so it is
    worth one call for many figures, none for each."""
    return values.detach().cpu()


def on_host(state: dict[str, Any]) -> dict[str, Any]:
    """The same nested state with every tensor in the host's memory: a checkpoint must load on any device."""
    moved: dict[str, Any] = send_to_device(state, "cpu")
    return moved


class _GatherRows(torch.autograd.Function):
    """Forward: all processes' rows in rank order. Backward: the gradient of this process' own."""

    @staticmethod
    def forward(ctx: Any, rows_ND: Tensor) -> Tensor:
        gather, rank = _xla_gather() if rows_ND.device.type == "xla" else (_gather, torch.distributed.get_rank())
        ctx.first, ctx.count = rank * len(rows_ND), len(rows_ND)
        return gather(rows_ND.contiguous())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0][ctx.first : ctx.first + ctx.count]


def gather_rows(rows_ND: Tensor) -> Tensor:
    """The (N, D) rows of all processes as one (world x N, D), in rank order; with one process, the rows themselves.

    N must be the same in every process. Differentiable without a message: where each process computes the same loss of
    all rows, the gradient that it holds for its own rows is already the whole one.
    """
    if not _distributed(rows_ND):
        return rows_ND
    gathered: Tensor = _GatherRows.apply(rows_ND)  # type: ignore[no-untyped-call]
    return gathered


def _distributed(rows: Tensor) -> bool:
    if rows.device.type != "xla":
        return torch.distributed.is_available() and torch.distributed.is_initialized()
    import torch_xla.runtime

    return bool(torch_xla.runtime.world_size() > 1)


def _gather(rows_ND: Tensor) -> Tensor:
    parts = [torch.empty_like(rows_ND) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(parts, rows_ND)
    return torch.cat(parts)


def _xla_gather() -> tuple[Callable[[Tensor], Tensor], int]:
    import torch_xla.core.xla_model
    import torch_xla.runtime

    return torch_xla.core.xla_model.all_gather, int(torch_xla.runtime.global_ordinal())


def spawn_xla(function: Callable[[int], None], plan: Plan) -> None:
    """Run `function(index)` on every core of this host's TPU, or in this process where one is asked for.

    torch_xla starts one process a core and takes no other number; `start` checks it against the plan.
    """
    _prepare_xla(plan)
    import torch_xla.distributed.xla_multiprocessing

    torch_xla.distributed.xla_multiprocessing.spawn(function, nprocs=1 if plan.world == 1 else None)


def _prepare_xla(plan: Plan) -> None:
    """What accelerate reads of the environment; it trains on XLA wherever torch_xla can be imported."""
    if plan.device == "tpu":
        os.environ.setdefault("PJRT_DEVICE", "TPU")
        if plan.world == 1:
            os.environ.setdefault("LOCAL_RANK", "0")
    if is_torch_xla_available() and plan.device != "tpu":
        raise TrainingError(
            f"GRAPHMER_DEVICE: {plan.device}, but accelerate takes torch_xla where it is installed; set USE_TORCH_XLA=0"
        )
    if plan.device == "tpu" and not is_torch_xla_available():
        raise TrainingError("GRAPHMER_DEVICE: tpu was asked for and USE_TORCH_XLA=0 forbids torch_xla; unset that")


def check_precision(plan: Plan) -> None:
    """Raises TrainingError where the GPU has no bf16; a CPU without it computes the same, slowly, and is told so."""
    if plan.precision != "bf16":
        return
    if plan.device == "gpu":
        torch.cuda.set_device(plan.local_rank)
        if not torch.cuda.is_bf16_supported(including_emulation=False):
            name = torch.cuda.get_device_name()
            raise TrainingError(f"train.precision: bf16 is not supported by {name}; choose fp16 or fp32")
    if plan.device == "cpu" and plan.rank == 0 and not has_fast_bf16():
        print("train: this processor computes bf16 slowly (no AVX512-BF16, no AMX); fp32 is faster", file=sys.stderr)


def has_fast_bf16() -> bool:
    """Whether the processor multiplies bf16 matrices itself."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def xla_devices() -> str:
    """What torch_xla runs on here; asking starts its runtime, so only where a TPU is asked for."""
    os.environ.setdefault("PJRT_DEVICE", "TPU")
    import torch_xla.runtime

    return f"{torch_xla.runtime.device_type()}, {torch_xla.runtime.global_runtime_device_count()} cores"


def main() -> int:
    """Print what was found and whether the parameters fit it; 0 where they do, 1 where not."""
    from graphmer.train.survey import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
