"""Gradient-boosted trees on a query's features: they need no assumption of how these add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphmer.evaluate.combiner import FitSet
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.queries import FloatArray

MIN_LEAF_ROWS = 20  # scikit-learn's default


@dataclass(frozen=True)
class Boosting:
    """A fitted ensemble; its score is the log-odds that a candidate is the tail."""

    model: Any

    def score_all(self, matrices: Sequence[FloatArray], relations: Sequence[int]) -> list[FloatArray]:
        """(P,) scores of each query's candidates from their (P, F) raw features.

        Many queries at once: asked one by one, the trees take three times as long.
        """
        rows = [_with_relation(matrix, relation) for matrix, relation in zip(matrices, relations, strict=True)]
        scores: FloatArray = self.model.decision_function(np.concatenate(rows)).astype(np.float32)
        return np.split(scores, np.cumsum([len(matrix) for matrix in matrices])[:-1])


def fit_boosting(data: FitSet, params: LinkParams) -> Boosting:
    """Fit (query, candidate) rows of val, the true tails against the rest.

    A row that stands for several candidates counts once: weighted as many, far ones decide the trees, and the near ones
    are ranked badly (docs/log.md). The relation is one more feature, as a category: the combiner has weights of its own
    for each, too. Deterministic: nothing is drawn, no row is set aside to stop early.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    truth = np.zeros(len(data.features), np.bool_)
    truth[data.truth] = True
    features = _with_relation(data.features, data.relation[data.query])
    model = HistGradientBoostingClassifier(
        max_iter=params.boosting_rounds,
        learning_rate=params.boosting_rate,
        max_leaf_nodes=params.boosting_leaves,
        l2_regularization=params.boosting_l2,
        min_samples_leaf=MIN_LEAF_ROWS,
        categorical_features=[features.shape[1] - 1],
        early_stopping=False,
        random_state=params.seed,
    )
    model.fit(features, truth)
    return Boosting(model)


def _with_relation(matrix: FloatArray, relation: Any) -> FloatArray:
    column = np.full(len(matrix), relation, np.float32)[:, None]
    return np.hstack([matrix, column])
