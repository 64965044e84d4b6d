"""Figures of call-graph completion: F1, precision and recall with intervals, and the gain over static analysis."""

from typing import TYPE_CHECKING

import numpy as np

from graphmer.evaluate.bootstrap import FloatArray, resampled_sums, resampling_groups
from graphmer.evaluate.call_graph import STATIC, edge_counts
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.figures import COLUMNS, OURS, best_peer

if TYPE_CHECKING:
    import pandas as pd

TASK, SETTING = "call_graph", "dynamic"
BOUNDS = (("", "value"), ("_low", "low"), ("_high", "high"))


def call_graph_figures(predictions: "pd.DataFrame", params: BootstrapParams) -> "pd.DataFrame":
    """One row a figure, over all packages and each. Files of the callers are resampled.

    missed_recall: share of the true edges beyond static analysis that a scorer found; missed_found: how many.
    gain_over_<scorer>: paired difference in F1, of graphmer to every scorer, of every scorer to static analysis.
    """
    import pandas as pd

    slices = [("all", "all", predictions)]
    slices += [("package", str(name), part) for name, part in predictions.groupby("package", sort=True)]
    rows = [
        {"task": TASK, "setting": SETTING, "slice": slice_name, "key": key, **row}
        for slice_name, key, part in slices
        for row in _rows(part, params)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(part: "pd.DataFrame", params: BootstrapParams) -> list[dict[str, object]]:
    first = part[part["scorer"] == STATIC]
    groups = resampling_groups(first["package"].tolist(), first["file"].tolist(), params)
    counts = {name: edge_counts(part, name, groups) for name in sorted(set(part["scorer"]))}
    drawn = {name: resampled_sums(table, params) for name, table in counts.items()}
    whole = {name: table.sum(axis=0)[None] for name, table in counts.items()}
    static_hits = whole[STATIC][0, 0]
    rows = []
    for name in counts:
        truth = int(whole[name][0, 2])
        for figure, ratio in (("f1", _f1), ("precision", _precision), ("recall", _recall)):
            rows.append(_row(name, figure, ratio(whole[name])[0], ratio(drawn[name]), truth, params))
        for other in counts:
            if other != name and (name == OURS[0] or other == STATIC):
                gain = _f1(drawn[name]) - _f1(drawn[other])
                value = (_f1(whole[name]) - _f1(whole[other]))[0]
                rows.append(_row(name, f"gain_over_{other}", value, gain, truth, params))
        missed, found = truth - static_hits, whole[name][0, 0] - static_hits
        empty = np.zeros(0)
        rows.append(_row(name, "missed_found", float(found), empty, int(missed), params))
        rows.append(_row(name, "missed_recall", float(found / missed) if missed else 1.0, empty, int(missed), params))
    return rows


def _row(
    scorer: str, figure: str, value: float, drawn: FloatArray, queries: int, params: BootstrapParams
) -> dict[str, object]:
    tail = (1.0 - params.confidence) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail]) if len(drawn) else (np.nan, np.nan)
    place = {"value": float(value), "low": float(low), "high": float(high), "queries": queries}
    return {"scorer": scorer, "figure": figure, **place}


def _f1(counts: FloatArray) -> FloatArray:
    """(R,) from (R, 3) hits, predicted, true."""
    return _ratio(2 * counts[:, 0], counts[:, 1] + counts[:, 2])


def _precision(counts: FloatArray) -> FloatArray:
    return _ratio(counts[:, 0], counts[:, 1])


def _recall(counts: FloatArray) -> FloatArray:
    return _ratio(counts[:, 0], counts[:, 2])


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    found: FloatArray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return found


def call_graph_headline(figures: "pd.DataFrame") -> dict[str, float]:
    """`call_graph.dynamic.<scorer>.f1` of ours, static analysis and the best peer; gains over those two; counts."""
    overall = figures[figures["slice"] == "all"]
    rows = {(str(row["scorer"]), str(row["figure"])): row for row in overall.to_dict("records")}
    means = {scorer: float(row["value"]) for (scorer, figure), row in rows.items() if figure == "f1"}
    ours, best = OURS[0], best_peer(means)
    shown = [scorer for scorer in (STATIC, ours, best) if scorer is not None]
    metrics: dict[str, float] = {f"{TASK}.{SETTING}.{scorer}.f1": means[scorer] for scorer in shown}
    for name, figure in (("gain.f1", f"gain_over_{best}"), (f"{ours}.gain_over_static", f"gain_over_{STATIC}")):
        row = rows[ours, figure]
        metrics |= {f"{TASK}.{SETTING}.{name}{end}": float(row[key]) for end, key in BOUNDS}
    found = rows[ours, "missed_found"]
    metrics |= {
        f"{TASK}.{SETTING}.missed_found": int(found["value"]),
        f"{TASK}.{SETTING}.missed": int(found["queries"]),
    }
    return {name: value for name, value in metrics.items() if np.isfinite(value)}
