"""Intervals against hand truth, a slow reference, and known coverage."""

import math

import numpy as np
import pytest

from graphmer.errors import EvaluationError
from graphmer.evaluate.bootstrap import mean_interval, paired_interval, resampling_groups
from graphmer.evaluate.config import BootstrapParams

PARAMS = BootstrapParams(resamples=1000, confidence=0.95, packages_from=20, seed=3)


def test_the_value_is_the_mean_over_queries_not_over_groups():
    interval = mean_interval([1.0, 1.0, 1.0, 0.0], np.array([0, 0, 0, 1]), PARAMS)
    assert interval.value == 0.75
    assert (interval.queries, interval.groups) == (4, 2)


def test_identical_scorers_differ_by_zero_without_width():
    values = np.random.default_rng(0).random(50)
    interval = paired_interval(values, values, np.arange(50) // 5, PARAMS)
    assert (interval.value, interval.low, interval.high) == (0, 0, 0)
    assert not interval.excludes_zero


def test_a_constant_gain_has_a_sure_verdict_although_the_values_scatter():
    values = np.random.default_rng(1).random(60)
    interval = paired_interval(values + 0.1, values, np.arange(60) // 6, PARAMS)
    assert interval.low == pytest.approx(0.1)
    assert interval.excludes_zero


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(2)
    groups = np.repeat(np.arange(60), 4)
    covered = 0
    for _ in range(200):
        values = np.repeat(generator.normal(0.3, 1.0, 60), 4) + generator.normal(0, 0.5, 240)
        interval = mean_interval(values, groups, PARAMS)
        covered += interval.low <= 0.3 <= interval.high
    assert 0.88 <= covered / 200 <= 0.99


def test_queries_of_one_file_do_not_count_as_independent():
    values = np.repeat(np.random.default_rng(4).normal(size=10), 20)
    by_file = mean_interval(values, np.repeat(np.arange(10), 20), PARAMS)
    by_query = mean_interval(values, np.arange(200), PARAMS)
    assert by_file.high - by_file.low > 2 * (by_query.high - by_query.low)


def test_matches_a_bootstrap_that_draws_whole_files_one_by_one():
    generator = np.random.default_rng(5)
    groups = np.sort(generator.integers(0, 12, 80))
    values = generator.random(80)
    names = np.unique(groups)
    means = []
    for _ in range(4000):
        drawn = np.concatenate([values[groups == name] for name in generator.choice(names, len(names))])
        means.append(drawn.mean())
    fast = mean_interval(values, groups, BootstrapParams(4000, 0.95, 20, 1))
    assert fast.low == pytest.approx(np.quantile(means, 0.025), abs=0.01)
    assert fast.high == pytest.approx(np.quantile(means, 0.975), abs=0.01)


def test_one_file_gives_a_value_but_no_interval():
    interval = mean_interval([0.0, 1.0], np.array([7, 7]), PARAMS)
    assert interval.value == 0.5
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert not interval.excludes_zero


def test_no_query_is_an_error_not_a_zero():
    with pytest.raises(EvaluationError, match="no queries"):
        mean_interval([], np.array([], dtype=np.int64), PARAMS)


def test_files_of_one_name_in_two_packages_are_two_groups():
    groups = resampling_groups(["a", "b", "a"], ["__init__.py"] * 3, PARAMS)
    assert groups[0] == groups[2] != groups[1]


def test_from_twenty_packages_up_packages_are_resampled():
    packages = [f"p{index // 2}" for index in range(40)]
    files = [f"f{index}.py" for index in range(40)]
    assert len(set(resampling_groups(packages, files, PARAMS))) == 20
    assert len(set(resampling_groups(packages[:38], files[:38], PARAMS))) == 38


def test_the_same_seed_gives_the_same_interval():
    values, groups = np.arange(30.0), np.arange(30) // 3
    assert mean_interval(values, groups, PARAMS) == mean_interval(values, groups, PARAMS)
