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
from graphmer.train.config import TERMS, TrainParams  # noqa: E402
from graphmer.train.run import train_model  # noqa: E402


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Set the variant's switches, all of them, and run."""
    ablation = load_section(tree, "ablation", AblationParams)
    if arguments.variant not in ablation.variants:
        raise ParamsError(f"ablation.variants: no '{arguments.variant}'; known: {', '.join(ablation.variants)}")
    variant = ablation.variants[arguments.variant]
    model = dataclasses.replace(
        load_section(tree, "model", ModelParams),
        use_rel_attention_bias=variant.use_rel_attention_bias,
        use_hgat=variant.use_hgat,
        hop_decay=variant.hop_decay,
    )
    given = load_section(tree, "train", TrainParams)
    train = dataclasses.replace(
        given,
        seed=arguments.seed,
        steps=ablation.steps,
        warmup_steps=ablation.warmup_steps,
        loss=dataclasses.replace(given.loss, **{name: 0.0 for name in TERMS if name not in variant.terms}),
        curriculum=given.curriculum if variant.use_curriculum else (),
    )
    with atomic_folder(arguments.out) as scratch:
        metrics = scratch / "train.json"
        train_model(arguments.packed, scratch / "model", metrics, scratch / "train.csv", model, train, alone=True)
        params = load_section(tree, "eval", EvalParams)
        evaluate_cell(arguments.packed, arguments.kg, scratch / "model", metrics, scratch, params)


if __name__ == "__main__":
    cell: dict[str, Any] = {"variant": {"required": True}, "seed": {"required": True, "type": int}}
    inputs = {"packed": "data/packed", "kg": "data/kg"}
    _stage.run("ablation_cell", inputs, {"out": "data/ablation/cell"}, work, **cell)
