"""Which of several overloads a call means, by the number and the static types of its arguments."""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from graphmer.kg.resolve.java_generics import Generic, JavaGenerics
from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_library import LIBRARY
from graphmer.kg.resolve.java_names import (
    BOX_SUPERTYPES,
    BOXED,
    BOXES,
    OBJECT,
    PRIMITIVES,
    STRING,
    STRING_SUPERTYPES,
    UNBOXED,
    WIDER,
)

NUMBER = "java.lang.Number"
ARRAY_SUPERTYPES = frozenset({"java.lang.Cloneable", "java.io.Serializable"})

MAX_COMPARED = 64  # overloads that fit one call: each is compared with each; more are generated code


class Fit(IntEnum):
    """How a value of one type goes into a parameter of another."""

    IMPOSSIBLE = 0
    UNKNOWN = 1  # the types do not say
    BOXED = 2  # by boxing or unboxing
    LIKELY = 3  # by the names of external classes
    SUBTYPE = 4  # as it is, or widened


STRICT, LOOSE, VARIABLE = range(3)  # the phases of the Java Language Specification, 15.12.2.2 to 15.12.2.4


class Choice(NamedTuple):
    """The methods that a call may mean, and how sure that is: exact, inferred or ambiguous."""

    methods: Sequence[JavaMethod]
    resolution: str


def choose(types: JavaGenerics, methods: Sequence[JavaMethod], arguments: Sequence[str | None]) -> Choice:
    """The most specific of the overloads that the first phase with any finds applicable.

    arguments: their types; None: not known; `<null>`; `<lambda>` a method reference; `<lambda2>` a lambda with two
    parameters, `<lambda2v>` one that returns nothing, `<lambda2r>` one that returns a value.
    """
    fitting = [method for method in methods if method.takes(len(arguments))]
    if len(fitting) <= 1:
        return Choice(fitting, "exact")
    for phase in (STRICT, LOOSE, VARIABLE):
        found = [one for one in (_Applied(types, method, arguments, phase) for method in fitting) if one.is_applicable]
        if found:
            break
    else:
        return Choice((), "unresolved")
    known = [one for one in found if one.is_sure]
    if len(known or found) > MAX_COMPARED:
        return Choice((), "unresolved")
    best = _most_specific(types, known or found) or found
    if len(best) > 1:
        return Choice([one.method for one in best], "ambiguous")
    sure = best[0].is_sure and all(_is_settled(best[0], other) for other in found)
    return Choice([one.method for one in best], "exact" if sure else "inferred")


class _Applied:
    """An overload in one phase: the parameter that takes each argument, and how well."""

    def __init__(self, types: JavaGenerics, method: JavaMethod, arguments: Sequence[str | None], phase: int) -> None:
        self.method = method
        self.kinds = list(types.parameter_types(method))
        self.arguments = arguments
        if phase == VARIABLE and "varargs" in method.modifiers:
            last = self.kinds.pop()
            element = last[:-2] if last and last.endswith("[]") else last
            self.kinds += [element] * max(len(arguments) - len(self.kinds), 1)
        self.fits = [fit(types, argument, kind) for argument, kind in zip(arguments, self.kinds)]
        barred = (Fit.IMPOSSIBLE, Fit.BOXED) if phase == STRICT else (Fit.IMPOSSIBLE,)
        has_arity = len(self.kinds) == len(arguments) or (phase == VARIABLE and "varargs" in method.modifiers)
        self.is_applicable = has_arity and not any(one in barred for one in self.fits)
        self.is_sure = all(one in (Fit.SUBTYPE, Fit.BOXED) for one in self.fits)


def _most_specific(types: JavaGenerics, found: Sequence[_Applied]) -> list[_Applied]:
    """Those that no other one is more specific than (15.12.2.5)."""
    return [one for one in found if not any(other is not one and _is_better(types, other, one) for other in found)]


def _is_settled(best: _Applied, other: _Applied) -> bool:
    """Whether what is unknown of another method cannot make it more specific: the best takes the very type."""
    triples = zip(best.arguments, best.kinds, other.fits)
    return all(argument == kind for argument, kind, known in triples if known in (Fit.UNKNOWN, Fit.LIKELY))


def _is_better(types: JavaGenerics, left: _Applied, right: _Applied) -> bool:
    """Whether one method is more specific than another, and not the other way round too."""
    return _covers(types, left, right) and not _covers(types, right, left)


def _covers(types: JavaGenerics, left: _Applied, right: _Applied) -> bool:
    """Whether every parameter of one goes into that of the other, as far as the arguments are known."""
    width = max(len(left.arguments), min(len(left.kinds), len(right.kinds)))
    missing = width - len(left.arguments)
    unknown = [min(pair) == Fit.UNKNOWN for pair in zip(left.fits, right.fits)] + [False] * missing
    arguments = [*left.arguments, *[None] * missing]
    rows = zip(arguments, _padded(left.kinds, width), _padded(right.kinds, width), unknown)
    return all(
        mine == theirs
        or (argument is not None and argument == mine)  # what else takes this argument takes a supertype of it
        or (not is_unknown and fit(types, mine, theirs) >= Fit.LIKELY)
        or _returns_more(types, mine, theirs)
        for argument, mine, theirs, is_unknown in rows
    )


