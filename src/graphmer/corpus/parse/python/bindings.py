"""Statements and expressions that bind names: assignments, loops, with statements, global declarations."""

from tree_sitter import Node

from graphmer.corpus.parse.python.file import PythonFile
from graphmer.corpus.parse.python.kinds import KIND
from graphmer.corpus.parse.python.notation import UNKNOWN, is_open, is_path, written
from graphmer.corpus.parse.python.rebinding import Rebinding
from graphmer.corpus.parse.python.targets import PATTERNS, Targets
from graphmer.corpus.parse.python.text import one_line
from graphmer.corpus.parse.treesitter import language, name_of

EXTENDING = frozenset({"+=", "|="})
EQUALS = language("python").id_for_node_kind("=", False)


class Bindings:
    """Files what each of them binds to what."""

    def __init__(self, file: PythonFile, targets: Targets, rebinding: Rebinding) -> None:
        self.file, self.targets, self.rebinding = file, targets, rebinding
        self.scopes, self.said, self.read = file.scopes, file.said, file.read

    # Assignments

    def assignment(self, node: Node) -> None:
        """`target: annotation = value`; a chain of targets is one assignment inside the other."""
        children = node.children
        left, right = children[0], children[-1]
        is_plain = len(children) == 3 and children[1].kind_id == EQUALS
        annotation = None if is_plain else node.child_by_field_name("type")
        while right.kind_id == KIND["assignment"] and right.child_count > 2:  # x = y = value
            right = right.children[-1]
        has_value = annotation is None or right != annotation
        value = self.read(right) if has_value else UNKNOWN
        if annotation is not None:
            text = one_line(self.said(annotation), annotation)
            self.scopes.refer("annotation", written(self.read(left)), text, 0, *annotation.byte_range)
            self.file.file_annotation(annotation, 0)
        if left.kind_id in PATTERNS and is_open(value):
            self.file.file_protocol("iterate", right, value, False)
        if self.rebinding.replaces(node):
            self.rebinding.bind(left, value, node.end_byte)
        else:
            self.targets.bind(left, value)
        if self.scopes.frame.kind == "module" and has_value and self.said(left) == "__all__":
            self._exports(right)

    def _exports(self, names: Node) -> None:
        for item in names.named_children:
            if item.kind_id == KIND["string"]:
                name = self.said(item).strip("\"'")
                self.scopes.refer("export", name, name, 0, *item.byte_range)

    def augmented(self, node: Node) -> None:
        """`target += value`."""
        left = node.children[0]
        if left.kind_id == KIND["identifier"]:
            self.scopes.frame.locals.add(self.said(left))
            self.scopes.refer_once("assign", self.said(left), UNKNOWN, *left.byte_range)
        elif left.kind_id == KIND["attribute"]:
            self.targets.bind_attribute(left, UNKNOWN)
        else:
            return
        value = self.read(node.children[-1])
        operator = node.children[1].type
        if operator in EXTENDING and (isinstance(value, list) or is_path(value) or value[:1] == "@"):
            merges = int(operator == "|=")
            self.scopes.refer("extend", written(self.read(left)), written(value), merges, *left.byte_range)

    def walrus(self, node: Node) -> None:
        """`(name := value)`."""
        name = name_of(node)
        if name is not None:
            self.targets.bind(name, self.read(node.children[-1]))

    # Blocks

    def with_item(self, node: Node) -> None:
        """`value as target` of a with statement."""
        value = node.children[0]
        alias = None
        if value.kind_id == KIND["as_pattern"]:
            alias = value.child_by_field_name("alias")
            value = value.children[0]
        entered, is_async = self.read(value), _is_async(node)
        self.file.file_protocol("enter", value, entered, is_async)
        if alias is not None:
            mark = "aenter" if is_async else "enter"
            self.targets.bind(alias, [mark, entered] if entered != UNKNOWN else UNKNOWN)

    def loop(self, node: Node) -> None:
        """A for loop or a clause of a comprehension."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        iterated, is_async = self.read(right), _is_async(node)
        self.file.file_protocol("iterate", right, iterated, is_async)
        mark = "aiter" if is_async else "iter"
        self.targets.bind(left, [mark, iterated] if iterated != UNKNOWN else UNKNOWN)

    def outer_names(self, node: Node) -> None:
        """`global name`, `nonlocal name`."""
        for name in node.named_children:
            span, said = self.file.claim(name)
            self.scopes.frame.globals.add(said)
            self.scopes.refer("global", said, said, 0, *span)


def _is_async(node: Node) -> bool:
    """Whether a loop, a clause of a comprehension or a with item awaits."""
    if node.children[0].type == "async":
        return True
    clause = node.parent
    statement = clause.parent if clause is not None else None
    return node.type == "with_item" and statement is not None and statement.children[0].type == "async"
