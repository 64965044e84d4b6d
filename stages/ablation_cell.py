"""Train and evaluate one cell of the ablation: a variant with one seed."""

import argparse
from typing import Any

import _stage

_stage.pin_threads()

from graphmer.artifacts import atomic_folder  # noqa: E402
from graphmer.evaluate.cell import evaluate_cell  # noqa: E402
from graphmer.params import load_section  # noqa: E402
from graphmer.report.config import AblationParams  # noqa: E402
from graphmer.report.variants import cell_params  # noqa: E402
from graphmer.train.run import train_model  # noqa: E402


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Set the variant's switches, all of them, and run."""
    ablation = load_section(tree, "ablation", AblationParams)
    params = cell_params(tree, arguments.variant, arguments.seed, ablation.steps, ablation.warmup_steps)
    with atomic_folder(arguments.out) as scratch:
        metrics = scratch / "train.json"
        places = (scratch / "model", metrics, scratch / "train.csv")
        train_model(arguments.packed, *places, params.model, params.train, alone=True)
        data = arguments.packed, arguments.kg, arguments.parsed
        evaluate_cell(*data, scratch / "model", metrics, scratch, params.evaluate)


if __name__ == "__main__":
    cell: dict[str, Any] = {"variant": {"required": True}, "seed": {"required": True, "type": int}}
    inputs = {name: f"data/{name}" for name in ("packed", "kg", "parsed")}
    _stage.run("ablation_cell", inputs, {"out": "data/ablation/cell"}, work, **cell)
