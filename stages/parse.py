"""Parse data/raw into tables of files, definitions and raw references."""

import argparse

import _stage
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.corpus import parse_corpus
from graphmer.params import load_section


def work(tree: _stage.Tree, arguments: argparse.Namespace) -> None:
    """Read raw files, write parsed tables."""
    parse_corpus(arguments.raw, arguments.out, load_section(tree, "parse", ParseParams))


if __name__ == "__main__":
    _stage.run("parse", {"raw": "data/raw"}, {"out": "data/parsed"}, work)
