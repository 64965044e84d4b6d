"""Markdown that shows text from anywhere (names, paths, values) as that very text, cut before a comment is full."""

import json
import re
from collections.abc import Sequence
from itertools import accumulate

from graphmer.report.markdown import table

MAX_CELL = 120  # characters
MAX_LINE = 300
CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str, most: int) -> str:
    """One line of at most `most` characters; control characters, and those that turn the direction, are escaped."""
    shown = CONTROL.sub(lambda found: json.dumps(found[0])[1:-1], text.encode("utf-8", "replace").decode("utf-8"))
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def code(text: str) -> str:
    """Text as inline code that also holds in a table's cell: no HTML, link or mention in it comes to life."""
    shown = printable(text, MAX_CELL).replace("|", "\\|")
    ticks = _fence(shown, 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def table_within(most: int, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of the first rows that fit into so many characters, and how many more there are."""
    top, rule, *lines = table(heads, rows)
    return [top, rule, *_within(most, lines)]


def list_within(most: int, lines: Sequence[str]) -> list[str]:
    """The first lines that fit, as a list, each as code, and how many more there are."""
    return _within(most, [f"- {code(line)}" for line in lines])


def block_within(most: int, lines: Sequence[str], language: str) -> list[str]:
    """The first lines that fit, as a fenced block, and how many more there are."""
    kept, more = _split(most, [printable(line, MAX_LINE) for line in lines])
    fence = _fence("\n".join(kept), 3)
    return [f"{fence}{language}", *kept, fence, *more]


def _within(most: int, lines: Sequence[str]) -> list[str]:
    kept, more = _split(most, lines)
    return [*kept, *more]


def _split(most: int, lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """The first lines that fit, and what to say of the others."""
    sizes = accumulate(len(line) + 1 for line in lines)
    kept = [line for line, size in zip(lines, sizes, strict=True) if size <= most]
    left = len(lines) - len(kept)
    return kept, ["", f"and {left:,} more."] if left else []


def _fence(text: str, least: int) -> str:
    return "`" * max(least, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
