"""Python source to definitions and raw references.

Kinds of references; a value is an expression in the notation of `expressions` unless said otherwise:
  import            name: the local name (`a.b` for `import a.b`), value `pkg.mod` or `pkg.mod:attr`, leading dots where
                    relative. star_import: value the module
  library           name: the top-level name of an absolute import, where it stands
  call              name: last name of the callee, value the call; its span is that name. ordinal: end of the callee
  assign            name: what is bound (`x`, or an attribute or subscript as an expression), value what it is bound to
  extend            name: a list, value the display that `+=` adds to it
  parameter         name: a function's parameter, value its annotation as text, ordinal: position. scope: the function
                    star_parameter, star_star_parameter; keyword_parameter: only by name. default: name, value
  annotation        name: an annotated variable or attribute, value the annotation as text
  annotation_name   name, value: a dotted name inside any annotation; ordinal 1 in a return annotation
  return_annotation value as text. return, yield, yield_from: value
  base              value, ordinal: position. scope: the class. metaclass: value
  decorator         value, ordinal: position from the top. scope: what is decorated
  iterate, enter    value: what a loop or an unpacking iterates, what a with statement enters; ordinal 1 where async
  raise, catch      value; a bare `raise` has an empty one; one catch for each of a tuple
  read, write       name: last name, value: path; the first of a kind in each scope. global: name
Local variables are no symbols: the bindings of a scope are its assign, import and parameter references.
"""

from collections.abc import Callable
from operator import itemgetter
from pathlib import PurePosixPath

from tree_sitter import Node

from graphmer.corpus.parse.python.expressions import KIND, Expression, ExpressionReader, Fresh, is_path, written
from graphmer.corpus.parse.python.reads import file_reads
from graphmer.corpus.parse.python.scopes import FUNCTIONS, Frame, PythonScopes
from graphmer.corpus.parse.python.text import docstring_node, docstring_text, one_line
from graphmer.corpus.parse.records import FileKey, ParsedFile, Symbol
from graphmer.corpus.parse.treesitter import captures, kind_ids, name_of, parse, too_deep

SOURCE_ROOTS = ("src", "lib", "python")
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
STATEMENT = kind_ids(
    "python",
    (
        *("decorated_definition", "decorator", "keyword_separator", "typed_parameter", "default_parameter"),
        *("typed_default_parameter", "list_splat_pattern", "dictionary_splat_pattern", "tuple_pattern", "pattern_list"),
        *("list_pattern", "as_pattern", "as_pattern_target", "aliased_import", "wildcard_import", "assignment"),
        *("expression_statement",),
    ),
)
PATTERNS = frozenset(
    {STATEMENT["tuple_pattern"], STATEMENT["pattern_list"], STATEMENT["list_pattern"], KIND["tuple"], KIND["list"],
     KIND["expression_list"]}
)  # fmt: skip
NO_METHODS = ("'", "#", "<", "?")


def module_name(file: str) -> str:
    """Dotted name of a file's module: its path below a source root, a package's `__init__` left out."""
    parts = list(PurePosixPath(file).with_suffix("").parts)
    if len(parts) > 1 and parts[0] in SOURCE_ROOTS:
        parts = parts[1:]
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def parse_python(source: bytes, where: FileKey) -> ParsedFile:
    """Definitions and references of one Python file; a file with syntax errors keeps its good parts."""
    module = module_name(where.file)
    if too_deep(source):
        return ParsedFile(module, [], [], "skipped", "too_deep")
    root = parse("python", source)
    file = _PythonFile(source, where, module)
    file.sweep(root)
    status, reason = ("partial", "syntax_error") if root.has_error else ("ok", "")
    return ParsedFile(module, file.scopes.symbols, file.scopes.references, status, reason)


