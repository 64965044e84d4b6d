"""What a machine has for training, and whether a set of parameters fits it."""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import torch

from graphmer.errors import GraphmerError, ParamsError
from graphmer.machine import processor_name
from graphmer.params import load_section, load_tree
from graphmer.train.config import TrainParams
from graphmer.train.device import check_precision, has_fast_bf16, xla_devices
from graphmer.train.micro import check_micro_batch, micro_batches
from graphmer.train.plan import Plan, read_plan
from graphmer.train.profile import Profile, read_profile

GIB = 1 << 30
NO_PROFILE = Profile("", (), {})


def run(arguments: Sequence[str]) -> int:
    """Print what was found and what does not fit, one line each; 0 where all fits, 1 where not, 2 on bad parameters."""
    parser = argparse.ArgumentParser(prog="python -m graphmer.train.device", description=__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one change; may be repeated")
    parser.add_argument("--profile", help="a profile of profiles/, laid over the parameters before --set")
    flags = parser.parse_args(arguments)
    for line in found():
        print(line)
    try:
        profile = read_profile(flags.profile, flags.params.parent / "profiles") if flags.profile else NO_PROFILE
        params = load_section(load_tree(flags.params, [*profile.changes, *flags.set]), "train", TrainParams)
    except ParamsError as error:
        print(f"params: {error}", file=sys.stderr)
        return 2
    try:
        print(fitting(profile.environment(os.environ), params))
    except GraphmerError as error:
        print(f"does not fit: {error}")
        return 1
    return 0


def found() -> list[str]:
    """One line for each thing that training uses, and for each that is missing."""
    memory = psutil.virtual_memory()
    fast = "fast" if has_fast_bf16() else "slow (no AVX512-BF16, no AMX)"
    lines = [
        f"processor: {processor_name()}, {os.cpu_count() or 1} cores, {torch.get_num_threads()} threads; bf16 {fast}",
        f"memory: {memory.total / GIB:.1f} GiB, {memory.available / GIB:.1f} free",
        f"disk: {shutil.disk_usage(Path.cwd()).free / GIB:.1f} GiB free here",
        *_gpus(),
    ]
    for name, use in (("torch", ""), ("accelerate", ""), ("torch_xla", "; a TPU needs it (the extra [tpu])")):
        lines.append(f"{name}: {_version(name) or 'missing' + use}")
    if os.environ.get("GRAPHMER_DEVICE") == "tpu" and _version("torch_xla"):
        lines.append(f"xla: {xla_devices()}")
    return lines


def fitting(environ: Mapping[str, str], params: TrainParams) -> str:
    """The plan in words, with the micro-batches that it may use.

    Raises TrainingError, which says what to do, where the parameters do not fit the plan or the plan the machine.
    """
    plan = read_plan(environ, params)
    check_precision(plan)
    valid = micro_batches(params.rows, params.link_rows, plan.world)
    if plan.micro_batch is not None:
        check_micro_batch(plan.micro_batch, params.rows, params.link_rows, plan.world)
    return f"fits: {_words(plan, params)}, micro-batch {plan.micro_batch or 'to be found'} of {_list(valid)}"


def _words(plan: Plan, params: TrainParams) -> str:
    where = f"{plan.processes} x {plan.device}" + (f" on each of {plan.nodes} machines" if plan.nodes > 1 else "")
    return f"{where}, {plan.threads} threads a process, {plan.precision}, {params.rows} rows a step"


def _list(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))


def _gpus() -> list[str]:
    """A line for each GPU: name, memory, number formats."""
    lines = []
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        formats = "bf16, fp16" if facts.major >= 8 else "fp16, no bf16"
        lines.append(f"gpu {index}: {facts.name}, {facts.total_memory / GIB:.1f} GiB, {formats}")
    return lines or ["gpu: none that torch finds"]


def gpu_names() -> list[str]:
    """The model of each GPU that torch finds."""
    return [torch.cuda.get_device_properties(index).name for index in range(torch.cuda.device_count())]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
