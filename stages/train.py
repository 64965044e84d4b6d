"""Train the encoder on the packed corpus, on the device and in as many processes as the environment asks for.

This is the launcher too: it starts the processes itself, as `python stages/train.py` and nothing else.
"""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

import _stage
from graphmer.train import worker

worker.enter()
_stage.pin_threads()

from graphmer.model.config import ModelParams  # noqa: E402
from graphmer.params import load_section  # noqa: E402
from graphmer.train.checkpoint import run_folder, runs_folder  # noqa: E402
from graphmer.train.config import TrainParams  # noqa: E402
from graphmer.train.device import spawn_xla  # noqa: E402
from graphmer.train.launch import launch  # noqa: E402
from graphmer.train.plan import read_plan  # noqa: E402
from graphmer.train.run import run_description, train_model  # noqa: E402


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Train in this process, or start those that do."""
    plan = read_plan(os.environ, load_section(tree, "train", TrainParams))
    if plan.world == 1 or plan.is_worker:
        train(tree, arguments)
    elif plan.device == "tpu":
        spawn_xla(partial(train, tree, arguments), plan)
    else:
        launch(plan, [sys.executable, *sys.orig_argv[1:]])


def train(tree: _stage.Tree, arguments: argparse.Namespace, _core: int = 0) -> None:
    """Read packed arrays, write the model, its figures and its curve."""
    model, params = load_section(tree, "model", ModelParams), load_section(tree, "train", TrainParams)
    runs = run_folder(run_description(arguments.packed, model, params), runs_folder(os.environ), arguments.resume)
    train_model(arguments.packed, arguments.out, arguments.metrics, arguments.plot, model, params, runs)


if __name__ == "__main__":
    outputs = {"out": "data/model", "metrics": "metrics/train.json", "plot": "plots/train.csv"}
    tell = worker.tell if worker.is_worker() else _stage.say
    resume = {"type": Path, "help": "go on from this run folder, or say why not; by default the run finds its own"}
    _stage.run("train", {"packed": "data/packed"}, outputs, work, tell=tell, resume=resume)
