"""Python source to definitions and raw references.

Kinds of references; `value` is an access path (`python_text.access_path`) unless said otherwise:
  import            name: the local name (`a.b` for `import a.b`), value `pkg.mod` or `pkg.mod:attr`, leading dots where
                    relative; ordinal 1 inside `try` or `if TYPE_CHECKING`. star_import: value the module
  library           name: the top-level name of an absolute import, where it stands
  call              name: last name of the callee, value its path, ordinal: number of arguments
  assign            name: target (`x`, `self.x`), value: right side; a part of a tuple has `<expr>`
  with, for         name: target, value: what is entered, or iterated
  parameter         name: a function's parameter, value its annotation as text, ordinal: position. scope: the function
  annotation        name: an annotated variable or attribute, value the annotation as text
  annotation_name   name, value: a dotted name inside any annotation; ordinal 1 in a return annotation
  return_annotation value as text. return, yield: value
  base              value, ordinal: position. scope: the class. metaclass: value
  decorator         value. scope: what is decorated
  raise, catch      value; a bare `raise` has an empty one; one catch for each of a tuple; name of catch: its alias
  read, write       name: last name, value: path; the first of a kind in each scope. global: name
Local variables are no symbols: the bindings of a scope are its assign, with, for, import and parameter references.
"""

from collections.abc import Callable
from operator import itemgetter
from pathlib import PurePosixPath

from tree_sitter import Node

from graphmer.corpus.parse.python_scopes import FUNCTIONS, Frame, PythonScopes
from graphmer.corpus.parse.python_text import UNKNOWN, access_path, docstring_node, docstring_text, one_line, text
from graphmer.corpus.parse.records import FileKey, ParsedFile, Symbol
from graphmer.corpus.parse.treesitter import captures, name_of, parse, too_deep

SOURCE_ROOTS = ("src", "lib", "python")
MODIFIERS = {
    "property": "property",
    "cached_property": "property",
    "staticmethod": "staticmethod",
    "classmethod": "classmethod",
    "abstractmethod": "abstract",
    "overload": "overload",
    "setter": "setter",
}
PARAMETERS = frozenset(
    {"identifier", "typed_parameter", "default_parameter", "typed_default_parameter", "list_splat_pattern",
     "dictionary_splat_pattern"}
)  # fmt: skip
Handler = Callable[[PythonScopes, Node], None]


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
    scopes = PythonScopes(source, where, module)
    doc = docstring_node(root)
    span = (doc.start_byte, doc.end_byte) if doc is not None else (0, 0)
    documented = docstring_text(doc) if doc is not None else ""
    name = module.rpartition(".")[2]
    row = (scopes.prefix, "module", name, module, "", 0, len(source), 0, 0, "", documented, *span, "")
    scopes.symbols.append(Symbol(*row))
    nodes = captures("python", root)
    _sweep(scopes, nodes)
    status, reason = ("partial", "syntax_error") if root.has_error else ("ok", "")
    return ParsedFile(module, scopes.symbols, scopes.references, status, reason)


def _sweep(scopes: PythonScopes, nodes: dict[str, list[Node]]) -> None:
    """Meet every node once, in the order of bytes; at one byte, outer before inner and statements before names."""
    events: list[tuple[int, int, int, Handler, Node]] = []
    for rank, (name, handler) in enumerate(HANDLERS.items()):
        events += [(node.start_byte, -node.end_byte, rank, handler, node) for node in nodes.get(name, ())]
    events.sort(key=itemgetter(0, 1, 2))
    for start, _, _, handler, node in events:
        scopes.move_to(start)
        handler(scopes, node)


def _decorators(node: Node) -> list[Node]:
    parent = node.parent
    if parent is None or parent.type != "decorated_definition":
        return []
    return [child for child in parent.named_children if child.type == "decorator"]


def _extent(node: Node) -> tuple[int, int]:
    parent = node.parent
    whole = parent if parent is not None and parent.type == "decorated_definition" else node
    return whole.start_byte, whole.end_byte


def _documented(body: Node | None) -> tuple[str, tuple[int, int]]:
    doc = docstring_node(body)
    return ("", (0, 0)) if doc is None else (docstring_text(doc), (doc.start_byte, doc.end_byte))


