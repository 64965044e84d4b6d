"""How each kind of expression is read: subscripts, constants, displays, comprehensions, operators.

A reader takes the file's ExpressionReader, a node and its depth, and gives the node in the notation of `notation`.
"""

from functools import partial

from tree_sitter import Node

from graphmer.corpus.parse.python.expressions import ExpressionReader, KindReader
from graphmer.corpus.parse.python.kinds import KIND
from graphmer.corpus.parse.python.notation import UNKNOWN, Expression, is_open, one_of

MAX_ITEMS = 200  # of one display; longer ones are data
MAX_CONSTANT_CHARACTERS = 60  # longer texts are no keys

SUMS = {"+": "+", "|": "union"}
LITERALS = {
    "float": "<float>",
    "true": "<bool>",
    "false": "<bool>",
    "comparison_operator": "<bool>",
    "not_operator": "<bool>",
    "none": "<None>",
    "concatenated_string": "<str>",
}


def _subscript(file: ExpressionReader, node: Node, depth: int) -> Expression:
    """`value[key]`; of several keys none is known."""
    value = file.read(node.children[0], depth)
    keys = node.children_by_field_name("subscript")
    if len(keys) == 1 and keys[0].kind_id == KIND["slice"]:
        return _slice(file, value, keys[0], depth)
    return ["[]", value, file.read(keys[0], depth) if len(keys) == 1 else UNKNOWN]


def _slice(file: ExpressionReader, value: Expression, node: Node, depth: int) -> Expression:
    ends: list[Expression] = [UNKNOWN]
    for child in node.children:
        if child.type == ":":
            ends.append(UNKNOWN)
        else:
            end = file.read(child, depth)
            ends[-1] = end if isinstance(end, str) and end[:1] == "#" else UNKNOWN
    low, high, *step = [*ends, UNKNOWN]
    return ["slice", value, "<int>", "<int>"] if step[1:] else ["slice", value, low, high]


# Constants


def _literal(said: str, _: ExpressionReader, __: Node, ___: int) -> Expression:
    return said


def _string(file: ExpressionReader, node: Node, _: int) -> Expression:
    """A short plain string constant, or a text, of which the beginning may be known."""
    said = file.said(node)
    quote = said[:1]
    if quote == "f" and node.named_child_count > 2:
        first = node.named_children[1]
        if first.kind_id == KIND["string_content"]:
            return ["prefix", f"'{file.said(first)}"]
    inner = said[1:-1]
    if quote in "\"'" and len(inner) <= MAX_CONSTANT_CHARACTERS and "\\" not in inner and quote not in inner:
        return f"'{inner}"
    return "<bytes>" if quote in "bB" else "<str>"


def _integer(file: ExpressionReader, node: Node, _: int) -> Expression:
    said = file.said(node)
    return f"#{said}" if said.isdecimal() and len(said) < 10 else "<int>"


def _lambda(_: ExpressionReader, node: Node, __: int) -> Expression:
    """A lambda, by its first byte."""
    return f"&{node.start_byte}"


# Displays and comprehensions


def _place(node: Node) -> str:
    """First byte and end of a display: no two have both in common."""
    return "{}-{}".format(*node.byte_range)


def _display(kind: str, file: ExpressionReader, node: Node, depth: int) -> Expression:
    """A list, tuple or set."""
    parts: list[Expression] = [kind, _place(node)]
    for item in node.named_children[:MAX_ITEMS]:
        file.add_argument(item, parts, depth)
    return parts


def _dictionary(file: ExpressionReader, node: Node, depth: int) -> Expression:
    parts: list[Expression] = ["dict", _place(node)]
    for item in node.named_children[:MAX_ITEMS]:
        ends = item.children
        if item.kind_id == KIND["pair"]:
            parts.append([file.read(ends[0], depth), file.read(ends[-1], depth)])
        elif item.kind_id == KIND["dictionary_splat"]:
            parts.append(["**", file.read(ends[-1], depth)])
    return parts


def _comprehension(kind: str, file: ExpressionReader, node: Node, depth: int) -> Expression:
    """The items of a list, set or generator."""
    return ["each", kind, _place(node), file.read(node.child_by_field_name("body"), depth)]


