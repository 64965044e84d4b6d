"""The tree-sitter grammars and the query files: the one module that knows which grammar package is used.

A language's query files, `<language>.scm`, stand beside its parser. Their captures run in C; parsers read byte ranges.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_typescript
from tree_sitter import Language, Node, Parser, Query, QueryCursor

MAX_BRACKET_DEPTH = 1000  # javac and CPython give up far earlier
BRACKETS = b"()[]{}"
NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in BRACKETS)
OPENING = b"([{"


GRAMMARS = {
    "java": tree_sitter_java.language,
    "javascript": tree_sitter_javascript.language,
    "python": tree_sitter_python.language,
    "tsx": tree_sitter_typescript.language_tsx,
    "typescript": tree_sitter_typescript.language_typescript,
}
# What two grammars share is written once; a language whose parser is a package keeps its file there.
QUERY_FILES = {
    "javascript": ("ecmascript", "jsx", "javascript"),
    "python": ("python/python",),
    "tsx": ("ecmascript", "jsx", "typescript"),
    "typescript": ("ecmascript", "typescript"),
}


@cache
def language(name: str) -> Language:
    """A grammar by its name in GRAMMARS."""
    return Language(GRAMMARS[name]())


@cache
def parser(name: str) -> Parser:
    """A parser for one language; it keeps no state between files."""
    return Parser(language(name))


@cache
def query(name: str) -> Query:
    """The compiled query files of a language."""
    parts = (files(__package__).joinpath(f"{part}.scm") for part in QUERY_FILES.get(name, (name,)))
    return Query(language(name), "\n".join(part.read_text(encoding="utf-8") for part in parts))


def kind_ids(name: str, kinds: Iterable[str]) -> dict[str, int]:
    """The grammar's numbers of named node kinds: comparing them costs less than comparing names.

    Raises KeyError where the grammar has no such kind: it was renamed in another version.
    """
    found = {}
    for kind in kinds:
        number = language(name).id_for_node_kind(kind, True)
        if number is None:
            raise KeyError(f"the grammar of {name} has no node kind '{kind}'")
        found[kind] = number
    return found


def parse(name: str, source: bytes) -> Node:
    """The root of the syntax tree of a file; a node keeps its tree alive."""
    return parser(name).parse(source).root_node


def captures(name: str, root: Node) -> dict[str, list[Node]]:
    """The nodes of a tree by the names that the language's query file gives them."""
    return QueryCursor(query(name)).captures(root)


def name_of(node: Node) -> Node | None:
    """A definition's or a call's name; None also where the parser made one up, of no bytes, to mend a broken line."""
    name = node.child_by_field_name("name")
    return name if name is not None and name.end_byte > name.start_byte else None


def too_deep(source: bytes) -> bool:
    """Whether brackets nest deeper than MAX_BRACKET_DEPTH; brackets in texts and comments count too.

    Each round removes one layer of closed brackets in C, so that ordinary files cost a few passes over a short text.
    """
    brackets = source.translate(None, NOT_BRACKETS)
    for _ in range(MAX_BRACKET_DEPTH):
        shorter = brackets.replace(b"()", b"").replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    else:
        return True
    depth = deepest = 0
    for bracket in brackets:  # what is left does not close: half a file, or brackets in texts
        depth += 1 if bracket in OPENING else -1
        deepest = max(deepest, depth)
    return deepest > MAX_BRACKET_DEPTH