def _class(scopes: PythonScopes, node: Node) -> None:
    name, body = name_of(node), node.child_by_field_name("body")
    if name is None or body is None:
        return
    scopes.claimed.add(name.start_byte)
    docstring, doc_span = _documented(body)
    span = (name.start_byte, name.end_byte)
    bases = node.child_by_field_name("superclasses")
    signature = one_line(bases) if bases is not None else ""
    symbol = scopes.define("class", text(name), scopes.frame, _extent(node), span, signature, docstring, doc_span)
    frame = Frame(symbol.symbol, "class", symbol.qualified_name, body.start_byte, body.end_byte)
    _file_decorators(scopes, node, frame)
    for place, base in enumerate(bases.named_children if bases is not None else ()):
        kind, value = "base", base
        if base.type == "keyword_argument":
            named, argument = base.child_by_field_name("name"), base.child_by_field_name("value")
            if named is None or argument is None:
                continue
            scopes.claimed.add(named.start_byte)
            kind, value = ("metaclass" if text(named) == "metaclass" else "class_keyword"), argument
        _file_path(scopes, kind, value, place, frame)
    scopes.open(frame)


def _file_path(scopes: PythonScopes, kind: str, value: Node, ordinal: int, frame: Frame | None = None) -> None:
    """A reference that names something by a path: its span is the path's last name."""
    named = value.child_by_field_name("value") if value.type == "subscript" else value
    while named is not None and named.type == "call":
        named = named.child_by_field_name("function")
    last = named.child_by_field_name("attribute") if named is not None and named.type == "attribute" else named
    where = last if last is not None else value
    path = access_path(value)
    if value.type == "subscript":
        path = path.removesuffix("[]")  # Generic[T] names Generic
    scopes.claimed.add(where.start_byte)
    scopes.refer(
        kind, text(where) if where.type == "identifier" else "", path, ordinal, where.start_byte, where.end_byte, frame
    )


def _file_decorators(scopes: PythonScopes, node: Node, frame: Frame) -> tuple[str, ...]:
    """References to the decorators of a definition; returns the modifiers that they say."""
    modifiers = []
    for place, decorator in enumerate(_decorators(node)):
        if decorator.named_child_count:
            _file_path(scopes, "decorator", decorator.named_children[0], place, frame)
            last = access_path(decorator.named_children[0]).replace("()", "").rpartition(".")[2]
            if last in MODIFIERS:
                modifiers.append(MODIFIERS[last])
    return tuple(modifiers)


def _function(scopes: PythonScopes, node: Node) -> None:
    name, body = name_of(node), node.child_by_field_name("body")
    parameters = node.child_by_field_name("parameters")
    if name is None or body is None or parameters is None:
        return
    scopes.claimed.add(name.start_byte)
    container = scopes.frame
    kind = "method" if container.kind == "class" else "function"
    returned = node.child_by_field_name("return_type")
    signature = one_line(parameters) + (f" -> {one_line(returned)}" if returned is not None else "")
    docstring, doc_span = _documented(body)
    span = (name.start_byte, name.end_byte)
    frame = Frame("", kind, "", body.start_byte, body.end_byte)
    probe = len(scopes.references)
    modifiers = _file_decorators(scopes, node, frame)
    modifiers += ("async",) if node.children and node.children[0].type == "async" else ()
    symbol = scopes.define(
        kind, text(name), container, _extent(node), span, signature, docstring, doc_span, tuple(sorted(set(modifiers)))
    )
    frame.symbol, frame.qualified_name, frame.index = symbol.symbol, symbol.qualified_name, len(scopes.symbols) - 1
    for place in range(probe, len(scopes.references)):
        scopes.references[place] = scopes.references[place]._replace(scope=symbol.symbol)
    _parameters(scopes, parameters, frame)
    if returned is not None:
        scopes.refer("return_annotation", "", one_line(returned), 0, returned.start_byte, returned.end_byte, frame)
        _annotation_names(scopes, returned, 1, frame)
    scopes.open(frame)


