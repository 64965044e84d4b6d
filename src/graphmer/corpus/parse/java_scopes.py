"""The state of one pass over a Java file: nested scopes, the names that are visible, and the rows found so far."""

import re
from bisect import bisect_left
from typing import NamedTuple

from tree_sitter import Node

from graphmer.corpus.parse.java_text import access_path, clean_javadoc, erase, one_line, type_name_span
from graphmer.corpus.parse.records import FileKey, Reference, Symbol

NAME_END = re.compile(r"[.\[]")
NAME_IN_SUM = re.compile(r"(?<![\w$.<(@>%:~])[^\W\d][\w$]*")
IMPLICIT_INTERFACE_MODIFIERS = {"method": ("public", "abstract"), "field": ("public", "static", "final")}
CONCRETE = frozenset({"default", "static", "private"})


class Body(NamedTuple):
    """The class body of an expression or an enum constant, and its supertype's token."""

    kind: str  # anonymous or enum_body
    node: Node  # the expression or the constant
    name: str
    supertype: str
    byte_start: int
    byte_end: int


class Owner:
    """A definition that contains others; `path` is its dotted path inside the file."""

    __slots__ = ("kind", "numbered", "path", "qualified", "symbol")

    def __init__(self, symbol: str, path: str, qualified: str, kind: str) -> None:
        self.symbol, self.path, self.qualified, self.kind = symbol, path, qualified, kind
        self.numbered: dict[str, int] = {}  # lambdas and anonymous classes met so far


class Frame:
    """A byte range with its owner, and the names to restore when it ends."""

    __slots__ = ("end", "hidden", "owner", "result")

    def __init__(self, end: int, owner: Owner) -> None:
        self.end, self.owner = end, owner
        self.result: Node | None = None  # what a lambda returns
        self.hidden: list[tuple[dict[str, str], str, str | None]] = []


def span(node: Node) -> tuple[int, int]:
    """The byte range of a node."""
    return node.start_byte, node.end_byte


def first_child(node: Node) -> Node | None:
    """The first named child; tree_sitter's own annotations do not say that there may be none."""
    return node.named_child(0)


