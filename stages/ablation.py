"""Aggregate the ablation's cells: means over seeds, paired differences with intervals."""

import argparse

import _stage
from graphmer.evaluate.config import EvalParams
from graphmer.params import load_section
from graphmer.report.ablation import aggregate_cells
from graphmer.report.config import AblationParams


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read the cells that params.yaml names, never those that happen to lie there."""
    ablation, bootstrap = (
        load_section(tree, "ablation", AblationParams),
        load_section(tree, "eval", EvalParams).bootstrap,
    )
    aggregate_cells(arguments.cells, arguments.metrics, arguments.plot, ablation, bootstrap)


if __name__ == "__main__":
    outputs = {"metrics": "metrics/ablation.json", "plot": "plots/ablation.csv"}
    _stage.run("ablation", {"cells": "data/ablation"}, outputs, work)