def _parameters(scopes: PythonScopes, parameters: Node, frame: Frame) -> None:
    place = 0
    for node in parameters.named_children:
        if node.type not in PARAMETERS:
            continue
        name = node.child_by_field_name("name") or (node.named_children[0] if node.named_child_count else node)
        if name.type.endswith("splat_pattern") and name.named_child_count:
            name = name.named_children[0]
        annotation = node.child_by_field_name("type")
        if name.type == "identifier":
            scopes.claimed.add(name.start_byte)
            span = (name.start_byte, name.end_byte)
            scopes.define("parameter", text(name), frame, (node.start_byte, node.end_byte), span)
            said = one_line(annotation) if annotation is not None else ""
            scopes.refer("parameter", text(name), said, place, *span, frame)
        if annotation is not None:
            _annotation_names(scopes, annotation, 0, frame)
        place += 1


def _annotation_names(scopes: PythonScopes, annotation: Node, ordinal: int, frame: Frame | None = None) -> None:
    """The dotted names of an annotation, and a quoted one's text, each where it stands."""
    todo = [annotation]
    while todo:
        node = todo.pop()
        if node.type in ("identifier", "attribute"):
            last = node.child_by_field_name("attribute") or node
            path = access_path(node)
            if UNKNOWN not in path:
                scopes.refer("annotation_name", text(last), path, ordinal, last.start_byte, last.end_byte, frame)
            scopes.claimed.update(_identifiers(node))
        elif node.type == "string":
            said = text(node).strip("\"' ")
            if said.replace(".", "").isidentifier():
                scopes.refer(
                    "annotation_name", said.rpartition(".")[2], said, ordinal, node.start_byte, node.end_byte, frame
                )
        else:
            todo += reversed(node.named_children)


def _identifiers(node: Node) -> list[int]:
    found, todo = [], [node]
    while todo:
        one = todo.pop()
        if one.type == "identifier":
            found.append(one.start_byte)
        todo += one.named_children
    return found


def _lambda(scopes: PythonScopes, node: Node) -> None:
    body = node.child_by_field_name("body")
    if body is None:
        return
    container = scopes.frame
    container.lambdas += 1
    name = f"<lambda{container.lambdas}>"
    parameters = node.child_by_field_name("parameters")
    span = (node.start_byte, node.start_byte + len(b"lambda"))
    extent = (node.start_byte, node.end_byte)
    symbol = scopes.define("lambda", name, container, extent, span, one_line(parameters) if parameters else "")
    frame = Frame(symbol.symbol, "lambda", symbol.qualified_name, body.start_byte, body.end_byte)
    if parameters is not None:
        _parameters(scopes, parameters, frame)
    scopes.refer("return", "", access_path(body), 0, body.start_byte, body.end_byte, frame)
    scopes.open(frame)


def _import(scopes: PythonScopes, node: Node) -> None:
    conditional = _is_conditional(node)
    for name in node.children_by_field_name("name"):
        path = name.child_by_field_name("name") if name.type == "aliased_import" else name
        alias = name.child_by_field_name("alias") if name.type == "aliased_import" else None
        if path is None:
            continue
        value = _dotted(path)
        local = text(alias) if alias is not None else value
        scopes.refer("import", local, value, conditional, path.start_byte, path.end_byte)
        _file_library(scopes, path, value)
        scopes.claimed.update(_identifiers(name))


def _dotted(node: Node) -> str:
    return "".join(text(node).split())


def _file_library(scopes: PythonScopes, node: Node, value: str) -> None:
    top = value.partition(".")[0]
    if top:
        scopes.refer("library", top, top, 0, node.start_byte, node.start_byte + len(top.encode()))


def _is_conditional(node: Node) -> int:
    """1 inside `try` or `if TYPE_CHECKING`: the name may be absent at run time."""
    parent = node.parent
    while parent is not None and parent.type in (
        "block",
        "if_statement",
        "try_statement",
        "except_clause",
        "else_clause",
    ):
        if parent.type == "try_statement":
            return 1
        condition = parent.child_by_field_name("condition") if parent.type == "if_statement" else None
        if condition is not None and "TYPE_CHECKING" in text(condition):
            return 1
        parent = parent.parent
    return 0


