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

import json
import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from tree_sitter import Node

from graphmer.corpus.parse.treesitter import kind_ids

Expression = str | list["Expression"]

UNKNOWN = "?"
MAX_DEPTH = 40  # nested parts of one expression; deeper ones are generated code
MAX_ITEMS = 200  # of one display; longer ones are data
MAX_CONSTANT_CHARACTERS = 60  # longer texts are no keys
PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
NO_PATH = frozenset("'#<?@&[")

LITERALS = {
    "float": "<float>",
    "true": "<bool>",
    "false": "<bool>",
    "comparison_operator": "<bool>",
    "not_operator": "<bool>",
    "none": "<None>",
    "concatenated_string": "<str>",
}
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def is_path(value: Expression) -> bool:
    """Whether an expression is a dotted path."""
    return isinstance(value, str) and value[:1] not in NO_PATH and bool(value)


def written(value: Expression) -> str:
    """An expression as one text: an atom as it is, a list as JSON."""
    return value if isinstance(value, str) else _ENCODE(value)


class Fresh(NamedTuple):
    """A dict display that a reference holds; until the name is used, a stored key replaces the display's."""

    reference: int
    display: list[Expression]

    def forget(self, keys: list[Expression]) -> bool:
        """Drop what stands under a key, the last of a path of keys; False where the path leads elsewhere."""
        display = self.display
        for key in keys[:-1]:
            inner = next((item[1] for item in display[2:] if item[0] == key), UNKNOWN)
            if not isinstance(inner, list) or inner[0] != "dict":
                return False
            display = inner
        display[2:] = [item for item in display[2:] if item[0] != keys[-1]]
        return True


