"""Resolve references and build the knowledge graph: entities, triples, manifest."""

import argparse

import _stage
from graphmer.kg.build import build_graph
from graphmer.kg.config import GraphParams
from graphmer.params import load_section


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read parsed tables, write the graph."""
    build_graph(arguments.parsed, arguments.out, load_section(tree, "kg", GraphParams))


if __name__ == "__main__":
    _stage.run("build_kg", {"parsed": "data/parsed"}, {"out": "data/kg"}, work)
