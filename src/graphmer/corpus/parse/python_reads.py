"""Which names and attributes the code of each scope reads, once a scope."""

import re

from tree_sitter import Node

from graphmer.corpus.parse.python_expressions import ExpressionReader, written
from graphmer.corpus.parse.python_scopes import FUNCTIONS, Frame, PythonScopes

PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def file_reads(
    scopes: PythonScopes,
    expressions: ExpressionReader,
    holes: list[tuple[int, int]],
    attributes: list[Node],
    identifiers: list[Node],
) -> None:
    """File a `read` for the first time that a scope reads a path.

    Names that are claimed (definitions, callees, targets, keywords), names inside `holes` (imports, annotations) and
    local variables are no reads that the graph could hold: it has no entity for a local variable.
    """
    claimed, said = expressions.claimed, expressions.said
    inside = bytearray(len(expressions.source) + 1)
    for start, end in holes:
        inside[start:end] = b"\1" * (end - start)
    found: list[tuple[int, int, str, str]] = []
    attribute_ends = set()
    for node in attributes:
        start, end = node.byte_range
        attribute_ends.add(end)
        if end not in claimed and not inside[start]:
            path = said(node)
            value = path if PATH.fullmatch(path) else written(expressions.read(node))
            name = path.rpartition(".")[2] if value is path else said(node.children[-1])
            found.append((end - len(name.encode()), end, name, value))
    ended = claimed | attribute_ends
    for node in identifiers:
        end = node.end_byte
        if end not in ended:
            name = said(node)
            start = node.start_byte
            if not inside[start]:
                found.append((start, end, name, name))
    found.sort()
    _file(scopes, found)


def _file(scopes: PythonScopes, found: list[tuple[int, int, str, str]]) -> None:
    frame_at = scopes.finder().at
    seen: set[tuple[str, str]] = set()
    for start, end, name, value in found:
        frame = frame_at(start)
        key = (frame.symbol, value)
        if key not in seen:
            seen.add(key)
            if value is not name or not _is_local(name, frame):
                scopes.refer("read", name, value, 0, start, end, frame.symbol)


def _is_local(name: str, frame: Frame | None) -> bool:
    """Whether a bare name is a local variable of a function, or bound nowhere in the file (a builtin)."""
    first = frame
    while frame is not None:
        if name in frame.parameters or name in frame.globals:
            return False
        if name in frame.locals and (frame is first or frame.kind != "class"):
            return frame.kind in FUNCTIONS
        frame = frame.outer
    return False
