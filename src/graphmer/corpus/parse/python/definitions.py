"""What a file defines: its module, classes, functions, lambdas and their parameters, and what decorates them."""

from collections.abc import Iterable

from tree_sitter import Node

from graphmer.corpus.parse.python.file import PythonFile
from graphmer.corpus.parse.python.kinds import KIND
from graphmer.corpus.parse.python.notation import written
from graphmer.corpus.parse.python.scopes import Frame
from graphmer.corpus.parse.python.text import docstring_node, docstring_text, one_line
from graphmer.corpus.parse.records import Symbol
from graphmer.corpus.parse.treesitter import name_of

MODIFIERS = {
    "property": "property",
    "cached_property": "property",
    "staticmethod": "staticmethod",
    "classmethod": "classmethod",
    "abstractmethod": "abstract",
    "overload": "overload",
    "setter": "setter",
    "deleter": "setter",
    "contextmanager": "contextmanager",
    "asynccontextmanager": "contextmanager",
}


class Definitions:
    """Adds symbols, and opens the scopes of what is defined."""

    def __init__(self, file: PythonFile) -> None:
        self.file, self.scopes = file, file.scopes
        self.said, self.read = file.said, file.read

    def module(self, root: Node) -> None:
        """The file itself."""
        scopes = self.scopes
        documented, span = self._documented(root)
        name = scopes.module.rpartition(".")[2]
        extent = (0, self.file.size, 0, 0)
        scopes.symbols.append(
            Symbol(scopes.prefix, "module", name, scopes.module, "", *extent, "", documented, *span, "")
        )

    def of_class(self, node: Node) -> None:
        """A class with its bases."""
        name, body = name_of(node), node.child_by_field_name("body")
        if name is None or body is None:
            return
        scopes, outer = self.scopes, self.scopes.frame
        extent, decorators = _decorated(node)
        docstring, doc_span = self._documented(body)
        span, said = self.file.claim(name)
        bases = node.child_by_field_name("superclasses")
        signature = self._one_line(bases) if bases is not None else ""
        modifiers = "" if self._in_order(node) else "conditional"
        symbol = scopes.define("class", said, outer, extent, span, signature, docstring, doc_span, modifiers)
        frame = Frame(symbol, "class", scopes.symbols[-1].qualified_name, body.start_byte, body.end_byte, outer)
        self._file_decorators(decorators, symbol)
        self._file_bases(bases.named_children if bases is not None else (), symbol)
        scopes.open(frame)

    def _file_bases(self, bases: Iterable[Node], symbol: str) -> None:
        place = 0
        for base in bases:
            if base.kind_id == KIND["keyword_argument"]:
                keyword = self.file.claim(base.children[0])[1]
                kind = "metaclass" if keyword == "metaclass" else "class_keyword"
                self.file.file_named(kind, base.children[-1], 0, symbol)
            elif base.kind_id != KIND["comment"]:
                self.file.file_named("base", base, place, symbol)
                place += 1

    # Functions

    def of_function(self, node: Node) -> None:
        """A function or method with its parameters."""
        name, body = name_of(node), node.child_by_field_name("body")
        parameters = node.child_by_field_name("parameters")
        if name is None or body is None or parameters is None:
            return
        outer = self.scopes.frame
        kind = "method" if outer.kind == "class" else "function"
        returned = node.child_by_field_name("return_type")
        signature = self._one_line(parameters)
        if returned is not None:
            signature += f" -> {self._one_line(returned)}"
        extent, decorators = _decorated(node)
        modifiers = self._modifiers(node, decorators)
        docstring, doc_span = self._documented(body)
        span, said = self.file.claim(name)
        symbol = self.scopes.define(kind, said, outer, extent, span, signature, docstring, doc_span, modifiers)
        frame = self._frame(symbol, kind, body, outer)
        self._file_decorators(decorators, symbol)
        self._parameters(parameters, frame)
        if returned is not None:
            annotation = self._one_line(returned)
            self.scopes.refer("return_annotation", "", annotation, 0, *returned.byte_range, symbol)
            self.file.file_annotation(returned, 1, symbol)
        self.scopes.open(frame)

    def of_lambda(self, node: Node) -> None:
        """A lambda, which returns its body."""
        body = node.child_by_field_name("body")
        if body is None:
            return
        scopes, outer = self.scopes, self.scopes.frame
        outer.lambdas += 1
        parameters = node.child_by_field_name("parameters")
        span = (node.start_byte, node.start_byte + len(b"lambda"))
        signature = self._one_line(parameters) if parameters is not None else ""
        symbol = scopes.define("lambda", f"<lambda{outer.lambdas}>", outer, node.byte_range, span, signature)
        frame = self._frame(symbol, "lambda", body, outer)
        if parameters is not None:
            self._parameters(parameters, frame)
        scopes.refer("return", "", written(self.read(body)), 0, *body.byte_range, symbol)
        scopes.open(frame)

    def _frame(self, symbol: str, kind: str, body: Node, outer: Frame) -> Frame:
        """The scope of the function that was defined last."""
        symbols = self.scopes.symbols
        qualified = symbols[-1].qualified_name
        return Frame(symbol, kind, qualified, body.start_byte, body.end_byte, outer, index=len(symbols) - 1)

    def _modifiers(self, node: Node, decorators: list[Node]) -> str:
        words = {MODIFIERS[last] for last in map(self._last_name, decorators) if last in MODIFIERS}
        if node.children[0].type == "async":
            words.add("async")
        if not self._in_order(node):
            words.add("conditional")
        return " ".join(sorted(words))

    def _parameters(self, parameters: Node, frame: Frame) -> None:
        scopes, place, kind = self.scopes, 0, "parameter"
        for node in parameters.named_children:
            found = _parameter(node)
            if found is None:
                kind = "keyword_parameter" if node.kind_id == KIND["keyword_separator"] else kind
                continue
            name, annotation, default, star = found
            span, said = self.file.claim(name)
            scopes.define("parameter", said, frame, node.byte_range, span)
            frame.parameters[said] = place
            text = self._one_line(annotation) if annotation is not None else ""
            scopes.refer(star or kind, said, text, place, *span, frame.symbol)
            if default is not None:
                scopes.refer("default", said, written(self.read(default)), place, *span, frame.symbol)
            if annotation is not None:
                self.file.file_annotation(annotation, 0, frame.symbol)
            place += 1
            kind = "keyword_parameter" if star == "star_parameter" else kind

    # What all definitions have

    def _documented(self, body: Node) -> tuple[str, tuple[int, int]]:
        doc = docstring_node(body)
        return ("", (0, 0)) if doc is None else (docstring_text(self.said(doc)), doc.byte_range)

    def _one_line(self, node: Node) -> str:
        return one_line(self.said(node), node)

    def _in_order(self, definition: Node) -> bool:
        """Whether a definition is a statement of its scope's own body: it then replaces an earlier one of its name."""
        parent = definition.parent
        is_decorated = parent is not None and parent.kind_id == KIND["decorated_definition"]
        return self.file.in_body(parent if is_decorated else definition)

    def _file_decorators(self, decorators: list[Node], symbol: str) -> None:
        for place, decorator in enumerate(decorators):
            if decorator.named_child_count:
                self.file.file_named("decorator", decorator.named_children[0], place, symbol)

    def _last_name(self, decorator: Node) -> str:
        named = decorator.named_children[0] if decorator.named_child_count else decorator
        while named.kind_id == KIND["call"]:
            named = named.children[0]
        return self.said(named).rpartition(".")[2]


def _decorated(node: Node) -> tuple[tuple[int, int], list[Node]]:
    """The bytes of a definition with its decorators, and those."""
    parent = node.parent
    if parent is None or parent.kind_id != KIND["decorated_definition"]:
        return node.byte_range, []
    return parent.byte_range, [one for one in parent.named_children if one.kind_id == KIND["decorator"]]


def _parameter(node: Node) -> tuple[Node, Node | None, Node | None, str] | None:
    """Name, annotation, default and star of one parameter; None for what is none."""
    kind, annotation, default = node.kind_id, None, None
    if kind == KIND["default_parameter"] or kind == KIND["typed_default_parameter"]:
        annotation, default = node.child_by_field_name("type"), node.children[-1]
        node = node.children[0]
    elif kind == KIND["typed_parameter"]:
        annotation = node.children[-1]
        node = node.children[0]
    star = ""
    if node.kind_id == KIND["list_splat_pattern"]:
        star, node = "star_parameter", node.children[-1]
    elif node.kind_id == KIND["dictionary_splat_pattern"]:
        star, node = "star_star_parameter", node.children[-1]
    return (node, annotation, default, star) if node.kind_id == KIND["identifier"] else None