class ExpressionReader:
    """Reads the expressions of one file."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.ascii = source.decode("ascii") if source.isascii() else ""
        self.versions: dict[str, str] = {}  # names that were bound anew, and what they are called since
        self.fresh: dict[str, Fresh] = {}  # dicts that nobody has used since they were written down
        self.claimed: set[int] = set()  # ends of names that are no reads: keywords, callees, targets
        self.readers = _readers(self)

    def said(self, node: Node) -> str:
        """The node's source."""
        start, end = node.byte_range
        return self.ascii[start:end] if self.ascii else self.source[start:end].decode("utf-8", "replace")

    def read(self, node: Node | None, depth: int = 0) -> Expression:
        """An expression in the notation of this module."""
        if node is None or depth > MAX_DEPTH:
            return UNKNOWN
        reader = self.readers.get(node.kind_id)
        return reader(node, depth + 1) if reader is not None else UNKNOWN

    def name(self, node: Node, _: int) -> Expression:
        """An identifier; one that was bound anew has a name of its own."""
        said = self.said(node)
        if self.fresh:
            self.fresh.pop(said, None)
        return self.versions.get(said, said)

    def attribute(self, node: Node, depth: int) -> Expression:
        """`value.name`."""
        if not self.versions and not self.fresh:
            said = self.said(node)
            if PATH.fullmatch(said):
                return said
        children = node.children
        value, name = self.read(children[0], depth), self.said(children[-1])
        if isinstance(value, str) and value and value[0] not in NO_PATH:
            return f"{value}.{name}"
        return [".", value, name]

    def call(self, node: Node, _: int) -> Expression:
        """A call, by the end of its callee: it has a reference of its own, which says what it calls with what."""
        return f"@{self.callee(node).end_byte}"

    def callee(self, call: Node) -> Node:
        """What a call calls, without brackets around it."""
        callee = call.children[0]
        while callee.kind_id == KIND["parenthesized_expression"] and callee.named_child_count == 1:
            callee = callee.named_children[0]
        return callee

    def whole_call(self, call: Node, callee: Node) -> Expression:
        """A call with its arguments."""
        given = call.children[-1]
        parts: list[Expression] = ["()", self.read(callee)]
        if given.kind_id != KIND["argument_list"]:
            parts.append(self.read(given))
            return parts
        for argument in given.named_children:
            self._argument(argument, parts, 0)
        return parts

    def _argument(self, argument: Node, parts: list["Expression"], depth: int) -> None:
        kind = argument.kind_id
        if kind == KIND["keyword_argument"]:
            ends = argument.children
            self.claimed.add(ends[0].end_byte)
            parts.append(["=", self.said(ends[0]), self.read(ends[-1], depth)])
        elif kind == KIND["list_splat"] or kind == KIND["dictionary_splat"]:
            mark = "*" if kind == KIND["list_splat"] else "**"
            parts.append([mark, self.read(argument.children[-1], depth)])
        elif kind != KIND["comment"]:
            parts.append(self.read(argument, depth))

    def subscript(self, node: Node, depth: int) -> Expression:
        """`value[key]`; of several keys none is known."""
        value = self.read(node.children[0], depth)
        keys = node.children_by_field_name("subscript")
        if len(keys) == 1 and keys[0].kind_id == KIND["slice"]:
            return self._slice(value, keys[0], depth)
        return ["[]", value, self.read(keys[0], depth) if len(keys) == 1 else UNKNOWN]

    def _slice(self, value: Expression, node: Node, depth: int) -> Expression:
        ends: list[Expression] = [UNKNOWN]
        for child in node.children:
            if child.type == ":":
                ends.append(UNKNOWN)
            else:
                end = self.read(child, depth)
                ends[-1] = end if isinstance(end, str) and end[:1] == "#" else UNKNOWN
        low, high, *step = [*ends, UNKNOWN]
        return ["slice", value, UNKNOWN, UNKNOWN] if step[1:] else ["slice", value, low, high]

    def string(self, node: Node, _: int) -> Expression:
        """A short plain string constant, or a text, of which the beginning may be known."""
        said = self.said(node)
        quote = said[:1]
        if quote == "f" and node.named_child_count > 2:
            first = node.named_children[1]
            if first.kind_id == KIND["string_content"]:
                return ["prefix", f"'{self.said(first)}"]
        inner = said[1:-1]
        if quote in "\"'" and len(inner) <= MAX_CONSTANT_CHARACTERS and "\\" not in inner and quote not in inner:
            return f"'{inner}"
        return "<bytes>" if quote in "bB" else "<str>"

    def integer(self, node: Node, _: int) -> Expression:
        """A whole number."""
        said = self.said(node)
        return f"#{said}" if said.isdecimal() and len(said) < 10 else "<int>"

    def minus(self, node: Node, depth: int) -> Expression:
        """A negative whole number is a place counted from the end; of other signs the type is not known."""
        value = self.read(node.children[-1], depth)
        if isinstance(value, str) and value[:1] == "#" and node.children[0].type == "-":
            return f"#-{value[1:]}"
        return UNKNOWN

    def display(self, kind: str) -> Callable[[Node, int], Expression]:
        """A reader of list, tuple and set displays."""

        def read(node: Node, depth: int) -> Expression:
            parts: list[Expression] = [kind, _place(node)]
            for item in node.named_children[:MAX_ITEMS]:
                self._argument(item, parts, depth)
            return parts

        return read

    def dictionary(self, node: Node, depth: int) -> Expression:
        """A dict display."""
        parts: list[Expression] = ["dict", _place(node)]
        for item in node.named_children[:MAX_ITEMS]:
            ends = item.children
            if item.kind_id == KIND["pair"]:
                parts.append([self.read(ends[0], depth), self.read(ends[-1], depth)])
            elif item.kind_id == KIND["dictionary_splat"]:
                parts.append(["**", self.read(ends[-1], depth)])
        return parts

    def comprehension(self, kind: str) -> Callable[[Node, int], Expression]:
        """A reader of comprehensions."""

        def read(node: Node, depth: int) -> Expression:
            body = node.child_by_field_name("body")
            if kind == "dict" and body is not None and body.kind_id == KIND["pair"]:
                ends = body.children
                return ["dict_each", _place(node), self.read(ends[0], depth), self.read(ends[-1], depth)]
            return ["each", kind, _place(node), self.read(body, depth)]

        return read

    def choice(self, node: Node, depth: int) -> Expression:
        """`a or b`, `a and b`: one of both."""
        children = node.children
        return _one_of([self.read(children[0], depth), self.read(children[-1], depth)])

    def conditional(self, node: Node, depth: int) -> Expression:
        """`a if condition else b`."""
        named = [child for child in node.named_children if child.kind_id != KIND["comment"]]
        return _one_of([self.read(named[0], depth), self.read(named[-1], depth)])

    def inner(self, node: Node, depth: int) -> Expression:
        """What brackets or `await` hold: awaiting gives what the coroutine returns."""
        named = [child for child in node.named_children if child.kind_id != KIND["comment"]]
        return self.read(named[0], depth) if len(named) == 1 else UNKNOWN

    def last(self, node: Node, depth: int) -> Expression:
        """A named expression's value."""
        return self.read(node.children[-1], depth)

    def operator(self, node: Node, depth: int) -> Expression:
        """A sum, or a text that is made of one."""
        children = node.children
        left = self.read(children[0], depth)
        if isinstance(left, str) and (left[:1] == "'" or left == "<str>"):
            return ["prefix", left] if left[:1] == "'" and children[1].type == "+" else "<str>"
        return ["+", left, self.read(children[-1], depth)] if children[1].type == "+" else UNKNOWN


