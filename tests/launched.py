"""What tests/test_launch.py starts as each of two processes: a small training that ends in the way that is named."""

import os
import sys
import time
from pathlib import Path

from graphmer.train import worker

worker.enter()

import torch  # noqa: E402
from torch.distributed import ReduceOp, all_reduce, destroy_process_group, get_rank, init_process_group  # noqa: E402

from graphmer.errors import GraphmerError, Stopped, TrainingError  # noqa: E402
from graphmer.train.stop import StopSignal  # noqa: E402

MAX_STEPS = 2000


def main(how: str, out: Path) -> None:
    init_process_group("gloo")
    rank = get_rank()
    if how == "gathers":
        return gather(rank, out)
    (out / f"{rank}.pid").write_text(str(os.getpid()))
    with StopSignal() as stop:
        for step in range(MAX_STEPS):
            asked = torch.tensor([float(stop.requested)])
            all_reduce(asked, op=ReduceOp.MAX)
            (out / f"{rank}.stepped").touch()
            if asked.item():
                (out / f"{rank}.checkpoint").write_text(str(step))
                raise Stopped(f"stopped by SIGTERM after step {step}; run again to go on from there")
            if step == 3 and how == "ends":
                (out / f"{rank}.threads").write_text(os.environ["OMP_NUM_THREADS"])
                return destroy_process_group()
            if step == 3 and rank == 1:
                fail(how)
            time.sleep(0.01)
    raise AssertionError("nobody ended this")


def rows(dtype: torch.dtype) -> torch.Tensor:
    """Six rows, three for each of two processes."""
    return torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(6, 4).to(dtype)


def all_pairs_loss(rows_ND: torch.Tensor) -> torch.Tensor:
    """A loss in which each row's gradient depends on every other row, as in a contrastive one."""
    return (rows_ND @ rows_ND.T / 0.5).logsumexp(-1).sum()


def gather(rank: int, out: Path) -> None:
    from graphmer.train.device import gather_rows

    for name, dtype in (("float64", torch.float64), ("bfloat16", torch.bfloat16)):
        own = rows(dtype)[3 * rank : 3 * rank + 3].requires_grad_()
        gathered = gather_rows(own)
        all_pairs_loss(gathered).backward()
        torch.save((gathered.detach(), own.grad), out / f"{rank}.{name}.pt")
    destroy_process_group()


def fail(how: str) -> None:
    if how == "own error":
        raise TrainingError("step 4: loss is nan; lower train.learning_rate")
    if how == "unforeseen":
        raise KeyError("weights")
    if how == "killed":
        os.kill(os.getpid(), 9)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except GraphmerError as error:
        worker.tell("train", str(error), 143 if isinstance(error, Stopped) else 1)
