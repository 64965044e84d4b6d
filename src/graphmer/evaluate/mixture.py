"""The mixture: the linear combiner and boosted trees over the same features, in equal parts.

A sum of features ranks well what is far from all that val showed; trees see how features change each other. Their
mistakes differ, so that together they rank better than either (docs/log.md).
"""

from dataclasses import dataclass

from graphmer.evaluate.boosting import Boosting, fit_boosting
from graphmer.evaluate.combiner import Combiner, FitSet, fit_combiner
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.queries import FloatArray


@dataclass(frozen=True)
class Mixture:
    """Both fitted on the same queries."""

    linear: Combiner
    trees: Boosting

    def parts(self, matrix: FloatArray, relation: int) -> tuple[FloatArray, FloatArray]:
        """Two (P,) scores of one query's candidates from their (P, F) raw features; their sum is the mixture's.

        Both are logarithms of odds up to a constant of the query: the sum ranks as the geometric mean of the two
        models' probabilities does.
        """
        return self.linear.score(matrix, relation), self.trees.score(matrix, relation)

    def score(self, matrix: FloatArray, relation: int) -> FloatArray:
        """(P,) scores of one query's candidates from their (P, F) raw features."""
        linear, trees = self.parts(matrix, relation)
        return linear + trees


def fit_mixture(name: str, data: FitSet, params: LinkParams) -> Mixture:
    """Fit both on val. Raises EvaluationError as `fit_combiner` does."""
    return Mixture(fit_combiner(name, data, params), fit_boosting(data, params))
