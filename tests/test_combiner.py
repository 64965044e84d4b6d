import dataclasses

import numpy as np
import pytest

from graphmer.errors import EvaluationError
from graphmer.evaluate.combiner import FitSet, fit_combiner, listwise_loss, thin_candidates
from graphmer.evaluate.link_config import LinkParams

PARAMS = LinkParams(
    max_queries=1000,
    max_fit_queries=1000,
    min_candidates=10,
    max_holes=4,
    cloze_prior=2.0,
    file_cache=0.3,
    sibling_prior=2.0,
    near_tokens=10,
    l2=0.1,
    relation_l2=0.1,
    min_relation_queries=50,
    negatives=40,
    max_iterations=500,
    boosting_rounds=10,
    boosting_rate=0.1,
    boosting_leaves=7,
    boosting_l2=1.0,
    seed=0,
)


def planted(weights_by_relation, num_queries=400, candidates=30, seed=0):
    """Queries whose truth is drawn from the softmax of planted weights."""
    draw = np.random.default_rng(seed)
    width = len(next(iter(weights_by_relation.values())))
    features = draw.normal(size=(num_queries, candidates, width)).astype(np.float32)
    relation = draw.choice(sorted(weights_by_relation), size=num_queries)
    weights = np.asarray([weights_by_relation[r] for r in relation])
    noise = draw.gumbel(size=(num_queries, candidates))
    truth = np.argmax(np.einsum("qcf,qf->qc", features, weights) + noise, axis=1)
    return FitSet(
        features=features.reshape(-1, width),
        offset=np.zeros(num_queries * candidates, np.float32),
        query=np.repeat(np.arange(num_queries), candidates),
        truth=np.arange(num_queries) * candidates + truth,
        relation=relation,
    )


def test_planted_weights_are_found():
    wanted = np.asarray([2.0, -1.0, 0.0])
    combiner = fit_combiner("planted", planted({7: wanted}, num_queries=2000), PARAMS)
    assert np.allclose(combiner.by_relation[7] / combiner.scale, wanted, atol=0.2)


def test_a_relation_departs_from_the_pooled_weights_and_a_rare_one_keeps_them():
    data = planted({1: np.asarray([3.0, 0.0]), 2: np.asarray([0.0, 3.0])}, num_queries=1000)
    rare = dataclasses.replace(PARAMS, min_relation_queries=100_000)
    combiner, pooled_only = fit_combiner("two", data, PARAMS), fit_combiner("pooled", data, rare)
    assert combiner.by_relation[1][0] > 2 > combiner.by_relation[1][1]
    assert combiner.by_relation[2][1] > 2 > combiner.by_relation[2][0]
    assert pooled_only.by_relation == {}
    row = np.asarray([[1.0, 0.0]], np.float32)
    assert combiner.score(row, 99) == pytest.approx(row @ (combiner.pooled / combiner.scale))


def test_gradient_and_curvature_are_those_of_the_loss():
    data, weights = planted({1: np.asarray([1.0, -2.0])}, num_queries=40), np.asarray([0.3, 0.7])
    _, gradient, curvature = listwise_loss(data, weights)
    for index in range(2):
        step = np.zeros(2)
        step[index] = 1e-2
        slope = (listwise_loss(data, weights + step)[0] - listwise_loss(data, weights - step)[0]) / 2e-2
        assert gradient[index] == pytest.approx(slope, rel=0.01)
        bend = (listwise_loss(data, weights + step)[1] - listwise_loss(data, weights - step)[1]) / 2e-2
        assert np.allclose(curvature[index], bend, rtol=0.02, atol=0.02)


def test_the_scale_of_a_feature_does_not_change_the_scores():
    data = planted({1: np.asarray([1.0, -2.0])})
    stretched = dataclasses.replace(data, features=data.features * np.asarray([1000.0, 0.01], np.float32))
    plain, wide = fit_combiner("plain", data, PARAMS), fit_combiner("wide", stretched, PARAMS)
    expected = plain.score(data.features[:30], 1)
    assert np.allclose(wide.score(stretched.features[:30], 1), expected, atol=0.02 * np.abs(expected).max())


def test_a_fit_that_does_not_converge_is_an_error():
    hurried = dataclasses.replace(PARAMS, max_iterations=1)
    with pytest.raises(EvaluationError, match="combiner 'hurried': the fit did not converge"):
        fit_combiner("hurried", planted({1: np.asarray([3.0, -2.0, 1.0])}), hurried)


def test_a_feature_that_is_not_finite_is_an_error():
    data = planted({1: np.asarray([1.0])})
    data.features[5, 0] = np.nan
    with pytest.raises(EvaluationError, match="combiner 'broken': a feature is not finite"):
        fit_combiner("broken", data, PARAMS)


def test_no_queries_is_an_error():
    empty = np.zeros(0, np.int64)
    data = FitSet(np.zeros((0, 2), np.float32), np.zeros(0, np.float32), empty, empty, empty)
    with pytest.raises(EvaluationError, match="no validation query"):
        fit_combiner("none", data, PARAMS)


def test_thinned_candidates_stand_for_all_of_them():
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(1000, 1)).astype(np.float32)
    known = np.asarray([3, 4])
    exact = np.exp(np.delete(matrix[:, 0], known)).sum()
    estimates = []
    for _ in range(200):
        rows, weight = thin_candidates(matrix, 0, known, matrix[:, 0], 100, draw)
        assert rows[0] == 0
        assert len(set(rows.tolist())) == len(rows) == 101
        assert not set(rows.tolist()) & set(known.tolist())
        estimates.append(np.exp(matrix[rows, 0] + weight).sum())
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - exact) < 4 * error


def test_thinning_keeps_every_candidate_of_a_small_pool():
    matrix = np.arange(20, dtype=np.float32)[:, None]
    rows, weight = thin_candidates(matrix, 5, np.asarray([6]), matrix[:, 0], 100, np.random.default_rng(0))
    assert sorted(rows.tolist()) == [index for index in range(20) if index != 6]
    assert not weight.any()
