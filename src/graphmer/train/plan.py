"""Facts of the machine, read from the environment: they move float order at most, never what is computed.

GRAPHMER_DEVICE=cpu|gpu|tpu        a GPU where torch finds one, else the CPU; a TPU only where it is asked for
GRAPHMER_PROCESSES=N               processes on this machine, one a device (1)
GRAPHMER_NODES=N                   machines (1); with more, each needs the three below
GRAPHMER_NODE_RANK=K               which of them this is, from 0
GRAPHMER_MAIN_ADDRESS=host         the machine of rank 0
GRAPHMER_MAIN_PORT=N               a port of it (a free one where there is one machine)
GRAPHMER_MICRO_BATCH=N             rows a process takes at once (the most that fit, found by trying)
GRAPHMER_THREADS=N                 CPU threads a process (OMP_NUM_THREADS, at most its share of the cores)
GRAPHMER_CHECKPOINT_ACTIVATIONS=1  compute activations twice instead of keeping them (0)
GRAPHMER_COMPILE=1                 torch.compile, on a GPU (0)
GRAPHMER_CHECKPOINT_STEPS=N        steps between two checkpoints (by time, about every five minutes)
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import torch

from graphmer.errors import TrainingError
from graphmer.train.config import TrainParams

Device = Literal["cpu", "gpu", "tpu"]
DEVICES: dict[str, Device] = {"cpu": "cpu", "gpu": "gpu", "tpu": "tpu"}
MAX_PORT = 65535


@dataclass(frozen=True)
class Plan:
    """What one process trains on, and its place among all of them.

    processes: on this machine. world: processes x nodes. rank, local_rank: this process among all and on its machine,
    as whoever started it says (0 for the launcher). is_worker: whether it was started as one of several. port: 0 where
    any free one will do. micro_batch: rows, None where it is to be found. threads: of one process. checkpoint_steps:
    between two checkpoints, None where time decides.
    """

    device: Device
    processes: int
    nodes: int
    node_rank: int
    rank: int
    local_rank: int
    address: str
    port: int
    micro_batch: int | None
    threads: int
    precision: Literal["fp32", "bf16", "fp16"]
    compile: bool
    checkpoint_activations: bool
    checkpoint_steps: int | None
    is_worker: bool

    @property
    def world(self) -> int:
        """Processes on all machines together."""
        return self.processes * self.nodes


def read_plan(environ: Mapping[str, str], params: TrainParams, alone: bool = False, gpus: int | None = None) -> Plan:
    """The plan that the environment asks for.

    alone: one process whatever is asked for, for what is too small to share (a cell of the ablation).
    gpus: how many there are, by default as many as torch finds.
    Raises TrainingError, one line, where a value is mistyped or asks for what is not here.
    """
    gpus = torch.cuda.device_count() if gpus is None else gpus
    device = _device(environ, gpus)
    processes = 1 if alone else _whole(environ, "GRAPHMER_PROCESSES", 1, 1)
    nodes = 1 if alone else _whole(environ, "GRAPHMER_NODES", 1, 1)
    node_rank, address, port = _meeting_point(environ, nodes)
    if device == "gpu" and processes > gpus:
        raise TrainingError(
            f"GRAPHMER_PROCESSES: {processes} were asked for and torch finds {gpus} GPUs; one process takes one GPU"
        )
    rank, local_rank, is_worker = _place(environ, processes, nodes, alone)
    micro_batch = _whole(environ, "GRAPHMER_MICRO_BATCH", 0, 1)
    plan = Plan(
        device=device,
        processes=processes,
        nodes=nodes,
        node_rank=node_rank,
        rank=rank,
        local_rank=local_rank,
        address=address,
        port=port,
        micro_batch=micro_batch or None,
        threads=_threads(environ, processes),
        precision=params.precision,
        compile=_switch(environ, "GRAPHMER_COMPILE"),
        checkpoint_activations=_switch(environ, "GRAPHMER_CHECKPOINT_ACTIVATIONS"),
        checkpoint_steps=_whole(environ, "GRAPHMER_CHECKPOINT_STEPS", 0, 1) or None,
        is_worker=is_worker,
    )
    _check_fits(plan)
    return plan


def _device(environ: Mapping[str, str], gpus: int) -> Device:
    wanted = environ.get("GRAPHMER_DEVICE", "") or ("gpu" if gpus else "cpu")
    if wanted == "gpu" and not gpus:
        raise TrainingError("GRAPHMER_DEVICE: gpu was asked for, torch finds none; unset it or install torch for CUDA")
    if wanted == "tpu" and find_spec("torch_xla") is None:
        raise TrainingError(
            "GRAPHMER_DEVICE: tpu was asked for and torch_xla is not installed; use an environment with the extra [tpu]"
        )
    if wanted not in DEVICES:
        raise TrainingError(f"GRAPHMER_DEVICE: expected {', '.join(DEVICES)}, got '{wanted}'")
    return DEVICES[wanted]


def _meeting_point(environ: Mapping[str, str], nodes: int) -> tuple[int, str, int]:
    """This machine's rank, and where all processes meet."""
    if nodes == 1:
        return 0, "127.0.0.1", _whole(environ, "GRAPHMER_MAIN_PORT", 0, 1, MAX_PORT)
    for name in ("GRAPHMER_NODE_RANK", "GRAPHMER_MAIN_ADDRESS", "GRAPHMER_MAIN_PORT"):
        if not environ.get(name):
            raise TrainingError(f"{name}: not set, and GRAPHMER_NODES={nodes} needs it on every machine")
    node_rank = _whole(environ, "GRAPHMER_NODE_RANK", 0, 0, nodes - 1)
    return node_rank, environ["GRAPHMER_MAIN_ADDRESS"], _whole(environ, "GRAPHMER_MAIN_PORT", 0, 1, MAX_PORT)


