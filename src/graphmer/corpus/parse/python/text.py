"""Docstrings and signatures of Python as clean text."""

import ast
import inspect

from tree_sitter import Node

TRIPLE = ('"""', "'''")


def one_line(said: str, node: Node) -> str:
    """A node's source `said` without comments, with runs of white space as single spaces."""
    if "#" in said:
        for comment in reversed([child for child in node.named_children if child.type == "comment"]):
            first, last = comment.start_byte - node.start_byte, comment.end_byte - node.start_byte
            data = said.encode()
            said = (data[:first] + data[last:]).decode("utf-8", "replace")
    elif "\n" not in said and "  " not in said and "\t" not in said:
        return said
    return " ".join(said.split()).replace("( ", "(").replace(", )", ")").replace(",)", ")")


def docstring_node(body: Node | None) -> Node | None:
    """The string that documents a module, class or function: the first statement of its body."""
    if body is None:
        return None
    for place in range(body.named_child_count):
        child = body.named_child(place)
        if child is None or child.type == "comment":
            continue
        if child.type == "expression_statement" and child.named_child_count == 1:
            string = child.named_child(0)
            return string if string is not None and string.type in ("string", "concatenated_string") else None
        return None
    return None


def docstring_text(said: str) -> str:
    """A docstring, given as its source, as help() shows it; one that Python would not read as a plain text is empty."""
    quote = said[:3]
    plain = "\\" not in said and "\r" not in said
    if plain and quote in TRIPLE and said[-3:] == quote and len(said) >= 6 and quote not in said[3:-3]:
        return _clean(said[3:-3])
    try:
        value = ast.literal_eval(said)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ""
    return _clean(value) if isinstance(value, str) else ""


def _clean(text: str) -> str:
    return inspect.cleandoc(text) if "\n" in text or "\t" in text else text.lstrip()
