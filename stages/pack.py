"""Train the tokenizer on the train split and pack every split's leafy chain samples."""

import argparse

import _stage
from graphmer.pack.build import pack_corpus
from graphmer.pack.config import PackParams
from graphmer.params import load_section


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read texts and the validated graph, write arrays."""
    params = load_section(tree, "pack", PackParams)
    pack_corpus(arguments.parsed, arguments.kg, arguments.kg_metrics, arguments.out, arguments.metrics, params)


if __name__ == "__main__":
    inputs = {"parsed": "data/parsed", "kg": "data/kg", "kg_metrics": "metrics/kg.json"}
    _stage.run("pack", inputs, {"out": "data/packed", "metrics": "metrics/pack.json"}, work)
