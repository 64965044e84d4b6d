"""Filtered ranks and what is averaged over them.

The three rank definitions carry PyKEEN's names: where candidates tie with the truth, `optimistic` puts the truth
first, `pessimistic` last, and `realistic`, the one we report, at the mean of both.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from graphmer.errors import EvaluationError

RankDefinition = Literal["optimistic", "realistic", "pessimistic"]
HITS = (1, 3, 10)


def filtered_rank(
    scores: npt.NDArray[np.floating],
    truth: int,
    known: npt.NDArray[np.integer],
    definition: RankDefinition = "realistic",
) -> float:
    """Rank of the candidate at `truth` among `scores` (P,), other known truths at positions `known` left out."""
    better = int(np.count_nonzero(scores > scores[truth]))
    ties = int(np.count_nonzero(scores == scores[truth])) - 1
    others = known[known != truth]
    better -= int(np.count_nonzero(scores[others] > scores[truth]))
    ties -= int(np.count_nonzero(scores[others] == scores[truth]))
    share = {"optimistic": 0.0, "realistic": 0.5, "pessimistic": 1.0}[definition]
    return 1 + better + share * ties


def check_scores(scorer: str, query: int, scores: npt.NDArray[np.floating], expected: int) -> None:
    """Raises EvaluationError that names the scorer unless `scores` holds `expected` finite numbers."""
    if scores.shape != (expected,):
        raise EvaluationError(f"scorer '{scorer}', query {query}: expected {expected} scores, got shape {scores.shape}")
    if not np.isfinite(scores).all():
        count = int(np.count_nonzero(~np.isfinite(scores)))
        raise EvaluationError(
            f"scorer '{scorer}', query {query}: {count} of {expected} scores are not finite; mend the scorer"
        )


def reciprocal_ranks(ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / rank; its mean is the MRR."""
    return 1 / ranks


def hits(ranks: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.float64]:
    """1.0 where the truth stands among the first k."""
    return (ranks <= k).astype(np.float64)


def chance_mrr(candidates: int) -> float:
    """Expected MRR of random scores without ties: H_n / n."""
    return float(np.sum(1 / np.arange(1, candidates + 1)) / candidates)
