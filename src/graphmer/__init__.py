"""GraphMER-SE: from source code to a validated knowledge graph, a neurosymbolic encoder and honest figures."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphmer.index.api import GraphMER as GraphMER

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`from graphmer import GraphMER`, read when asked for: torch costs seconds that `graphmer kg` need not pay."""
    if name == "GraphMER":
        from graphmer.index.api import GraphMER

        return GraphMER
    raise AttributeError(f"module 'graphmer' has no attribute {name!r}")