def _place(node: Node) -> str:
    """First byte and end of a display: no two have both in common."""
    return "{}-{}".format(*node.byte_range)


def _one_of(values: list[Expression]) -> Expression:
    known = [value for value in values if value != UNKNOWN and value != "<None>"]
    if len(known) < 2:
        return known[0] if known else UNKNOWN
    return ["|", *known]


def lambda_at(node: Node, _: int) -> Expression:
    """A lambda, by its first byte."""
    return f"&{node.start_byte}"


KIND = kind_ids(
    "python",
    (
        *(
            "identifier",
            "attribute",
            "call",
            "subscript",
            "string",
            "integer",
            "unary_operator",
            "list",
            "tuple",
            "set",
        ),
        *("expression_list", "dictionary", "pair", "list_comprehension", "set_comprehension", "generator_expression"),
        *("dictionary_comprehension", "boolean_operator", "conditional_expression", "parenthesized_expression"),
        *("await", "lambda", "named_expression", "binary_operator", "argument_list", "keyword_argument", "comment"),
        *("list_splat", "dictionary_splat", "type", "slice", "string_content", *LITERALS),
    ),
)


def _literal(said: str, _: Node, __: int) -> Expression:
    return said


def _readers(reader: ExpressionReader) -> dict[int, Callable[[Node, int], Expression]]:
    by_name: dict[str, Callable[[Node, int], Expression]] = {
        "identifier": reader.name,
        "attribute": reader.attribute,
        "call": reader.call,
        "subscript": reader.subscript,
        "string": reader.string,
        "integer": reader.integer,
        "unary_operator": reader.minus,
        "list": reader.display("list"),
        "tuple": reader.display("tuple"),
        "expression_list": reader.display("tuple"),
        "set": reader.display("set"),
        "dictionary": reader.dictionary,
        "list_comprehension": reader.comprehension("list"),
        "set_comprehension": reader.comprehension("set"),
        "generator_expression": reader.comprehension("generator"),
        "dictionary_comprehension": reader.comprehension("dict"),
        "boolean_operator": reader.choice,
        "conditional_expression": reader.conditional,
        "parenthesized_expression": reader.inner,
        "await": reader.inner,
        "type": reader.inner,
        "named_expression": reader.last,
        "binary_operator": reader.operator,
        "lambda": lambda_at,
    }
    readers = {KIND[name]: read for name, read in by_name.items()}
    for name, literal in LITERALS.items():
        readers[KIND[name]] = partial(_literal, literal)
    return readers
