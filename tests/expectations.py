"""Expectations that stand as comments in parsed sources, and facts in the same form: one reading for every language.

`#   ^ relation tail (resolution)`, or `//   ^ …`, speaks of the code above it, at the caret's column; `# <-` of its
first word.
"""

import re
from typing import NamedTuple

from imports import ROOT

from graphmer.kg.config import GraphParams
from graphmer.kg.facts import Fact
from graphmer.params import load_section, load_tree

CALL_GRAPH = ("calls", "invokes", "instantiates")
PARAMS = load_section(load_tree(ROOT / "params.yaml"), "kg", GraphParams)  # what a user's graph is built with
COMMENT = re.compile(
    r"^ *(?:#|//) *(?P<mark>\^|<-) (?P<relation>\w+) (?P<tail>\S+)(?: \((?P<resolution>\w+)\))?$"
)  # fmt: skip


class Said(NamedTuple):
    """A fact as a comment says it; `resolution` is empty for one that is exact or external."""

    file: str
    line: int
    column: int
    relation: str
    tail: str
    resolution: str


def expected(file: str, source: str, first_word: re.Pattern[str]) -> list[Said]:
    """What the comments of a source say. first_word: what stands before the word that `<-` means."""
    lines = source.split("\n")
    found, code = [], 0
    for number, line in enumerate(lines):
        match = COMMENT.match(line)
        if match is None:
            code = number if line.lstrip()[:1] != "#" else code  # a comment of another kind is no code
            continue
        before = first_word.match(lines[code])
        column = line.index("^") if match["mark"] == "^" else len(before[0]) if before else 0
        found.append(Said(file, code + 1, column, match["relation"], match["tail"], match["resolution"] or ""))
    return found


def said(fact: Fact, source: bytes, tail: str) -> Said:
    """A fact as a comment in its source would say it; columns count bytes."""
    line_start = source.rfind(b"\n", 0, fact.byte_start) + 1
    line = source.count(b"\n", 0, fact.byte_start) + 1
    how = "" if fact.resolution in ("exact", "external") else fact.resolution
    return Said(fact.file, line, fact.byte_start - line_start, fact.relation, tail, how)
