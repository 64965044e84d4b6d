"""Check the graph against every rule of the ontology; a critical failure ends the pipeline here."""

import argparse

import _stage
from graphmer.corpus.fetch_config import FetchParams
from graphmer.kg.validate import validate_graph
from graphmer.kg.validate_config import ValidateParams
from graphmer.params import load_section


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read the graph, write its metrics and a table of its relations."""
    params = load_section(tree, "validate", ValidateParams)
    licences = load_section(tree, "fetch", FetchParams).licences
    validate_graph(arguments.kg, arguments.parsed, arguments.metrics, arguments.plot, params, licences)


if __name__ == "__main__":
    outputs = {"metrics": "metrics/kg.json", "plot": "plots/kg_relations.csv"}
    _stage.run("validate_kg", {"kg": "data/kg", "parsed": "data/parsed"}, outputs, work)
