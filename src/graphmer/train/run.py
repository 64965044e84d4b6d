"""The training loop: one optimiser step after another, a curve that grows, a model at the end."""

import csv
import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from graphmer.artifacts import atomic_folder, nested, write_json
from graphmer.errors import ArtifactError, TrainingError
from graphmer.model.checkpoint import save_model
from graphmer.model.config import ModelParams, Vocabulary
from graphmer.model.heads import GraphMER
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import load_entities, load_split, read_manifest
from graphmer.train.config import TrainParams
from graphmer.train.data import Step, TrainStream
from graphmer.train.device import start
from graphmer.train.objective import TERMS, Objective
from graphmer.train.plan import read_plan
from graphmer.train.validate import validate

CURVE_COLUMNS = ("step", "learning_rate", "loss", *(f"loss.{term}" for term in TERMS))


def train_model(packed: Path, out: Path, metrics: Path, curve: Path, model: ModelParams, params: TrainParams) -> None:
    """Train on `packed` and leave the model in `out`, its figures in `metrics` and its curve in `curve`.

    Raises ArtifactError where the packed data do not fit, TrainingError where training cannot go on.
    """
    accelerator = start(read_plan(os.environ, params), params)
    vocabulary = read_vocabulary(packed)
    ontology = load_ontology()
    entities = load_entities(packed)
    stream = TrainStream(load_split(packed, "train"), entities, ontology, vocabulary, params)
    net = GraphMER(model, vocabulary)
    losses = _optimise(accelerator, Objective(net, params.loss), stream, curve, params)
    val = load_split(packed, "val")
    if not val.leaf_query.any():
        raise TrainingError(
            "val split: it has no query to validate on; give the corpus a larger package with split: val"
        )
    figures = validate(net, val, entities, ontology, params)
    with atomic_folder(out) as scratch:
        save_model(scratch, net, packed)
        shutil.copyfile(packed / "manifest.json", scratch / "packed.json")
    flat: dict[str, object] = {"steps": params.steps, **{f"loss.{name}": value for name, value in losses.items()}}
    flat |= {f"val.{name}": value for name, value in figures.items()}
    flat |= {"weights.blocks": net.encoder.block_matrix_weights()}
    flat |= {"weights.total": sum(parameter.numel() for parameter in net.parameters())}
    write_json(metrics, nested(flat))


def read_vocabulary(packed: Path) -> Vocabulary:
    """The sizes that the packed data fix; raises ArtifactError where the ontology has moved on."""
    manifest = read_manifest(packed)
    ontology = load_ontology()
    if manifest["relations"] != list(ontology.relation_names):
        raise ArtifactError(f"{packed}: packed with ontology {manifest['ontology_version']}; run dvc repro pack")
    return Vocabulary(
        tokens=manifest["vocabulary"],
        relations=len(ontology.relations),
        name_slots=manifest["name_slots"],
        key_tokens=manifest["key_tokens"],
    )


def learning_rate_factor(step: int, params: TrainParams) -> float:
    """Linear warm-up, then a cosine down to final_learning_rate; a factor of learning_rate."""
    if step < params.warmup_steps:
        return (step + 1) / params.warmup_steps
    progress = (step - params.warmup_steps) / max(1, params.steps - params.warmup_steps)
    floor = params.final_learning_rate / params.learning_rate
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices decay; norms, biases and the attention bias' scalars do not."""
    decayed: list[torch.nn.Parameter] = []
    plain: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        matrix = parameter.dim() >= 2 and "encoder.bias" not in name
        (decayed if matrix else plain).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def _optimise(
    accelerator: Accelerator, objective: Objective, stream: TrainStream, curve: Path, params: TrainParams
) -> dict[str, float]:
    """Run all steps; returns each term's mean over the last tenth of them."""
    optimizer = torch.optim.AdamW(
        parameter_groups(objective, params.weight_decay),
        lr=params.learning_rate,
        betas=(params.beta1, params.beta2),
        fused=True,  # 7 x the loop on a CPU
    )
    schedule = LambdaLR(optimizer, lambda step: learning_rate_factor(step, params))
    objective, optimizer = accelerator.prepare(objective, optimizer)
    last = max(1, params.steps // 10)
    sums: dict[str, float] = {}
    with _growing_csv(curve) as write_row, tqdm(total=params.steps, unit="step", desc="train", disable=None) as bar:
        window: dict[str, float] = {}
        tokens = 0
        for number in range(params.steps):
            step = stream.step(number).to(accelerator.device)
            terms = _step(accelerator, objective, optimizer, step, number, params)
            schedule.step()
            tokens += int((step.batch.document > 0).sum())
            for name, value in terms.items():
                window[name] = window.get(name, 0.0) + value
                if number >= params.steps - last:
                    sums[name] = sums.get(name, 0.0) + value / last
            bar.update()
            count = number % params.report_every + 1
            bar.set_postfix(loss=f"{window['total'] / count:.3f}", tok_s=_rate(bar, tokens), refresh=False)
            if count == params.report_every or number + 1 == params.steps:
                write_row([number + 1, schedule.get_last_lr()[0], *_means(window, count)])
                window = {}
    return sums


def _step(
    accelerator: Accelerator,
    objective: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    step: Step,
    number: int,
    params: TrainParams,
) -> dict[str, float]:
    with accelerator.autocast():
        terms: dict[str, Tensor] = objective(step)
    values = {name: float(value.detach()) for name, value in terms.items()}
    _check_finite(values, number)
    accelerator.backward(terms["total"])
    norm = accelerator.clip_grad_norm_(objective.parameters(), params.max_gradient_norm)
    _check_finite({"gradient norm": float(norm)}, number)
    optimizer.step()
    optimizer.zero_grad()
    return values


def _check_finite(values: dict[str, float], number: int) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"step {number + 1}: {name} is {value}; lower train.learning_rate, or use fp32, and run again"
            )


def _means(window: dict[str, float], count: int) -> list[float | str]:
    names = ("total", *TERMS)
    return [window[name] / count if name in window else "" for name in names]


def _rate(bar: Any, tokens: int) -> str:
    elapsed = bar.format_dict["elapsed"]
    return f"{tokens / elapsed:.0f}" if elapsed else "0"


@contextmanager
def _growing_csv(path: Path) -> Iterator[Callable[[Sequence[object]], None]]:
    """Open the curve with its header; each row is on disk as soon as it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")

        def write_row(values: Sequence[object]) -> None:
            writer.writerow([f"{value:.6g}" if isinstance(value, float) else value for value in values])
            stream.flush()

        write_row(CURVE_COLUMNS)
        yield write_row
