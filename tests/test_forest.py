"""Trees without scikit-learn: the same answers to the last bit, and nothing but numbers in the file."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imports import ROOT

from graphmer.artifacts import canonical_json
from graphmer.errors import ArtifactError, EvaluationError
from graphmer.evaluate.boosting import fit_boosting
from graphmer.evaluate.combiner import FitSet
from graphmer.evaluate.config import EvalParams
from graphmer.index.forest import Forest, forest_of, plain_trees
from graphmer.index.scoring import EVERY_DIGIT
from graphmer.params import load_section, load_tree

PARAMS = load_section(load_tree(ROOT / "params.yaml"), "eval", EvalParams).link


def drawn(seed: int, relations: tuple[int, ...], queries: int = 60, candidates: int = 40) -> FitSet:
    """Queries whose truth depends on features, on their product and on the relation."""
    draw = np.random.default_rng(seed)
    relation = draw.choice(relations, queries)
    query = np.repeat(np.arange(queries), candidates)
    features = draw.normal(size=(len(query), 5)).astype(np.float32)
    features[:, 1] = np.round(features[:, 1])
    score = features[:, 0] * np.where(relation[query] % 2, 1, -1) + features[:, 1] * features[:, 2]
    truth = np.asarray([at * candidates + score[query == at].argmax() for at in range(queries)])
    return FitSet(features, np.zeros(len(query), np.float32), query, truth, relation)


def with_relation(data: FitSet) -> np.ndarray:
    return np.column_stack([data.features, data.relation[data.query]]).astype(np.float32)


def through_json(forest: Forest, num_features: int) -> Forest:
    return Forest.from_json(json.loads(canonical_json(forest.as_json(), EVERY_DIGIT)), num_features)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.sets(st.integers(0, 60), min_size=1, max_size=40), st.sampled_from([2, 15, 31]))
def test_a_forest_read_from_json_answers_as_scikit_learn_to_the_last_bit(
    seed: int, relations: set[int], leaves: int
) -> None:
    params = dataclasses.replace(PARAMS, boosting_leaves=leaves, boosting_rounds=25)
    model = fit_boosting(drawn(seed, tuple(sorted(relations))), params).model
    forest = through_json(forest_of(model), 6)
    other = with_relation(drawn(seed + 1, (*sorted(relations), 77), queries=20))  # 77: never seen in the fit
    other[::7, 0] = np.nan
    other[3] = [tree.threshold[0] for tree in forest.trees[:5]] + [min(relations)]  # on a threshold itself
    expected = model.decision_function(other)
    assert len(np.unique(expected)) > 1
    assert np.array_equal(forest.decision_function(other), expected)


def test_a_query_of_one_candidate_or_none_is_answered() -> None:
    data = drawn(1, (3, 4))
    fitted = fit_boosting(data, PARAMS)
    forest = plain_trees(fitted, with_relation(data)).model
    rows = with_relation(data)[:1]
    assert np.array_equal(forest.decision_function(rows), fitted.model.decision_function(rows))
    assert forest.decision_function(rows[:0]).shape == (0,)


def test_nodes_that_are_not_what_scikit_learn_answers_by_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = drawn(2, (3, 4))
    fitted = fit_boosting(data, PARAMS)
    other = dataclasses.replace(forest_of(fitted.model), baseline=0.0)
    monkeypatch.setattr("graphmer.index.forest.forest_of", lambda _: other)
    with pytest.raises(EvaluationError, match="keeps its trees otherwise than expected"):
        plain_trees(fitted, with_relation(data))


@pytest.mark.parametrize(
    "change", [{"left": 0}, {"right": 10**6}, {"left": -3}, {"feature": 6}, {"feature": -2}, {"value": None}]
)
def test_nodes_that_lead_nowhere_or_in_a_circle_are_refused(change: dict[str, Any]) -> None:
    tree = json.loads(canonical_json(forest_of(fit_boosting(drawn(3, (1, 2)), PARAMS).model).as_json(), EVERY_DIGIT))
    for name, value in change.items():
        if value is None:
            tree["trees"][0][name].pop()
        else:
            tree["trees"][0][name][0] = value
    with pytest.raises(ArtifactError, match="leads nowhere"):
        Forest.from_json(tree, 6)


def test_the_same_trees_are_the_same_bytes() -> None:
    one, two = (forest_of(fit_boosting(drawn(4, (1, 2, 9)), PARAMS).model) for _ in range(2))
    text = canonical_json(one.as_json(), EVERY_DIGIT)
    assert text == canonical_json(two.as_json(), EVERY_DIGIT)
    assert text == canonical_json(through_json(one, 6).as_json(), EVERY_DIGIT)
