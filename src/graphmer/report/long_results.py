"""results/ablation/: for each row the paired difference to the full model, its interval, and the verdict that follows.

ablation.json      <rows>.<row>.<measure>: full, mean, difference, low, high (over files and seeds), files_low,
                   files_high (of these very models), by_seed, verdict; claims; the digest and figures of each cell
ablation.csv, ablation.svg    the same as a table and as one forest plot
ranks.parquet      rank, or 1 and 0 for right and wrong, of every query under every row and seed
environment.json   the machine, and the digest of every file
"""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmer.artifacts import atomic_folder, read_json, read_table, write_json, write_table, write_text
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.predictions import PREDICTION_COLUMNS, predictions_schema
from graphmer.params import load_section
from graphmer.report.claims import bias_claim, graph_claim
from graphmer.report.config import AblationParams
from graphmer.report.gates_config import GatesParams
from graphmer.report.measures import MEASURES, SCORERS, Compared, compare
from graphmer.report.plots import draw_table, long_forest
from graphmer.report.run_record import run_record

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

DROPPED = ("language", "pool")  # of predictions: a query's, and the same in each cell
COLUMNS = ("row", "measure", "full", "mean", "difference", "low", "high", "files_low", "files_high", "by_seed", "seeds",
           "queries", "files", "verdict")  # fmt: skip


@dataclass(frozen=True)
class Finished:
    """What a cell left behind."""

    digest: str
    figures: Mapping[str, float]
    predictions: "pd.DataFrame"

    @classmethod
    def read(cls, folder: Path, digest: str) -> "Finished":
        """A cell's folder; raises ArtifactError where a file is missing or damaged."""
        predictions = read_table(folder / "predictions.parquet", predictions_schema())
        return cls(digest, read_json(folder / "figures.json"), predictions[predictions["scorer"].isin(SCORERS)])


Rows = Mapping[str, Mapping[int, Finished]]  # row -> seed -> cell


def write_results(tree: Mapping[str, Any], finished: Rows, same: Sequence[str], out: Path) -> None:
    """Replace `out` by what follows from the finished rows; nothing where the baseline is not among them.

    same: rows that are the baseline itself under these parameters, such as one without a term that has no weight.
    """
    params, evaluation = load_section(tree, "ablation", AblationParams), load_section(tree, "eval", EvalParams)
    if params.baseline not in finished:
        return
    tables = {row: {seed: cell.predictions for seed, cell in by_seed.items()} for row, by_seed in finished.items()}
    full = tables.pop(params.baseline)
    seeds_needed = params.verdict_from_seeds
    asked = [name for name, measure in MEASURES.items() if len(measure.values(full[params.long.seeds[0]]))]
    compared = {
        row: {name: compare(name, cells, full, evaluation.bootstrap, seeds_needed) for name in asked}
        for row, cells in tables.items()
    }
    claims = {"the graph helps": graph_claim(compared)}
    if "no_rel_bias" in tables:
        gain = load_section(tree, "gates", GatesParams).min_rel_bias_gain
        claims["the relation bias"] = bias_claim(full, tables["no_rel_bias"], gain, evaluation.bootstrap, seeds_needed)
    with atomic_folder(out) as scratch:
        write_json(
            scratch / "ablation.json",
            {
                "seeds": list(params.long.seeds),
                "steps": params.long.steps,
                "baseline": params.baseline,
                "rows": {row: {name: found.as_dict() for name, found in by.items()} for row, by in compared.items()},
                "not_run": [row for row in params.long.rows if row not in (*finished, *same)],
                "same_as_baseline": list(same),
                "without_queries": [name for name in MEASURES if name not in asked],
                "claims": claims,
                "cells": {
                    f"{row}-{seed}": {"digest": cell.digest, "figures": dict(cell.figures)}
                    for row, by_seed in finished.items()
                    for seed, cell in by_seed.items()
                },
            },
        )
        write_table(_ranks(finished), scratch / "ranks.parquet", ranks_schema())
        write_text(scratch / "ablation.csv", results_table(compared, params.long.seeds))
        if compared:
            draw_table(scratch / "ablation.csv", long_forest)
        write_json(scratch / "environment.json", run_record("ablation", os.environ, {}, scratch))


def results_table(compared: Mapping[str, Mapping[str, Compared]], seeds: Sequence[int]) -> str:
    """CSV of every row and measure; by_seed in the order of the seeds, apart by semicolons."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row, by in compared.items():
        for name, found in by.items():
            values: dict[str, Any] = {**found.as_dict(), "row": row, "measure": name, "seeds": len(seeds)}
            values["by_seed"] = ";".join(f"{value:.6f}" for value in found.by_seed)
            writer.writerow([_text(values.get(column, "")) for column in COLUMNS])
    return text.getvalue()


def _text(value: object) -> object:
    return f"{value:.6f}" if isinstance(value, float) else value


def ranks_schema() -> "pa.Schema":
    """One row a query, scorer, row of the ablation and seed; value as in predictions."""
    import pyarrow as pa

    plain = predictions_schema()
    kept = [plain.field(name) for name in PREDICTION_COLUMNS if name not in DROPPED]
    return pa.schema([pa.field("row", pa.string()), pa.field("seed", pa.int64()), *kept])


def _ranks(finished: Rows) -> "pd.DataFrame":
    import pandas as pd

    parts = [
        cell.predictions.drop(columns=list(DROPPED)).assign(row=row, seed=seed)
        for row, by_seed in finished.items()
        for seed, cell in by_seed.items()
    ]
    order = ["task", "setting", "scorer", "query", "row", "seed"]
    joined = pd.concat(parts, ignore_index=True).sort_values(order, kind="stable", ignore_index=True)
    return joined.astype({"value": np.float64})