def _place(environ: Mapping[str, str], processes: int, nodes: int, alone: bool) -> tuple[int, int, bool]:
    """rank, local rank, and whether a launcher gave them; every launcher of torch sets RANK and WORLD_SIZE."""
    if alone or "RANK" not in environ or "WORLD_SIZE" not in environ:
        return 0, 0, False
    world = _whole(environ, "WORLD_SIZE", 0, 1)
    if world != processes * nodes:
        raise TrainingError(
            f"WORLD_SIZE: {world} processes were started, GRAPHMER_PROCESSES x GRAPHMER_NODES is {processes * nodes}; "
            "start `python stages/train.py` itself, it starts the others"
        )
    rank = _whole(environ, "RANK", 0, 0, world - 1)
    return rank, _whole(environ, "LOCAL_RANK", rank, 0, world - 1), world > 1


def _threads(environ: Mapping[str, str], processes: int) -> int:
    """Threads of one process; more than its share of the cores only where GRAPHMER_THREADS says so."""
    cores = os.cpu_count() or 1
    given = _whole(environ, "GRAPHMER_THREADS", 0, 1)
    found = _whole(environ, "OMP_NUM_THREADS", cores, 1)
    return given or (found if processes == 1 else min(found, max(1, cores // processes)))


def _check_fits(plan: Plan) -> None:
    if plan.precision == "fp16" and plan.device != "gpu":
        raise TrainingError("train.precision: fp16 needs a GPU; choose fp32, or bf16 where the processor has it")
    if plan.compile and plan.device != "gpu":
        raise TrainingError(f"GRAPHMER_COMPILE: compiles for a GPU alone, the device is {plan.device}; unset it")
    if plan.device == "tpu" and plan.nodes > 1:
        raise TrainingError("GRAPHMER_NODES: a TPU's hosts find each other; unset it and start every host alike")


def _whole(environ: Mapping[str, str], name: str, default: int, low: int, high: int | None = None) -> int:
    text = environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < low or (high is not None and int(text) > high):
        bounds = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise TrainingError(f"{name}: expected a whole number {bounds}, got '{text}'")
    return int(text)


def _switch(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "") or "0"
    if text not in ("0", "1"):
        raise TrainingError(f"{name}: expected 0 or 1, got '{text}'")
    return text == "1"
