"""The type of an expression that has several: of arithmetic its operands', of a conditional its alternatives'."""

from collections.abc import Sequence

from graphmer.kg.resolve.java_generics import Generic, JavaGenerics
from graphmer.kg.resolve.java_names import BOXED, BOXES, NUMBERS, OBJECT, PRIMITIVES, STRING, UNBOXED

PLAIN = frozenset({STRING, *BOXED})  # final classes that have only marking interfaces in common


def promoted(kinds: Sequence[str | None]) -> str | None:
    """The type of arithmetic on operands of these types; a sum with a text is a text."""
    if STRING in kinds:
        return STRING
    found = {UNBOXED.get(kind or "", kind) for kind in kinds}
    if found == {"boolean"}:
        return "boolean"
    if not found <= NUMBERS:
        return None
    return next((kind for kind in ("double", "float", "long") if kind in found), "int")


def conditional(types: JavaGenerics, sides: Sequence[Generic | None]) -> Generic | None:
    """The type of `a ? b : c` by those of b and c: their nearest common supertype; None where there is no single one.

    A side of which nothing is known is taken to be of the other's type. Source: Java Language Specification, 15.25;
    an intersection of several supertypes is not known here.
    """
    known = list(dict.fromkeys(side for side in sides if side is not None))
    if len(known) < 2:
        return known[0] if known else None
    kinds = [types.erasure(side) for side in known]
    if STRING not in kinds:
        arithmetic = promoted(kinds)
        if arithmetic is not None:
            return Generic(arithmetic)
    found: Generic | None = known[0]
    for side in known[1:]:
        if found is None:
            return None
        found = _common(types, _boxed(found), _boxed(side))
    return found


def _boxed(kind: Generic) -> Generic:
    return Generic(BOXES[kind.base]) if kind.base in PRIMITIVES and kind.base in BOXES else kind


def _common(types: JavaGenerics, left: Generic, right: Generic) -> Generic | None:
    """The nearest type that two types both have; Object of two classes of the package that share no other."""
    for one, other in ((left, right), (right, left)):
        found = types.as_super(one, types.bounded(other).base)
        if found is not None:
            return found
    above = [types.as_super(right, base) for base in _ancestors(types, left)]
    shared = [kind for kind in above if kind is not None]
    nearest = [
        kind for kind in shared
        if not any(other.base != kind.base and types.as_super(other, kind.base) is not None for other in shared)
    ]  # fmt: skip
    if len(nearest) == 1:
        return nearest[0]
    if left.base in PLAIN and right.base in PLAIN:
        return Generic(OBJECT)
    is_known = all(kind.base in types.classes and not types.is_unknown_above(kind.base) for kind in (left, right))
    return Generic(OBJECT) if is_known and not nearest else None


def _ancestors(types: JavaGenerics, kind: Generic) -> list[str]:
    base = types.bounded(kind).base
    if base not in types.classes:
        return []
    internal, external = types.ancestors(base)
    return [*internal, *external]