class JavaScopes:
    """Where the pass stands, and what it has found. Nodes must be met in the order of their first bytes."""

    def __init__(self, source: bytes, where: FileKey, package: str) -> None:
        self.source, self.where, self.package = source, where, package
        self.prefix = f"{where.language}:{where.package}:{where.file}#"
        self.symbols: list[Symbol] = []
        self.references: list[Reference] = []
        self.frames = [Frame(len(source) + 1, Owner(self.prefix, "", package, "module"))]
        self.visible: dict[str, str] = {}  # local or parameter -> `%` and the last part of its symbol
        self.type_variables: dict[str, str] = {}
        self.claimed: set[int] = set()  # first bytes of identifiers that are written to
        self.skip_types_until = 0
        self.annotated: tuple[list[str], int] = ([], 0)  # the definitions whose modifiers are being read, and their end
        self.roles: dict[int, str] = {}  # first byte of a type -> its part
        self.modifiers: dict[int, Node] = {}
        self.comments: list[tuple[int, int]] = []  # (end, start), sorted
        self.bodies: dict[int, Body] = {}  # by the first byte of the class body
        self.lambda_blocks: dict[int, Node] = {}  # first byte of a lambda's block -> what it returns at its end
        self._paths_seen: dict[str, int] = {}

    def text(self, node: Node | None) -> str:
        """The source text of a node; empty for none."""
        return "" if node is None else self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    @property
    def owner(self) -> Owner:
        """The innermost definition around the place where the pass stands."""
        return self.frames[-1].owner

    def enter(self, end: int, owner: Owner | None = None) -> None:
        """Open a range that ends at a byte: a block, or the inside of a definition."""
        self.frames.append(Frame(end, owner or self.frames[-1].owner))

    def leave(self) -> None:
        """Close the innermost range: what it declared is no longer visible."""
        result = self.frames[-1].result
        if result is not None:
            self.refer("result", "", self.path(result), 0, result.start_byte, result.end_byte)
        for names, name, before in reversed(self.frames.pop().hidden):
            if before is None:
                del names[name]
            else:
                names[name] = before

    def show(self, names: dict[str, str], name: str, value: str) -> None:
        """Make a name visible until the innermost range ends."""
        self.frames[-1].hidden.append((names, name, names.get(name)))
        names[name] = value

    def number(self, word: str) -> str:
        """The name of the next lambda or anonymous class of the innermost definition."""
        numbered = self.owner.numbered
        numbered[word] = numbered.get(word, 0) + 1
        return f"<{word}{numbered[word]}>"

    def define(self, kind: str, node: Node, name: str, token: tuple[int, int], signature: str, *extra: str) -> Owner:
        """Add a definition inside the innermost one. extra: modifiers that are implied, not written."""
        owner = self.owner
        start, end = node.start_byte, node.end_byte
        path = f"{owner.path}.{name}" if owner.path else name
        seen = self._paths_seen[path] = self._paths_seen.get(path, 0) + 1
        if seen > 1:
            path = f"{path}~{seen}"
        qualified = f"{owner.qualified}.{name}" if owner.qualified else name
        symbol = self.prefix + path
        modifiers = self._modifiers(kind, start, symbol, extra)
        docstring, doc_start, doc_end = self._javadoc(start)
        self.symbols.append(
            Symbol(
                symbol, kind, name, qualified, owner.symbol, start, end,
                *token, signature, docstring, doc_start, doc_end, modifiers,
            )
        )  # fmt: skip
        return Owner(symbol, path, qualified, kind)

    def define_local(self, node: Node, type_text: str, name_node: Node) -> str:
        """Add a local variable and make it visible; returns the last part of its symbol."""
        name = self.text(name_node)
        part = self.define("local", node, name, span(name_node), one_line(type_text)).path.rpartition(".")[2]
        self.show(self.visible, name, f"%{part}")
        return part

    def refer(self, kind: str, name: str, value: str, ordinal: int, start: int, end: int, scope: str = "") -> None:
        """Add a reference whose token stands at the bytes [start, end), within one line."""
        scope = scope or self.frames[-1].owner.symbol
        self.references.append(Reference(scope, kind, name, value, ordinal, start, end))

    def path(self, node: Node) -> str:
        """The access path of an expression; a local variable is `%` and the last part of its symbol."""
        path = access_path(node, self.source)
        if "+" in path or "*" in path:
            return NAME_IN_SUM.sub(lambda match: self.visible.get(match[0], match[0]), path)
        if path[:1] in "(<@-:":
            return path
        head = NAME_END.split(path, 1)[0]
        part = self.visible.get(head)
        return path if part is None else part + path[len(head) :]

    def argument_paths(self, node: Node) -> list[str]:
        """The access paths of a call's arguments."""
        arguments = node.child_by_field_name("arguments")
        if arguments is None or arguments.named_child_count == 0:
            return []
        return [self.path(child) for child in arguments.named_children if not child.type.endswith("comment")]

    def type_token(self, node: Node) -> tuple[str, str, int, int]:
        """The simple name of a type, the type by erasure, and where the simple name stands."""
        start, end = type_name_span(node, self.source)
        return self.source[start:end].decode("utf-8", "replace"), erase(self.text(node)), start, end

    def _modifiers(self, kind: str, start: int, symbol: str, extra: tuple[str, ...]) -> str:
        words = set(extra)
        node = self.modifiers.get(start)
        if node is not None:
            text = self.text(node)
            if "@" in text:
                words.update(child.type for child in node.children if not child.is_named)
                before, end = self.annotated  # `@A int x, y;` annotates both
                self.annotated = ([*before, symbol] if end == node.end_byte else [symbol], node.end_byte)
            else:
                words.update(text.split())
        if self.owner.kind in ("interface", "annotation_type"):
            implicit = IMPLICIT_INTERFACE_MODIFIERS.get(kind, ())
            if words.isdisjoint(CONCRETE) or kind == "field":
                words.update(implicit)
            elif "private" not in words and implicit:
                words.add("public")
        return " ".join(sorted(words))

    def _javadoc(self, start: int) -> tuple[str, int, int]:
        """The javadoc right before a byte, and where it stands."""
        place = bisect_left(self.comments, (start + 1, 0)) - 1
        if place < 0:
            return "", 0, 0
        end, begin = self.comments[place]
        if self.source[end:start].strip():
            return "", 0, 0
        return clean_javadoc(self.source[begin:end].decode("utf-8", "replace")), begin, end
