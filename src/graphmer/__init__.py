"""GraphMER-SE: from source code to a validated knowledge graph, a neurosymbolic encoder and honest figures."""

__version__ = "0.1.0"
