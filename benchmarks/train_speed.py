"""How fast the 85M encoder trains: beside Hugging Face's BERT of the same size, and with each ingredient off in turn.

    python benchmarks/train_speed.py data/packed [--rounds 7] [--rows 2] [--threads 1] [--out results/benchmarks]

One process measures all, its rounds interleaved and their order turned, so that a busy neighbour meets every subject.
A step is the forward, the backward and the optimiser's, in bf16 autocast, on the same rows and labels; a token is an
occupied position. Time is the processor's, or a GPU's own where torch finds one (under `gpu` then, the other kind's
figures stay in the files). A cost is the share of our step that goes when the ingredient goes. Figures are medians,
<figure>_low and _high the extreme rounds. Writes train_speed.json and latency.json.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from spread import spread  # noqa: E402
from train_clock import Clock, held_mib, largest_mib, matrix_rates, useful_flops  # noqa: E402
from train_processes import measure_processes  # noqa: E402
from train_subjects import (  # noqa: E402
    ADDED,
    EVERY_TERM,
    TOKENS_ONLY,
    Setting,
    Subject,
    hugging_face,
    make_optimizer,
    make_stream,
    our_subjects,
    read_setting,
    take,
)

from graphmer.artifacts import read_json, write_json  # noqa: E402
from graphmer.errors import GraphmerError  # noqa: E402
from graphmer.machine import processor_name  # noqa: E402
from graphmer.train.data import TrainStream  # noqa: E402
from graphmer.train.masking import mask_roots  # noqa: E402
from graphmer.train.micro_batch import MicroBatch  # noqa: E402

MASKED_ROWS = 256  # at once: the masking of a step of the base profile and its neighbours
LATENCY_POSITIONS = 512
COSTS = {"relation_bias_cost": "no_relation_bias", "decay_cost": "no_decay", "bias_cost": "no_bias"}
COSTS |= {"hgat_cost": "no_hgat", "ingredients_cost": "plain"}


class Trainer:
    """Takes steps of a subject on a device."""

    def __init__(self, subject: Subject, optimizer: torch.optim.Optimizer, setting: Setting, device: str) -> None:
        self.subject, self.optimizer, self.setting, self.device = subject, optimizer, setting, device

    def step(self, batch: MicroBatch) -> None:
        """One whole optimiser step, as the training loop takes it."""
        with torch.autocast(self.device, torch.bfloat16):
            loss = self.subject.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.subject.module.parameters(), self.setting.train.max_gradient_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()


def trainers(setting: Setting, device: str) -> dict[str, Trainer]:
    """Every subject by name; a model's share their weights and their optimiser, in which what has no gradient rests."""
    result: dict[str, Trainer] = {}
    for subjects in (our_subjects(setting, device), hugging_face(setting, device)):
        modules = torch.nn.ModuleList(subject.module for subject in subjects.values())
        optimizer = make_optimizer(modules, setting.train)
        result |= {name: Trainer(subject, optimizer, setting, device) for name, subject in subjects.items()}
    return result


def measure_steps(setting: Setting, packed: Path, rounds: int, device: str) -> dict[str, Any]:
    """Figures of whole training steps."""
    clock = Clock(device)
    stream, whole = (make_stream(setting, packed, terms) for terms in (TOKENS_ONLY, EVERY_TERM))
    subjects = trainers(setting, device)
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    limits: dict[str, list[float]] = {"bf16": [], "fp32": []}
    tokens, flops, data = [], [], []
    for number in range(rounds + 1):
        with clock.measure() as took:
            batch = take(stream, number)
        data.append(took.seconds)
        tokens.append(batch.occupied)
        flops.append(useful_flops(setting, batch))
        batch, keyed = batch.to(torch.device(device)), take(whole, number).to(torch.device(device))
        turn = number % len(subjects)
        for name in [*list(subjects)[turn:], *list(subjects)[:turn]]:
            with clock.measure() as took:
                subjects[name].step(keyed if name in ADDED else batch)
            seconds[name].append(took.seconds)
        for name, rate in matrix_rates(setting, clock, device).items():
            limits[name].append(rate)
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    # The first round warms up.
    measured = {name: values[1:] for name, values in seconds.items()}
    rates = {name: values[1:] for name, values in limits.items()}
    return step_figures(measured, rates, tokens[1:], flops[1:], data[1:], device)


