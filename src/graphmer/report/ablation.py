"""The ablation's aggregate: means over seeds and differences to the baseline, paired by query and seed."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import nested, read_json, read_table, write_json, write_text
from graphmer.errors import ArtifactError
from graphmer.evaluate.bootstrap import Interval, paired_interval, resampling_groups
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.predictions import predictions_schema
from graphmer.report.config import AblationParams

if TYPE_CHECKING:
    import pandas as pd

PAIRED = {
    "link_prediction.headline.graphmer.mrr": ("link_prediction", "headline", "graphmer"),
    "link_prediction.headline.neural.mrr": ("link_prediction", "headline", "neural"),
    "masked_nodes.masked_mentions.neural.accuracy": ("masked_nodes", "masked_mentions", "neural"),
    "masked_nodes.visible_mentions.neural.accuracy": ("masked_nodes", "visible_mentions", "neural"),
}
WORSE, BETTER = "worse than the baseline", "better than the baseline"
Cell = tuple[Mapping[str, float], "pd.DataFrame"]


def aggregate_cells(cells: Path, metrics: Path, plot: Path, params: AblationParams, bootstrap: BootstrapParams) -> None:
    """Read the cells that the parameters name, write `<variant>.<metric>.{mean, difference, low, high}` and a table.

    Differences are to the baseline, paired by query and seed; intervals are over files. With fewer seeds than
    `verdict_from_seeds` there is no verdict, whatever the interval says: seeds vary more than queries do.
    Raises ArtifactError where a cell is missing.
    """
    read = {name: {seed: read_cell(cells, name, seed) for seed in params.seeds} for name in params.compared}
    flat: dict[str, object] = {}
    rows: list[list[object]] = []
    for variant, by_seed in read.items():
        for metric in sorted(by_seed[params.seeds[0]][0]):
            mean = float(np.mean([figures[metric] for figures, _ in by_seed.values()]))
            flat[f"{variant}.{metric}.mean"] = mean
            if variant == params.baseline or metric not in PAIRED:
                continue
            interval = difference(by_seed, read[params.baseline], metric, bootstrap)
            numbers = {"difference": interval.value, "low": interval.low, "high": interval.high}
            # One file alone gives no interval, and NaN is no metric.
            flat |= {f"{variant}.{metric}.{name}": value for name, value in numbers.items() if np.isfinite(value)}
            rows.append([variant, metric, mean, *numbers.values(), len(params.seeds), verdict(interval, params)])
    write_text(plot, _table(rows))
    write_json(metrics, nested(flat))


def read_cell(cells: Path, variant: str, seed: int) -> Cell:
    """One cell's figures and predictions; raises ArtifactError that names the cell and how to make it."""
    folder = cells / f"{variant}-{seed}"
    if not (folder / "figures.json").exists():
        raise ArtifactError(f"{folder}: this cell has not run; dvc repro ablation_cell@{variant}-{seed}")
    return read_json(folder / "figures.json"), read_table(folder / "predictions.parquet", predictions_schema())


def difference(
    variant: Mapping[int, Cell], baseline: Mapping[int, Cell], metric: str, bootstrap: BootstrapParams
) -> Interval:
    """The variant's mean minus the baseline's, query by query and seed by seed, resampled by file."""
    ours: list[npt.NDArray[np.float64]] = []
    theirs: list[npt.NDArray[np.float64]] = []
    packages: list[str] = []
    files: list[str] = []
    for seed in sorted(variant):
        one, other = _values(variant[seed][1], metric), _values(baseline[seed][1], metric)
        shared = one.index.intersection(other.index)
        if len(shared) != len(one) or len(shared) != len(other):
            raise ArtifactError(f"ablation seed {seed}: cells answer different queries; run dvc repro ablation again")
        ours.append(one.loc[shared, "value"].to_numpy(np.float64))
        theirs.append(other.loc[shared, "value"].to_numpy(np.float64))
        packages += one.loc[shared, "package"].tolist()
        files += one.loc[shared, "file"].tolist()
    groups = resampling_groups(packages, files, bootstrap)
    return paired_interval(np.concatenate(ours), np.concatenate(theirs), groups, bootstrap)


def _values(predictions: "pd.DataFrame", metric: str) -> "pd.DataFrame":
    task, setting, scorer = PAIRED[metric]
    chosen = predictions[
        (predictions["task"] == task) & (predictions["setting"] == setting) & (predictions["scorer"] == scorer)
    ]
    value = 1.0 / chosen["value"] if metric.endswith("mrr") else chosen["value"]
    return chosen.assign(value=value).set_index("query").sort_index()


def verdict(interval: Interval, params: AblationParams) -> str:
    """What the difference says: nothing below `verdict_from_seeds` seeds, or where the interval holds 0."""
    return verdict_of(interval, len(params.seeds), params.verdict_from_seeds)


def verdict_of(interval: Interval, seeds: int, needed: int) -> str:
    """What a difference to the baseline with its interval says; `needed`: seeds below which it says nothing."""
    if seeds < needed:
        return f"none ({seeds} seeds)"
    if not interval.excludes_zero:
        return "no difference shown"
    return WORSE if interval.value < 0 else BETTER


def _table(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["variant", "metric", "mean", "difference", "low", "high", "seeds", "verdict"])
    writer.writerows([[_cell_text(value) for value in row] for row in rows])
    return text.getvalue()


def _cell_text(value: object) -> object:
    if not isinstance(value, float):
        return value
    return f"{value:.6f}" if np.isfinite(value) else ""
