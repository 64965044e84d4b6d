"""Resolve references and build the knowledge graph: entities, triples, manifest."""

import argparse

import _stage
from graphmer.kg.build import build_graph
from graphmer.kg.config import GraphParams
from graphmer.kg.curated_rows import curated_files
from graphmer.params import load_section


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read parsed tables and curated triples, write the graph."""
    params = load_section(tree, "kg", GraphParams)
    build_graph(arguments.parsed, arguments.out, params, curated_files(arguments.curated))


if __name__ == "__main__":
    _stage.run("build_kg", {"parsed": "data/parsed", "curated": "data/curated"}, {"out": "data/kg"}, work)
