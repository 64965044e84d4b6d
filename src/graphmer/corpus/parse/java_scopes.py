"""The state of one pass over a Java file: nested scopes, the names that are visible, and the rows found so far."""

import re
from typing import NamedTuple

from tree_sitter import Node

from graphmer.corpus.parse.java_text import (
    CHOICE,
    PLAIN_ARGUMENTS,
    TEXT_ARGUMENT,
    access_path,
    clean_javadoc,
    erase,
    modifier_words,
    plain_path,
    type_name_span,
)
from graphmer.corpus.parse.records import FileKey, Reference, Symbol

# A named tuple's own constructor takes three times as long as the tuple does; nothing else is made as often.
make_row = tuple.__new__
NAME_END = re.compile(r"[.\[]")
NAME_IN_SUM = re.compile(r"(?<![\w$.<(@>%:~])[^\W\d][\w$]*")
SUPER = re.compile(rb"\s*\.\s*super\b")
OBJECTS = frozenset({"this", "super"})
DOT, SLASH = b"./"
NOWHERE = (-1, -1)
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

    __slots__ = ("kind", "numbered", "part", "prefix", "qualified", "qualified_prefix", "symbol")

    def __init__(self, symbol: str, path: str, qualified: str, kind: str) -> None:
        self.symbol, self.qualified, self.kind = symbol, qualified, kind
        self.part = path.rpartition(".")[2]
        self.prefix = f"{path}." if path else ""
        self.qualified_prefix = f"{qualified}." if qualified else ""
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
        self.annotated: list[str] = []  # the definitions that the annotations before `annotations_end` are about
        self.annotations_end = 0
        self.roles: dict[int, str] = {}  # first byte of a type -> its part
        self.docs: dict[int, tuple[int, int]] = {}  # first byte of what a javadoc comment stands before -> its span
        self.bodies: dict[int, Body] = {}  # by the first byte of the class body
        self.calls: dict[int, tuple[int, int]] = {}  # last byte of a call or a new object -> its first, and its name's
        self._paths_seen: dict[str, int] = {}

    def text(self, node: Node | None) -> str:
        """The source text of a node; empty for none."""
        return "" if node is None else self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    @property
    def owner(self) -> Owner:
        """The innermost definition around the place where the pass stands."""
        return self.frames[-1].owner

    def enter(self, end: int, owner: Owner) -> None:
        """Open the inside of a definition that ends at a byte."""
        self.frames.append(Frame(end, owner))

    def leave(self) -> None:
        """Close the innermost range: what it declared is no longer visible."""
        frame = self.frames[-1]
        if frame.result is not None:
            self.refer("result", "", self.path(frame.result), 0, *span(frame.result))
        self.frames.pop()
        for names, name, before in reversed(frame.hidden):
            if before is None:
                del names[name]
            else:
                names[name] = before

    def show(self, names: dict[str, str], name: str, value: str, end: int = 0) -> None:
        """Make a name visible until a byte, or until the innermost range ends."""
        frame = self.frames[-1]
        if 0 < end < frame.end:
            frame = Frame(end, frame.owner)
            self.frames.append(frame)
        frame.hidden.append((names, name, names.get(name)))
        names[name] = value

    def number(self, word: str) -> str:
        """The name of the next lambda or anonymous class of the innermost definition."""
        numbered = self.owner.numbered
        numbered[word] = numbered.get(word, 0) + 1
        return f"<{word}{numbered[word]}>"

    def define(
        self, kind: str, node: Node, name: str, token: tuple[int, int], signature: str, modifiers: str = ""
    ) -> Owner:
        """Add a definition inside the innermost one, with its javadoc."""
        start = node.start_byte
        doc = self.docs.get(start) if self.docs else None
        docstring = "" if doc is None else clean_javadoc(self.source[slice(*doc)].decode("utf-8", "replace"))
        path = self.add(kind, start, node.end_byte, name, token, signature, modifiers, docstring, doc or (0, 0))
        return Owner(self.prefix + path, path, self.frames[-1].owner.qualified_prefix + name, kind)

    def add(
        self,
        kind: str,
        start: int,
        end: int,
        name: str,
        token: tuple[int, int],
        signature: str,
        modifiers: str = "",
        docstring: str = "",
        doc: tuple[int, int] = (0, 0),
    ) -> str:
        """Add a definition inside the innermost one; returns its dotted path in the file."""
        owner = self.frames[-1].owner
        path = owner.prefix + name
        seen = self._paths_seen.get(path, 0) + 1
        self._paths_seen[path] = seen
        if seen > 1:
            path = f"{path}~{seen}"
        row = (
            self.prefix + path, kind, name, owner.qualified_prefix + name, owner.symbol, start, end, *token, signature,
            docstring, *doc, modifiers,
        )  # fmt: skip
        self.symbols.append(make_row(Symbol, row))
        return path

    def add_variable(self, kind: str, node: Node, name_node: Node, signature: str, modifiers: str, end: int) -> None:
        """Add a local variable or a parameter, and make it visible until a byte."""
        start, stop = name_node.start_byte, name_node.end_byte
        name = self.source[start:stop].decode("utf-8", "replace")
        path = self.add(kind, node.start_byte, node.end_byte, name, (start, stop), signature, modifiers)
        self.show(self.visible, name, f"%{path.rpartition('.')[2]}", end)

    def refer(self, kind: str, name: str, value: str, ordinal: int, start: int, end: int, scope: str = "") -> None:
        """Add a reference whose token stands at the bytes [start, end)."""
        row = (scope or self.frames[-1].owner.symbol, kind, name, value, ordinal, start, end)
        self.references.append(make_row(Reference, row))

    def path(self, node: Node) -> str:
        """The access path of an expression; a local variable is `%` and the last part of its symbol."""
        path = access_path(node, self.source)
        return CHOICE.join(map(self._marked, path.split(CHOICE))) if CHOICE in path else self._marked(path)

    def _marked(self, path: str) -> str:
        if "+" in path or "*" in path:
            return NAME_IN_SUM.sub(lambda match: self.visible.get(match[0], match[0]), path)
        if path[:1] in "(<@-:":
            return path
        head = NAME_END.split(path, 1)[0]
        part = self.visible.get(head)
        return path if part is None else part + path[len(head) :]

    def plain(self, path: str, start: int) -> str:
        """A path of `plain_path` with its local variable marked. A name that is none is read. start: its first byte."""
        part = self.visible.get(path)
        if part is not None:
            return part
        head, dot, rest = path.partition(".")
        if dot:
            part = self.visible.get(head)
            return path if part is None else f"{part}.{rest}"
        if path[0] != "<" and path not in OBJECTS:
            self.refer("read", path, path, 0, start, start + len(path.encode()))
        return path

    def receiver(self, node: Node, start: int, name_start: int) -> str:
        """The path of what a call is made on. start, name_start: the first bytes of the call and of its name."""
        source = self.source
        text = source[start : name_start - 1].rstrip()
        if source[name_start - 1] == DOT:
            if not text.endswith(b")"):
                path = plain_path(text)
                if path:
                    return self.plain(path, start)
            first, place = self.calls.get(start + len(text), NOWHERE)
            if first == start:
                return f"@{place}"
        inner = node.child_by_field_name("object")
        if inner is None:
            return ""
        path = self.argument(inner)
        return f"{path}.super" if SUPER.match(source, inner.end_byte) else path

    def arguments(self, node: Node, start: int, end: int) -> list[str]:
        """The paths of a call's arguments. start, end: the bytes after its name, and the last of the node."""
        text = self.source[start:end]
        if text == b"()":
            return []
        if PLAIN_ARGUMENTS.fullmatch(text):
            parts = text[1:-1].split(b",")
            paths = [plain_path(part.strip()) for part in parts]
            if "" not in paths:
                found = []
                at = start + 1
                for part, path in zip(parts, paths):
                    found.append(self.plain(path, at + len(part) - len(part.lstrip())))
                    at += len(part) + 1
                return found
        if TEXT_ARGUMENT.fullmatch(text):
            return ["<String>"]
        return self.argument_paths(node)

    def argument_paths(self, node: Node) -> list[str]:
        """The paths of a call's arguments, from their nodes."""
        arguments = node.child_by_field_name("arguments")
        if arguments is None or arguments.named_child_count == 0:
            return []
        return [self.argument(child) for child in arguments.named_children if self.source[child.start_byte] != SLASH]

    def argument(self, node: Node) -> str:
        """The path of an argument or a receiver; a name that no local variable has is read there."""
        start, end = node.start_byte, node.end_byte
        first, place = self.calls.get(end, NOWHERE)
        if first == start:
            return f"@{place}"
        path = plain_path(self.source[start:end])
        return self.plain(path, start) if path else self.path(node)

    def type_token(self, node: Node) -> tuple[str, str, int, int]:
        """The simple name of a type, the type by erasure, and where the simple name stands."""
        start, end = type_name_span(node, self.source)
        return self.source[start:end].decode("utf-8", "replace"), erase(self.text(node)), start, end

    def modifiers(self, kind: str, node: Node, end: int, *extra: str) -> str:
        """The modifiers of a definition, sorted, which stand before a byte. extra: those that nobody writes."""
        start = node.start_byte
        text = self.source[start:end]
        words = modifier_words(text) if b"@" not in text else self._annotated_words(node)
        if self.frames[-1].owner.kind in ("interface", "annotation_type"):
            extra += self._implied(kind, words)
        return words[0] if len(words) == 1 and not extra else " ".join(sorted({*words, *extra}))

    def _annotated_words(self, node: Node) -> tuple[str, ...]:
        first = node.child(0)
        if first is None or first.type != "modifiers":
            return ()
        self.annotations_end = first.end_byte
        return tuple(child.type for child in first.children if not child.is_named)

    def _implied(self, kind: str, words: tuple[str, ...]) -> tuple[str, ...]:
        implicit = IMPLICIT_INTERFACE_MODIFIERS.get(kind, ())
        if kind == "field" or CONCRETE.isdisjoint(words):
            return implicit
        return ("public",) if implicit and "private" not in words else ()

    def annotate(self, start: int, *owners: Owner) -> None:
        """Let the annotations after a byte, if any were seen, speak of some definitions."""
        if self.annotations_end > start:
            self.annotated = [owner.symbol for owner in owners]
