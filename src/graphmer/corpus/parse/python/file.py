"""One Python file while it is read: its scopes, its expressions, and how what names something is filed."""

from tree_sitter import Node

from graphmer.corpus.parse.python.expression_kinds import READERS
from graphmer.corpus.parse.python.expressions import MAX_DEPTH, ExpressionReader
from graphmer.corpus.parse.python.kinds import APPLIED, ATTRIBUTE, IDENTIFIER, KIND, NAMED
from graphmer.corpus.parse.python.notation import UNKNOWN, Expression, is_open, is_path, written
from graphmer.corpus.parse.python.scopes import PythonScopes
from graphmer.corpus.parse.records import FileKey

DEEP = MAX_DEPTH - 10  # what stands deeper than ten in an operand has a reference of its own
NO_METHODS = ("'", "#", "<", "?")


class PythonFile:
    """What all that reads one file shares."""

    def __init__(self, source: bytes, where: FileKey, module: str) -> None:
        self.size = len(source)
        self.scopes = PythonScopes(self.size, where, module)
        self.expressions = ExpressionReader(source, READERS)
        self.said, self.read = self.expressions.said, self.expressions.read
        self.claimed = self.expressions.claimed  # ends of names that are no reads
        self.stored: set[tuple[int, int]] = set()  # subscripts that are targets
        self.holes: list[tuple[int, int]] = []  # imports and annotations: names there are no reads either

    def claim(self, name: Node) -> tuple[tuple[int, int], str]:
        """Span and text of a name that is no read."""
        span = name.byte_range
        self.claimed.add(span[1])
        return span, self.said(name)

    def in_body(self, statement: Node | None) -> bool:
        """Whether a statement stands in its scope's own body, which runs once, in order."""
        block = statement.parent if statement is not None else None
        return block is not None and (block.parent is None or block.start_byte == self.scopes.frame.start)

    def file_named(self, kind: str, value: Node, ordinal: int, scope: str = "", claims: bool = True) -> None:
        """File a reference that names something by a path: its span is the path's last name."""
        named, shape = value, value.kind_id
        while shape in APPLIED:
            named = named.children[0]
            shape = named.kind_id
        where = named.children[-1] if shape == ATTRIBUTE else named if shape == IDENTIFIER else value
        if claims:
            self.claimed.add(where.end_byte)
        name = self.said(where) if where.kind_id == KIND["identifier"] else ""
        start, end = where.byte_range
        self.scopes.refer(kind, name, written(self.read(value)), ordinal, start, end, scope)

    def file_item(self, word: str, subscript: Node) -> None:
        """File that an item is read (`[]`), stored (`[]=`) or deleted (`del[]`), where its owner may be an instance."""
        bracket = next((child for child in subscript.children if child.type == "["), subscript)
        keys = subscript.children_by_field_name("subscript")
        value = self.read(subscript.children[0], DEEP)
        key = self.read(keys[0], DEEP) if len(keys) == 1 else UNKNOWN
        if is_open(value):
            self.scopes.refer("item", word, written([value, key]), 0, *bracket.byte_range)

    def file_protocol(self, kind: str, node: Node, value: Expression, is_async: bool) -> None:
        """File what is iterated or entered, whose methods are called; a literal has none of its own."""
        if isinstance(value, str) and value.startswith(NO_METHODS):
            return
        self.scopes.refer(kind, "", written(value), int(is_async), *last_name(node).byte_range)

    def file_annotation(self, annotation: Node, ordinal: int, symbol: str = "") -> None:
        """File the dotted names of an annotation, and a quoted one's text, each where it stands."""
        self.holes.append(annotation.byte_range)
        todo = [annotation]
        while todo:
            node = todo.pop()
            kind = node.kind_id
            if kind in NAMED:
                path = self.read(node)
                if is_path(path):
                    last = node.children[-1] if kind == ATTRIBUTE else node
                    place = last.byte_range
                    self.scopes.refer("annotation_name", self.said(last), written(path), ordinal, *place, symbol)
            elif kind == KIND["string"]:
                said = self.said(node).strip("\"' ")
                if said.replace(".", "").isidentifier():
                    place = node.byte_range
                    self.scopes.refer("annotation_name", said.rpartition(".")[2], said, ordinal, *place, symbol)
            else:
                todo += reversed(node.named_children)


def last_name(node: Node) -> Node:
    """Where an expression names what it is about: `f` of f(x)(y), `b` of a.b[0]; itself where it has no name."""
    kind = node.kind_id
    for _ in range(MAX_DEPTH):
        if kind not in APPLIED:
            break
        node = node.children[0]
        kind = node.kind_id
    return node.children[-1] if kind == ATTRIBUTE or kind == KIND["list_splat"] else node
