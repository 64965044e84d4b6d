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
        scopes.frame.body = root
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
        extent, decorators, in_order = self._placed(node)
        docstring, doc_span = self._documented(body)
        span, said = self.file.claim(name)
        bases = node.child_by_field_name("superclasses")
        signature = self._one_line(bases) if bases is not None else ""
        modifiers = "" if in_order else "conditional"
        symbol = scopes.define("class", said, outer, extent, span, signature, docstring, doc_span, modifiers)
        qualified = scopes.symbols[-1].qualified_name
        frame = Frame(symbol, "class", qualified, body.start_byte, body.end_byte, outer, body=body)
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
        extent, decorators, in_order = self._placed(node)
        modifiers = self._modifiers(node, decorators, in_order)
        docstring, doc_span = self._documented(body)
        span, said = self.file.claim(name)
        symbol = self.scopes.define(kind, said, outer, extent, span, signature, docstring, doc_span, modifiers)
        if in_order and not decorators:
            outer.bound.setdefault(said, 1)  # an assignment behind it binds the name anew
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
        at = body.byte_range
        return Frame(symbol, kind, qualified, *at, outer, index=len(symbols) - 1, body=body)

    def _modifiers(self, node: Node, decorators: list[Node], in_order: bool) -> str:
        words = {MODIFIERS[last] for last in map(self._last_name, decorators) if last in MODIFIERS}
        if self.file.expressions.source.startswith(b"async", node.start_byte):
            words.add("async")
        if not in_order:
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

    def _placed(self, definition: Node) -> tuple[tuple[int, int], list[Node], bool]:
        """The bytes of a definition with its decorators; those; whether it is a statement of its scope's own body.

        Such a definition replaces an earlier one of its name.
        """
        states = self.scopes.frame.states
        if states(definition.start_byte, definition.kind_id):
            return definition.byte_range, [], True
        parent = definition.parent
        if parent is None or parent.kind_id != KIND["decorated_definition"]:
            return definition.byte_range, [], False
        decorators = [one for one in parent.named_children if one.kind_id == KIND["decorator"]]
        return parent.byte_range, decorators, states(parent.start_byte, parent.kind_id)

    def _file_decorators(self, decorators: list[Node], symbol: str) -> None:
        for place, decorator in enumerate(decorators):
            if decorator.named_child_count:
                self.file.file_named("decorator", decorator.named_children[0], place, symbol)

    def _last_name(self, decorator: Node) -> str:
        named = decorator.named_children[0] if decorator.named_child_count else decorator
        while named.kind_id == KIND["call"]:
            named = named.children[0]
        return self.said(named).rpartition(".")[2]


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
