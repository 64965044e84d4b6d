"""The combiner: a listwise linear softmax over a query's candidates, one weight vector a relation.

Relations that are rare in val keep the pooled weights; the others may depart from them at a price. Fitted by Newton's
method with line search and checked, because a diverged fit once looked like a breakthrough.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from graphmer.errors import EvaluationError
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.queries import FloatArray, IntArray

TOLERANCE = 1e-6  # of the loss: what a fit may still promise to gain when it stops
SHORTEST_STEP = 1e-4


@dataclass(frozen=True)
class FitSet:
    """Q queries' candidates one after another: rows of a (C, F) matrix.

    features: (C, F). offset: (C,) log of how many candidates a row stands for. query: (C,) 0..Q-1, ascending.
    truth: (Q,) rows of the true tails. relation: (Q,).
    """

    features: FloatArray
    offset: FloatArray
    query: IntArray
    truth: IntArray
    relation: IntArray

    def of_relation(self, relation: int) -> "FitSet":
        """The queries of one relation alone."""
        return self.of_queries(np.flatnonzero(self.relation == relation))

    def of_queries(self, chosen: IntArray) -> "FitSet":
        """These queries alone. chosen: ascending."""
        rows = np.flatnonzero(np.isin(self.query, chosen))
        query = np.searchsorted(chosen, self.query[rows])
        truth = np.searchsorted(rows, self.truth[chosen])
        return FitSet(self.features[rows], self.offset[rows], query, truth, self.relation[chosen])

    def with_columns(self, columns: Sequence[int]) -> "FitSet":
        """The same candidates with some of the features."""
        return FitSet(self.features[:, list(columns)], self.offset, self.query, self.truth, self.relation)


@dataclass(frozen=True)
class Combiner:
    """Fitted weights. scale: (F,) divides the features. pooled: (F,). by_relation: {relation id: (F,)}."""

    name: str
    scale: FloatArray
    pooled: FloatArray
    by_relation: dict[int, FloatArray]

    def score(self, matrix: FloatArray, relation: int) -> FloatArray:
        """(P,) scores of one query's candidates from their (P, F) raw features."""
        weights = self.by_relation.get(relation, self.pooled)
        scores: FloatArray = matrix @ (weights / self.scale).astype(np.float32)
        return scores


def fit_combiner(name: str, data: FitSet, params: LinkParams) -> Combiner:
    """Fit pooled weights, then each frequent relation's departure from them.

    Raises EvaluationError that names the combiner where a feature is not finite or the fit does not converge.
    """
    if not len(data.truth):
        raise EvaluationError(f"combiner '{name}': no validation query to fit on; give the corpus a val package")
    if not np.isfinite(data.features).all():
        raise EvaluationError(f"combiner '{name}': a feature is not finite; mend the scorer that made it")
    scale = data.features.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    # Seen from the truth: the softmax does not change, and small differences of large logs keep their digits.
    features = (data.features - data.features[data.truth][data.query]) / scale
    scaled = FitSet(features, data.offset, data.query, data.truth, data.relation)
    pooled = _fit(name, scaled, np.zeros(features.shape[1]), params.l2, params.max_iterations)
    by_relation = {}
    for relation in np.unique(data.relation).tolist():
        if np.count_nonzero(data.relation == relation) >= params.min_relation_queries:
            part = scaled.of_relation(relation)
            by_relation[relation] = _fit(name, part, pooled, params.relation_l2, params.max_iterations)
    return Combiner(name, scale, pooled.astype(np.float32), by_relation)


