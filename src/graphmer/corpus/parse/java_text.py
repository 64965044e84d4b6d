"""Text of a Java file: types by erasure, javadoc, one-line signatures, access paths of expressions."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

SIMPLE_PATH = re.compile(rb"[^\W\d][\w$]*(?:\.[^\W\d][\w$]*)*|[$_][\w$]*")
TYPE_ARGUMENTS = re.compile(r"<[^<>]*>")
ANNOTATION_OR_FINAL = re.compile(r"@(?!interface\b)[\w.]+(?:\s*\([^()]*\))?\s*|\bfinal\s+")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
BLOCK_TAG = re.compile(r"^@\w+", re.MULTILINE)
INLINE_TAG = re.compile(r"\{@\w+\s*([^{}]*)\}")
HTML_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
MAX_OPERANDS = 16
MAX_PATH_BYTES = 400  # a chain of thousands of calls would make paths quadratic; nothing resolves at that length

EXPRESSION = "<expr>"
WORDS: Mapping[bytes, str] = {b"null": "<null>", b"true": "<boolean>", b"false": "<boolean>"}
LITERALS: Mapping[str, str] = {
    "string_literal": "<String>",
    "text_block": "<String>",
    "character_literal": "<char>",
    "class_literal": "<Class>",
    "lambda_expression": "<lambda>",
    "method_reference": "<lambda>",
    "instanceof_expression": "<boolean>",
}
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


def one_line(text: str) -> str:
    """Source text without comments, its white space collapsed."""
    return " ".join(COMMENT.sub(" ", text).split())


def plain_parameters(text: str) -> str:
    """The text of a parameter list, parentheses included, without annotations and `final`."""
    return one_line(ANNOTATION_OR_FINAL.sub("", text) if "@" in text or "final" in text else text)


def clean_javadoc(text: str) -> str:
    """The description of a javadoc comment: no markers, no block tags, inline tags and HTML by their text."""
    lines = (
        line.strip().removeprefix("*").strip() for line in text.removeprefix("/**").removesuffix("*/").splitlines()
    )
    body = "\n".join(lines).strip()
    tag = BLOCK_TAG.search(body)
    if tag:
        body = body[: tag.start()]
    body = HTML_TAG.sub("", INLINE_TAG.sub(r"\1", body))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in body.splitlines())).strip()


def access_path(node: "Node", source: bytes, known: Mapping[int, str]) -> str:
    """An expression in the notation of references: dotted names, `()` a call, `[]` an element.

    `(2)` is a call with 2 arguments, `(T)` at the head a value cast to T, `T::new()` a new T, `<int>` a literal of that
    type, `a+b` a sum, `a*b` other arithmetic, `<expr>` anything else.
    known: paths of inner expressions that were met before, by node id, so that a long chain costs linear time.
    """
    tail: list[str] = []
    head = EXPRESSION
    while True:
        start, end = node.start_byte, node.end_byte
        text = source[start:end]
        if SIMPLE_PATH.fullmatch(text):
            head = WORDS.get(text) or ("<Class>" if text.endswith(b".class") else text.decode())
            break
        if node.id in known:
            head = known[node.id]
            break
        inner = _step(node, source, tail)
        if inner is None:
            is_bare_call = bool(tail) and not tail[-1].startswith((".", "["))
            head = "" if is_bare_call else _operand(node, source, known, bool(tail))
            break
        node = inner
    path = head + "".join(reversed(tail))
    return path if len(path) <= MAX_PATH_BYTES and EXPRESSION not in path else EXPRESSION


def _step(node: "Node", source: bytes, tail: list[str]) -> "Node | None":
    """The expression that `node` starts from, after its last link was put on `tail`; None at the head."""
    kind = node.type
    if kind == "method_invocation":
        name = node.child_by_field_name("name")
        inner = node.child_by_field_name("object")
        arguments = node.child_by_field_name("arguments")
        link = f"{_text(name, source)}({count_text(0 if arguments is None else arguments.named_child_count)})"
        tail.append(link if inner is None else "." + link)
        return inner
    if kind == "field_access":
        tail.append("." + _text(node.child_by_field_name("field"), source))
        return node.child_by_field_name("object")
    if kind == "array_access":
        tail.append("[]")
        return node.child_by_field_name("array")
    if kind in ("parenthesized_expression", "update_expression"):
        return node.named_child(0)
    if kind == "ternary_expression":
        return node.child_by_field_name("consequence")
    if kind == "unary_expression" and source[node.start_byte : node.start_byte + 1] != b"!":
        return node.child_by_field_name("operand")
    return None


def _operand(node: "Node", source: bytes, known: Mapping[int, str], is_receiver: bool) -> str:
    if node.type != "binary_expression":
        return _head(node, source)
    path = _operation(node, source, known)
    return EXPRESSION if is_receiver and not path.startswith("<") else path


def _head(node: "Node", source: bytes) -> str:
    kind = node.type
    if kind in LITERALS:
        return LITERALS[kind]
    if kind in INTEGERS:
        return "<long>" if source[node.end_byte - 1 : node.end_byte] in b"lL" else "<int>"
    if kind in FLOATS:
        return "<float>" if source[node.end_byte - 1 : node.end_byte] in b"fF" else "<double>"
    if kind == "object_creation_expression":
        if source[node.start_byte : node.start_byte + 3] != b"new":  # outer.new Inner()
            return EXPRESSION
        return erase(_text(node.child_by_field_name("type"), source)) + "::new()"
    if kind == "cast_expression":
        return f"({erase(_text(node.child_by_field_name('type'), source))})"
    if kind == "array_creation_expression":
        return f"({erase(_text(node.child_by_field_name('type'), source))}[])"
    if kind == "unary_expression":
        return "<boolean>"
    return EXPRESSION


def _operation(node: "Node", source: bytes, known: Mapping[int, str]) -> str:
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
        operands.append("<int>" if shift or right is None else access_path(right, source, known))
        links.append("+" if operator == "+" else "*")
        current = current.child_by_field_name("left")
    if current is None or len(operands) == MAX_OPERANDS:
        return "<String>" if "<String>" in operands and "*" not in links else EXPRESSION
    first = access_path(current, source, known)
    if "<String>" in (first, *operands) and "*" not in links:
        return "<String>"
    return first + "".join(link + operand for link, operand in zip(reversed(links), reversed(operands)))


def count_text(count: int) -> str:
    """The number of a call's arguments as a path shows it: nothing for none."""
    return str(count) if count else ""


def _text(node: "Node | None", source: bytes) -> str:
    return "" if node is None else source[node.start_byte : node.end_byte].decode("utf-8", "replace")
