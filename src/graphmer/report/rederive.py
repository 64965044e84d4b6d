"""Headline figures derived again from what lies beneath them: predictions of every query, cells of the ablation."""

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmer.artifacts import canonical_json, dotted, nested, read_json, read_table
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.figures import COLUMNS, figures_schema, peers_table
from graphmer.evaluate.predictions import predictions_schema, task_tables
from graphmer.evaluate.summary import summarise
from graphmer.params import load_section
from graphmer.report.ablation import aggregate_cells
from graphmer.report.config import AblationParams
from graphmer.report.findings import Finding, compared, compared_trees, note

if TYPE_CHECKING:
    import pandas as pd

KEYS = ["task", "setting", "slice", "key", "scorer", "figure"]
NUMBERS = ["value", "low", "high", "queries"]
TOLERANCE = 1e-9  # of float order between two processors; what is shown has six digits


def eval_findings(root: Path, tree: Mapping[str, Any]) -> Iterator[Finding]:
    """metrics/eval.json, plots/eval_peers.csv and figures.parquet against the predictions, intervals included.

    tree: params.yaml. Raises ArtifactError where a file is missing or damaged.
    """
    predictions = read_table(root / "data/eval/predictions.parquet", predictions_schema())
    tables = task_tables(predictions)
    figures, flat = summarise(tables, load_section(tree, "eval", EvalParams))
    shown = read_json(root / "metrics/eval.json")
    derived = {name.partition(".")[0] for name in flat}  # of a task that was left out too: how many packages it had
    for task in sorted(shown.keys() - derived):
        said = f"{len(dotted(shown[task]))} figures come from no prediction; their digest alone is checked"
        yield note(f"metrics/eval.json: {task}", said)
    yield from compared_trees("metrics/eval.json", _rounded(flat), {
        name: value for name, value in dotted(shown).items() if name.partition(".")[0] in derived
    })  # fmt: skip
    text = (root / "plots/eval_peers.csv").read_text(encoding="utf-8")
    yield from _compared_lines("plots/eval_peers.csv", peers_table(figures), text, tables)
    yield from _compared_figures(figures, read_table(root / "data/eval/figures.parquet", figures_schema()))


def _rounded(flat: Mapping[str, object]) -> dict[str, Any]:
    """As a metrics file holds them."""
    return dotted(json.loads(canonical_json(nested(flat))))


def _compared_lines(where: str, expected: str, found: str, tasks: Collection[str]) -> Iterator[Finding]:
    """CSV by what stands before the value; of tasks that have no predictions nothing is said."""
    yield from compared_trees(where, *(_rows_of(text, tasks) for text in (expected, found)))


def _rows_of(text: str, tasks: Collection[str]) -> dict[str, str]:
    rows = [line.split(",") for line in text.splitlines()[1:]]
    return {".".join(row[:4]): ",".join(row[4:]) for row in rows if row[0] in tasks}


def _compared_figures(expected: "pd.DataFrame", found: "pd.DataFrame") -> Iterator[Finding]:
    """The long table, of the tasks that have predictions."""
    found = found[found["task"].isin(set(expected["task"]))]
    sides = [table[list(COLUMNS)].set_index(KEYS).sort_index() for table in (expected, found)]
    ours, theirs = (side[NUMBERS].astype(float) for side in sides)
    for place in ours.index.symmetric_difference(theirs.index):
        sides_of = ["a figure" if place in side.index else "no figure" for side in (ours, theirs)]
        yield compared(f"data/eval/figures.parquet: {'.'.join(place)}", *sides_of)
    shared = ours.index.intersection(theirs.index)
    one, other = (side.loc[shared].to_numpy(np.float64) for side in (ours, theirs))
    close = np.isclose(one, other, rtol=0.0, atol=TOLERANCE, equal_nan=True).all(axis=1)
    for row, place in enumerate(shared):
        where = f"data/eval/figures.parquet: {'.'.join(place)}"
        yield compared(where, "", "") if close[row] else compared(where, one[row].tolist(), other[row].tolist())


def ablation_findings(root: Path, tree: Mapping[str, Any]) -> Iterator[Finding]:
    """metrics/ablation.json and plots/ablation.csv against the cells that params.yaml names, where they are here."""
    params = load_section(tree, "ablation", AblationParams)
    cells = root / "data/ablation"
    wanted = [f"{variant}-{seed}" for variant in params.compared for seed in params.seeds]
    if not all((cells / name).is_dir() for name in wanted):
        return  # not here, as was said of the lock's outputs
    for name in wanted:
        yield from cell_findings(cells / name, f"data/ablation/{name}")
    with tempfile.TemporaryDirectory() as scratch:
        metrics, plot = Path(scratch) / "ablation.json", Path(scratch) / "ablation.csv"
        aggregate_cells(cells, metrics, plot, params, load_section(tree, "eval", EvalParams).bootstrap)
        for path, where in ((metrics, "metrics/ablation.json"), (plot, "plots/ablation.csv")):
            yield from compared_trees(where, _by_place(path), _by_place(root / where))


def cell_findings(cell: Path, where: str) -> Iterator[Finding]:
    """A cell's figures against its predictions; those of its training are no matter of predictions."""
    rows = read_table(cell / "predictions.parquet", predictions_schema())
    shown = read_json(cell / "figures.json")
    means = {}
    for (task, setting, scorer), part in rows.groupby(["task", "setting", "scorer"]):
        for figure, values in (("mrr", 1.0 / part["value"]), ("accuracy", part["value"])):
            means[f"{task}.{setting}.{scorer}.{figure}"] = round(float(values.mean()), 6)
    for name, value in sorted(shown.items()):
        if name in means:
            yield compared(f"{where}/figures.json: {name}", means[name], value)


def _by_place(path: Path) -> dict[str, Any]:
    """JSON by its dotted paths, a CSV by its first two columns."""
    if path.suffix == ".json":
        return dotted(read_json(path))
    lines = (line.split(",", 2) for line in path.read_text(encoding="utf-8").splitlines())
    return {f"{variant}.{metric}": rest for variant, metric, rest in lines}
