"""What this machine trains on: the one place that reads it from the environment."""

import os

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from graphmer.errors import TrainingError
from graphmer.train.config import TrainParams

MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def start(params: TrainParams) -> Accelerator:
    """An accelerator for the device at hand, threads pinned and seeds set.

    GRAPHMER_DEVICE: cpu or gpu (a GPU is taken where one is, unless cpu is asked for). GRAPHMER_THREADS: CPU threads
    (OMP_NUM_THREADS where set, else one a core): results repeat at the same count alone.
    Raises TrainingError where the environment asks for what is not here.
    """
    threads = os.environ.get("GRAPHMER_THREADS") or os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count() or 1)
    if not threads.isdigit() or int(threads) < 1:
        raise TrainingError(f"GRAPHMER_THREADS: expected a number of threads, got '{threads}'")
    torch.set_num_threads(int(threads))
    wanted = os.environ.get("GRAPHMER_DEVICE", "gpu" if torch.cuda.is_available() else "cpu")
    if wanted not in ("cpu", "gpu"):
        raise TrainingError(f"GRAPHMER_DEVICE: expected cpu or gpu, got '{wanted}'")
    if wanted == "gpu" and not torch.cuda.is_available():
        raise TrainingError(
            "GRAPHMER_DEVICE: gpu was asked for and torch finds none; unset it or install torch for CUDA"
        )
    if wanted == "cpu" and params.precision == "fp16":
        raise TrainingError("train.precision: fp16 needs a GPU; choose fp32, or bf16 where the processor has it")
    set_seed(params.seed)
    torch.use_deterministic_algorithms(True, warn_only=wanted == "gpu")
    return Accelerator(cpu=wanted == "cpu", mixed_precision=MIXED[params.precision])
