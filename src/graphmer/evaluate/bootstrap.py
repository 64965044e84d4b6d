"""Percentile intervals of means and of paired differences, by resampling whole groups of queries.

Queries of one file share names, style and neighbours, so they are not independent: the file is what is drawn
again, with all its queries. From `packages_from` packages up, the package is.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphmer.errors import EvaluationError
from graphmer.evaluate.config import BootstrapParams

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """A mean over queries and its percentile interval.

    low and high are NaN where fewer than two groups exist: one file says nothing about the next.
    """

    value: float
    low: float
    high: float
    queries: int
    groups: int

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside the interval: what a verdict on a paired difference needs."""
        return self.low > 0 or self.high < 0


def resampling_groups(packages: Sequence[str], files: Sequence[str], params: BootstrapParams) -> IntArray:
    """(Q,) group of each query: its file, or its package where there are `packages_from` packages or more.

    A file is named by package and path, so that two packages' `__init__.py` stay apart.
    """
    assert len(packages) == len(files)
    if len(set(packages)) >= params.packages_from:
        names = list(packages)
    else:
        names = [f"{package}\0{file}" for package, file in zip(packages, files)]
    return np.unique(np.asarray(names, dtype=object), return_inverse=True)[1].astype(np.int64)


def mean_interval(values: npt.ArrayLike, groups: IntArray, params: BootstrapParams) -> Interval:
    """The mean of per-query values, with an interval from resampled groups.

    values: (Q,) numbers or booleans.  groups: (Q,) as from `resampling_groups`; any integer labels.
    Raises EvaluationError where there is no query.
    """
    means_R, value, num_groups = resampled_means(values, groups, params)
    num_queries = len(groups)
    if not len(means_R):
        return Interval(value, float("nan"), float("nan"), num_queries, num_groups)
    tail = (1.0 - params.confidence) / 2.0
    low, high = np.quantile(means_R, [tail, 1.0 - tail])
    return Interval(value, float(low), float(high), num_queries, num_groups)


def resampled_means(values: npt.ArrayLike, groups: IntArray, params: BootstrapParams) -> tuple[FloatArray, float, int]:
    """(R,) means of resampled groups, none where there are fewer than two; the mean itself; the number of groups.

    values, groups: as of `mean_interval`. Raises EvaluationError where there is no query.
    """
    values_Q = np.asarray(values, dtype=np.float64)
    if not len(values_Q):
        raise EvaluationError("bootstrap: no queries to average; the test split holds none of this kind")
    assert values_Q.shape == groups.shape
    group_of_Q = np.unique(groups, return_inverse=True)[1]
    counts_G = np.bincount(group_of_Q).astype(np.float64)
    sums_G = np.bincount(group_of_Q, weights=values_Q)
    value = float(sums_G.sum() / counts_G.sum())
    if len(counts_G) < 2:
        return np.zeros(0), value, len(counts_G)
    weights_RG = group_weights(len(counts_G), params)
    return (weights_RG @ sums_G) / (weights_RG @ counts_G), value, len(counts_G)


def paired_interval(ours: npt.ArrayLike, theirs: npt.ArrayLike, groups: IntArray, params: BootstrapParams) -> Interval:
    """The mean of ours minus theirs, query by query, with its interval: the same resampled groups on both sides."""
    ours_Q, theirs_Q = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    assert ours_Q.shape == theirs_Q.shape
    return mean_interval(ours_Q - theirs_Q, groups, params)


def group_weights(groups: int, params: BootstrapParams) -> FloatArray:
    """(resamples, groups) how often each group is drawn, the same for every figure of so many groups."""
    return _multinomial_weights(groups, params.resamples, params.seed)


@functools.lru_cache(maxsize=8)
def _multinomial_weights(groups: int, resamples: int, seed: int) -> FloatArray:
    """(resamples, groups) how often each group is drawn; cached, since an evaluation asks hundreds of times."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(groups, np.full(groups, 1.0 / groups), size=resamples).astype(np.float64)
