"""Windows of a file: each token belongs to the innermost outermost-function, class or module that holds it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from graphmer.pack.tokenizer import IntArray

FUNCTION_KINDS = frozenset({"function", "method", "constructor"})
CLASS_KINDS = frozenset({"class", "interface", "enum", "record", "annotation_type"})


class Definition(NamedTuple):
    """A definition that may own a window."""

    symbol: str
    kind: str
    container: str
    byte_start: int
    byte_end: int


class Window(NamedTuple):
    """One piece of a file. tokens: indices into the file's, not always adjacent: a class lacks its methods."""

    owner: str
    kind: str
    tokens: IntArray


def cut_windows(
    definitions: Sequence[Definition],
    whole: str,
    kind: str,
    starts: IntArray,
    breaks: npt.NDArray[np.bool_],
    max_roots: int,
) -> list[Window]:
    """Cut a file's tokens into windows of at most `max_roots` tokens.

    definitions: those of the file. whole, kind: owner and kind of what no definition holds (module or document).
    starts: (T,) byte offset of each token. breaks: (T,) whether a window may end after this token (a newline).
    """
    owners = _window_owners(definitions)
    owner_T = np.full(len(starts), -1, np.int64)
    # An outer definition starts first and, at the same start, ends last: painting in that order leaves the innermost.
    for index, definition in sorted(enumerate(owners), key=lambda item: (item[1].byte_start, -item[1].byte_end)):
        low, high = np.searchsorted(starts, [definition.byte_start, definition.byte_end])
        owner_T[low:high] = index
    windows: list[Window] = []
    for index in [-1, *range(len(owners))]:
        tokens = np.flatnonzero(owner_T == index).astype(np.int32)
        symbol, window_kind = (whole, kind) if index < 0 else (owners[index].symbol, _kind(owners[index]))
        windows += [Window(symbol, window_kind, piece) for piece in _pieces(tokens, breaks, max_roots)]
    return windows


def _kind(definition: Definition) -> str:
    return "function" if definition.kind in FUNCTION_KINDS else "class"


def _window_owners(definitions: Sequence[Definition]) -> list[Definition]:
    """Classes, and functions that no other function holds: a nested function is read in its outer one."""
    by_symbol = {definition.symbol: definition for definition in definitions}
    owners = []
    for definition in definitions:
        if definition.kind not in FUNCTION_KINDS | CLASS_KINDS:
            continue
        parent = by_symbol.get(definition.container)
        while parent is not None and parent.kind not in FUNCTION_KINDS and parent.kind != "lambda":
            parent = by_symbol.get(parent.container)
        if parent is None:
            owners.append(definition)
    return owners


def _pieces(tokens: IntArray, breaks: npt.NDArray[np.bool_], max_roots: int) -> list[IntArray]:
    """Cut at the last break within the limit, or at the limit where a line is longer than half of it."""
    pieces = []
    while len(tokens) > max_roots:
        ends = np.flatnonzero(breaks[tokens[:max_roots]])
        end = int(ends[-1]) + 1 if len(ends) and ends[-1] >= max_roots // 2 else max_roots
        pieces.append(tokens[:end])
        tokens = tokens[end:]
    return [*pieces, tokens] if len(tokens) else pieces
