"""Facts as they are filed: whose code a scope is, and how sure each fact is."""

from graphmer.corpus.parse.records import Reference
from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Resolved, fact_of
from graphmer.kg.resolve.python.index import Scope


class Filing:
    """The facts of one package."""

    def __init__(self, resolved: Resolved, params: GraphParams) -> None:
        self.resolved, self.params = resolved, params

    def head(self, scope: Scope) -> str:
        """The entity whose code a scope is: a function, or the module for a class' own lines."""
        if not scope.head:
            at: Scope | None = scope
            while at is not None and at.symbol.kind == "class":
                at = at.parent
            scope.head = at.symbol.symbol if at is not None else scope.symbol.symbol
        return scope.head

    def add(
        self, head: str, relation: str, tail: str, at: Reference, file: str, how: str, confidence: float | None = None
    ) -> None:
        """File one fact."""
        if confidence is None:
            confidence = self.params.inferred_confidence if how == "inferred" else 1.0
        self.resolved.facts.append(fact_of((head, relation, tail, file, at.byte_start, at.byte_end, how, confidence)))
