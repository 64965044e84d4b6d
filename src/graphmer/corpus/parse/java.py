"""Java source to definitions and raw references.

Kinds of references, beside `import`, `static_import` and `star_import` (ordinal 1 where it is static too):
  call              value `receiver.name` or `name`, then the arguments' paths, each after a space; ordinal: how many
  constructor_call  `this(...)` and `super(...)`, in the same form
  new               value the type as written, or `outer::Inner`, then the arguments, as in `call`
  method_reference  value `receiver::name` or `Type::new`; ordinal: where it starts
  read, write       of a field, or a name that no local variable or parameter has; `x += 1` gives both
  raise             value the path of what is thrown (`Type::new()` for a new one)
  extends, implements, throws, catch, cast, instanceof, return_type, param_type, field_type, local_type, type_use
                    a type that is named, by erasure; the arguments of a generic type are `type_use`
  anonymous         the supertype of an anonymous class; scope: that class. enum_body: the same for a constant's body
  annotation        scope: the definition that carries it
  constant          of an enum, a call of its constructor: value `this`, then the arguments
  type_variable     name T, value its first bound as written or empty; scope: the class or method that declares it
  assign            name a local `var`, value the path of its first value
  target            of a lambda or a method reference that is no argument, value the path of what it becomes;
                    `return`: what is around it returns it
  result            scope a lambda, value the path of what it returns
Paths are written by `java_text.access_path`; a local variable is `%` and the last part of its symbol.
"""

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from tree_sitter import Node

from graphmer.corpus.parse.java_definitions import DEFINITIONS, become
from graphmer.corpus.parse.java_scopes import Body, JavaScopes, first_child, span
from graphmer.corpus.parse.java_text import erase, squeeze, type_name_span
from graphmer.corpus.parse.records import FileKey, ParsedFile, Symbol
from graphmer.corpus.parse.treesitter import captures, parse, too_deep

SPACE = re.compile(rb"\s*")
CLOSING = ord("}")
IMPORT = re.compile(r"import\s+(static\s+)?([^;*]+?)\s*(\.\s*\*)?\s*;?$", re.DOTALL)

Call = tuple[int, int, int, int, Node]  # first and last byte of the call and of its name; the call
Handler = Callable[[JavaScopes, Node], None]


def parse_java(source: bytes, where: FileKey) -> ParsedFile:
    """Definitions and references of one Java file; a file with syntax errors keeps its good parts."""
    if too_deep(source):
        return ParsedFile("", [], [], "skipped", "too_deep")
    root = parse("java", source)
    nodes = captures("java", root)
    package = "".join(
        erase(source[slice(*span(node))].decode("utf-8", "replace")) for node in nodes.get("package", ())[:1]
    )
    scopes = JavaScopes(source, where, package)
    _define_module(scopes, root)
    calls = _calls(nodes.get("call", []))
    _prepare(scopes, nodes, calls)
    _sweep(scopes, nodes, calls)
    status, reason = ("partial", "syntax_error") if root.has_error else ("ok", "")
    return ParsedFile(package, scopes.symbols, scopes.references, status, reason)


def _define_module(scopes: JavaScopes, root: Node) -> None:
    name = scopes.package.rpartition(".")[2]
    end = len(scopes.source)
    scopes.symbols.append(Symbol(scopes.prefix, "module", name, scopes.package, "", 0, end, 0, 0, "", "", 0, 0, ""))


def _calls(nodes: list[Node]) -> list[Call]:
    """Calls that have a name, as spans."""
    names = [node.child_by_field_name("name") for node in nodes]
    found = [
        (node.start_byte, node.end_byte, name.start_byte, name.end_byte, node)
        for name, node in zip(names, nodes)
        if name is not None
    ]
    return [call for call in found if call[2] < call[3]]


def _prepare(scopes: JavaScopes, nodes: dict[str, list[Node]], calls: list[Call]) -> None:
    """What later steps look up by place: the parts that some types play, and javadoc."""
    for name, found in nodes.items():
        if name.startswith("role."):
            scopes.roles.update(dict.fromkeys([node.start_byte for node in found], name[len("role.") :]))
    scopes.calls = {end: (start, name_start) for start, end, name_start, _, _ in calls}
    for node in nodes.get("new", ()):
        kind = node.child_by_field_name("type")
        if kind is not None:
            scopes.calls[node.end_byte] = (node.start_byte, type_name_span(kind, scopes.source)[0])
    source = scopes.source
    for node in nodes.get("comment", ()):
        start, end = node.start_byte, node.end_byte
        if end > start + 4 and source.startswith(b"/**", start):
            after = SPACE.match(source, end)
            scopes.docs[end if after is None else after.end()] = (start, end)


