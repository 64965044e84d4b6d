"""Which names and attributes the code of each scope reads, once a scope."""

from tree_sitter import Node

from graphmer.corpus.parse.python.expressions import MAX_CHAIN_BYTES, MAX_DEPTH, ExpressionReader
from graphmer.corpus.parse.python.notation import PATH, written
from graphmer.corpus.parse.python.scopes import FUNCTIONS, Frame, FrameFinder, PythonScopes
from graphmer.corpus.parse.records import Reference, reference_of


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
    finder = scopes.finder()
    outside = bytearray(b"\1") * (len(expressions.source) + 1)
    for start, end in holes:
        outside[start:end] = bytes(end - start)
    ends = [node.end_byte for node in attributes]
    _file_attributes(scopes.references, finder, expressions, outside, attributes, ends)
    ended = expressions.claimed.union(ends)  # an attribute's name is no name
    _file_names(scopes.references, finder, expressions, outside, ended, identifiers)


def _file_attributes(
    references: list[Reference],
    finder: FrameFinder,
    expressions: ExpressionReader,
    outside: bytearray,
    attributes: list[Node],
    ends: list[int],
) -> None:
    claimed, said = expressions.claimed, expressions.said
    seen_of: dict[str, set[str]] = {}
    seen, scope, change = set[str](), "", 0
    # Captures come in no order that lasts.
    places = sorted(
        [(node.start_byte, -end, at) for at, (node, end) in enumerate(zip(attributes, ends)) if end not in claimed]
    )
    for start, negative, at in places:
        end, node = -negative, attributes[at]
        if not outside[start] or end - start > MAX_CHAIN_BYTES:
            continue
        if start >= change:
            frame, change = finder.at(start)
            scope = frame.symbol
            seen = seen_of.setdefault(scope, set())
        path = said(node)
        if path in seen:
            continue
        plain = PATH.fullmatch(path) is not None and path.count(".") <= MAX_DEPTH
        value = path if plain else written(expressions.read(node))
        if value not in seen:
            seen.add(value)
            name = path.rpartition(".")[2] if plain else said(node.children[-1])
            references.append(reference_of((scope, "read", name, value, 0, end - len(name.encode()), end)))


def _file_names(
    references: list[Reference],
    finder: FrameFinder,
    expressions: ExpressionReader,
    outside: bytearray,
    ended: set[int],
    identifiers: list[Node],
) -> None:
    said = expressions.said
    seen_of: dict[str, set[str]] = {}
    seen, change = set[str](), 0
    ends = [node.end_byte for node in identifiers]
    count = len(ends)
    # End and place as one number: they sort in half the time of pairs.
    for place in sorted([end * count + at for at, end in enumerate(ends) if end not in ended]):
        node = identifiers[place % count]
        start = node.start_byte
        if not outside[start]:
            continue
        if start >= change:
            frame, change = finder.at(start)
            seen = seen_of.setdefault(frame.symbol, set())
        name = said(node)
        if name not in seen:
            seen.add(name)
            if not _is_local(name, frame):
                end = place // count
                references.append(reference_of((frame.symbol, "read", name, name, 0, start, end)))


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