def _import_from(scopes: PythonScopes, node: Node) -> None:
    module = node.child_by_field_name("module_name")
    if module is None:
        return
    origin = _dotted(module)
    scopes.claimed.update(_identifiers(node))
    if origin == "__future__":
        return
    if not origin.startswith("."):
        _file_library(scopes, module, origin)
    if any(child.type == "wildcard_import" for child in node.named_children):
        scopes.refer("star_import", origin.rpartition(".")[2], origin, 0, module.start_byte, module.end_byte)
        return
    conditional = _is_conditional(node)
    for name in node.children_by_field_name("name"):
        path = name.child_by_field_name("name") if name.type == "aliased_import" else name
        alias = name.child_by_field_name("alias") if name.type == "aliased_import" else None
        if path is None:
            continue
        local = text(alias) if alias is not None else text(path)
        scopes.refer("import", local, f"{origin}:{text(path)}", conditional, path.start_byte, path.end_byte)


def _assignment(scopes: PythonScopes, node: Node) -> None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    annotation = node.child_by_field_name("type")
    if left is None:
        return
    while right is not None and right.type == "assignment":  # x = y = value
        right = right.child_by_field_name("right")
    _bind(scopes, "assign", left, access_path(right) if right is not None else "")
    if annotation is not None:
        target = access_path(left)
        scopes.refer("annotation", target, one_line(annotation), 0, annotation.start_byte, annotation.end_byte)
        _annotation_names(scopes, annotation, 0)
    if scopes.frame.kind == "module" and text(left) == "__all__" and right is not None:
        _exports(scopes, right)


def _exports(scopes: PythonScopes, right: Node) -> None:
    for item in right.named_children:
        if item.type == "string":
            scopes.refer("export", text(item).strip("\"'"), text(item).strip("\"'"), 0, item.start_byte, item.end_byte)


def _bind(scopes: PythonScopes, kind: str, target: Node, value: str) -> None:
    """File a binding of one target; the parts of a tuple are bound to what is not known."""
    if target.type in (
        "pattern_list",
        "tuple_pattern",
        "list_pattern",
        "list_splat_pattern",
        "tuple",
        "list",
        "expression_list",
    ):
        for part in target.named_children:
            _bind(scopes, kind, part, UNKNOWN)
        return
    if target.type in ("parenthesized_expression", "as_pattern_target") and target.named_child_count:
        _bind(scopes, kind, target.named_children[0], value)
        return
    if target.type not in ("identifier", "attribute"):
        return
    last = target.child_by_field_name("attribute") or target
    scopes.claimed.add(last.start_byte)
    path = access_path(target)
    scopes.refer(kind, path, value, 0, last.start_byte, last.end_byte)
    _define_target(scopes, target, last, path)


def _define_target(scopes: PythonScopes, target: Node, last: Node, path: str) -> None:
    frame = scopes.frame
    if target.type == "identifier":
        if frame.kind == "module":
            scopes.define_once("variable", text(last), frame, last)
        elif frame.kind == "class":
            scopes.define_once("field", text(last), frame, last)
        return
    owner = scopes.class_of_method()
    if owner is not None and path in (f"self.{text(last)}", f"cls.{text(last)}"):
        scopes.define_once("field", text(last), owner, last)
    _file_first(scopes, "write", text(last), path, last)


def _file_first(scopes: PythonScopes, kind: str, name: str, path: str, node: Node) -> None:
    """The first read or write of a path in its scope: an edge is one triple, however often it happens."""
    if UNKNOWN not in path and (kind, path) not in scopes.frame.seen:
        scopes.frame.seen.add((kind, path))
        scopes.refer(kind, name, path, 0, node.start_byte, node.end_byte)


def _augmented(scopes: PythonScopes, node: Node) -> None:
    left = node.child_by_field_name("left")
    if left is not None and left.type in ("identifier", "attribute"):
        last = left.child_by_field_name("attribute") or left
        scopes.refer("assign", access_path(left), UNKNOWN, 1, last.start_byte, last.end_byte)
        if left.type == "attribute":
            _define_target(scopes, left, last, access_path(left))


def _walrus(scopes: PythonScopes, node: Node) -> None:
    name = name_of(node)
    if name is not None:
        _bind(scopes, "assign", name, access_path(node.child_by_field_name("value")))


def _with(scopes: PythonScopes, node: Node) -> None:
    value = node.child_by_field_name("value")
    if value is None or value.type != "as_pattern":
        return
    alias = value.child_by_field_name("alias")
    if alias is not None and value.named_child_count:
        _bind(scopes, "with", alias, access_path(value.named_children[0]))


