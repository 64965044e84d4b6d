"""Text of a Java file: types by erasure, javadoc, one-line signatures, access paths of expressions."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

SIMPLE_PATH = re.compile(rb"[^\W\d][\w$]*(?:\.[^\W\d][\w$]*)*|[$_][\w$]*")
TYPE_ARGUMENTS = re.compile(r"<[^<>]*>")
ANNOTATION_OR_FINAL = re.compile(r"@(?!interface\b)[\w.]+(?:\s*\([^()]*\))?\s*|\bfinal\s+")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
LINE_START = re.compile(r"\n[^\S\n]*\*")
BLANK_LINES = re.compile(r"\n{3,}")
BLOCK_TAG = re.compile(r"\n[^\S\n]*\**[^\S\n]*@\w")
INLINE_TAG = re.compile(r"\{@\w+\s*([^{}]*)\}")
HTML_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
MAX_OPERANDS = 16
MAX_PATH_BYTES = 200  # nothing resolves at that length, and a path is walked link by link

PLAIN_ARGUMENTS = re.compile(rb"\([\w$.,\s]*\)")
TEXT_ARGUMENT = re.compile(rb'\("[^"\\\n]*"\)')
NUMBER = re.compile(rb"\.?[0-9][\w.]*")
HEXADECIMAL = (b"0x", b"0X")
EXPRESSION = "<expr>"
CHOICE = "|"  # between the alternatives of a conditional expression
WORDS: Mapping[bytes, str] = {b"null": "<null>", b"true": "<boolean>", b"false": "<boolean>"}
LITERALS: Mapping[str, str] = {
    "string_literal": "<String>",
    "text_block": "<String>",
    "character_literal": "<char>",
    "class_literal": "<Class>",
    "instanceof_expression": "<boolean>",
}
PLACED: Mapping[str, str] = {"lambda_expression": "->", "method_reference": "::"}
OPEN, CLOSE = b"[]"
INTEGERS = frozenset(
    {"decimal_integer_literal", "hex_integer_literal", "octal_integer_literal", "binary_integer_literal"}
)
FLOATS = frozenset({"decimal_floating_point_literal", "hex_floating_point_literal"})
SHIFTS = frozenset({"<<", ">>", ">>>"})
LOGICAL = frozenset({"==", "!=", "<", ">", "<=", ">=", "&&", "||", "!"})


def erase(text: str) -> str:
    """A type without its arguments, annotations and spaces: `Map.Entry<K, int[]>...` becomes `Map.Entry[]`."""
    if text.isidentifier():
        return text
    text = ANNOTATION_OR_FINAL.sub("", COMMENT.sub(" ", text))
    while "<" in text:
        shorter = TYPE_ARGUMENTS.sub("", text)
        if shorter == text:
            break  # half a type in a file with syntax errors
        text = shorter
    return "".join(text.split()).replace("...", "[]")


def squeeze(text: str) -> str:
    """A type as written, arguments kept, without annotations and spaces: `? extends T` becomes `?extendsT`."""
    return "".join(ANNOTATION_OR_FINAL.sub("", COMMENT.sub(" ", text)).split())


def one_line(text: str) -> str:
    """Source text without comments, its white space collapsed."""
    return " ".join((COMMENT.sub(" ", text) if "/" in text else text).split())


@lru_cache(maxsize=1 << 12)
def modifier_words(text: bytes) -> tuple[str, ...]:
    """The words before a declared type or name that stand outside comments and type parameters."""
    return tuple(COMMENT.sub(" ", text.decode("utf-8", "replace")).partition("<")[0].split())


def plain_parameters(text: str) -> str:
    """The text of a parameter list, parentheses included, without annotations and `final`."""
    return one_line(ANNOTATION_OR_FINAL.sub("", text) if "@" in text or "final" in text else text)


def clean_javadoc(text: str) -> str:
    """The description of a javadoc comment: no markers, no block tags, inline tags and HTML by their text."""
    body = text.removeprefix("/**").removesuffix("*/")
    if "\r" in body:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    tag = BLOCK_TAG.search("\n" + body)
    if tag:
        body = body[: max(tag.start() - 1, 0)]
    body = LINE_START.sub("\n", body)
    if "{@" in body:
        body = INLINE_TAG.sub(r"\1", body)
    if "<" in body:
        body = HTML_TAG.sub("", body)
    return BLANK_LINES.sub("\n\n", "\n".join(map(str.strip, body.split("\n")))).strip("* \t\n\f")


def access_path(node: "Node", source: bytes) -> str:
    """An expression in the notation of references: dotted names, `[]` an element, other parts by where they stand.

    `@5` is the call or the `new` whose name stands at byte 5, `->5` and `::5` the lambda and the method reference that
    start there, `(T)` at the head a value cast to T, `<int>` a literal of that type, `a+b` a sum, `a*b` other
    arithmetic, `a|b` one of two, `<expr>` anything else.
    """
    tail: list[str] = []
    while True:
        text = source[node.start_byte : node.end_byte]
        if SIMPLE_PATH.fullmatch(text):
            head = WORDS.get(text) or text.decode()
            break
        inner = _step(node, tail)
        if inner is None:
            head = _operand(node, source, bool(tail))
            break
        node = inner
    path = head + "".join(reversed(tail))
    return path if len(path) <= MAX_PATH_BYTES and EXPRESSION not in path else EXPRESSION


@lru_cache(maxsize=1 << 14)
def plain_path(text: bytes) -> str:
    """The path of an argument that is a dotted name, a number or a word; empty where it is none of these."""
    if len(text) > MAX_PATH_BYTES:
        return ""
    if NUMBER.fullmatch(text):
        return _number(text.replace(b"_", b""))
    if SIMPLE_PATH.fullmatch(text):
        return WORDS.get(text) or text.decode()
    return ""


def _number(text: bytes) -> str:
    if text[-1:] in b"lL":
        return "<long>"
    if text.startswith(HEXADECIMAL) or text.isdigit() or text[1:2] in b"bB":
        return "<int>"
    return "<float>" if text[-1:] in b"fF" else "<double>"


def _step(node: "Node", tail: list[str]) -> "Node | None":
    """The expression that `node` starts from, after its last link was put on `tail`; None at the head."""
    kind = node.type
    if kind == "field_access":
        field = node.child_by_field_name("field")
        tail.append("." + ("" if field is None or field.text is None else field.text.decode("utf-8", "replace")))
        return node.child_by_field_name("object")
    if kind == "array_access":
        tail.append("[]")
        return node.child_by_field_name("array")
    if kind in ("parenthesized_expression", "update_expression"):
        return node.named_child(0)
    if kind == "assignment_expression":
        return node.child_by_field_name("left")
    if kind == "unary_expression":
        operand = node.child_by_field_name("operand")
        return None if (node.text or b"").startswith(b"!") else operand
    return None


def _operand(node: "Node", source: bytes, is_receiver: bool) -> str:
    if node.type == "ternary_expression":
        path = _choice(node, source)
        return EXPRESSION if is_receiver and CHOICE in path else path
    if node.type != "binary_expression":
        return _head(node, source, is_receiver)
    path = _operation(node, source)
    return EXPRESSION if is_receiver and not path.startswith("<") else path


def _head(node: "Node", source: bytes, is_part: bool) -> str:
    kind = node.type
    if kind == "method_invocation":
        name = node.child_by_field_name("name")
        return EXPRESSION if name is None else f"@{name.start_byte}"
    if kind in LITERALS:
        return LITERALS[kind]
    if kind in PLACED:
        return EXPRESSION if is_part else f"{PLACED[kind]}{node.start_byte}"
    if kind in INTEGERS:
        return "<long>" if source[node.end_byte - 1 : node.end_byte] in b"lL" else "<int>"
    if kind in FLOATS:
        return "<float>" if source[node.end_byte - 1 : node.end_byte] in b"fF" else "<double>"
    if kind == "unary_expression":
        return "<boolean>"
    written = node.child_by_field_name("type")
    if written is None:
        return EXPRESSION
    if kind == "object_creation_expression":
        return f"@{type_name_span(written, source)[0]}"
    if kind == "cast_expression":
        return f"({squeeze(_text(written, source))})"
    if kind == "array_creation_expression":
        made = source[written.end_byte : node.end_byte].partition(b"{")[0]
        return f"({squeeze(_text(written, source))}{'[]' * max(_top_brackets(made), 1)})"
    return EXPRESSION


def _top_brackets(text: bytes) -> int:
    """How many brackets stand side by side: `[a[0]][]` has two."""
    count = depth = 0
    for byte in text:
        count += byte == OPEN and depth == 0
        depth += (byte == OPEN) - (byte == CLOSE)
    return count


def type_name_span(node: "Node", source: bytes) -> tuple[int, int]:
    """Where the simple name of a type stands."""
    text = source[node.start_byte : node.end_byte].partition(b"<")[0].partition(b"[")[0].rstrip()
    last = text.rpartition(b".")[2].split()[-1:] or [text]  # after annotations, if any
    start = node.start_byte + text.rindex(last[0])
    return start, start + len(last[0])


def _operation(node: "Node", source: bytes) -> str:
    """A comparison is `<boolean>`; a sum `a+b` and other arithmetic `a*b` keep the operands that decide their type."""
    operands: list[str] = []
    links: list[str] = []
    current: Node | None = node
    while current is not None and current.type == "binary_expression" and len(operands) < MAX_OPERANDS:
        operator = _text(current.child_by_field_name("operator"), source)
        right = current.child_by_field_name("right")
        if operator in LOGICAL:
            return "<boolean>" if current is node else EXPRESSION
        shift = operator in SHIFTS  # the left side alone decides
        operands.append("<int>" if shift or right is None else _part(right, source))
        links.append("+" if operator == "+" else "*")
        current = current.child_by_field_name("left")
    if current is None or len(operands) == MAX_OPERANDS:
        return "<String>" if "<String>" in operands and "*" not in links else EXPRESSION
    first = _part(current, source)
    if "<String>" in (first, *operands) and "*" not in links:
        return "<String>"
    return first + "".join(link + operand for link, operand in zip(reversed(links), reversed(operands)))


def _choice(node: "Node", source: bytes) -> str:
    """The alternatives of a conditional expression, without null and those that nothing is known of."""
    sides: list[str] = []
    current: Node | None = node
    while current is not None and current.type == "ternary_expression" and len(sides) < MAX_OPERANDS:
        chosen = current.child_by_field_name("consequence")
        sides.append(EXPRESSION if chosen is None else access_path(chosen, source))
        current = current.child_by_field_name("alternative")
    if current is not None and len(sides) < MAX_OPERANDS:
        sides.append(access_path(current, source))
    known = list(dict.fromkeys(side for side in sides if side not in (EXPRESSION, "<null>")))
    placed = [side for side in known if side.startswith(tuple(PLACED.values()))]
    if placed:  # what becomes of a lambda is known of one alone
        return placed[0]
    return CHOICE.join(known) or sides[-1]


def _part(node: "Node", source: bytes) -> str:
    path = access_path(node, source)
    return EXPRESSION if path.startswith(tuple(PLACED.values())) or CHOICE in path else path


def _text(node: "Node | None", source: bytes) -> str:
    return "" if node is None else source[node.start_byte : node.end_byte].decode("utf-8", "replace")
