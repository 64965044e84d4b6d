"""JavaScript and TypeScript source to definitions and raw references.

Kinds of references; `value` is an access path (`javascript_text.access_path`) unless said otherwise:
  import            name: the local name, value `specifier:name`, the name being `default`, `*` or `exports`, too, or
                    empty for all of a library; ordinal 1 where it is a re-export and binds nothing here
  import_module     name and value: a relative specifier, where it stands. library: a bare one
  export            name: as others see it (`default`; `exports`: the whole of CommonJS), value: what it is here;
                    ordinal 1: of another module, value `specifier:name`. export_star: value the specifier
  within            value: the scope (less the file) that a function stands in, where that is not what it is a member of
  call, new         name: last name of what is called, value its path
  assign            name: target (`x`, `this.x`, `a.b`), value: right side; ordinal 1 where it declares the name here,
                    2 for the alias that an export gives
  member            name: a property of an object with a name, value. scope: the object. field: the same of a class
  parameter         name, value: its type as text. annotation: the same of a variable or a field
  return_annotation value as text. return: value
  type_name         name, value: a type that is named; ordinal 1 in a return type
  base, implemented value. scope: the class or interface
  decorator         value. scope: what is decorated. jsx: the component of an element. raise: value
  read, write       name: last name, value: path; the first of a kind in each scope
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from pathlib import PurePosixPath

from tree_sitter import Node

from graphmer.corpus.parse import javascript_bindings as bindings
from graphmer.corpus.parse import javascript_definitions as definitions
from graphmer.corpus.parse import javascript_modules as modules
from graphmer.corpus.parse.javascript_scopes import JavaScriptScopes
from graphmer.corpus.parse.javascript_text import (
    KEYWORDS,
    LAST_NAME,
    UNKNOWN,
    access_path,
    alternatives,
    bare,
    required,
    simple_path,
)
from graphmer.corpus.parse.records import FileKey, ParsedFile
from graphmer.corpus.parse.treesitter import captures, parse, too_deep

SOURCE_ROOTS = ("src", "lib")
DECLARATION = re.compile(r"\.d\.[cm]?ts$")
TEST_CALL = re.compile(rb"(?:it|test|describe|suite|specify|context)(?:\.(?:only|skip|concurrent|todo|failing))*\s*\(")
INHERITS = frozenset({"util.inherits", "inherits", "Object.setPrototypeOf"})

Handler = Callable[[JavaScriptScopes, Node], None]


def module_name(file: str) -> str:
    """Dotted name of a file's module: its path below a source root without its ending, a folder's `index` left out."""
    parts = list(PurePosixPath(file).with_suffix("").parts)
    if len(parts) > 1 and parts[0] in SOURCE_ROOTS:
        parts = parts[1:]
    if len(parts) > 1 and parts[-1] == "index":
        parts = parts[:-1]
    return ".".join(parts)


def parse_javascript(source: bytes, where: FileKey) -> ParsedFile:
    """Definitions and references of one JavaScript file, JSX included; one with syntax errors keeps its good parts."""
    return _parse(source, where, "javascript")


def parse_typescript(source: bytes, where: FileKey) -> ParsedFile:
    """The same of a TypeScript file. A declaration file repeats what stands in code, so it is skipped."""
    if DECLARATION.search(where.file):
        return ParsedFile(module_name(where.file), [], [], "skipped", "declaration_file")
    return _parse(source, where, "tsx" if where.file.endswith(".tsx") else "typescript")


def _parse(source: bytes, where: FileKey, grammar: str) -> ParsedFile:
    module = module_name(where.file)
    if too_deep(source):
        return ParsedFile(module, [], [], "skipped", "too_deep")
    root = parse(grammar, source)
    nodes = captures(grammar, root)
    scopes = JavaScriptScopes(source, where, module)
    scopes.define_module()
    _prepare(scopes, nodes)
    _sweep(scopes, nodes)
    status, reason = ("partial", "syntax_error") if root.has_error else ("ok", "")
    return ParsedFile(module, scopes.symbols, scopes.references, status, reason)


def _prepare(scopes: JavaScriptScopes, nodes: dict[str, list[Node]]) -> None:
    """What later steps look up by place: values that are definitions, comments, the titles of tests, known names."""
    source = scopes.source
    for name in ("function.value", "arrow", "class.value"):
        scopes.values.update((node.start_byte, node.end_byte) for node in nodes.get(name, ()))
    docs = sorted((node.end_byte, node.start_byte) for node in nodes.pop("comment", ()))
    docs = [(end, start) for end, start in docs if source.startswith(b"/**", start) and end > start + 4]
    scopes.doc_ends, scopes.doc_starts = [end for end, _ in docs], [start for _, start in docs]
    titles = sorted((node.end_byte, node.start_byte) for node in nodes.pop("test.title", ()))
    for body in nodes.pop("test.body", ()):
        _test_title(scopes, titles, body.start_byte)
    scopes.return_types = sorted((node.start_byte, node.end_byte) for node in nodes.get("return_type", ()))
    for name in ("known", "parameter", "pattern", "type_variable"):
        names = {source[node.start_byte : node.end_byte] for node in nodes.get(name, ())}
        (scopes.type_variables if name == "type_variable" else scopes.known).update(names)
    _prepare_imports(scopes, nodes)


def _prepare_imports(scopes: JavaScriptScopes, nodes: dict[str, list[Node]]) -> None:
    """The local names of imports may be symbols."""
    for name in ("import.name", "import.default", "import.namespace"):
        for node in nodes.get(name, ()):
            match = LAST_NAME.search(scopes.source[node.start_byte : node.end_byte])
            if match:
                scopes.known.add(match.group())


def _test_title(scopes: JavaScriptScopes, titles: list[tuple[int, int]], body: int) -> None:
    """Whether a function is the body of a test: `it("does this", () => {})`."""
    end, start = max((title for title in titles if title[0] <= body), default=(0, 0))
    line = scopes.source.rfind(b"\n", 0, start) + 1
    called = scopes.source[max(line, start - 60) : start].lstrip()
    if TEST_CALL.match(called) and end - start > 2:
        scopes.tests[body] = (start + 1, end - 1)


def _sweep(scopes: JavaScriptScopes, nodes: dict[str, list[Node]]) -> None:
    """Meet every node once, in the order of bytes; what is called or read counts at its last byte."""
    width = len(HANDLERS)
    met: list[Node] = []
    places: list[int] = []
    nodes["block"] = _binding_blocks(nodes)
    for rank, name in enumerate(AT_START):
        found = nodes.get(name)
        if found:
            met += found
            places += [node.start_byte * width + rank for node in found]
    for rank, name in enumerate(AT_END, len(AT_START)):
        found = nodes.get(name)
        if found:
            met += found
            places += [(node.end_byte - 1) * width + rank for node in found]
    _claim_callees(scopes, nodes)
    known, source, claimed = scopes.known, scopes.source, scopes.claimed
    for node in nodes.get("identifier", ()):
        start = node.start_byte
        if source[start : node.end_byte] in known and start not in claimed:
            met.append(node)
            places.append(start * width + width - 1)
    frames, handlers = scopes.frames, HANDLERS
    for index in sorted(range(len(places)), key=places.__getitem__):
        at, rank = divmod(places[index], width)
        while at >= frames[-1].end:
            frames.pop()
        handlers[rank](scopes, met[index])


def _binding_blocks(nodes: dict[str, list[Node]]) -> list[Node]:
    """The blocks in which something is declared: the others are no scopes."""
    bindings = sorted(node.start_byte for name in ("binding", "class") for node in nodes.get(name, ()))
    if not bindings:
        return []
    bindings.append(bindings[-1] + (1 << 40))  # beyond any file
    return [node for node in nodes.get("block", ()) if bindings[bisect_left(bindings, node.start_byte)] < node.end_byte]


def _claim_callees(scopes: JavaScriptScopes, nodes: dict[str, list[Node]]) -> None:
    """What is called is no read."""
    for name in ("callee", "new"):
        for node in nodes.get(name, ()):
            start, end = node.start_byte, node.end_byte
            if b"." not in scopes.source[start:end]:
                scopes.claimed.add(start)
            scopes.claimed_ends.add(end)


def _callee(scopes: JavaScriptScopes, node: Node) -> None:
    start, end = node.start_byte, node.end_byte
    said = scopes.source[start:end]
    path = simple_path(said)
    if path in ("require", "import") or said == b"import":
        _require(scopes, node, said)
        return
    if path in INHERITS and node.parent is not None:
        bindings.inherits(scopes, node.parent)
    _file_call(scopes, "call", node, said, path)


def _new(scopes: JavaScriptScopes, node: Node) -> None:
    said = scopes.source[node.start_byte : node.end_byte]
    _file_call(scopes, "new", node, said, simple_path(said))


def _file_call(scopes: JavaScriptScopes, kind: str, node: Node, said: bytes, path: str) -> None:
    if said[:1] == b"(":
        node = bare(node) or node
        said = scopes.source[node.start_byte : node.end_byte]
        path = simple_path(said)
    start, end = node.start_byte, node.end_byte
    if path:
        holder, _, name = path.rpartition(".")
        if name in ("call", "apply"):  # what is called stands before
            scopes.refer(kind, name, path, end - len(holder.rpartition(".")[2].encode()) - 1 - len(name), end)
        else:
            scopes.refer(kind, name, path, end - len(name.encode()), end)
        return
    path = _called_path(scopes, node)
    last = node.child_by_field_name("property")
    if last is not None and not path.startswith("<fn "):
        span = (last.start_byte, last.end_byte)
        scopes.refer(kind, scopes.slice(span), path, *span)
    else:
        scopes.refer(kind, "", path, start, start + 1 if path.startswith("<fn ") else end)


def _called_path(scopes: JavaScriptScopes, node: Node) -> str:
    """The path of a callee; a function that is called where it stands has the name that it was given."""
    inner = bare(node)
    if inner is None:
        return UNKNOWN
    if inner.start_byte in scopes.met and scopes.values.get(inner.start_byte) == inner.end_byte:
        return scopes.met[inner.start_byte]
    if inner.type == "member_expression" and scopes.source[inner.end_byte - 5 : inner.end_byte] in (b".call", b"apply"):
        owner = inner.child_by_field_name("object")
        if owner is not None:
            path = _called_path(scopes, owner)
            if path.startswith("<fn "):
                return path
    return access_path(inner, scopes.source)


def _require(scopes: JavaScriptScopes, node: Node, said: bytes) -> None:
    call = node.parent
    if call is None:
        return
    specifier = required(call)
    start = scopes.source.find(specifier.encode(), node.end_byte, call.end_byte) if specifier else -1
    if start >= 0:
        end = start + len(specifier.encode())
        kind = "import_module" if specifier.startswith(".") else "library"
        scopes.refer(kind, specifier, specifier, start, end)


def _return(scopes: JavaScriptScopes, node: Node) -> None:
    start, end = node.start_byte, node.end_byte
    frame = scopes.frames[-1]
    scope = scopes.function.scope
    if scopes.values.get(start) == end:
        if frame.kind != "module":
            scopes.returned[start] = scope
        return
    for path in alternatives(node, scopes.source):
        if path != UNKNOWN:
            scopes.refer("return", "", path, start, end, scope=scope)


def _arrow_body(scopes: JavaScriptScopes, node: Node) -> None:
    if scopes.source[node.start_byte : node.start_byte + 1] != b"{":
        _return(scopes, node)


def _throw(scopes: JavaScriptScopes, node: Node) -> None:
    made = node.child_by_field_name("constructor") if node.type == "new_expression" else None
    shown = made if made is not None else node
    path = access_path(node, scopes.source)
    if path != UNKNOWN:
        scopes.refer("raise", path.removesuffix("{}").rpartition(".")[2], path, shown.start_byte, shown.end_byte)


def _block(scopes: JavaScriptScopes, node: Node) -> None:
    scopes.open_block(node.start_byte, node.end_byte)


def _base(scopes: JavaScriptScopes, node: Node) -> None:
    _file_type(scopes, "base", node)


def _implemented(scopes: JavaScriptScopes, node: Node) -> None:
    _file_type(scopes, "implemented", node)


def _file_type(scopes: JavaScriptScopes, kind: str, node: Node) -> None:
    named: Node | None = node
    if node.type == "generic_type":
        named = node.child_by_field_name("name")
    if named is None or scopes.frames[-1].kind not in ("class", "interface"):
        return
    scopes.claimed.add(named.start_byte)
    scopes.claimed_ends.add(named.end_byte)
    path = access_path(named, scopes.source)
    scopes.refer(kind, path.rpartition(".")[2], path, named.start_byte, named.end_byte)


def _type_name(scopes: JavaScriptScopes, node: Node) -> None:
    start, end = node.start_byte, node.end_byte
    said = scopes.source[start:end]
    frame = scopes.frames[-1]
    if start < scopes.skip_types_until or start in scopes.claimed or said in scopes.type_variables:
        return
    path = simple_path(said)
    returned = scopes.in_return_type(start)
    kind = "returned_type" if returned else "type_name"
    if path and (kind, path) not in frame.seen:
        frame.seen.add((kind, path))
        scopes.refer("type_name", path.rpartition(".")[2], path, start, end, int(returned))


def _nested_type_name(scopes: JavaScriptScopes, node: Node) -> None:
    _type_name(scopes, node)
    scopes.skip_types_until = max(scopes.skip_types_until, node.end_byte)


def _type_variable(scopes: JavaScriptScopes, node: Node) -> None:
    scopes.claimed.add(node.start_byte)


def _decorator_parameter(scopes: JavaScriptScopes, node: Node) -> None:
    """A parameter's decorator: the parameter is its function's, whose decorators it must not join."""
    scopes.skipped_decorators.add(node.start_byte)


def _member(scopes: JavaScriptScopes, node: Node) -> None:
    end = node.end_byte
    if end in scopes.claimed_ends:
        return
    path = simple_path(scopes.source[node.start_byte : end])
    seen = scopes.frames[-1].seen
    if path and ("read", path) not in seen:
        seen.add(("read", path))
        name = path.rpartition(".")[2]
        scopes.refer("read", name, path, end - len(name.encode()), end)


def _identifier(scopes: JavaScriptScopes, node: Node) -> None:
    start, end = node.start_byte, node.end_byte
    if start in scopes.claimed:
        return
    name = scopes.source[start:end].decode("utf-8", "replace")
    seen = scopes.frames[-1].seen
    if ("read", name) not in seen and name not in KEYWORDS:
        seen.add(("read", name))
        scopes.refer("read", name, name, start, end)


# In the order in which nodes count that start at the same byte.
AT_START: dict[str, Handler] = {
    "export": modules.export,
    "import": modules.import_,
    "import.require": modules.import_require,
    "import.default": modules.import_default,
    "import.namespace": modules.import_namespace,
    "import.name": modules.import_name,
    "export.name": modules.export_name,
    "export.namespace": modules.export_namespace,
    "block": _block,
    "declarator.var": bindings.declarator_var,
    "declarator": bindings.declarator,
    "assignment": bindings.assignment,
    "augmented": bindings.augmented,
    "augmented.target": bindings.augmented_target,
    "return": _return,
    "arrow_body": _arrow_body,
    "class": definitions.class_,
    "class.value": definitions.class_value,
    "interface": definitions.interface,
    "namespace": definitions.namespace,
    "enum": definitions.enum,
    "type_alias": definitions.type_alias,
    "function": definitions.function,
    "function.value": definitions.function_value,
    "arrow": definitions.arrow,
    "method": definitions.method,
    "field": definitions.field,
    "property_signature": definitions.property_signature,
    "method_signature": definitions.method_signature,
    "function_signature": definitions.function_signature,
    "object": definitions.object_,
    "pair": definitions.pair,
    "shorthand": definitions.shorthand,
    "type_variable": _type_variable,
    "parameter.typed": bindings.parameter_typed,
    "parameter": bindings.parameter,
    "pattern": bindings.pattern,
    "decorator.parameter": _decorator_parameter,
    "decorator": definitions.decorator,
    "return_type": definitions.return_type,
    "base": _base,
    "implemented": _implemented,
    "type_name.nested": _nested_type_name,
    "type_name": _type_name,
    "throw": _throw,
}
AT_END: dict[str, Handler] = {
    "callee": _callee,
    "new": _new,
    "jsx": definitions.jsx,
    "member": _member,
}
HANDLERS = (*AT_START.values(), *AT_END.values(), _identifier)
