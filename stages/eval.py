"""Evaluate a model, any checkpoint of this project's or a scorer of one's own, on packages it never saw."""

import argparse
import sys
from pathlib import Path
from typing import Any

import _stage

_stage.pin_threads()

from graphmer.errors import ParamsError  # noqa: E402
from graphmer.evaluate.config import EvalParams  # noqa: E402
from graphmer.evaluate.own_scorer import OwnSpec  # noqa: E402
from graphmer.evaluate.run import evaluate_model  # noqa: E402
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
    evaluate_model(
        arguments.packed,
        arguments.kg,
        arguments.parsed,
        arguments.traces,
        arguments.model,
        arguments.out,
        arguments.metrics,
        arguments.plots,
        params,
        own,
    )


if __name__ == "__main__":
    inputs = {
        "packed": "data/packed",
        "kg": "data/kg",
        "parsed": "data/parsed",
        "traces": "data/traces",
        "model": "data/model",
    }
    outputs = {"out": "data/eval", "metrics": "metrics/eval.json", "plots": "plots"}
    options: dict[str, Any] = {
        "scorer": {"metavar": "MODULE:CLASS", "help": "a scorer of one's own instead of --model (docs/evaluation.md)"},
        "scorer-options": {"metavar": "TEXT", "default": "", "help": "handed to it as it is"},
    }
    _stage.run("eval", inputs, outputs, work, **options)
