"""Run the long ablation, or what is missing of it, and write results/ablation/; no stage of DVC's. After make repro."""

import argparse
from typing import Any

import _stage

_stage.pin_threads()

from graphmer.report.long_ablation import Inputs, run_long  # noqa: E402


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Run cell after cell; what is finished stays, whenever it ends."""
    inputs = Inputs(arguments.packed, arguments.kg, arguments.parsed, _stage.ROOT)
    run_long(tree, arguments.rows.split(), inputs, arguments.work, arguments.out)


if __name__ == "__main__":
    inputs = {name: f"data/{name}" for name in ("packed", "kg", "parsed")} | {"work": ".scratch/ablation"}
    rows: dict[str, Any] = {"default": "", "help": "names apart by spaces; by default all of ablation.long.rows"}
    _stage.run("long_ablation", inputs, {"out": "results/ablation"}, work, rows=rows)