def _fit(name: str, data: FitSet, centre: FloatArray, penalty: float, max_iterations: int) -> FloatArray:
    """Weights that minimise the summed listwise loss plus penalty / 2 times the squared distance to `centre`.

    Newton's method with a backtracking line search: the loss is convex and the features are few, so about ten steps
    do what L-BFGS does in hundreds.
    """
    weights = centre.astype(np.float64)
    for _ in range(max_iterations):
        value, gradient, curvature = listwise_loss(data, weights)
        value += penalty / 2 * float((weights - centre) @ (weights - centre))
        gradient = gradient + penalty * (weights - centre)
        step = np.linalg.solve(curvature + penalty * np.eye(len(weights)), gradient)
        decrement = float(gradient @ step)  # twice the gain that the quadratic model promises
        if not np.isfinite(decrement):
            break
        if decrement <= TOLERANCE * value:
            return weights
        weights = weights - _step_length(data, weights, step, centre, penalty, (value, decrement)) * step
    raise EvaluationError(
        f"combiner '{name}': the fit did not converge in {max_iterations} steps; raise eval.link.max_iterations or l2"
    )


def _step_length(
    data: FitSet,
    weights: FloatArray,
    step: FloatArray,
    centre: FloatArray,
    penalty: float,
    promise: tuple[float, float],
) -> float:
    """The first of 1, 1/2, 1/4, … that brings a quarter of the promised gain.

    promise: the penalised loss at `weights`, and the Newton decrement there.
    """
    value, decrement = promise
    length = 1.0
    while length > SHORTEST_STEP:
        tried = weights - length * step
        away = tried - centre
        if listwise_value(data, tried) + penalty / 2 * float(away @ away) <= value - 0.25 * length * decrement:
            break
        length /= 2
    return length


def _shares(data: FitSet, weights: FloatArray) -> tuple[float, FloatArray, IntArray]:
    """Summed -log softmax of the true tails, each candidate's share of its query, and where each query starts."""
    logits = (data.features @ weights.astype(np.float32)).astype(np.float64) + data.offset
    starts = np.flatnonzero(np.diff(data.query, prepend=-1))
    logits -= np.maximum.reduceat(logits, starts)[data.query]
    odds = np.exp(logits)
    total = np.add.reduceat(odds, starts)
    loss = float(np.log(total).sum() - logits[data.truth].sum())
    return loss, (odds / total[data.query]).astype(np.float32), starts


def listwise_value(data: FitSet, weights: FloatArray) -> float:
    """Summed -log softmax of the true tails."""
    return _shares(data, weights)[0]


def listwise_loss(data: FitSet, weights: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Summed -log softmax of the true tails, with its (F,) gradient and (F, F) second derivative by the weights."""
    loss, share, starts = _shares(data, weights)
    shares = sparse.csr_matrix((share, np.arange(len(share)), np.append(starts, len(share))))
    expected = shares @ data.features
    gradient = (expected - data.features[data.truth]).sum(axis=0, dtype=np.float64)
    spread = (data.features - expected[data.query]) * np.sqrt(share)[:, None]
    return loss, gradient, (spread.T @ spread).astype(np.float64)


def thin_candidates(
    matrix: FloatArray, truth: int, known: IntArray, evidence: FloatArray, negatives: int, draw: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """(rows, log-weights) of a query's candidates for the fit: the truth, the strongest, and a sample of the rest.

    The sampled rest stands for all of it, so the partition function is estimated without bias. matrix: (P, F).
    evidence: (P,) a rough score that says who is strong.
    """
    allowed = np.ones(len(matrix), np.bool_)
    allowed[known] = False
    allowed[truth] = False
    rest = np.flatnonzero(allowed)
    order = rest[np.argsort(-evidence[rest], kind="stable")]
    strong, weak = order[: negatives // 2], order[negatives // 2 :]
    if len(weak) > negatives - negatives // 2:
        drawn = draw.choice(weak, negatives - negatives // 2, replace=False)
        weight = np.log(len(weak) / len(drawn))
    else:
        drawn, weight = weak, 0.0
    rows = np.concatenate([[truth], strong, drawn])
    weights = np.concatenate([np.zeros(1 + len(strong)), np.full(len(drawn), weight)])
    return rows, weights.astype(np.float32)
