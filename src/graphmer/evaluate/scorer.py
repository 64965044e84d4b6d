"""What a scorer must offer: the counted ones, ours, or a user's own."""

from collections.abc import Sequence
from typing import Protocol

from graphmer.evaluate.queries import FloatArray, IntArray, LinkQueries


class LinkScorer(Protocol):
    """Ranks the candidates of link-prediction queries."""

    def score(self, queries: LinkQueries) -> list[FloatArray]:
        """One (len(pool),) array a query; higher is better."""
        ...


class NeuralScorer(Protocol):
    """The trained encoder as evaluation sees it."""

    def link(self, queries: LinkQueries) -> dict[str, list[FloatArray]]:
        """Named columns, each one (len(pool),) array a query; the names are the same for every set of queries."""
        ...

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, d) unit vectors of texts or code."""
        ...

    def masked_tokens(self, split: str, sample: IntArray, root: IntArray) -> IntArray:
        """Predicted token ids; all given roots of one sample are masked together."""
        ...

    def masked_nodes(self, queries: LinkQueries) -> IntArray:
        """(Q, 7) predicted name token ids, padded."""
        ...
