"""Count what each package gave to the graph, and what was left out by reason."""

import argparse

import _stage
from graphmer.report.packages import describe_packages


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read two manifests and the graph, write a table of packages."""
    describe_packages(arguments.raw, arguments.kg, arguments.out)


if __name__ == "__main__":
    _stage.run("describe", {"raw": "data/raw", "kg": "data/kg"}, {"out": "metrics/packages.json"}, work)
