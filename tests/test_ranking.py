import numpy as np
import pytest

from graphmer.errors import EvaluationError
from graphmer.evaluate.ranking import chance_mrr, check_scores, filtered_rank, hits, reciprocal_ranks

NONE = np.zeros(0, np.int64)


def slow_rank(scores, truth, known, definition):
    """Sort the remaining candidates by hand, the truth first or last among its ties."""
    remaining = [index for index in range(len(scores)) if index == truth or index not in set(known)]
    worst_tie = {"optimistic": -1, "pessimistic": 1}[definition]
    order = sorted(remaining, key=lambda index: (-scores[index], worst_tie if index == truth else 0))
    return 1 + order.index(truth)


@pytest.mark.parametrize("seed", range(20))
def test_ranks_agree_with_a_slow_reference(seed):
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, 6, size=40).astype(np.float32)
    truth = int(draw.integers(40))
    known = draw.choice(40, size=7, replace=False)
    slow = {name: slow_rank(scores, truth, known.tolist(), name) for name in ("optimistic", "pessimistic")}
    assert filtered_rank(scores, truth, known, "optimistic") == slow["optimistic"]
    assert filtered_rank(scores, truth, known, "pessimistic") == slow["pessimistic"]
    assert filtered_rank(scores, truth, known) == (slow["optimistic"] + slow["pessimistic"]) / 2


def test_ties_share_the_mean_rank():
    assert filtered_rank(np.asarray([2.0, 1.0, 1.0, 1.0]), 2, NONE) == 3.0
    assert filtered_rank(np.zeros(11), 4, NONE) == 6.0


def test_other_true_tails_do_not_push_the_truth_down():
    scores = np.asarray([9.0, 8.0, 7.0, 6.0])
    assert filtered_rank(scores, 2, NONE) == 3.0
    assert filtered_rank(scores, 2, np.asarray([0, 1])) == 1.0
    assert filtered_rank(scores, 2, np.asarray([0, 2])) == 2.0


@pytest.mark.parametrize("candidates", [10, 250])
def test_random_scores_give_the_mrr_of_chance(candidates):
    draw = np.random.default_rng(candidates)
    ranks = [filtered_rank(draw.random(candidates), 3, NONE) for _ in range(4000)]
    reciprocal = reciprocal_ranks(np.asarray(ranks))
    error = reciprocal.std() / np.sqrt(len(reciprocal))
    assert abs(reciprocal.mean() - chance_mrr(candidates)) < 4 * error


def test_hits_count_ranks_up_to_k():
    assert hits(np.asarray([1.0, 1.5, 3.0, 11.0]), 1).tolist() == [1, 0, 0, 0]
    assert hits(np.asarray([1.0, 1.5, 3.0, 11.0]), 3).tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_names_the_scorer(wrong):
    check_scores("mine", 4, np.asarray([0.0, 2.0, 1.0]), 3)
    with pytest.raises(EvaluationError, match="scorer 'mine', query 4: 1 of 3 scores are not finite"):
        check_scores("mine", 4, np.asarray([0.0, wrong, 1.0]), 3)


def test_scores_of_the_wrong_shape_name_the_scorer():
    with pytest.raises(EvaluationError, match="scorer 'mine', query 0: expected 3 scores"):
        check_scores("mine", 0, np.zeros(4), 3)
