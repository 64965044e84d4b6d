"""Evaluate a model, any checkpoint of this project's or a scorer of one's own, on packages it never saw."""

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import _stage

_stage.pin_threads()

from graphmer.errors import ParamsError  # noqa: E402
from graphmer.evaluate.config import EvalParams  # noqa: E402
from graphmer.evaluate.own_scorer import OwnSpec  # noqa: E402
from graphmer.evaluate.run import Inputs, evaluate_model  # noqa: E402
from graphmer.params import load_section  # noqa: E402


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read the model and the held-out splits, write predictions, figures and plots."""
    params = load_section(tree, "eval", EvalParams)
    own = None
    if arguments.scorer:
        if arguments.out == Path("data/eval"):
            raise ParamsError("--scorer: name --out too; data/eval, metrics/ and plots/ are what DVC's own model gave")
        own = OwnSpec(arguments.scorer, arguments.scorer_options)
        sys.path.insert(0, "")  # a module of the current folder
    inputs = Inputs(**{field.name: getattr(arguments, field.name) for field in fields(Inputs)})
    evaluate_model(inputs, arguments.peers, arguments.out, arguments.metrics, arguments.plots, params, own)


if __name__ == "__main__":
    inputs = {field.name: f"data/{field.name}" for field in fields(Inputs)} | {"peers": "results/peers.json"}
    outputs = {"out": "data/eval", "metrics": "metrics/eval.json", "plots": "plots"}
    options: dict[str, Any] = {
        "scorer": {"metavar": "MODULE:CLASS", "help": "a scorer of one's own instead of --model (docs/evaluation.md)"},
        "scorer-options": {"metavar": "TEXT", "default": "", "help": "handed to it as it is"},
    }
    _stage.run("eval", inputs, outputs, work, **options)