def _dictionary_comprehension(file: ExpressionReader, node: Node, depth: int) -> Expression:
    body = node.child_by_field_name("body")
    if body is None or body.kind_id != KIND["pair"]:  # a broken line
        return _comprehension("dict", file, node, depth)
    ends = body.children
    return ["dict_each", _place(node), file.read(ends[0], depth), file.read(ends[-1], depth)]


# Operators


def _sign(file: ExpressionReader, node: Node, depth: int) -> Expression:
    """A negative whole number is a place counted from the end; other signs give what their methods give."""
    operator, operand = node.children[0], node.children[-1]
    value = file.read(operand, depth)
    if isinstance(value, str) and value[:1] == "#" and operator.type == "-":
        return f"#-{value[1:]}"
    return f"%{operator.start_byte}" if is_open(value) else UNKNOWN


def _operator(file: ExpressionReader, node: Node, depth: int) -> Expression:
    """A sum, a text that is made of one, or what a special method gives."""
    children = [child for child in node.children if child.kind_id != KIND["comment"]]
    left = file.read(children[0], depth)
    operator = children[1].type
    if isinstance(left, str) and (left[:1] == "'" or left == "<str>"):
        beginning = left if operator == "+" else left.partition("%")[0] if operator == "%" else ""
        return ["prefix", beginning] if len(beginning) > 1 and left[:1] == "'" else "<str>"
    if isinstance(left, list) and left[0] == "prefix":
        return left if operator == "+" else "<str>"
    right = file.read(children[-1], depth)
    at = f"%{children[1].start_byte}" if is_open(left) or is_open(right) else UNKNOWN
    if operator in SUMS:
        return [SUMS[operator], left, right, at]
    if operator == "*":  # [None] * 2
        return next((side for side in (left, right) if isinstance(side, list) and side[0] == "list"), at)
    return at


def _choice(file: ExpressionReader, node: Node, depth: int) -> Expression:
    """`a or b`, `a and b`: one of both."""
    children = node.children
    return one_of([file.read(children[0], depth), file.read(children[-1], depth)])


def _conditional(file: ExpressionReader, node: Node, depth: int) -> Expression:
    """`a if condition else b`."""
    named = [child for child in node.named_children if child.kind_id != KIND["comment"]]
    return one_of([file.read(named[0], depth), file.read(named[-1], depth)])


def _inner(file: ExpressionReader, node: Node, depth: int) -> Expression:
    """What brackets or `await` hold: awaiting gives what the coroutine returns."""
    named = [child for child in node.named_children if child.kind_id != KIND["comment"]]
    return file.read(named[0], depth) if len(named) == 1 else UNKNOWN


def _starred(file: ExpressionReader, node: Node, depth: int) -> Expression:
    """`*value` where the grammar takes it for the beginning of `value.name`, `value()` or `value[key]`."""
    return file.read(node.children[-1], depth)


def _named(file: ExpressionReader, node: Node, depth: int) -> Expression:
    """A named expression's value."""
    return file.read(node.children[-1], depth)


_BY_NAME: dict[str, KindReader] = {
    "identifier": ExpressionReader.name,
    "attribute": ExpressionReader.attribute,
    "call": ExpressionReader.call,
    "subscript": _subscript,
    "string": _string,
    "integer": _integer,
    **{kind: partial(_literal, said) for kind, said in LITERALS.items()},
    "lambda": _lambda,
    "list_splat": _starred,
    "list": partial(_display, "list"),
    "tuple": partial(_display, "tuple"),
    "expression_list": partial(_display, "tuple"),
    "set": partial(_display, "set"),
    "dictionary": _dictionary,
    "list_comprehension": partial(_comprehension, "list"),
    "set_comprehension": partial(_comprehension, "set"),
    "generator_expression": partial(_comprehension, "generator"),
    "dictionary_comprehension": _dictionary_comprehension,
    "unary_operator": _sign,
    "binary_operator": _operator,
    "boolean_operator": _choice,
    "conditional_expression": _conditional,
    "parenthesized_expression": _inner,
    "await": _inner,
    "type": _inner,
    "named_expression": _named,
}
READERS = {KIND[name]: reader for name, reader in _BY_NAME.items()}
