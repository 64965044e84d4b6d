"""What code does: calls, and what it returns, yields, raises and catches."""

from tree_sitter import Node

from graphmer.corpus.parse.python.file import PythonFile, last_name
from graphmer.corpus.parse.python.kinds import ATTRIBUTE, IDENTIFIER, KIND
from graphmer.corpus.parse.python.notation import Expression, written
from graphmer.corpus.parse.python.rebinding import Rebinding
from graphmer.corpus.parse.python.scopes import FUNCTIONS
from graphmer.corpus.parse.python.targets import Targets

SPREADS = ("*", "each")  # a star; a generator without brackets of its own, which a broken line may hide one in


class Statements:
    """Files what the code of a scope does."""

    def __init__(self, file: PythonFile, targets: Targets, rebinding: Rebinding) -> None:
        self.file, self.targets, self.rebinding = file, targets, rebinding
        self.scopes, self.expressions = file.scopes, file.expressions
        self.said, self.read = file.said, file.read

    def call(self, node: Node) -> None:
        """A call with its arguments; a starred one is iterated."""
        callee = self.expressions.callee(node)
        if self.scopes.frame.fresh:
            self.rebinding.call(node, callee)
        given = node.children[-1]
        value = self.expressions.whole_call(callee, given)
        kind, (start, end) = callee.kind_id, callee.byte_range
        if kind == IDENTIFIER:
            self.file.claimed.add(end)
            self.scopes.refer("call", self.said(callee), written(value), end, start, end)
        else:
            if kind == ATTRIBUTE:
                self.file.claimed.add(end)
            last = last_name(callee)
            name = self.said(last) if last is callee or kind == ATTRIBUTE else ""
            self.scopes.refer("call", name, written(value), end, *last.byte_range)
        for argument in given.named_children if _may_spread(value) else ():
            if argument.kind_id == KIND["list_splat"]:
                inner = argument.children[-1]
                self.file.file_protocol("iterate", inner, self.read(inner), False)

    def returned(self, node: Node) -> None:
        """`return value`."""
        if node.named_child_count:
            value = node.children[-1]
            self.scopes.refer("return", "", written(self.read(value)), 0, *value.byte_range)

    def yielded(self, node: Node) -> None:
        """`yield value`, `yield from value`: they make a function a generator."""
        children = node.children
        is_from = len(children) > 1 and children[1].type == "from"
        value = self.read(children[-1]) if len(children) > 1 else "<None>"
        self.scopes.refer("yield_from" if is_from else "yield", "", written(value), 0, *node.byte_range)
        if is_from:
            self.file.file_protocol("iterate", children[-1], value, False)
        self._mark_generator()

    def _mark_generator(self) -> None:
        symbols, frame = self.scopes.symbols, self.scopes.frame
        if frame.kind in FUNCTIONS:
            symbol = symbols[frame.index]
            words = symbol.modifiers.split()
            if "generator" not in words:
                symbols[frame.index] = symbol._replace(modifiers=" ".join(sorted([*words, "generator"])))

    def raised(self, node: Node) -> None:
        """`raise value`; a bare one names nothing."""
        if not node.named_child_count:
            self.scopes.refer("raise", "", "", 1, *node.byte_range)
            return
        self.file.file_named("raise", node.named_children[0], 0, claims=False)  # the name is read or called too

    def caught(self, node: Node) -> None:
        """`except value as name`: the name is an instance of one of the classes."""
        value = node.child_by_field_name("value")
        if value is None:
            return
        alias = None
        if value.kind_id == KIND["as_pattern"]:
            alias = value.child_by_field_name("alias")
            value = value.children[0]
        parts = value.named_children if value.kind_id == KIND["tuple"] else [value]
        for place, part in enumerate(parts):
            if part.kind_id != KIND["comment"]:
                self.file.file_named("catch", part, place)
        if alias is not None:
            caught: list[Expression] = [["()", self.read(part)] for part in parts if part.kind_id != KIND["comment"]]
            self.targets.bind(alias, caught[0] if len(caught) == 1 else ["|", *caught])


def _may_spread(call: list[Expression]) -> bool:
    """Whether one of the arguments has a star, or none could be told apart."""
    return any(isinstance(part, list) and part[0] in SPREADS for part in call)
