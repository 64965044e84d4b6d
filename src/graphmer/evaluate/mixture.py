"""The mixture: the linear combiner and boosted trees over the same features, in equal parts.

A sum of features ranks well what is far from all that val showed; trees see how features change each other. Their
mistakes differ, so that together they rank better than either (docs/log.md).
"""

from collections.abc import Sequence
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
