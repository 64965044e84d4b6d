"""Train and evaluate one cell of the ablation: a variant with one seed."""

import argparse
import dataclasses
from typing import Any

import _stage

_stage.pin_threads()

from graphmer.artifacts import atomic_folder  # noqa: E402
from graphmer.errors import ParamsError  # noqa: E402
from graphmer.evaluate.cell import evaluate_cell  # noqa: E402
from graphmer.evaluate.config import EvalParams  # noqa: E402
from graphmer.model.config import ModelParams  # noqa: E402
from graphmer.params import load_section  # noqa: E402
from graphmer.report.config import AblationParams  # noqa: E402
from graphmer.train.config import TrainParams  # noqa: E402
from graphmer.train.run import train_model  # noqa: E402


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Set the variant's switches, all of them, and run."""
    ablation = load_section(tree, "ablation", AblationParams)
    if arguments.variant not in ablation.variants:
        raise ParamsError(f"ablation.variants: no '{arguments.variant}'; known: {', '.join(ablation.variants)}")
    switches = dataclasses.asdict(ablation.variants[arguments.variant])
    model = dataclasses.replace(load_section(tree, "model", ModelParams), **switches)
    changes = {"seed": arguments.seed, "steps": ablation.steps, "warmup_steps": ablation.warmup_steps}
    train = dataclasses.replace(load_section(tree, "train", TrainParams), **changes)
    with atomic_folder(arguments.out) as scratch:
        metrics = scratch / "train.json"
        train_model(arguments.packed, scratch / "model", metrics, scratch / "train.csv", model, train, alone=True)
        params = load_section(tree, "eval", EvalParams)
        evaluate_cell(arguments.packed, arguments.kg, scratch / "model", metrics, scratch, params)


if __name__ == "__main__":
    cell: dict[str, Any] = {"variant": {"required": True}, "seed": {"required": True, "type": int}}
    inputs = {"packed": "data/packed", "kg": "data/kg"}
    _stage.run("ablation_cell", inputs, {"out": "data/ablation/cell"}, work, **cell)
