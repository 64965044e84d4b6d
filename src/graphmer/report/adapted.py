"""A model before and after something was done to it: both on the same questions, with paired differences.

    python -m graphmer.report.adapted .scratch/before data/eval --out results/walkthrough/adapted.json

BEFORE and AFTER are folders that eval wrote from the same packed data. docs/walkthrough.md shows a model that was
trained on one's own code, docs/sharing.md one that was stored in fewer bits.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmer.artifacts import read_json, read_table, write_json
from graphmer.errors import ArtifactError, GraphmerError
from graphmer.evaluate.bootstrap import Interval, mean_interval, paired_interval, resampling_groups
from graphmer.evaluate.config import BootstrapParams, EvalParams
from graphmer.evaluate.predictions import predictions_schema
from graphmer.machine import processor_name, public_versions, python_minor
from graphmer.params import load_section, load_tree
from graphmer.report.markdown import machine_line, table

if TYPE_CHECKING:
    import pandas as pd

ADAPTED = Path("results/walkthrough/adapted.json")
COMPACT = Path("results/compact.json")
BEGIN = "<!-- figures: written by `make docs` from results/walkthrough/adapted.json; do not edit -->"
COMPACT_BEGIN = "<!-- figures: written by `make docs` from results/compact.json; do not edit -->"
END = "<!-- /figures -->"
ABSENT = "Nothing is measured yet."
RANKED = ("link_prediction", "code_search")  # their prediction is a rank; the others' is 1 or 0
# What is asked of the code itself; `symbolic` knows no net, so it says whether both sides were asked the same.
ROWS = {
    "link_prediction": ("graphmer", "neural", "symbolic"),
    "code_search": ("graphmer", "neural", "symbolic"),
    "masked_tokens": ("neural",),
    "masked_nodes": ("neural",),
}


def compared(before: Path, after: Path, params: BootstrapParams) -> dict[str, dict[str, dict[str, Any]]]:
    """By task, setting and scorer: queries, files, and the figure before, after, and its paired difference.

    Raises ArtifactError where a folder has no predictions, or where the two were asked different questions.
    """
    sides = [read_table(folder / "predictions.parquet", predictions_schema()) for folder in (before, after)]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for task, scorers in ROWS.items():
        settings = sorted(set(sides[0].loc[sides[0]["task"] == task, "setting"]))
        for setting in settings:
            for scorer in scorers:
                first, second = (_asked(side, task, setting, scorer) for side in sides)
                if not first["query"].equals(second["query"]):
                    raise ArtifactError(
                        f"{before}, {after}: {task}.{setting}.{scorer} was asked other queries; evaluate both models "
                        "on the same packed data"
                    )
                if len(first):
                    found.setdefault(task, {}).setdefault(setting, {})[scorer] = _row(first, second, task, params)
    return found


def _asked(side: "pd.DataFrame", task: str, setting: str, scorer: str) -> "pd.DataFrame":
    chosen = (side["task"] == task) & (side["setting"] == setting) & (side["scorer"] == scorer)
    return side[chosen].sort_values("query", ignore_index=True)


def _row(before: "pd.DataFrame", after: "pd.DataFrame", task: str, params: BootstrapParams) -> dict[str, Any]:
    groups = resampling_groups(before["package"].tolist(), before["file"].tolist(), params)
    values = [side["value"].to_numpy(np.float64) for side in (before, after)]
    if task in RANKED:
        values = [1.0 / ranks for ranks in values]
    difference = paired_interval(values[1], values[0], groups, params)
    shown = {"before": mean_interval(values[0], groups, params), "after": mean_interval(values[1], groups, params)}
    sizes = {"figure": "mrr" if task in RANKED else "accuracy", "queries": len(before), "files": difference.groups}
    return sizes | {name: _bounded(part) for name, part in (shown | {"difference": difference}).items()}


def _bounded(interval: Interval) -> dict[str, float]:
    known = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {name: value for name, value in known.items() if np.isfinite(value)}


def adapted_figures(measured: Path) -> str:
    """Markdown of the comparison, or one line where there is none."""
    if not measured.is_file():
        return ABSENT
    tree = read_json(measured)
    how = tree["how"]
    after = f"{how['steps']:,} steps on {how['train_samples']:,} windows of {', '.join(how['packages'])}"
    return _shown_table(f"{machine_line(how['machine'])} After: {after}.", tree)


def compact_figures(measured: Path) -> str:
    """Markdown of what a model lost by being stored in fewer bits, or one line where that was not measured."""
    if not measured.is_file():
        return ABSENT
    tree = read_json(measured)
    how = tree["how"]
    line = f"{machine_line(how['machine'])} Before: as trained. After: stored in {how['bits']} bits a weight."
    return _shown_table(line, tree)


def _shown_table(line: str, tree: Mapping[str, Any]) -> str:
    heads = ["task", "setting", "scorer", "figure", "asked", "before", "after", "difference"]
    return "\n".join([line, "", *table(heads, list(_lines(tree["figures"])))])


def _lines(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    for task, settings in figures.items():
        for setting, scorers in settings.items():
            for scorer, part in scorers.items():
                numbers = [_shown(part[name], ".3f") for name in ("before", "after")]
                names = [task.replace("_", " "), setting.replace("_", " "), scorer, part["figure"]]
                asked = f"{part['queries']:,} in {part['files']} files"
                yield [*names, asked, *numbers, _shown(part["difference"], "+.4f")]


def _shown(part: Mapping[str, float], form: str) -> str:
    text = format(part["value"], form)
    return f"{text} [{part['low']:{form}}, {part['high']:{form}}]" if "low" in part else text


def main(arguments: argparse.Namespace) -> int:
    """Compare, write, and print the table; returns the exit code."""
    try:
        params = load_section(load_tree(arguments.params), "eval", EvalParams).bootstrap
        names = ("training", "packed", "config")
        training, packed, config = (read_json(arguments.model / f"{name}.json") for name in names)
        machine = {"cpu": processor_name(), "python": python_minor(), **public_versions(["torch"])}
        asked = read_table(arguments.after / "predictions.parquet", predictions_schema(), ["task", "package"])
        packages = sorted(set(asked.loc[asked["task"] == "link_prediction", "package"]))
        how = {"steps": training["steps"], "train_samples": packed["train"]["samples"], "packages": packages}
        how |= {"bits": config.get("weights", {"bits": 32})["bits"], "files": config["files"]}
        figures = compared(arguments.before, arguments.after, params)
        write_json(arguments.out, {"how": how | {"machine": machine}, "figures": figures})
        print(adapted_figures(arguments.out))
    except GraphmerError as error:
        print(f"adapted: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m graphmer.report.adapted")
    parser.add_argument("before", type=Path, help="what eval wrote of the earlier model")
    parser.add_argument("after", type=Path, help="what eval wrote of the adapted one")
    parser.add_argument("--model", type=Path, default=Path("data/model"), help="the adapted model's folder")
    parser.add_argument("--out", type=Path, default=ADAPTED)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    sys.exit(main(parser.parse_args()))
