"""Fetch the pinned sources of a corpus into data/raw; nothing of a package is ever run."""

import argparse
from pathlib import Path

import _stage
from graphmer.corpus.fetch import fetch_corpus
from graphmer.corpus.fetch_config import FetchParams
from graphmer.params import load_section


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read the pins, write the raw files."""
    params = load_section(tree, "fetch", FetchParams)
    fetch_corpus(Path(params.corpus), arguments.out, params)


if __name__ == "__main__":
    _stage.run("fetch", {}, {"out": "data/raw"}, work)