def step_figures(
    seconds: dict[str, list[float]],
    limits: dict[str, list[float]],
    tokens: list[int],
    flops: list[float],
    data: list[float],
    device: str,
) -> dict[str, Any]:
    """Ratios are of one round each, of which the median is taken."""
    ours, peer = seconds["ours"], seconds["hf_bert"]
    unit = "tokens_per_cpu_s" if device == "cpu" else "tokens_per_s"
    share = "matrix_share" if device == "cpu" else "mfu"
    figures = {
        **spread(unit, [count / took for count, took in zip(tokens, ours)]),
        **spread(f"hf_bert_{unit}", [count / took for count, took in zip(tokens, peer)]),
        **spread("ratio_to_hf_bert", [other / own for own, other in zip(ours, peer)]),
        **spread("ratio_to_hf_bert_masked", [other / own for own, other in zip(ours, seconds["hf_bert_masked"])]),
    }
    for figure, name in COSTS.items():
        figures |= spread(figure, [1 - without / own for own, without in zip(ours, seconds[name])])
    figures |= spread("masked_heads_gain", [every / own for own, every in zip(ours, seconds["all_positions"])])
    for name in ADDED:
        added = [more / own - 1 for own, more in zip(ours, seconds[name])]
        figures |= spread(f"{name.removeprefix('with_')}_extra", added)
    figures |= spread("data_extra", [batch / own for own, batch in zip(ours, data)])
    figures |= spread(share, [count / took / limit for count, took, limit in zip(flops, ours, limits["bf16"])])
    for name, rates in limits.items():
        figures |= spread(f"limit_{name}_gflops", [rate / 1e9 for rate in rates])
    return figures


def measure_memory(setting: Setting, packed: Path, name: str, device: str) -> float:
    """Largest size in MiB that two steps of one subject add to a process with the data in hand."""
    stream = make_stream(setting, packed, TOKENS_ONLY)
    batch = take(stream, 0).to(torch.device(device))
    before = held_mib(device)
    subject = (hugging_face if name == "hf_bert" else our_subjects)(setting, device)[name]
    trainer = Trainer(subject, make_optimizer(subject.module, setting.train), setting, device)
    for _ in range(2):
        trainer.step(batch)
    return largest_mib(device) - before


def measure_latency(setting: Setting, packed: Path, runs: int, device: str) -> dict[str, Any]:
    """Hidden states of one full row, in milliseconds; fp32 weights, as the trained model is used, and bf16 ones."""
    clock = Clock(device)
    stream = make_stream(setting, packed, TOKENS_ONLY)
    row = next(batch for number in range(1000) if (batch := take(stream, number)).occupied == LATENCY_POSITIONS)
    rows = row.batch.to(torch.device(device))
    subjects = {"ours": our_subjects(setting, device)["ours"], "hf_bert": hugging_face(setting, device)["hf_bert"]}
    figures: dict[str, Any] = {}
    for dtype in (torch.float32, torch.bfloat16):
        for subject in subjects.values():
            subject.module.to(dtype).eval()
        took: dict[str, list[float]] = {name: [] for name in subjects}
        for number in range(runs + 1):
            for name, subject in subjects.items():
                with torch.inference_mode(), clock.measure() as measured:
                    subject.forward(rows)
                took[name] += [1000 * measured.seconds] * (number > 0)
        for name, values in took.items():
            quantiles = torch.tensor(values).quantile(torch.tensor([0.5, 0.95])).tolist()
            short = str(dtype).removeprefix("torch.")
            figures[name] = {**figures.get(name, {}), short: dict(zip(("p50_ms", "p95_ms"), map(rounded, quantiles)))}
    return figures


def rounded(value: float) -> float:
    """To a digit that two runs may share."""
    return round(value, 2)


def packing_gain(stream: TrainStream) -> float:
    """Rows that one epoch would need with a sample a row, over those that it needs packed."""
    rows = stream.layout.lay_out(0, 0).rows
    return len(rows.instance_row) / rows.num_rows


def masking_rate(stream: TrainStream, rounds: int) -> list[float]:
    """Million positions a CPU-second, in each round."""
    rows, clock, rates = stream.layout.lay_out(0, 0).rows, Clock("cpu"), []
    for number in range(rounds + 1):
        chosen = np.random.default_rng(number).choice(rows.num_rows, min(MASKED_ROWS, rows.num_rows), replace=False)
        token, slot, document = (grid[chosen] for grid in (rows.token, rows.slot, rows.document))
        with clock.measure() as took:
            mask_roots(token, slot, rows.first[chosen], document, stream.rule, np.random.default_rng(number))
        rates.append(token.size / took.seconds / 1e6)
    return rates[1:]