class _PythonFile:
    """One file while it is read: its scopes and its expressions."""

    def __init__(self, source: bytes, where: FileKey, module: str) -> None:
        self.size = len(source)
        self.scopes = PythonScopes(self.size, where, module)
        self.expressions = ExpressionReader(source)
        self.said, self.read = self.expressions.said, self.expressions.read
        self.claimed = self.expressions.claimed  # ends of names that are no reads
        self.holes: list[tuple[int, int]] = []  # imports and annotations: names there are no reads either

    def sweep(self, root: Node) -> None:
        """Meet every node once, in the order of bytes; at one byte, outer before inner and statements before names."""
        self._module(root)
        nodes = captures("python", root)
        handlers = self._handlers()
        events: list[tuple[int, int, int, Node]] = []
        for rank, name in enumerate(handlers):
            events += [(node.start_byte, -node.end_byte, rank, node) for node in nodes.get(name, ())]
        events.sort(key=itemgetter(0, 1, 2))
        by_rank = list(handlers.values())
        scopes, expressions = self.scopes, self.expressions
        for start, _, rank, node in events:
            if start >= scopes.next_change:
                scopes.move_to(start)
                expressions.versions, expressions.fresh = scopes.frame.versions, scopes.frame.fresh
            by_rank[rank](node)
        self.claimed.update(node.end_byte for node in nodes.get("keyword", ()))
        names = nodes.get("attribute", []), nodes.get("identifier", [])
        file_reads(self.scopes, self.expressions, self.holes, *names)

    def _handlers(self) -> dict[str, Callable[[Node], None]]:
        """In the order in which nodes count that span the same bytes."""
        return {
            "class": self._class,
            "function": self._function,
            "import": self._import,
            "import_from": self._import_from,
            "lambda": self._lambda,
            "assignment": self._assignment,
            "augmented": self._augmented,
            "walrus": self._walrus,
            "with": self._with,
            "for": self._for,
            "capture": self._capture,
            "global": self._global,
            "return": self._return,
            "yield": self._yield,
            "raise": self._raise,
            "except": self._except,
            "call": self._call,
        }

    # Definitions

    def _module(self, root: Node) -> None:
        scopes = self.scopes
        documented, span = self._documented(root)
        name = scopes.module.rpartition(".")[2]
        extent = (0, self.size, 0, 0)
        scopes.symbols.append(
            Symbol(scopes.prefix, "module", name, scopes.module, "", *extent, "", documented, *span, "")
        )

    def _documented(self, body: Node | None) -> tuple[str, tuple[int, int]]:
        doc = docstring_node(body)
        return ("", (0, 0)) if doc is None else (docstring_text(self.said(doc)), (doc.start_byte, doc.end_byte))

    def _class(self, node: Node) -> None:
        name, body = name_of(node), node.child_by_field_name("body")
        if name is None or body is None:
            return
        scopes, outer = self.scopes, self.scopes.frame
        extent, decorators = _decorated(node)
        docstring, doc_span = self._documented(body)
        span, said = self._claim(name)
        bases = node.child_by_field_name("superclasses")
        signature = one_line(self.said(bases), bases) if bases is not None else ""
        modifiers = "" if self._in_order(node) else "conditional"
        symbol = scopes.define("class", said, outer, extent, span, signature, docstring, doc_span, modifiers)
        frame = Frame(symbol, "class", scopes.symbols[-1].qualified_name, body.start_byte, body.end_byte, outer)
        self._file_decorators(decorators, symbol)
        place = 0
        for base in bases.named_children if bases is not None else ():
            if base.kind_id == KIND["keyword_argument"]:
                keyword = self._claim(base.children[0])[1]
                kind = "metaclass" if keyword == "metaclass" else "class_keyword"
                self._file_named(kind, base.children[-1], 0, symbol)
            elif base.kind_id != KIND["comment"]:
                self._file_named("base", base, place, symbol)
                place += 1
        scopes.open(frame)

    def _function(self, node: Node) -> None:
        name, body = name_of(node), node.child_by_field_name("body")
        parameters = node.child_by_field_name("parameters")
        if name is None or body is None or parameters is None:
            return
        scopes, outer = self.scopes, self.scopes.frame
        kind = "method" if outer.kind == "class" else "function"
        returned = node.child_by_field_name("return_type")
        signature = one_line(self.said(parameters), parameters)
        if returned is not None:
            signature += f" -> {one_line(self.said(returned), returned)}"
        extent, decorators = _decorated(node)
        words = {MODIFIERS[last] for last in map(self._said_last, decorators) if last in MODIFIERS}
        if node.children[0].type == "async":
            words.add("async")
        if not self._in_order(node):
            words.add("conditional")
        docstring, doc_span = self._documented(body)
        span, said = self._claim(name)
        modifiers = " ".join(sorted(words))
        symbol = scopes.define(kind, said, outer, extent, span, signature, docstring, doc_span, modifiers)
        qualified, index = scopes.symbols[-1].qualified_name, len(scopes.symbols) - 1
        frame = Frame(symbol, kind, qualified, body.start_byte, body.end_byte, outer, index=index)
        self._file_decorators(decorators, symbol)
        self._parameters(parameters, frame)
        if returned is not None:
            annotation = one_line(self.said(returned), returned)
            scopes.refer("return_annotation", "", annotation, 0, returned.start_byte, returned.end_byte, symbol)
            self._annotation(returned, 1, symbol)
        scopes.open(frame)

    def _in_order(self, definition: Node) -> bool:
        """Whether a definition is a statement of its scope's own body: it then replaces an earlier one of its name."""
        block = definition.parent
        if block is not None and block.kind_id == STATEMENT["decorated_definition"]:
            block = block.parent
        return block is not None and (block.parent is None or block.start_byte == self.scopes.frame.start)

    def _lambda(self, node: Node) -> None:
        body = node.child_by_field_name("body")
        if body is None:
            return
        scopes, outer = self.scopes, self.scopes.frame
        outer.lambdas += 1
        parameters = node.child_by_field_name("parameters")
        start, end = node.start_byte, node.end_byte
        span = (start, start + len(b"lambda"))
        signature = one_line(self.said(parameters), parameters) if parameters is not None else ""
        symbol = scopes.define("lambda", f"<lambda{outer.lambdas}>", outer, (start, end), span, signature)
        index = len(scopes.symbols) - 1
        frame = Frame(
            symbol, "lambda", scopes.symbols[-1].qualified_name, body.start_byte, body.end_byte, outer, index=index
        )
        if parameters is not None:
            self._parameters(parameters, frame)
        scopes.refer("return", "", written(self.read(body)), 0, body.start_byte, body.end_byte, symbol)
        scopes.open(frame)

    def _claim(self, name: Node) -> tuple[tuple[int, int], str]:
        """Span and text of a name that is no read."""
        span = name.byte_range
        self.claimed.add(span[1])
        return span, self.said(name)

    def _said_last(self, decorator: Node) -> str:
        named = decorator.named_children[0] if decorator.named_child_count else decorator
        while named.kind_id == KIND["call"]:
            named = named.children[0]
        return self.said(named).rpartition(".")[2]

    def _file_decorators(self, decorators: list[Node], symbol: str) -> None:
        for place, decorator in enumerate(decorators):
            if decorator.named_child_count:
                self._file_named("decorator", decorator.named_children[0], place, symbol)

    def _file_named(self, kind: str, value: Node, ordinal: int, scope: str = "") -> None:
        """A reference that names something by a path: its span is the path's last name."""
        named: Node = value
        while named.kind_id in (KIND["subscript"], KIND["call"]):
            named = named.children[0]
        where = named.children[-1] if named.kind_id == KIND["attribute"] else named
        if named.kind_id not in (KIND["attribute"], KIND["identifier"]):
            where = value
        self.claimed.add(where.end_byte)
        name = self.said(where) if where.kind_id == KIND["identifier"] else ""
        start, end = where.byte_range
        self.scopes.refer(kind, name, written(self.read(value)), ordinal, start, end, scope)

    def _parameters(self, parameters: Node, frame: Frame) -> None:
        scopes, place, kind = self.scopes, 0, "parameter"
        for node in parameters.named_children:
            found = _parameter(node)
            if found is None:
                kind = "keyword_parameter" if node.kind_id == STATEMENT["keyword_separator"] else kind
                continue
            name, annotation, default, star = found
            span, said = self._claim(name)
            scopes.define("parameter", said, frame, node.byte_range, span)
            frame.parameters[said] = place
            text = one_line(self.said(annotation), annotation) if annotation is not None else ""
            scopes.refer(star or kind, said, text, place, *span, frame.symbol)
            if default is not None:
                scopes.refer("default", said, written(self.read(default)), place, *span, frame.symbol)
            if annotation is not None:
                self._annotation(annotation, 0, frame.symbol)
            place += 1
            kind = "keyword_parameter" if star == "star_parameter" else kind

    def _annotation(self, annotation: Node, ordinal: int, symbol: str = "") -> None:
        """The dotted names of an annotation, and a quoted one's text, each where it stands."""
        self.holes.append(annotation.byte_range)
        todo = [annotation]
        while todo:
            node = todo.pop()
            kind = node.kind_id
            if kind == KIND["identifier"] or kind == KIND["attribute"]:
                path = self.read(node)
                if is_path(path):
                    last = node.children[-1] if kind == KIND["attribute"] else node
                    place = last.byte_range
                    self.scopes.refer("annotation_name", self.said(last), written(path), ordinal, *place, symbol)
            elif kind == KIND["string"]:
                said = self.said(node).strip("\"' ")
                if said.replace(".", "").isidentifier():
                    place = node.byte_range
                    self.scopes.refer("annotation_name", said.rpartition(".")[2], said, ordinal, *place, symbol)
            else:
                todo += reversed(node.named_children)

    # Imports

    def _import(self, node: Node) -> None:
        self.holes.append(node.byte_range)
        for name in node.children_by_field_name("name"):
            path, alias = _aliased(name)
            if path is None:
                continue
            value = "".join(self.said(path).split())
            local = self.said(alias) if alias is not None else value
            self._bound_by_import(local.partition(".")[0])
            self.scopes.refer("import", local, value, 0, *path.byte_range)
            self._file_library(path.start_byte, value)

    def _bound_by_import(self, name: str) -> None:
        frame = self.scopes.frame
        frame.locals.add(name)
        frame.bound.setdefault(name, 1)
        frame.versions.pop(name, None)

    def _file_library(self, start: int, value: str) -> None:
        top = value.partition(".")[0]
        if top:
            self.scopes.refer("library", top, top, 0, start, start + len(top.encode()))

    def _import_from(self, node: Node) -> None:
        self.holes.append(node.byte_range)
        module = node.child_by_field_name("module_name")
        if module is None:
            return
        origin = "".join(self.said(module).split())
        if origin == "__future__":
            return
        if not origin.startswith("."):
            self._file_library(module.start_byte, origin)
        if any(child.kind_id == STATEMENT["wildcard_import"] for child in node.named_children):
            self.scopes.refer("star_import", origin.rpartition(".")[2], origin, 0, *module.byte_range)
            return
        for name in node.children_by_field_name("name"):
            path, alias = _aliased(name)
            if path is None:
                continue
            said = self.said(path)
            local = self.said(alias) if alias is not None else said
            self._bound_by_import(local)
            self.scopes.refer("import", local, f"{origin}:{said}", 0, *path.byte_range)

    # Bindings

    def _assignment(self, node: Node) -> None:
        children = node.children
        left, right = children[0], children[-1]
        annotation = node.child_by_field_name("type")
        while right.kind_id == STATEMENT["assignment"] and right.child_count > 2:  # x = y = value
            right = right.children[-1]
        has_value = right != annotation
        value = self.read(right) if has_value else "?"
        if annotation is not None:
            target = written(self.read(left))
            text = one_line(self.said(annotation), annotation)
            self.scopes.refer("annotation", target, text, 0, *annotation.byte_range)
            self._annotation(annotation, 0)
        if self._is_statement(node):
            self._bind_anew(left, value)
        else:
            self._bind(left, value)
        if self.scopes.frame.kind == "module" and has_value and self.said(left) == "__all__":
            self._exports(right)

    def _is_statement(self, node: Node) -> bool:
        """Whether an assignment is a statement of its scope's own body, which runs once, in order."""
        statement = node.parent
        block = (
            statement.parent
            if statement is not None and statement.kind_id == STATEMENT["expression_statement"]
            else None
        )
        frame = self.scopes.frame
        return block is not None and (block.parent is None or block.start_byte == frame.start) and frame.kind != "class"

    def _bind_anew(self, target: Node, value: Expression) -> None:
        """An assignment that replaces what a name, or a key of a dict just written down, was before."""
        frame = self.scopes.frame
        if target.kind_id == KIND["identifier"]:
            name = self.said(target)
            if name in frame.bound and name not in frame.globals:
                frame.bound[name] += 1
                frame.versions[name] = f"{name}#{frame.bound[name]}"
            filed = len(self.scopes.references)
            self._bind(target, value)
            frame.fresh.pop(name, None)
            if isinstance(value, list) and value[0] == "dict" and len(self.scopes.references) > filed:
                frame.fresh[name] = Fresh(len(self.scopes.references) - 1, value)
        else:
            if target.kind_id == KIND["subscript"]:
                self._forget(*self._key_path(target))
            self._bind(target, value)

    def _key_path(self, target: Node) -> tuple[str, list[Expression]]:
        """`d["a"]["b"]` as its name and keys; an empty name where it is anything else."""
        keys: list[Expression] = []
        while target.kind_id == KIND["subscript"]:
            given = target.children_by_field_name("subscript")
            key = self.read(given[0]) if len(given) == 1 else "?"
            keys.append(key)
            target = target.children[0]
        plain = all(isinstance(key, str) and key[:1] in "'#" for key in keys)
        return (self.said(target) if plain and target.kind_id == KIND["identifier"] else ""), keys[::-1]

    def _forget(self, name: str, keys: list[Expression]) -> None:
        fresh = self.scopes.frame.fresh.get(name)
        if fresh is not None and fresh.forget(keys):
            references = self.scopes.references
            references[fresh.reference] = references[fresh.reference]._replace(value=written(fresh.display))

    def _exports(self, right: Node) -> None:
        for item in right.named_children:
            if item.kind_id == KIND["string"]:
                name = self.said(item).strip("\"'")
                self.scopes.refer("export", name, name, 0, *item.byte_range)

    def _bind(self, target: Node, value: Expression) -> None:
        """File the binding of one target; each part of a tuple is bound to its part of the value."""
        kind = target.kind_id
        if kind == KIND["identifier"]:
            self._bind_name(target, value)
        elif kind == KIND["attribute"]:
            self._bind_attribute(target, value)
        elif kind == KIND["subscript"]:
            start, end = target.byte_range
            fresh = dict(self.scopes.frame.fresh)
            self.read(target)
            self.scopes.frame.fresh.update(fresh)  # storing is no use
            self.scopes.refer("assign", written(self.read(target)), written(value), 0, start, end)
        elif kind in PATTERNS:
            self._bind_parts(target, value)
        elif kind in (KIND["parenthesized_expression"], STATEMENT["as_pattern_target"]) and target.named_child_count:
            self._bind(target.named_children[0], value)

    def _bind_parts(self, target: Node, value: Expression) -> None:
        parts = [part for part in target.named_children if part.kind_id != KIND["comment"]]
        starred = False
        for place, part in enumerate(parts):
            star = part.kind_id in (STATEMENT["list_splat_pattern"], KIND["list_splat"])
            # Behind a starred target, places count from the end.
            at = f"#{place - len(parts)}" if starred else f"#{place}"
            said: Expression = "?" if value == "?" else ["rest" if star else "item", value, at]
            self._bind(part.children[-1] if star else part, said)
            starred = starred or star

    def _bind_name(self, target: Node, value: Expression) -> None:
        (start, end), name = self._claim(target)
        if not name:  # made up by the parser to mend a broken line
            return
        frame = self.scopes.frame
        frame.locals.add(name)
        frame.bound.setdefault(name, 1)
        self.scopes.refer_once("assign", frame.versions.get(name, name), written(value), start, end)
        if frame.kind == "module":
            self.scopes.define_once("variable", name, frame, (start, end))
        elif frame.kind == "class":
            self.scopes.define_once("field", name, frame, (start, end))

    def _bind_attribute(self, target: Node, value: Expression) -> None:
        span, name = self._claim(target.children[-1])
        path = self.read(target)
        said = written(path)
        self.scopes.refer_once("assign", said, written(value), *span)
        owner = self.scopes.class_of_method()
        if owner is not None and said in (f"self.{name}", f"cls.{name}"):
            self.scopes.define_once("field", name, owner, span)
        if is_path(path):
            self.scopes.refer_once("write", name, said, *span)

    def _augmented(self, node: Node) -> None:
        left = node.children[0]
        if left.kind_id == KIND["identifier"]:
            self.scopes.frame.locals.add(self.said(left))
            self.scopes.refer_once("assign", self.said(left), "?", *left.byte_range)
        elif left.kind_id == KIND["attribute"]:
            self._bind_attribute(left, "?")
        if left.kind_id in (KIND["identifier"], KIND["attribute"]):
            value = self.read(node.children[-1])
            if isinstance(value, list) and value[0] == "list":  # names += [f]
                self.scopes.refer("extend", written(self.read(left)), written(value), 0, *left.byte_range)

    def _walrus(self, node: Node) -> None:
        name = name_of(node)
        if name is not None:
            self._bind(name, self.read(node.children[-1]))

    def _with(self, node: Node) -> None:
        value = node.children[0]
        alias = None
        if value.kind_id == STATEMENT["as_pattern"]:
            alias = value.child_by_field_name("alias")
            value = value.children[0]
        entered, is_async = self.read(value), _is_async(node)
        self._file_protocol("enter", value, entered, is_async)
        if alias is not None:
            self._bind(alias, ["aenter" if is_async else "enter", entered] if entered != "?" else "?")

    def _capture(self, node: Node) -> None:
        """A bare name in a `case` is bound to what it matches."""
        self._bind(node, "?")

    def _for(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        iterated, is_async = self.read(right), _is_async(node)
        self._file_protocol("iterate", right, iterated, is_async)
        self._bind(left, ["aiter" if is_async else "iter", iterated] if iterated != "?" else "?")

    def _file_protocol(self, kind: str, node: Node, value: Expression, is_async: bool) -> None:
        """What is iterated or entered has methods called; a literal has none of its own."""
        if isinstance(value, str) and value.startswith(NO_METHODS):
            return
        self.scopes.refer(kind, "", written(value), int(is_async), *_last_name(node).byte_range)

    def _global(self, node: Node) -> None:
        for name in node.named_children:
            span, said = self._claim(name)
            self.scopes.frame.globals.add(said)
            self.scopes.refer("global", said, said, 0, *span)

    # What code does

    def _call(self, node: Node) -> None:
        callee = self.expressions.callee(node)
        if self.scopes.frame.fresh:
            self._update(node, callee)
        value = self.expressions.whole_call(node, callee)
        kind, key = callee.kind_id, callee.end_byte
        if kind == KIND["attribute"] or kind == KIND["identifier"]:
            self.claimed.add(key)
        last = _last_name(callee)
        name = self.said(last) if last is callee or kind == KIND["attribute"] else ""
        self.scopes.refer("call", name, written(value), key, *last.byte_range)
        for argument in node.children[-1].named_children:
            if argument.kind_id == KIND["list_splat"]:
                inner = argument.children[-1]
                self._file_protocol("iterate", inner, self.read(inner), False)

    def _update(self, node: Node, callee: Node) -> None:
        """`d.update({...})` stores keys; any other call may use any dict."""
        frame, given = self.scopes.frame, node.children[-1].named_children
        fresh = dict(frame.fresh)
        frame.fresh.clear()
        if callee.kind_id != KIND["attribute"] or len(given) != 1 or not self._is_call_statement(node):
            return
        name = self.said(callee.children[0])
        update = self.read(given[0])
        if (
            name in fresh
            and self.said(callee.children[-1]) == "update"
            and isinstance(update, list)
            and update[0] == "dict"
        ):
            frame.fresh[name] = fresh[name]
            for item in update[2:]:
                key = item[0]
                if isinstance(key, str) and key[:1] in "'#":
                    self._forget(name, [key])
            frame.fresh.clear()

    def _is_call_statement(self, node: Node) -> bool:
        statement = node.parent
        block = statement.parent if statement is not None else None
        return block is not None and (block.parent is None or block.start_byte == self.scopes.frame.start)

    def _return(self, node: Node) -> None:
        if node.named_child_count:
            value = node.children[-1]
            self.scopes.refer("return", "", written(self.read(value)), 0, *value.byte_range)

    def _yield(self, node: Node) -> None:
        scopes, frame = self.scopes, self.scopes.frame
        children = node.children
        is_from = len(children) > 1 and children[1].type == "from"
        value = self.read(children[-1]) if len(children) > 1 else "<None>"
        scopes.refer("yield_from" if is_from else "yield", "", written(value), 0, *node.byte_range)
        if is_from:
            self._file_protocol("iterate", children[-1], value, False)
        if frame.kind in FUNCTIONS and frame.index >= 0:
            symbol = scopes.symbols[frame.index]
            if "generator" not in symbol.modifiers.split():
                words = sorted({*symbol.modifiers.split(), "generator"})
                scopes.symbols[frame.index] = symbol._replace(modifiers=" ".join(words))

    def _raise(self, node: Node) -> None:
        if not node.named_child_count:
            self.scopes.refer("raise", "", "", 1, *node.byte_range)
            return
        claimed = set(self.claimed)
        self._file_named("raise", node.named_children[0], 0)
        self.claimed.intersection_update(claimed)  # the name is read or called too

    def _except(self, node: Node) -> None:
        value = node.child_by_field_name("value")
        if value is None:
            return
        alias = None
        if value.kind_id == STATEMENT["as_pattern"]:
            alias = value.child_by_field_name("alias")
            value = value.children[0]
        parts = value.named_children if value.kind_id == KIND["tuple"] else [value]
        for place, part in enumerate(parts):
            if part.kind_id != KIND["comment"]:
                self._file_named("catch", part, place)
        if alias is not None:
            caught: list[Expression] = [["()", self.read(part)] for part in parts if part.kind_id != KIND["comment"]]
            self._bind(alias, caught[0] if len(caught) == 1 else ["|", *caught])


def _last_name(node: Node) -> Node:
    """Where an expression names what it is about: `f` of f(x)(y), `b` of a.b[0]; itself where it has no name."""
    while node.kind_id in (KIND["call"], KIND["subscript"]):
        node = node.children[0]
    return node.children[-1] if node.kind_id == KIND["attribute"] else node


def _decorated(node: Node) -> tuple[tuple[int, int], list[Node]]:
    """The bytes of a definition with its decorators, and those."""
    parent = node.parent
    if parent is None or parent.kind_id != STATEMENT["decorated_definition"]:
        return node.byte_range, []
    return parent.byte_range, [one for one in parent.named_children if one.kind_id == STATEMENT["decorator"]]


def _parameter(node: Node) -> tuple[Node, Node | None, Node | None, str] | None:
    """Name, annotation, default and star of one parameter; None for what is none."""
    kind, annotation, default = node.kind_id, None, None
    if kind == STATEMENT["default_parameter"] or kind == STATEMENT["typed_default_parameter"]:
        annotation, default = node.child_by_field_name("type"), node.children[-1]
        node = node.children[0]
    elif kind == STATEMENT["typed_parameter"]:
        annotation = node.children[-1]
        node = node.children[0]
    star = ""
    if node.kind_id == STATEMENT["list_splat_pattern"]:
        star, node = "star_parameter", node.children[-1]
    elif node.kind_id == STATEMENT["dictionary_splat_pattern"]:
        star, node = "star_star_parameter", node.children[-1]
    return (node, annotation, default, star) if node.kind_id == KIND["identifier"] else None


def _aliased(name: Node) -> tuple[Node | None, Node | None]:
    if name.kind_id != STATEMENT["aliased_import"]:
        return name, None
    return name.child_by_field_name("name"), name.child_by_field_name("alias")


def _is_async(node: Node) -> bool:
    """Whether a loop, a clause of a comprehension or a with item awaits."""
    if node.children[0].type == "async":
        return True
    clause = node.parent
    statement = clause.parent if clause is not None else None
    return node.type == "with_item" and statement is not None and statement.children[0].type == "async"