def _sweep(scopes: JavaScopes, nodes: dict[str, list[Node]], calls: list[Call]) -> None:
    """Meet every node once, in the order of the bytes at which it counts; at one byte, outer before inner."""
    # a.b.C holds a.b, which starts at the same byte: the whole name is met first
    nodes["scoped_type_name"] = sorted(nodes.get("scoped_type_name", ()), key=_end, reverse=True)
    nodes["field_access"] = sorted(nodes.get("field_access", ()), key=_end)  # the order of captures is not one of bytes
    # A call counts where its name stands, so that a chain is met from the left.
    rank_of_calls = len(HANDLERS)
    width = rank_of_calls + 1
    events: list[tuple[int, int, Any, Any]] = [
        (call[2] * width + rank_of_calls, call[2], _call, call) for call in calls
    ]
    for rank, (name, handler) in enumerate(HANDLERS.items()):
        found = nodes.get(name)
        if found:
            starts = [node.start_byte for node in found]
            events += [(start * width + rank, start, handler, node) for start, node in zip(starts, found)]
    events.sort(key=itemgetter(0))
    frames = scopes.frames
    for _, start, handler, node in events:
        while start >= frames[-1].end:
            scopes.leave()
        handler(scopes, node)
    while len(frames) > 1:
        scopes.leave()


def _import(scopes: JavaScopes, node: Node) -> None:
    match = IMPORT.match(scopes.text(node))
    if match is None:
        return
    static, path, star = match.groups()
    value = "".join(path.split())
    end = node.start_byte + len(match.string[: match.end(2)].encode())
    if star:
        start = node.start_byte + len(match.string[: match.start(2)].encode())
        scopes.refer("star_import", value.rpartition(".")[2], value, int(bool(static)), start, end)
        return
    name = value.rpartition(".")[2]
    scopes.refer("static_import" if static else "import", name, value, 0, end - len(name.encode()), end)


def _call(scopes: JavaScopes, call: Call) -> None:
    start, end, name_start, name_end, node = call
    name = scopes.source[name_start:name_end].decode("utf-8", "replace")
    value = name if start == name_start else f"{scopes.receiver(node, start, name_start)}.{name}"
    arguments = scopes.arguments(node, name_end, end)
    if arguments:
        value = f"{value} {' '.join(arguments)}"
    scopes.refer("call", name, value, len(arguments), name_start, name_end)


def _constructor_call(scopes: JavaScopes, node: Node) -> None:
    word = node.child_by_field_name("constructor")
    if word is not None:
        arguments = scopes.argument_paths(node)
        name = scopes.text(word)
        scopes.refer("constructor_call", name, " ".join([name, *arguments]), len(arguments), *span(word))


def _new(scopes: JavaScopes, node: Node) -> None:
    kind = node.child_by_field_name("type")
    if kind is None:
        return
    name, _, start, end = scopes.type_token(kind)
    value = squeeze(scopes.text(kind))
    outer = first_child(node)
    if outer is not None and scopes.source[node.start_byte : node.start_byte + 3] != b"new":
        value = f"{scopes.path(outer)}::{value}"
    scopes.roles[kind.start_byte] = "new"
    arguments = scopes.arguments(node, kind.end_byte, node.end_byte)
    scopes.refer("new", name, " ".join([value, *arguments]), len(arguments), start, end)
    body = node.children[-1] if scopes.source[node.end_byte - 1] == CLOSING else None
    if body is not None and body.type == "class_body":
        scopes.bodies[body.start_byte] = Body("anonymous", node, name, value, start, end)


