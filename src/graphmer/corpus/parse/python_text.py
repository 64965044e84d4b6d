"""Python expressions as access paths, and docstrings as clean text."""

import ast
import inspect

from tree_sitter import Node

LITERALS = {
    "string": "<str>",
    "concatenated_string": "<str>",
    "integer": "<int>",
    "float": "<float>",
    "true": "<bool>",
    "false": "<bool>",
    "none": "<None>",
    "list": "<list>",
    "list_comprehension": "<list>",
    "dictionary": "<dict>",
    "dictionary_comprehension": "<dict>",
    "set": "<set>",
    "set_comprehension": "<set>",
    "tuple": "<tuple>",
    "generator_expression": "<generator>",
}
UNKNOWN = "<expr>"
MAX_CHAIN = 40  # links of one access path; a longer chain is generated code


def text(node: Node) -> str:
    """The node's source."""
    return node.text.decode("utf-8", "replace") if node.text is not None else ""


def access_path(node: Node | None, depth: int = 0) -> str:
    """An expression in the neutral notation: dotted names, `()` for a call, `[]` for a subscript.

    A literal is `<str>`, `<int>`, ...; whatever else the notation cannot say is `<expr>`. `await x` is the path of x:
    what it gives is what the coroutine returns.
    """
    if node is None or depth > MAX_CHAIN:
        return UNKNOWN
    kind = node.type
    if kind == "identifier":
        return text(node)
    if kind in LITERALS:
        return LITERALS[kind]
    if kind == "attribute":
        owner, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        return UNKNOWN if name is None else f"{access_path(owner, depth + 1)}.{text(name)}"
    if kind == "call":
        return access_path(node.child_by_field_name("function"), depth + 1) + "()"
    if kind == "subscript":
        return access_path(node.child_by_field_name("value"), depth + 1) + "[]"
    if kind in ("parenthesized_expression", "await") and node.named_child_count == 1:
        return access_path(node.named_children[0], depth + 1)
    return UNKNOWN


def one_line(node: Node) -> str:
    """The node's source without comments, with runs of white space as single spaces."""
    source = node.text or b""
    for comment in reversed([child for child in node.named_children if child.type == "comment"]):
        source = source[: comment.start_byte - node.start_byte] + source[comment.end_byte - node.start_byte :]
    said = " ".join(source.decode("utf-8", "replace").split())
    return said.replace("( ", "(").replace(", )", ")").replace(",)", ")")


def docstring_node(body: Node | None) -> Node | None:
    """The string that documents a module, class or function: the first statement of its body."""
    for child in body.named_children if body is not None else ():
        if child.type == "comment":
            continue
        if child.type == "expression_statement" and child.named_child_count == 1:
            string = child.named_children[0]
            return string if string.type in ("string", "concatenated_string") else None
        return None
    return None


def docstring_text(node: Node) -> str:
    """A docstring as help() shows it; one that Python would not read as a plain text is empty."""
    try:
        value = ast.literal_eval(text(node))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ""
    return inspect.cleandoc(value) if isinstance(value, str) else ""
