"""Intervals of a paired difference that was measured on the same queries with several training seeds.

Two things are samples here: the files that queries come from, and the seeds. Each query is answered under each seed, so
the two are crossed. An interval over files alone speaks of these few trained models; one that speaks of the method must
let the seeds vary too.

Files are resampled, as everywhere. Three seeds are too few to resample: no resample leaves their range, their variance
comes out a third too small, and the interval is far too narrow. Their part is Student's t of the seeds' own means,
with one degree of freedom less than there are seeds. The error of the whole is the sum of the two, drawn independently;
what a file and a seed have in common is in both, which makes the interval a little wide, never narrow.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from graphmer.evaluate.bootstrap import FloatArray, IntArray, Interval, resampled_means
from graphmer.evaluate.config import BootstrapParams

POINTS = 999  # of Student's distribution, evenly by probability; a numerical grid, not a sample


@dataclass(frozen=True)
class CrossedInterval:
    """A mean over seeds and queries. both: over files and seeds. files: of these very models. by_seed: (S,) means."""

    both: Interval
    files: Interval
    by_seed: FloatArray


def crossed_interval(value_SQ: FloatArray, group_Q: IntArray, params: BootstrapParams) -> CrossedInterval:
    """Interval of the mean of value_SQ, S seeds by Q queries; group_Q: the file, or package, of each query.

    With one seed `both` is NaN: it says nothing about the next. Raises EvaluationError where there is no query.
    """
    num_seeds, num_queries = value_SQ.shape
    means_R, value, num_groups = resampled_means(value_SQ.mean(axis=0), group_Q, params)
    by_seed_S = value_SQ.mean(axis=1)
    files = _quantiles(means_R, value, num_queries, num_groups, params)
    if num_seeds < 2:
        nothing = Interval(value, float("nan"), float("nan"), num_queries, num_groups)
        return CrossedInterval(nothing, files, by_seed_S)
    error = float(by_seed_S.std(ddof=1)) / num_seeds**0.5
    student_P = stats.t.ppf((np.arange(POINTS) + 0.5) / POINTS, num_seeds - 1)
    together = (means_R[:, None] + error * student_P[None, :]).ravel()
    return CrossedInterval(_quantiles(together, value, num_queries, num_groups, params), files, by_seed_S)


def _quantiles(means: FloatArray, value: float, num_queries: int, num_groups: int, params: BootstrapParams) -> Interval:
    tail = (1.0 - params.confidence) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail]) if len(means) else (np.nan, np.nan)
    return Interval(value, float(low), float(high), num_queries, num_groups)
