"""What differs between two versions of parameters and of metrics, and which differences their intervals tell apart."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphmer.artifacts import dotted

ROSE, FELL, WITHIN, NO_VERDICT = "▲", "▼", "≈", ""
ENDS = ("low", "high")


@dataclass(frozen=True)
class Figure:
    """A metric, with the ends of its interval where it has one."""

    value: float
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        shown = _number(self.value)
        return shown if self.interval is None else f"{shown} [{_number(self.interval[0])}, {_number(self.interval[1])}]"


@dataclass(frozen=True)
class Change:
    """A figure or a parameter before and after; None where that side has none."""

    name: str
    before: Any
    after: Any

    @property
    def difference(self) -> str:
        """After minus before, signed; nothing where one of them is missing."""
        if self.before is None or self.after is None:
            return ""
        difference = self.after.value - self.before.value
        return f"{difference:+,}" if isinstance(difference, int) else f"{difference:+.6f}"

    @property
    def verdict(self) -> str:
        """An arrow where the intervals part, ≈ where they meet, nothing where one is missing."""
        if self.before is None or self.after is None or None in (self.before.interval, self.after.interval):
            return NO_VERDICT
        if self.after.interval[0] > self.before.interval[1]:
            return ROSE
        return FELL if self.after.interval[1] < self.before.interval[0] else WITHIN


def figures(tree: Mapping[str, Any]) -> dict[str, Figure]:
    """Metrics by dotted path. `<figure>_low` and `_high` beside a figure are its interval, no figures themselves.

    The ablation's differences have theirs in `low` and `high` beside `difference`.
    """
    flat = {name: value for name, value in dotted(tree).items() if _is_number(value)}
    intervals = {name: tuple(_end_of(name, end) for end in ENDS) for name in flat}
    paired = {name: ends for name, ends in intervals.items() if all(end in flat and end != name for end in ends)}
    used = {end for ends in paired.values() for end in ends}
    return {
        name: Figure(value, (flat[paired[name][0]], flat[paired[name][1]]) if name in paired else None)
        for name, value in flat.items()
        if name not in used
    }


def _end_of(name: str, end: str) -> str:
    parent, _, leaf = name.rpartition(".")
    return f"{parent}.{end}" if leaf == "difference" else f"{name}_{end}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """What two flat mappings do not share, in the order of `after`, then what only `before` has."""
    for name in [*after, *(name for name in before if name not in after)]:
        # As text: 1 and 1.0, or 0 and False, are different values of a parameter.
        if name not in before or name not in after or repr(before[name]) != repr(after[name]):
            yield Change(name, before.get(name), after.get(name))


def parameters(tree: Mapping[str, Any]) -> dict[str, str]:
    """Parameters by dotted path, each as JSON."""
    return {name: json.dumps(value, ensure_ascii=False) for name, value in dotted(tree).items()}


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".") or "0"
