"""What stands left in a binding: a name, an attribute, a subscript, or a tuple of them, each bound to its part."""

from tree_sitter import Node

from graphmer.corpus.parse.python.file import PythonFile
from graphmer.corpus.parse.python.kinds import ATTRIBUTE, IDENTIFIER, KIND
from graphmer.corpus.parse.python.notation import UNKNOWN, Expression, is_path, written

PATTERNS = frozenset(
    KIND[name] for name in ("tuple_pattern", "pattern_list", "list_pattern", "tuple", "list", "expression_list")
)


class Targets:
    """Files the bindings of targets, and defines the variables and fields that they make."""

    def __init__(self, file: PythonFile) -> None:
        self.file, self.scopes, self.read = file, file.scopes, file.read

    def bind(self, target: Node, value: Expression) -> None:
        """File the binding of one target; each part of a tuple is bound to its part of the value."""
        kind = target.kind_id
        if kind == IDENTIFIER:
            self._bind_name(target, value)
        elif kind == ATTRIBUTE:
            self.bind_attribute(target, value)
        elif kind == KIND["subscript"]:
            self.file.stored.add(target.byte_range)
            self.file.file_item("[]=", target)
            self.scopes.refer("assign", written(self.read(target)), written(value), 0, *target.byte_range)
        elif kind in PATTERNS:
            self._bind_parts(target, value)
        elif kind in (KIND["parenthesized_expression"], KIND["as_pattern_target"]) and target.named_child_count:
            self.bind(target.named_children[0], value)

    def _bind_parts(self, target: Node, value: Expression) -> None:
        parts = [part for part in target.named_children if part.kind_id != KIND["comment"]]
        starred = False
        for place, part in enumerate(parts):
            star = part.kind_id in (KIND["list_splat_pattern"], KIND["list_splat"])
            # Behind a starred target, places count from the end.
            at = f"#{place - len(parts)}" if starred else f"#{place}"
            said: Expression = UNKNOWN if value == UNKNOWN else ["rest" if star else "item", value, at]
            self.bind(part.children[-1] if star else part, said)
            starred = starred or star

    def _bind_name(self, target: Node, value: Expression) -> None:
        span, name = self.file.claim(target)
        if not name:  # made up by the parser to mend a broken line
            return
        frame = self.scopes.frame
        frame.locals.add(name)
        frame.bound.setdefault(name, 1)
        self.scopes.refer_once("assign", frame.versions.get(name, name), written(value), *span)
        if frame.kind == "module":
            self.scopes.define_once("variable", name, frame, span)
        elif frame.kind == "class":
            self.scopes.define_once("field", name, frame, span)

    def bind_attribute(self, target: Node, value: Expression) -> None:
        """File the binding of `owner.name`; of a method's own object it is a field."""
        span, name = self.file.claim(target.children[-1])
        path = self.read(target)
        said = written(path)
        self.scopes.refer_once("assign", said, written(value), *span)
        owner = self.scopes.class_of_method()
        if owner is not None and said in (f"self.{name}", f"cls.{name}"):
            self.scopes.define_once("field", name, owner, span)
        if is_path(path):
            self.scopes.refer_once("write", name, said, *span)
