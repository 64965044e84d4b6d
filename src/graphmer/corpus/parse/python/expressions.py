"""Reads the expressions of one file: names, calls and their arguments; the other kinds have readers of their own."""

from collections.abc import Callable, Mapping

from tree_sitter import Node

from graphmer.corpus.parse.python.kinds import KIND
from graphmer.corpus.parse.python.notation import NO_PATH, PATH, UNKNOWN, Expression
from graphmer.corpus.parse.python.scopes import Fresh

MAX_CHAIN_BYTES = 2000  # of names joined by dots and calls, to be read as one; a longer chain is generated code
MAX_PATH_BYTES = 300  # of names joined by dots
MAX_DEPTH = 40  # nested parts of one expression; deeper ones are generated code
PARENTHESIZED, SPLAT = KIND["parenthesized_expression"], KIND["list_splat"]
WORDS = frozenset({"True", "False", "None"})  # which are no names

KindReader = Callable[["ExpressionReader", Node, int], Expression]  # node and its depth


class ExpressionReader:
    """Gives what the nodes of one file say, in the notation of `notation`."""

    def __init__(self, source: bytes, readers: Mapping[int, KindReader]) -> None:
        """readers: one for each kind of node that says anything."""
        self.source, self.readers = source, readers
        self.ascii = source.decode("ascii") if source.isascii() else ""
        self.versions: dict[str, str] = {}  # names that were bound anew, and what they are called since
        self.fresh: dict[str, Fresh] = {}  # dicts that nobody has used since they were written down
        self.claimed: set[int] = set()  # ends of names that are no reads: keywords, callees, targets

    def said(self, node: Node) -> str:
        """The node's source."""
        start, end = node.byte_range
        return self.ascii[start:end] if self.ascii else self.source[start:end].decode("utf-8", "replace")

    def read(self, node: Node | None, depth: int = 0) -> Expression:
        """An expression in the notation."""
        if node is None or depth > MAX_DEPTH:
            return UNKNOWN
        reader = self.readers.get(node.kind_id)
        return reader(self, node, depth + 1) if reader is not None else UNKNOWN

    # Names

    def name(self, node: Node, _: int) -> Expression:
        """An identifier; one that was bound anew has a name of its own."""
        start, end = node.byte_range
        said = self.ascii[start:end] or self.said(node)
        if self.fresh:
            self.fresh.pop(said, None)
        return self.versions.get(said, said)

    def attribute(self, node: Node, depth: int) -> Expression:
        """`value.name`; a chain longer than any that is written by hand is not known."""
        start, end = node.byte_range
        said = (self.ascii[start:end] or self.said(node)) if end - start <= MAX_PATH_BYTES else ""
        if PATH.fullmatch(said):
            if not self.versions and not self.fresh:
                return said if said.count(".") <= MAX_DEPTH else UNKNOWN
            first, _, names = said.partition(".")
            if first not in WORDS and said.count(".") + depth <= MAX_DEPTH:
                self.fresh.pop(first, None)
                return f"{self.versions.get(first, first)}.{names}"
        children = node.children
        value, name = self.read(children[0], depth), self.said(children[-1])
        if isinstance(value, str) and value and value[0] not in NO_PATH:
            return f"{value}.{name}"
        return [".", value, name]

    # Calls

    def call(self, node: Node, _: int) -> Expression:
        """A call, by the end of its callee: it has a reference of its own, which says what it calls with what."""
        return f"@{self.callee(node).end_byte}"

    def callee(self, call: Node) -> Node:
        """What a call calls, without brackets around it.

        Of `[*f()]`, where nothing follows, the grammar makes a call of `*f`; so it does of `*a.b` and `*a[0]`.
        """
        callee = call.children[0]
        if callee.kind_id == SPLAT:
            callee = callee.children[-1]
        while callee.kind_id == PARENTHESIZED and callee.named_child_count == 1:
            callee = callee.named_children[0]
        return callee

    def whole_call(self, callee: Node, given: Node) -> list[Expression]:
        """A call with its arguments."""
        parts: list[Expression] = ["()", self.read(callee)]
        if given.kind_id != KIND["argument_list"]:  # f(x for x in y)
            parts.append(self.read(given))
            return parts
        readers = self.readers
        for argument in given.named_children:
            reader = readers.get(argument.kind_id)
            if reader is not None and argument.kind_id != SPLAT:
                parts.append(reader(self, argument, 1))
            else:
                self.add_argument(argument, parts, 0)
        return parts

    def add_argument(self, argument: Node, parts: list[Expression], depth: int) -> None:
        """Read one argument of a call, or one item of a display, into the parts of the whole."""
        kind = argument.kind_id
        if kind == KIND["keyword_argument"]:
            ends = argument.children
            self.claimed.add(ends[0].end_byte)
            parts.append(["=", self.said(ends[0]), self.read(ends[-1], depth)])
        elif kind == KIND["list_splat"] or kind == KIND["dictionary_splat"]:
            mark = "*" if kind == KIND["list_splat"] else "**"
            parts.append([mark, self.read(argument.children[-1], depth)])
        elif kind != KIND["comment"]:
            value = self.read(argument, depth)
            parts.append(["*", value] if self.is_starred(argument) else value)

    def is_starred(self, node: Node) -> bool:
        """Whether a star stands before an expression."""
        return self.source.startswith(b"*", node.start_byte)
