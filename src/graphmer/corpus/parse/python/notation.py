"""Python expressions in a neutral notation that the resolver evaluates: what flows, without what does not.

An atom is a text:
  a.b         a dotted path
  @17         what the call gives whose callee ends at byte 17
  %17         what the operator gives that stands at byte 17: it has a reference of its own
  &17         the lambda that starts at byte 17
  'text       a short string constant
  #7          a whole number
  <float>     a value of a builtin type
  ?           not known
Whatever has parts is a list whose first item says what it is:
  ["()", callee, argument, ...]  an argument is a value, ["=", keyword, value], ["*", value] or ["**", value]
  [".", value, name]             an attribute of what is no path
  ["[]", value, key]             a subscript
  ["list" | "tuple" | "set", at, item, ...]   a display; `at` is its bytes, so that two empty lists are two
  ["dict", at, [key, value] or ["**", value], ...]
  ["each", kind, at, item]       a comprehension's items; kind is list, set or generator
  ["dict_each", at, key, value]
  ["|", value, ...]              one of these
  ["+", value, value, "%17"]     a sum;  ["union", value, value, "%17"]  of dicts, sets or types
  ["slice", value, low, high]    a part of a sequence
  ["prefix", text]               a text that begins so
  ["is", value, path]            what of a value a class' pattern matches; ["place", value, place] its place-th part
  ["item", value, place]         what unpacking gives its place-th target; ["rest", value, place] a starred one
  ["iter", value], ["enter", value]   what a loop, or a with statement, gives its target; async: aiter, aenter
"""

import json.encoder
import re
from collections.abc import Callable

Expression = str | list["Expression"]

UNKNOWN = "?"
PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
NO_PATH = frozenset("'#<?@%&[")
CLOSED_ATOMS = ("'", "#", "<", "?", "&")
CLOSED_PARTS = frozenset({"list", "tuple", "set", "dict", "each", "dict_each", "prefix"})
# What JSONEncoder(ensure_ascii=False, separators=(",", ":")) makes anew for every text, at twice the cost of encoding.
_ENCODE: Callable[[Expression, int], tuple[str, ...]] = json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, None, json.encoder.encode_basestring, None, ":", ",", False, False, True
)


def is_path(value: Expression) -> bool:
    """Whether an expression is a dotted path."""
    return isinstance(value, str) and value[:1] not in NO_PATH and bool(value)


def is_constant(value: Expression) -> bool:
    """Whether an expression is a known text or whole number."""
    return isinstance(value, str) and value[:1] in "'#"


def is_open(value: Expression) -> bool:
    """Whether an expression may be an instance of a class: no constant, display, lambda or anything unknown."""
    if isinstance(value, str):
        return not value.startswith(CLOSED_ATOMS) and bool(value)
    if value[0] == "|" or value[0] == "+" or value[0] == "union":
        return any(map(is_open, value[1:]))
    return value[0] not in CLOSED_PARTS


def one_of(values: list[Expression]) -> Expression:
    """Whichever of some values; what is not known of them, and None, says nothing."""
    known = [value for value in values if value != UNKNOWN and value != "<None>"]
    if len(known) < 2:
        return known[0] if known else UNKNOWN
    return ["|", *known]


def written(value: Expression) -> str:
    """An expression as one text: an atom as it is, a list as JSON."""
    return value if isinstance(value, str) else "".join(_ENCODE(value, 0))
