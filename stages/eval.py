"""Evaluate a model, any checkpoint of this project's, on packages it never saw, beside its peers."""

import argparse

import _stage

_stage.pin_threads()

from graphmer.evaluate.config import EvalParams  # noqa: E402
from graphmer.evaluate.run import evaluate_model  # noqa: E402
from graphmer.params import load_section  # noqa: E402


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read the model and the held-out splits, write predictions, figures and plots."""
    params = load_section(tree, "eval", EvalParams)
    evaluate_model(
        arguments.packed,
        arguments.kg,
        arguments.parsed,
        arguments.model,
        arguments.peers,
        arguments.out,
        arguments.metrics,
        arguments.plots,
        params,
    )


if __name__ == "__main__":
    inputs = {"packed": "data/packed", "kg": "data/kg", "parsed": "data/parsed", "model": "data/model"}
    inputs["peers"] = "results/peers.json"
    _stage.run("eval", inputs, {"out": "data/eval", "metrics": "metrics/eval.json", "plots": "plots"}, work)
