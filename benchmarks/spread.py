"""A figure of several rounds."""

from collections.abc import Sequence
from statistics import median


def spread(name: str, values: Sequence[float]) -> dict[str, float]:
    """A figure's median, with the lowest and the highest round beside it."""
    rounds = {name: median(values), f"{name}_low": min(values), f"{name}_high": max(values)}
    return {key: round(value, 3) for key, value in rounds.items()}
