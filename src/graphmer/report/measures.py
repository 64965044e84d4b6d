"""What the long ablation measures of a row, and how far that is from the full model, paired by query and seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graphmer.errors import ArtifactError
from graphmer.evaluate.bootstrap import FloatArray, IntArray, resampling_groups
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.crossed import CrossedInterval, crossed_interval
from graphmer.report.ablation import verdict_of

if TYPE_CHECKING:
    import pandas as pd

CALLS = ("calls", "invokes", "instantiates")
SCORERS = ("graphmer", "neural")  # `symbolic` knows no net: it is the same in every cell


@dataclass(frozen=True)
class Measure:
    """Which predictions count. column, keys: those whose column holds one of the keys; all where column is empty."""

    task: str
    setting: str
    scorer: str
    column: str = ""
    keys: tuple[str, ...] = ()

    def values(self, predictions: "pd.DataFrame") -> "pd.DataFrame":
        """Reciprocal ranks, or 1 and 0, by query, sorted, with package and file."""
        chosen = (predictions["task"] == self.task) & (predictions["setting"] == self.setting)
        chosen &= predictions["scorer"] == self.scorer
        if self.column:
            chosen &= predictions[self.column].isin(self.keys)
        found = predictions[chosen].set_index("query").sort_index()
        return found.assign(value=1.0 / found["value"]) if self.task == "link_prediction" else found


def _link_measures(scorer: str) -> dict[str, Measure]:
    # After hiding no query is in stratum A, so B, C and D pooled are the headline's queries, all of them; they are
    # chosen by their stratum all the same, so that this stays true whatever the headline becomes.
    slices = {"": ("", ()), ".calls": ("relation", CALLS), ".BCD": ("stratum", ("B", "C", "D")),
              ".B": ("stratum", ("B",)), ".C": ("stratum", ("C",)), ".D": ("stratum", ("D",))}  # fmt: skip
    return {
        f"link_prediction.headline{name}.{scorer}.mrr": Measure("link_prediction", "headline", scorer, column, keys)
        for name, (column, keys) in slices.items()
    }


HEADLINE = "link_prediction.headline.graphmer.mrr"
POOLED = "link_prediction.headline.BCD.graphmer.mrr"
NAMES_HIDDEN = "masked_nodes.masked_mentions.neural.accuracy"
MEASURES: Mapping[str, Measure] = {
    **_link_measures("graphmer"),
    **_link_measures("neural"),
    NAMES_HIDDEN: Measure("masked_nodes", "masked_mentions", "neural"),
    "masked_nodes.visible_mentions.neural.accuracy": Measure("masked_nodes", "visible_mentions", "neural"),
}
Predictions = Mapping[int, "pd.DataFrame"]  # seed -> a cell's


@dataclass(frozen=True)
class Compared:
    """A row beside the full model in one measure; differences are the row minus the full model."""

    full: float
    mean: float
    interval: CrossedInterval
    verdict: str

    @property
    def by_seed(self) -> FloatArray:
        """(S,) the difference under each seed."""
        return self.interval.by_seed

    def as_dict(self) -> dict[str, object]:
        """For JSON: what is no number (an interval of one file) is left out."""
        both, files = self.interval.both, self.interval.files
        numbers = {"full": self.full, "mean": self.mean, "difference": both.value, "low": both.low, "high": both.high,
                   "files_low": files.low, "files_high": files.high}  # fmt: skip
        finite: dict[str, object] = {name: value for name, value in numbers.items() if np.isfinite(value)}
        counts = {"queries": both.queries, "files": both.groups}
        return {**finite, **counts, "by_seed": self.by_seed.tolist(), "verdict": self.verdict}


def compare(name: str, row: Predictions, full: Predictions, bootstrap: BootstrapParams, seeds_needed: int) -> Compared:
    """One measure of a row against the full model's; raises ArtifactError where they answer different queries."""
    ours_SQ, theirs_SQ, group_Q = paired(name, row, full, bootstrap)
    interval = crossed_interval(ours_SQ - theirs_SQ, group_Q, bootstrap)
    found = verdict_of(interval.both, len(ours_SQ), seeds_needed)
    return Compared(float(theirs_SQ.mean()), float(ours_SQ.mean()), interval, found)


def paired(
    name: str, row: Predictions, full: Predictions, bootstrap: BootstrapParams
) -> tuple[FloatArray, FloatArray, IntArray]:
    """(S, Q) values of a row and of the full model, seed by seed on the same queries, and (Q,) the queries' groups."""
    seeds = sorted(row)
    tables = [MEASURES[name].values(cells[seed]) for cells in (row, full) for seed in seeds]
    first = tables[0]
    for table in tables[1:]:
        if not table.index.equals(first.index):
            raise ArtifactError(f"{name}: cells answer different queries; delete .scratch/ablation/cells, run again")
    stacked: npt.NDArray[np.float64] = np.stack([table["value"].to_numpy(np.float64) for table in tables])
    group_Q = resampling_groups(first["package"].tolist(), first["file"].tolist(), bootstrap)
    return stacked[: len(seeds)], stacked[len(seeds) :], group_Q
