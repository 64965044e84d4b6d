"""Figures of call-graph completion: F1, precision and recall with intervals, and the gain over static analysis."""

from typing import TYPE_CHECKING

import numpy as np

from graphmer.evaluate.bootstrap import Interval, resampling_groups
from graphmer.evaluate.call_graph import LISTED, STATIC, edge_counts
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.f1 import FIGURES, f1_interval
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
    static_hits = counts[STATIC][:, 0].sum()
    rows = []
    for name, own in counts.items():
        hits, _, lost = own.sum(axis=0)
        truth = int(hits + lost)
        for figure in FIGURES:
            rows.append(_row(name, figure, f1_interval(own, figure, params), truth))
        for other in counts:
            if other != name and (name == OURS[0] or other == STATIC):
                rows.append(_row(name, f"gain_over_{other}", f1_interval(own, "f1", params, counts[other]), truth))
        missed, found = int(truth - static_hits), float(hits - static_hits)
        rows.append(_row(name, "missed_found", _count(found), missed))
        rows.append(_row(name, "missed_recall", _count(found / missed if missed else 1.0), missed))
    return rows


def _count(value: float) -> Interval:
    """A figure without an interval."""
    return Interval(value, float("nan"), float("nan"), 0, 0)


def _row(scorer: str, figure: str, interval: Interval, queries: int) -> dict[str, object]:
    place = {"value": interval.value, "low": interval.low, "high": interval.high, "queries": queries}
    return {"scorer": scorer, "figure": figure, **place}


def call_graph_headline(figures: "pd.DataFrame") -> dict[str, float]:
    """`call_graph.dynamic.<scorer>.f1` of ours, static analysis and the best peer; gains over those two; counts.

    Static analysis stands there twice: what it proved, and with every target that it left open, no score asked.
    """
    overall = figures[figures["slice"] == "all"]
    rows = {(str(row["scorer"]), str(row["figure"])): row for row in overall.to_dict("records")}
    means = {scorer: float(row["value"]) for (scorer, figure), row in rows.items() if figure == "f1"}
    ours, best = OURS[0], best_peer(means)
    if best is not None and means[LISTED] == means[best]:
        best = LISTED  # of equals the one that nothing was fitted for
    shown = [scorer for scorer in (STATIC, LISTED, ours, best) if scorer is not None]
    metrics: dict[str, float] = {f"{TASK}.{SETTING}.{scorer}.f1": means[scorer] for scorer in shown}
    gains = {"gain.f1": best, f"{ours}.gain_over_static": STATIC, f"{ours}.gain_over_listed": LISTED}
    for name, peer in gains.items():
        row = rows[ours, f"gain_over_{peer}"]
        metrics |= {f"{TASK}.{SETTING}.{name}{end}": float(row[key]) for end, key in BOUNDS}
    found = rows[ours, "missed_found"]
    metrics |= {
        f"{TASK}.{SETTING}.missed_found": int(found["value"]),
        f"{TASK}.{SETTING}.missed_listed": int(rows[LISTED, "missed_found"]["value"]),
        f"{TASK}.{SETTING}.missed": int(found["queries"]),
    }
    return {name: value for name, value in metrics.items() if np.isfinite(value)}
