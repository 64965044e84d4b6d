"""Which of several overloads a call means, by the number and the static types of its arguments."""

from collections.abc import Sequence
from typing import NamedTuple

from graphmer.kg.resolve.java_index import JavaMethod
from graphmer.kg.resolve.java_names import (
    BOX_SUPERTYPES,
    BOXED,
    BOXES,
    OBJECT,
    PRIMITIVES,
    STRING,
    STRING_SUPERTYPES,
    WIDER,
)
from graphmer.kg.resolve.java_types import JavaTypes

IMPOSSIBLE, UNKNOWN, LIKELY, CONVERTED, WIDENED, SAME = range(6)


class Choice(NamedTuple):
    """The methods that a call may mean, and how sure that is: exact, inferred or ambiguous."""

    methods: Sequence[JavaMethod]
    resolution: str


def choose(types: JavaTypes, methods: Sequence[JavaMethod], arguments: Sequence[str | None]) -> Choice:
    """The overloads that fit best. arguments: their types, None, or `<null>` and `<lambda>` as they are."""
    fitting = [method for method in methods if method.takes(len(arguments))]
    if len(fitting) <= 1:
        return Choice(fitting, "exact")
    fixed = [
        method for method in fitting if len(method.parameters) == len(arguments) and "varargs" not in method.modifiers
    ]
    for group in (fixed, fitting) if fixed else (fitting,):  # variable arity only where nothing else is applicable
        scores = {method: _scores(types, method, arguments) for method in group}
        possible = [method for method in group if IMPOSSIBLE not in scores[method]]
        if possible:
            break
    if len(possible) <= 1:
        return Choice(possible, "exact" if len(fitting) == len(group) or _sure(scores, possible) else "inferred")
    best = _most_specific(types, possible, scores)
    if len(best) > 1:
        return Choice(best, "ambiguous")
    return Choice(best, "exact" if None not in arguments and _sure(scores, best) else "inferred")


def _sure(scores: dict[JavaMethod, list[int]], methods: Sequence[JavaMethod]) -> bool:
    return all(UNKNOWN not in scores[method] and LIKELY not in scores[method] for method in methods)


def _most_specific(
    types: JavaTypes, methods: Sequence[JavaMethod], scores: dict[JavaMethod, list[int]]
) -> list[JavaMethod]:
    """Those that no other one is better than in every argument; where that leaves several, the most specific."""
    kinds = {method: types.parameter_types(method) for method in methods}
    best = [
        method
        for method in methods
        if not any(_dominates(scores[other], scores[method], kinds[other], kinds[method]) for other in methods)
    ]
    if len(best) == 1:
        return best
    specific = [
        method
        for method in best
        if all(
            all(score(types, mine, theirs) >= WIDENED for mine, theirs in zip(kinds[method], kinds[other]))
            for other in best
        )
    ]
    known = all(UNKNOWN not in scores[method] for method in best)
    return specific if len(specific) == 1 and known else best


def _dominates(
    left: list[int], right: list[int], left_kinds: Sequence[str | None], right_kinds: Sequence[str | None]
) -> bool:
    """Whether one method fits better wherever the two differ in a parameter's type."""
    pairs = [
        (mine, theirs)
        for mine, theirs, a, b in zip(left, right, [*left_kinds, *left], [*right_kinds, *right])
        if a != b or a is None
    ]
    return any(a > b for a, b in pairs) and all(a >= b and a != UNKNOWN for a, b in pairs)


def _scores(types: JavaTypes, method: JavaMethod, arguments: Sequence[str | None]) -> list[int]:
    kinds = types.parameter_types(method)
    if "varargs" in method.modifiers:
        last = kinds[-1] if kinds else None
        whole = len(kinds) == len(arguments) and score(types, arguments[-1], last) >= WIDENED
        if not whole:
            element = last[:-2] if last and last.endswith("[]") else last
            kinds = [*kinds[:-1], *[element] * (len(arguments) - len(kinds) + 1)]
    return [score(types, argument, kind) for argument, kind in zip(arguments, kinds)]


def score(types: JavaTypes, argument: str | None, parameter: str | None) -> int:
    """How well a value of one type goes into a parameter of another."""
    if argument is None or parameter is None:
        return UNKNOWN
    if argument == parameter:
        return SAME
    if argument in ("<null>", "<lambda>"):
        return _special(types, argument, parameter)
    if argument in PRIMITIVES:
        return _primitive(argument, parameter)
    if parameter in PRIMITIVES:
        unboxed = BOXES[parameter] == argument if parameter in BOXES else False
        return CONVERTED if unboxed else UNKNOWN if argument == OBJECT else IMPOSSIBLE
    if parameter == OBJECT:
        return CONVERTED
    if argument == OBJECT:  # perhaps a type variable
        return UNKNOWN
    if argument.endswith("[]") or parameter.endswith("[]"):
        return _array(types, argument, parameter)
    return _reference(types, argument, parameter)


def _special(types: JavaTypes, argument: str, parameter: str) -> int:
    if parameter in PRIMITIVES:
        return IMPOSSIBLE
    if argument == "<null>":
        return UNKNOWN
    if parameter.endswith("[]") or parameter in BOXED or parameter in (STRING, OBJECT):
        return IMPOSSIBLE
    known = types.symbols.get(parameter)
    return IMPOSSIBLE if known is not None and known.kind != "interface" else UNKNOWN


def _primitive(argument: str, parameter: str) -> int:
    if parameter in PRIMITIVES:
        return WIDENED if parameter in WIDER.get(argument, ()) else IMPOSSIBLE
    if parameter == OBJECT or BOXES.get(argument) == parameter or parameter in BOX_SUPERTYPES:
        return CONVERTED
    return IMPOSSIBLE


def _array(types: JavaTypes, argument: str, parameter: str) -> int:
    if not (argument.endswith("[]") and parameter.endswith("[]")):
        return IMPOSSIBLE
    left, right = argument[:-2], parameter[:-2]
    return IMPOSSIBLE if left in PRIMITIVES or right in PRIMITIVES else score(types, left, right)


def _reference(types: JavaTypes, argument: str, parameter: str) -> int:
    if argument in types.classes:
        internal, external = types.ancestors(argument)
        if parameter in internal or parameter in external:
            return WIDENED
        if parameter not in types.classes and any(_reads_like(kind, parameter) for kind in external):
            return LIKELY
        foreign = types.is_unknown_above(argument) or bool(external and parameter not in types.classes)
        return UNKNOWN if foreign else IMPOSSIBLE
    if parameter in types.classes:
        return IMPOSSIBLE  # what is outside the corpus cannot derive from what is inside
    if argument == STRING:
        return WIDENED if parameter in STRING_SUPERTYPES else IMPOSSIBLE
    if argument in BOXED:
        return WIDENED if parameter in BOX_SUPERTYPES else IMPOSSIBLE
    if parameter == STRING or parameter in BOXED:
        return IMPOSSIBLE
    return LIKELY if _reads_like(argument, parameter) else UNKNOWN


def _reads_like(kind: str, supertype: str) -> bool:
    """Whether an external class derives from another by its name, as ByteArrayInputStream does from InputStream."""
    simple = supertype.rpartition(".")[2]
    return kind.endswith(simple) and not kind.endswith("." + simple)