def _padded(kinds: list[str | None], width: int) -> list[str | None]:
    return kinds + kinds[-1:] * (width - len(kinds))


def _returns_more(types: JavaGenerics, left: str | None, right: str | None) -> bool:
    """Whether a lambda that fits both is rather the one that returns a value."""
    if left is None or right is None:
        return False
    mine, theirs = types.function(Generic(left)), types.function(Generic(right))
    if mine is None or theirs is None or mine.parameters or theirs.parameters:
        return False
    return not _is_void(mine.returned) and _is_void(theirs.returned)


def _is_void(kind: Generic | None) -> bool:
    return kind is not None and kind.base == "void"


def fit(types: JavaGenerics, argument: str | None, parameter: str | None) -> Fit:
    """How well a value of one type goes into a parameter of another."""
    if argument is None or parameter is None:
        return Fit.UNKNOWN
    if argument == parameter:
        return Fit.SUBTYPE
    if argument.startswith("<"):
        return _special(types, argument, parameter)
    if argument in PRIMITIVES:
        return _primitive(argument, parameter)
    if parameter in PRIMITIVES:
        unboxed = UNBOXED.get(argument)
        fits = unboxed is not None and (unboxed == parameter or parameter in WIDER.get(unboxed, ()))
        return Fit.BOXED if fits else Fit.IMPOSSIBLE
    if parameter == OBJECT:
        return Fit.SUBTYPE
    if argument == OBJECT:
        return Fit.IMPOSSIBLE
    if argument.endswith("[]") or parameter.endswith("[]"):
        return _array(types, argument, parameter)
    return _reference(types, argument, parameter)


def _special(types: JavaGenerics, argument: str, parameter: str) -> Fit:
    """`null` and lambdas."""
    if parameter in PRIMITIVES:
        return Fit.IMPOSSIBLE
    if argument == "<null>":
        return Fit.SUBTYPE
    if parameter.endswith("[]") or parameter in BOXED or parameter in (STRING, OBJECT):
        return Fit.IMPOSSIBLE
    known = types.symbols.get(parameter)
    if known is not None and known.kind != "interface":
        return Fit.IMPOSSIBLE
    single = types.function(Generic(parameter))
    given = argument[len("<lambda") : -1]
    if single is None or not given:
        return Fit.UNKNOWN
    returned = {"v": True, "r": False}.get(given[-1])
    if len(single.parameters) != int(given.rstrip("vr")):
        return Fit.IMPOSSIBLE
    return Fit.SUBTYPE if returned is None or returned == _is_void(single.returned) else Fit.IMPOSSIBLE


def _primitive(argument: str, parameter: str) -> Fit:
    if parameter in PRIMITIVES:
        return Fit.SUBTYPE if parameter in WIDER.get(argument, ()) else Fit.IMPOSSIBLE
    box = BOXES.get(argument)
    if parameter in (OBJECT, box) or parameter in BOX_SUPERTYPES:
        return Fit.IMPOSSIBLE if parameter == NUMBER and argument in ("char", "boolean") else Fit.BOXED
    return Fit.IMPOSSIBLE


def _array(types: JavaGenerics, argument: str, parameter: str) -> Fit:
    if not argument.endswith("[]"):
        return Fit.IMPOSSIBLE
    if not parameter.endswith("[]"):
        return Fit.SUBTYPE if parameter in ARRAY_SUPERTYPES else Fit.IMPOSSIBLE
    left, right = argument[:-2], parameter[:-2]
    return Fit.IMPOSSIBLE if left in PRIMITIVES or right in PRIMITIVES else fit(types, left, right)


def _reference(types: JavaGenerics, argument: str, parameter: str) -> Fit:
    if argument in types.classes:
        if parameter == STRING or parameter in BOXED:
            return Fit.IMPOSSIBLE
        internal, external = types.ancestors(argument)
        if parameter in internal or parameter in external:
            return Fit.SUBTYPE
        if parameter not in types.classes and any(_reads_like(kind, parameter) for kind in external):
            return Fit.LIKELY
        foreign = types.is_unknown_above(argument) or bool(external and parameter not in types.classes)
        return Fit.UNKNOWN if foreign else Fit.IMPOSSIBLE
    if parameter in types.classes:
        return Fit.IMPOSSIBLE  # what is outside the corpus cannot derive from what is inside
    if argument == STRING:
        return Fit.SUBTYPE if parameter in STRING_SUPERTYPES else Fit.IMPOSSIBLE
    if argument in BOXED:
        return Fit.SUBTYPE if parameter in BOX_SUPERTYPES else Fit.IMPOSSIBLE
    if parameter == STRING or parameter in BOXED:
        return Fit.IMPOSSIBLE
    if argument in LIBRARY and parameter in LIBRARY:
        return Fit.SUBTYPE if types.as_super(Generic(argument), parameter) is not None else Fit.IMPOSSIBLE
    return Fit.LIKELY if _reads_like(argument, parameter) else Fit.UNKNOWN


def _reads_like(kind: str, supertype: str) -> bool:
    """Whether an external class derives from another by its name, as ByteArrayInputStream does from InputStream."""
    simple = supertype.rpartition(".")[2]
    return kind.endswith(simple) and not kind.endswith("." + simple)