def _for(scopes: PythonScopes, node: Node) -> None:
    left = node.child_by_field_name("left")
    if left is not None:
        _bind(scopes, "for", left, access_path(node.child_by_field_name("right")))


def _global(scopes: PythonScopes, node: Node) -> None:
    for name in node.named_children:
        scopes.claimed.add(name.start_byte)
        scopes.refer("global", text(name), text(name), 0, name.start_byte, name.end_byte)


def _call(scopes: PythonScopes, node: Node) -> None:
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None:
        return
    while function.type == "parenthesized_expression" and function.named_child_count == 1:
        function = function.named_children[0]
    last = function.child_by_field_name("attribute") or function
    count = arguments.named_child_count if arguments is not None and arguments.type == "argument_list" else 1
    path = access_path(function)
    name = text(last) if last.type == "identifier" else ""
    if last.type == "identifier":
        scopes.claimed.add(last.start_byte)
    end = last.end_byte if last.type == "identifier" else function.end_byte
    scopes.refer("call", name, path, count, last.start_byte, end)
    for argument in arguments.named_children if arguments is not None else ():
        keyword = argument.child_by_field_name("name") if argument.type == "keyword_argument" else None
        if keyword is not None:
            scopes.claimed.add(keyword.start_byte)


def _return(scopes: PythonScopes, node: Node) -> None:
    if node.named_child_count:
        value = node.named_children[0]
        scopes.refer("return", "", access_path(value), 0, value.start_byte, value.end_byte)


def _yield(scopes: PythonScopes, node: Node) -> None:
    frame = scopes.frame
    value = access_path(node.named_children[0]) if node.named_child_count else "<None>"
    scopes.refer("yield", "", value, 0, node.start_byte, node.end_byte)
    if frame.kind in FUNCTIONS and frame.index >= 0:
        symbol = scopes.symbols[frame.index]
        words = sorted({*symbol.modifiers.split(), "generator"})
        scopes.symbols[frame.index] = symbol._replace(modifiers=" ".join(words))


def _raise(scopes: PythonScopes, node: Node) -> None:
    if not node.named_child_count:
        scopes.refer("raise", "", "", 1, node.start_byte, node.end_byte)
        return
    value = node.named_children[0]
    claimed = set(scopes.claimed)
    _file_path(scopes, "raise", value, 0)
    scopes.claimed = claimed  # the name is read or called too


def _except(scopes: PythonScopes, node: Node) -> None:
    value = node.child_by_field_name("value")
    if value is None:
        return
    alias = ""
    if value.type == "as_pattern":
        target = value.child_by_field_name("alias")
        if target is not None:
            alias = text(target)
            scopes.claimed.update(_identifiers(target))
        value = value.named_children[0]
    parts = value.named_children if value.type == "tuple" else [value]
    for place, part in enumerate(parts):
        _file_path(scopes, "catch", part, place)
    if alias:
        bound = access_path(parts[0]) + "()" if len(parts) == 1 else UNKNOWN
        scopes.refer("assign", alias, bound, 0, value.start_byte, value.end_byte)


def _attribute(scopes: PythonScopes, node: Node) -> None:
    name = node.child_by_field_name("attribute")
    if name is None:
        return
    if name.start_byte not in scopes.claimed:
        _file_first(scopes, "read", text(name), access_path(node), name)
    scopes.claimed.add(name.start_byte)


def _identifier(scopes: PythonScopes, node: Node) -> None:
    if node.start_byte not in scopes.claimed:
        name = text(node)
        _file_first(scopes, "read", name, name, node)


# In the order in which nodes count that span the same bytes.
HANDLERS: dict[str, Handler] = {
    "class": _class,
    "function": _function,
    "import": _import,
    "import_from": _import_from,
    "lambda": _lambda,
    "assignment": _assignment,
    "augmented": _augmented,
    "walrus": _walrus,
    "with": _with,
    "for": _for,
    "comprehension": _for,
    "global": _global,
    "return": _return,
    "yield": _yield,
    "raise": _raise,
    "except": _except,
    "call": _call,
    "attribute": _attribute,
    "identifier": _identifier,
}
