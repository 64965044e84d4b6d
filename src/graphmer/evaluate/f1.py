"""F1 of predicted sets, micro-averaged: counts are summed before the ratio, in every resample too.

A prediction is one row an item and scorer: `stratum` says whether the item is true (`TRUE`), `correct` whether the
scorer was right about it. An item that is not true and that no scorer predicts changes no ratio.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graphmer.errors import EvaluationError
from graphmer.evaluate.bootstrap import Interval, group_weights, resampling_groups
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.figures import COLUMNS, OURS

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
TRUE, FALSE = "declared", "undeclared"
FIGURES = ("f1", "precision", "recall")


def f1_figures(task: str, predictions: "pd.DataFrame", params: BootstrapParams) -> "pd.DataFrame":
    """F1, precision and recall of each setting and scorer, and ours' paired gain in F1 over each other scorer.

    Columns as in figures.COLUMNS; `queries` counts the true items. Raises EvaluationError where a setting has none.
    """
    import pandas as pd

    rows: list[dict[str, object]] = []
    for setting, part in predictions.groupby("setting", sort=True):
        wide = part.pivot(index="query", columns="scorer", values="correct").sort_index()
        facts = part.drop_duplicates("query").set_index("query").loc[wide.index]
        truth = (facts["stratum"] == TRUE).to_numpy()
        if not truth.any():
            raise EvaluationError(f"{task}, {setting}: nothing is true, so F1 means nothing; check the tables")
        groups = resampling_groups(facts["package"].tolist(), facts["file"].tolist(), params)
        counts = {name: outcome_counts(wide[name].to_numpy(np.bool_), truth, groups) for name in sorted(wide.columns)}
        shared = {"task": task, "setting": setting, "slice": "all", "key": "all", "queries": int(truth.sum())}
        rows += [shared | row for row in _rows(counts, params)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def outcome_counts(correct: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_], groups: IntArray) -> FloatArray:
    """(G, 3) true positives, false positives and false negatives of each group of items."""
    outcomes = (truth & correct, ~truth & ~correct, truth & ~correct)
    number = int(groups.max()) + 1
    return np.stack([np.bincount(groups, weights=one, minlength=number) for one in outcomes], axis=1)


def ratios(counts: FloatArray, figure: str) -> FloatArray:
    """(…) F1, precision or recall of (…, 3) counts; 0 where nothing is predicted and nothing true."""
    found, wrong, missed = np.moveaxis(counts, -1, 0)
    wholes = {"f1": found + (wrong + missed) / 2, "precision": found + wrong, "recall": found + missed}
    whole = wholes[figure]
    shares: FloatArray = np.divide(found, whole, out=np.zeros_like(found), where=whole > 0)
    return shares


def best_threshold(scores: FloatArray, truth: FloatArray, wanted: int, found: int = 0, predicted: int = 0) -> float:
    """The score from which on predicting gives the best F1; of equal ones the highest, infinity where none is better.

    scores, truth: (n,) of the items. wanted: how many are true, those that are no item included. found, predicted: what
    is predicted in any case, and how much of it is true.
    """
    order = np.argsort(-scores, kind="stable")
    hits = found + np.concatenate([[0.0], np.cumsum(truth[order])])
    shown = predicted + np.arange(len(order) + 1)
    reached = ratios(np.stack([hits, shown - hits, wanted - hits], axis=1), "f1")
    is_cut = np.ones(len(reached), np.bool_)
    is_cut[1:-1] = np.diff(scores[order]) != 0  # equal scores are taken together or not at all
    best = int(np.argmax(np.where(is_cut, reached, -1.0)))
    return float(scores[order][best - 1]) if best else float("inf")


def f1_interval(counts: FloatArray, figure: str, params: BootstrapParams, other: FloatArray | None = None) -> Interval:
    """A ratio of summed counts with its percentile interval over groups; with `other`, the paired difference to it.

    counts, other: (G, 3) of the same groups.
    """

    def value(weights: FloatArray) -> FloatArray:
        ours = ratios(weights @ counts, figure)
        return ours if other is None else ours - ratios(weights @ other, figure)

    point, groups = float(value(np.ones((1, len(counts))))[0]), len(counts)
    items = int(counts[:, [0, 2]].sum())
    if groups < 2:
        return Interval(point, float("nan"), float("nan"), items, groups)
    tail = (1.0 - params.confidence) / 2.0
    low, high = np.quantile(value(group_weights(groups, params)), [tail, 1.0 - tail])
    return Interval(point, float(low), float(high), items, groups)


def _rows(counts: dict[str, FloatArray], params: BootstrapParams) -> Iterator[dict[str, object]]:
    for scorer, own in counts.items():
        for figure in FIGURES:
            yield _row(scorer, figure, f1_interval(own, figure, params))
    ours = next((name for name in OURS if name in counts), None)
    if ours is None:
        return
    for scorer in sorted(set(counts) - {ours}):
        yield _row(ours, f"gain_over_{scorer}", f1_interval(counts[ours], "f1", params, counts[scorer]))


def _row(scorer: str, figure: str, interval: Interval) -> dict[str, object]:
    return {
        "scorer": scorer, "figure": figure, "value": interval.value, "low": interval.low, "high": interval.high,
    }  # fmt: skip
