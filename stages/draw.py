"""Draw an SVG beside every CSV under plots/."""

import argparse

import _stage
from graphmer.report.plots import draw_all


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read plots/*.csv, write plots/*.svg."""
    draw_all(arguments.plots)


if __name__ == "__main__":
    _stage.run("draw", {}, {"plots": "plots"}, work)
