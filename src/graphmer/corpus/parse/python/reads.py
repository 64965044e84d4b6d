"""Which names and attributes the code of each scope reads, once a scope."""

from tree_sitter import Node

from graphmer.corpus.parse.python.expressions import MAX_CHAIN_BYTES, MAX_DEPTH, ExpressionReader
from graphmer.corpus.parse.python.notation import PATH, written
from graphmer.corpus.parse.python.scopes import FUNCTIONS, Frame, PythonScopes
from graphmer.corpus.parse.records import Reference


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
    expressions.versions, expressions.fresh = {}, {}
    outside = bytearray(b"\1") * (len(expressions.source) + 1)
    for start, end in holes:
        outside[start:end] = bytes(end - start)
    _file_attributes(scopes, expressions, outside, attributes)
    ended = expressions.claimed.union([node.end_byte for node in attributes])  # an attribute's name is no name
    _file_names(scopes, expressions, outside, ended, identifiers)


def _file_attributes(
    scopes: PythonScopes, expressions: ExpressionReader, outside: bytearray, attributes: list[Node]
) -> None:
    claimed, said, frame_at = expressions.claimed, expressions.said, scopes.finder().at
    seen: set[tuple[str, str]] = set()
    # Captures come in no order that lasts.
    places = sorted([(node.start_byte, -node.end_byte, at) for at, node in enumerate(attributes)])
    for start, negative, at in places:
        end, node = -negative, attributes[at]
        if end in claimed or not outside[start] or end - start > MAX_CHAIN_BYTES:
            continue
        path = said(node)
        plain = PATH.fullmatch(path) is not None and path.count(".") <= MAX_DEPTH
        value = path if plain else written(expressions.read(node))
        scope = frame_at(start).symbol
        if (scope, value) not in seen:
            seen.add((scope, value))
            name = path.rpartition(".")[2] if plain else said(node.children[-1])
            scopes.references.append(Reference(scope, "read", name, value, 0, end - len(name.encode()), end))


def _file_names(
    scopes: PythonScopes,
    expressions: ExpressionReader,
    outside: bytearray,
    ended: set[int],
    identifiers: list[Node],
) -> None:
    said, frame_at = expressions.said, scopes.finder().at
    seen: set[tuple[str, str]] = set()
    ends = [node.end_byte for node in identifiers]
    for end, at in sorted([(end, at) for at, end in enumerate(ends) if end not in ended]):
        node = identifiers[at]
        start = node.start_byte
        if outside[start]:
            frame = frame_at(start)
            name = said(node)
            key = (frame.symbol, name)
            if key not in seen:
                seen.add(key)
                if not _is_local(name, frame):
                    scopes.references.append(Reference(frame.symbol, "read", name, name, 0, start, end))


def _is_local(name: str, frame: Frame | None) -> bool:
    """Whether a bare name is a local variable of a function."""
    first = frame
    while frame is not None:
        if name in frame.parameters or name in frame.globals:
            return False
        if name in frame.locals and (frame is first or frame.kind != "class"):
            return frame.kind in FUNCTIONS
        frame = frame.outer
    return False
