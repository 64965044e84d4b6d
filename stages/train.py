"""Train the encoder on the packed corpus, on the device that the environment names."""

import argparse

import _stage

_stage.pin_threads()

from graphmer.model.config import ModelParams  # noqa: E402
from graphmer.params import load_section  # noqa: E402
from graphmer.train.config import TrainParams  # noqa: E402
from graphmer.train.run import train_model  # noqa: E402


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read packed arrays, write the model, its figures and its curve."""
    model, params = load_section(tree, "model", ModelParams), load_section(tree, "train", TrainParams)
    train_model(arguments.packed, arguments.out, arguments.metrics, arguments.plot, model, params)


if __name__ == "__main__":
    outputs = {"out": "data/model", "metrics": "metrics/train.json", "plot": "plots/train.csv"}
    _stage.run("train", {"packed": "data/packed"}, outputs, work)
