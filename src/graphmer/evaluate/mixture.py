"""What ranks links: the linear combiner and boosted trees in equal parts, and a network's columns weighed against them.

A sum of features ranks well what is far from all that val showed; trees see how features change each other. Their
mistakes differ, so that together they rank better than either (docs/log.md). A network's few columns are added
linearly, by weights that see the mixture's scores only of val queries that the mixture was not fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphmer.errors import EvaluationError
from graphmer.evaluate.boosting import Boosting, fit_boosting
from graphmer.evaluate.combiner import Combiner, FitSet, fit_combiner
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.queries import FloatArray, IntArray

MOST_FOLDS = 3  # ours: as many as the default corpus has val packages


@dataclass(frozen=True)
class Mixture:
    """Both fitted on the same queries."""

    linear: Combiner
    trees: Boosting

    def parts(self, matrices: Sequence[FloatArray], relations: Sequence[int]) -> list[tuple[FloatArray, FloatArray]]:
        """Two (P,) scores of each query's candidates from their (P, F) raw features; their sum is the mixture's.

        Both are logarithms of odds up to a constant of the query: the sum ranks as the geometric mean of the two
        models' probabilities does.
        """
        linear = [self.linear.score(matrix, relation) for matrix, relation in zip(matrices, relations, strict=True)]
        return list(zip(linear, self.trees.score_all(matrices, relations), strict=True))


def fit_mixture(name: str, data: FitSet, params: LinkParams) -> Mixture:
    """Fit both on val. Raises EvaluationError as `fit_combiner` does."""
    return Mixture(fit_combiner(name, data, params), fit_boosting(data, params))


@dataclass(frozen=True)
class Stack:
    """Weights of the mixture's score and of a network's columns, a relation each as the combiner's."""

    weights: Combiner

    def score(self, mixed: FloatArray, columns: FloatArray, relation: int) -> FloatArray:
        """(P,) scores of one query's candidates. mixed: (P,) the mixture's. columns: (P, K) the network's."""
        return self.weights.score(np.column_stack([mixed, columns]).astype(np.float32), relation)


def fit_stack(name: str, counted: FitSet, columns: FloatArray, fold: IntArray, params: LinkParams) -> Stack:
    """Fit on val. counted: the mixture's features. columns: (C, K) the network's, of the same rows. fold: (Q,) 0..

    Raises EvaluationError as `fit_combiner` does.
    """
    return Stack(fit_combiner(name, beside_mixture(name, counted, columns, fold, params), params))


def beside_mixture(name: str, counted: FitSet, columns: FloatArray, fold: IntArray, params: LinkParams) -> FitSet:
    """What a stack is fitted on: the same rows, of which the mixture of other folds says one number, then `columns`."""
    mixed = out_of_fold(name, counted, fold, params)
    features = np.column_stack([mixed, columns]).astype(np.float32)
    return FitSet(features, counted.offset, counted.query, counted.truth, counted.relation)


def out_of_fold(name: str, data: FitSet, fold: IntArray, params: LinkParams) -> FloatArray:
    """(C,) the mixture's score of every row, fitted on the other folds' queries alone."""
    scores = np.zeros(len(data.features), np.float32)
    for number in np.unique(fold).tolist():
        asked = np.flatnonzero(fold == number)
        mixture = fit_mixture(f"{name}, without fold {number}", data.of_queries(np.flatnonzero(fold != number)), params)
        begin = np.searchsorted(data.query, asked)
        end = np.searchsorted(data.query, asked, side="right")
        rows = [slice(*place) for place in zip(begin.tolist(), end.tolist(), strict=True)]
        matrices = [data.features[row] for row in rows]
        for row, (linear, trees) in zip(rows, mixture.parts(matrices, data.relation[asked].tolist()), strict=True):
            scores[row] = linear + trees
    return scores


def folds(packages: Sequence[str], files: Sequence[str]) -> IntArray:
    """(Q,) which fold each val query is in: whole packages, or whole files where val is a single package.

    Raises EvaluationError where all queries are of one file.
    """
    names = packages if len(set(packages)) > 1 else files
    kinds, number = np.unique(np.asarray(names, np.str_), return_inverse=True)
    if len(kinds) < 2:
        raise EvaluationError(
            f"link prediction: all val queries are of one file ({', '.join(kinds)}); give the corpus a val package more"
        )
    return (number % MOST_FOLDS).astype(np.int64)
