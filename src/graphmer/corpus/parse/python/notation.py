"""Python expressions in a neutral notation that the resolver evaluates: what flows, without what does not.

An atom is a text:
  a.b         a dotted path
  @17         what the call gives whose callee ends at byte 17
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
  ["|", value, ...]              one of these;  ["+", value, value]  a sum
  ["slice", value, low, high]    a part of a sequence
  ["prefix", text]               a text that begins so
  ["item", value, place]         what unpacking gives its place-th target; ["rest", value, place] a starred one
  ["iter", value], ["enter", value]   what a loop, or a with statement, gives its target; async: aiter, aenter
"""

import json.encoder
import re
from collections.abc import Callable

Expression = str | list["Expression"]

UNKNOWN = "?"
PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
NO_PATH = frozenset("'#<?@&[")
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


def one_of(values: list[Expression]) -> Expression:
    """Whichever of some values; what is not known of them, and None, says nothing."""
    known = [value for value in values if value != UNKNOWN and value != "<None>"]
    if len(known) < 2:
        return known[0] if known else UNKNOWN
    return ["|", *known]


def written(value: Expression) -> str:
    """An expression as one text: an atom as it is, a list as JSON."""
    return value if isinstance(value, str) else "".join(_ENCODE(value, 0))