def _method_reference(scopes: JavaScopes, node: Node) -> None:
    become(scopes, node)
    receiver, member = node.children[0], node.children[-1]
    is_type = receiver.type.endswith("_type") or receiver.type.endswith("type_identifier")
    path = squeeze(scopes.text(receiver)) if is_type else scopes.path(receiver)
    if member.type == "new":
        name, _, start, end = scopes.type_token(receiver)
        scopes.refer("method_reference", name, f"{path}::new", node.start_byte, start, end)
        return
    name = scopes.text(member)
    scopes.refer("method_reference", name, f"{path}::{name}", node.start_byte, member.start_byte, member.end_byte)


def _field_access(scopes: JavaScopes, node: Node) -> None:
    field = node.child_by_field_name("field")
    if field is None or field.type != "identifier":
        return
    start = field.start_byte
    if start not in scopes.claimed:
        scopes.refer("read", scopes.text(field), scopes.path(node), 0, start, field.end_byte)


def _assignment(scopes: JavaScopes, node: Node) -> None:
    """A write to a field; to a local variable it is no fact."""
    left = node.child_by_field_name("left") or first_child(node)
    token = left.child_by_field_name("field") if left is not None and left.type == "field_access" else left
    if left is None or token is None or token.type != "identifier":
        return
    name = scopes.text(token)
    if token is left and name in scopes.visible:
        return
    value = scopes.path(left)
    scopes.refer("write", name, value, 0, token.start_byte, token.end_byte)
    operator = node.child_by_field_name("operator")
    if node.type == "update_expression" or scopes.text(operator) != "=":
        scopes.refer("read", name, value, 0, token.start_byte, token.end_byte)
    scopes.claimed.add(token.start_byte)


def _throw(scopes: JavaScopes, node: Node) -> None:
    thrown = first_child(node)
    if thrown is None:
        return
    kind = thrown.child_by_field_name("type") if thrown.type == "object_creation_expression" else None
    if kind is not None:
        name, value, start, end = scopes.type_token(kind)
        scopes.refer("raise", name, value + "::new()", 0, start, end)
    elif thrown.type == "identifier":
        scopes.refer("raise", scopes.text(thrown), scopes.path(thrown), 0, thrown.start_byte, thrown.end_byte)
    elif thrown.type in ("method_invocation", "ternary_expression"):
        named = thrown.child_by_field_name("name") or thrown
        scopes.refer("raise", scopes.text(named), scopes.path(thrown), 0, named.start_byte, named.end_byte)


def _annotation(scopes: JavaScopes, node: Node) -> None:
    value = "".join(scopes.text(node).split())
    name = value.rpartition(".")[2]
    if node.start_byte < scopes.annotations_end:
        for owner in scopes.annotated:
            scopes.refer("annotation", name, value, 0, node.end_byte - len(name.encode()), node.end_byte, owner)


def _type_name(scopes: JavaScopes, node: Node) -> None:
    start, end = node.start_byte, node.end_byte
    if start < scopes.skip_types_until:
        return
    role = scopes.roles.get(start, "type_use")
    name = scopes.text(node)
    if role != "new" and name != "var" and name not in scopes.type_variables:
        scopes.refer(role, name, name, 0, start, end)


def _scoped_type_name(scopes: JavaScopes, node: Node) -> None:
    if node.start_byte < scopes.skip_types_until:
        return
    scopes.skip_types_until = node.end_byte
    role = scopes.roles.get(node.start_byte, "type_use")
    if role != "new":
        name, value, start, end = scopes.type_token(node)
        scopes.refer(role, name, value, 0, start, end)


def _identifier(scopes: JavaScopes, node: Node) -> None:
    """A name in an expression that is neither a local variable nor a parameter: a field, or a class."""
    start = node.start_byte
    if start in scopes.claimed:
        return
    end = node.end_byte
    name = scopes.source[start:end].decode("utf-8", "replace")
    if name not in scopes.visible:
        scopes.refer("read", name, name, 0, start, end)


def _end(node: Node) -> int:
    return node.end_byte


# In the order in which they are met where several start at one byte: what opens a scope comes first.
HANDLERS: dict[str, Handler] = {
    "import": _import,
    **DEFINITIONS,
    "annotation": _annotation,
    "throw": _throw,
    "new": _new,
    "constructor_call": _constructor_call,
    "assignment": _assignment,
    "method_reference": _method_reference,
    "field_access": _field_access,
    "scoped_type_name": _scoped_type_name,
    "type_name": _type_name,
    "identifier": _identifier,
}
