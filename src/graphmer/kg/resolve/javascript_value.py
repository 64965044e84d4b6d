"""One thing that an access path of JavaScript may be, and sets of them: their kinds stand in javascript_values."""

from collections.abc import Iterable
from typing import NamedTuple

BUILTIN = "<builtin>"


class Value(NamedTuple):
    """One thing that a path may be. `inferred` where it flowed through an assignment, a return or an annotation."""

    kind: str
    what: str
    inferred: bool = False


Values = frozenset[Value]
NOTHING: Values = frozenset()


def joined(parts: Iterable[Values]) -> Values:
    """Whatever one of several parts may be."""
    return frozenset().union(*parts)


def ordered(values: Values) -> Iterable[Value]:
    """The values in an order that no hash decides: which search meets a bound first depends on it."""
    return sorted(values) if len(values) > 1 else values


def guessed(values: Values) -> Values:
    """The same values, none of them sure."""
    return frozenset(value._replace(inferred=True) for value in values)
