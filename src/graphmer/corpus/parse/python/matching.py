"""What the names in the patterns of a match statement are bound to, as parts of what is matched."""

from collections.abc import Callable

from tree_sitter import Node

from graphmer.corpus.parse.python.file import PythonFile
from graphmer.corpus.parse.python.notation import UNKNOWN, Expression, written
from graphmer.corpus.parse.python.targets import Targets

MAX_NESTED = 40  # patterns within patterns; deeper ones are generated code


class Matching:
    """Files the bindings of patterns, and which classes they ask for."""

    def __init__(self, file: PythonFile, targets: Targets) -> None:
        self.scopes, self.targets, self.said, self.read = file.scopes, targets, file.said, file.read
        self.kinds: dict[str, Callable[[Node, Expression, int], None]] = {
            "case_pattern": self._all,
            "union_pattern": self._all,
            "dotted_name": self._capture,
            "as_pattern": self._as,
            "class_pattern": self._class,
            "list_pattern": self._sequence,
            "tuple_pattern": self._sequence,
            "dict_pattern": self._mapping,
        }

    def statement(self, node: Node) -> None:
        """`match subject:` with its cases."""
        subjects, body = node.children_by_field_name("subject"), node.named_children[-1]
        if not subjects or body.type != "block":  # a broken line
            return
        value = self.read(subjects[0])
        if len(subjects) > 1:
            start, end = subjects[0].start_byte, subjects[-1].end_byte
            value = ["tuple", f"{start}-{end}", *map(self.read, subjects)]
        for clause in body.named_children:
            parts = [child for child in clause.named_children if child.type == "case_pattern"]
            if len(parts) == 1:
                self._pattern(parts[0], value, 0)
            else:
                self._places(parts, value, 0)

    def _pattern(self, node: Node, value: Expression, depth: int) -> None:
        bind = self.kinds.get(node.type)
        if bind is not None and depth < MAX_NESTED:
            bind(node, value, depth + 1)

    def _all(self, node: Node, value: Expression, depth: int) -> None:
        for child in node.named_children:
            self._pattern(child, value, depth)

    def _capture(self, node: Node, value: Expression, _: int) -> None:
        """A bare name is bound to what it matches; a dotted one is compared."""
        if node.named_child_count == 1:
            self.targets.bind(node.named_children[0], value)

    def _as(self, node: Node, value: Expression, depth: int) -> None:
        """`pattern as name`."""
        pattern, alias = node.named_children[0], node.named_children[-1]
        self._pattern(pattern, value, depth)
        asked = pattern.named_children[0] if pattern.named_child_count else pattern
        if alias.type == "identifier":
            is_one = asked.type == "class_pattern"
            self.targets.bind(alias, _part("is", value, self._path(asked)) if is_one else value)

    def _class(self, node: Node, value: Expression, depth: int) -> None:
        """`Circle(first, name=second)`."""
        path = self._path(node)
        if value != UNKNOWN:
            last = node.named_children[0].named_children[-1]
            self.scopes.refer("match", "", written([value, path]), 0, *last.byte_range)
        matched = _part("is", value, path)
        place = 0
        for child in node.named_children[1:]:
            inner = child.named_children[0] if child.named_child_count else child
            if inner.type == "keyword_pattern":
                name, *rest = inner.named_children
                for one in rest:
                    self._pattern(one, _part(".", matched, self.said(name)), depth)
            elif child.type == "case_pattern":
                self._pattern(child, _part("place", matched, f"#{place}"), depth)
                place += 1

    def _path(self, node: Node) -> str:
        """The path of the class that a pattern asks for."""
        return ".".join(self.said(part) for part in node.named_children[0].named_children)

    def _sequence(self, node: Node, value: Expression, depth: int) -> None:
        """`[first, *rest]`, `(first, second)`; brackets without a comma only group."""
        parts = [child for child in node.named_children if child.type == "case_pattern"]
        groups = node.type == "tuple_pattern" and not any(child.type == "," for child in node.children)
        if groups:
            self._all(node, value, depth)
        else:
            self._places(parts, value, depth)

    def _places(self, parts: list[Node], value: Expression, depth: int) -> None:
        """Each part is bound to its place; behind a starred one places count from the end."""
        is_behind = False
        for place, part in enumerate(parts):
            inner = part.named_children[0] if part.named_child_count else part
            if inner.type == "splat_pattern":
                is_behind = True
                self._splat(inner, _part("rest", value, f"#{place}"))
            else:
                at = f"#{place - len(parts)}" if is_behind else f"#{place}"
                self._pattern(part, _part("item", value, at), depth)

    def _mapping(self, node: Node, value: Expression, depth: int) -> None:
        """`{key: pattern, **others}`."""
        key: Expression = UNKNOWN
        for child in node.named_children:
            if child.type == "splat_pattern":
                self._splat(child, UNKNOWN)
            elif child.type == "case_pattern":
                self._pattern(child, _part("[]", value, key), depth)
            else:
                key = self.read(child)

    def _splat(self, node: Node, value: Expression) -> None:
        name = node.named_children[-1] if node.named_child_count else node
        if name.type == "identifier":
            self.targets.bind(name, value)


def _part(mark: str, value: Expression, which: Expression) -> Expression:
    """A part of what is matched; of what is not known none is known."""
    if value == UNKNOWN:
        return UNKNOWN
    return [mark, value, which]