def child(arguments: argparse.Namespace, name: str) -> float:
    """Memory of one subject, from a process of its own."""
    command = [sys.executable, __file__, str(arguments.packed), "--child", name, "--rows", str(arguments.rows)]
    command += ["--compile"] * arguments.compile
    done = subprocess.run(
        [*command, "--threads", str(arguments.threads), *flags(arguments.set)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"train_speed: memory of {name}: {done.stderr.strip().splitlines()[-1]}")
    return float(json.loads(done.stdout))


def flags(changes: list[str]) -> list[str]:
    """Changes as this script takes them."""
    return [part for change in changes for part in ("--set", change)]


def machine(device: str, threads: int) -> dict[str, Any]:
    """What was measured on; no host name."""
    known = {"cpu": processor_name(), "cores": os.cpu_count(), "threads": threads, "python": platform.python_version()}
    if device == "cuda":
        known["gpu"] = torch.cuda.get_device_name()
    return {**known, "torch": torch.__version__, "transformers": version("transformers")}


def measure(arguments: argparse.Namespace, device: str) -> None:
    """Everything, into the two files."""
    packed, rounds = arguments.packed, arguments.rounds
    kind = "cpu" if device == "cpu" else "gpu"
    setting = read_setting(ROOT, packed, arguments.rows, 512, arguments.set, arguments.compile)
    # First: a process begins with the peak of the one that starts it.
    peaks = {f"{name}_peak_mib": round(child(arguments, name), 1) for name in ("ours", "hf_bert")}
    steps = {**measure_steps(setting, packed, rounds, device), **peaks}
    figures: dict[str, Any] = {
        **steps,
        "machine": machine(device, arguments.threads),
        "rounds": rounds,
        "rows": arguments.rows,
        "compiled": arguments.compile,
    }
    masking: dict[str, float] = {}
    for row_length in (256, 512):
        stream = make_stream(read_setting(ROOT, packed, arguments.rows, row_length, arguments.set), packed, TOKENS_ONLY)
        masking |= spread(f"rows_of_{row_length}", masking_rate(stream, rounds))
    figures |= {"packing_gain": round(packing_gain(stream), 3), "masking_mtok_s": masking}
    if device == "cpu":
        figures["processes"] = measure_processes(packed, ROOT, rounds)
    merge(arguments.out / "train_speed.json", {kind: figures})
    single = read_setting(ROOT, packed, 1, LATENCY_POSITIONS, arguments.set)
    latency = measure_latency(single, packed, arguments.runs, device)
    head = {"machine": figures["machine"], "runs": arguments.runs, "positions": LATENCY_POSITIONS}
    merge(arguments.out / "latency.json", {kind: {**head, **latency}})


def merge(path: Path, figures: dict[str, Any]) -> None:
    """Lay the figures of one kind of device beside those of the other."""
    write_json(path, {**(read_json(path) if path.is_file() else {}), **figures})


def main() -> None:
    """Measure, or as a child measure one subject's memory."""
    parser = argparse.ArgumentParser(prog="benchmarks/train_speed.py", description=__doc__.splitlines()[0])
    parser.add_argument("packed", type=Path, help="a folder that stages/pack.py wrote")
    parser.add_argument("--rounds", type=int, default=7, help="default 7")
    parser.add_argument("--rows", type=int, default=2, help="of 512 positions a step, default 2")
    parser.add_argument("--runs", type=int, default=40, help="of the latency, default 40")
    parser.add_argument("--threads", type=int, default=1, help="default 1: a waiting thread would count as CPU time")
    parser.add_argument("--compile", action="store_true", help="the blocks of both models, as the base profile does")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="over the base profile")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"))
    parser.add_argument("--child", choices=("ours", "hf_bert"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if arguments.child:
            setting = read_setting(ROOT, arguments.packed, arguments.rows, 512, arguments.set, arguments.compile)
            print(json.dumps(measure_memory(setting, arguments.packed, arguments.child, device)))
        else:
            measure(arguments, device)
    except ModuleNotFoundError as error:
        sys.exit(f"train_speed: {error.name} is not installed; pip install -r benchmarks/requirements.txt")
    except GraphmerError as error:
        sys.exit(f"train_speed: {error}")


if __name__ == "__main__":
    main()
