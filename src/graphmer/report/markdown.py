"""Tables of measured figures in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any


def machine_line(machine: Mapping[str, Any]) -> str:
    """What the figures come from."""
    known = ", ".join(f"{name} {value}" for name, value in sorted(machine.items()))
    return f"Machine: {known or 'not named'}."


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(part: Mapping[str, Any], name: str) -> str:
    """A figure, with its extreme rounds in brackets where the part has them; nothing where it has no such figure."""
    if name not in part:
        return ""
    low, high = part.get(f"{name}_low"), part.get(f"{name}_high")
    text = number(part[name])
    return text if low is None or high is None else f"{text} ({number(low)} to {number(high)})"


def number(value: float) -> str:
    """Whole numbers with separators; others to two digits after the point, or none from 100 on."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
