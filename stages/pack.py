"""Train the tokenizer on the train split and pack every split's leafy chain samples."""

import argparse

import _stage
from graphmer.pack.build import pack_corpus
from graphmer.pack.config import PackParams
from graphmer.pack.draw import LeafDraw
from graphmer.params import load_section


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read texts and the validated graph, write arrays."""
    params = load_section(tree, "pack", PackParams)
    inputs = (arguments.parsed, arguments.kg, arguments.kg_metrics)
    # Of training's section what the counts of rows need, and no more: a change of the rest packs nothing again.
    row_length, draw = tree["train"]["row_length"], LeafDraw(**tree["train"]["leaves"])
    pack_corpus(*inputs, arguments.out, arguments.metrics, params, row_length, draw)


if __name__ == "__main__":
    inputs = {"parsed": "data/parsed", "kg": "data/kg", "kg_metrics": "metrics/kg.json"}
    _stage.run("pack", inputs, {"out": "data/packed", "metrics": "metrics/pack.json"}, work)
