"""A question about a mention, and the ranking that answers it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from graphmer.evaluate.queries import FloatArray, IntArray


class Question(NamedTuple):
    """A mention that is asked about. head: row of the entities. relation: ontology id. sample, start, end: the window
    and its roots that are the mention. tail: row of the entity that it is known to mean; None where nothing is known,
    `name` then being the word that stands there."""

    head: int
    relation: int
    sample: int
    start: int
    end: int
    tail: int | None = None
    name: str = ""


@dataclass(frozen=True)
class Ranking:
    """P candidates of one question. rows: (P,) of the entities. features: (P, F) counted. network: (P, K) its columns.

    known: (k,) positions of tails that the graph has already, which stand outside the ranking. scores: {scorer: (P,)}.
    probability: (P,) by `graphmer`; that of a known tail is 0. unfiltered: (P,) where known tails take part too.
    """

    rows: IntArray
    features: FloatArray
    network: FloatArray
    known: IntArray
    scores: dict[str, FloatArray]
    probability: FloatArray
    unfiltered: FloatArray

    def best(self, k: int) -> IntArray:
        """(at most k,) positions, the likeliest first; known tails left out, equals in the order of their symbols."""
        allowed = np.setdiff1d(np.arange(len(self.rows)), self.known)
        order = np.lexsort((allowed, -self.scores["graphmer"][allowed]))
        best: IntArray = allowed[order[:k]]
        return best

    def position(self, row: int) -> int | None:
        """Where an entity stands among the candidates; None where the relation's range or package leaves it out."""
        found = np.flatnonzero(self.rows == row)
        return int(found[0]) if len(found) else None
