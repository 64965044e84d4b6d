"""What the code of a JavaScript or TypeScript file does: calls, returns, and the names and types that it uses."""

from tree_sitter import Node

from graphmer.corpus.parse import javascript_assignments as assignments
from graphmer.corpus.parse.javascript_scopes import JavaScriptScopes
from graphmer.corpus.parse.javascript_text import (
    KEYWORDS,
    UNKNOWN,
    access_path,
    alternatives,
    bare,
    required,
    simple_path,
)

INHERITS = frozenset({"util.inherits", "inherits", "Object.setPrototypeOf"})


def callee(scopes: JavaScriptScopes, node: Node) -> None:
    """A call, where it ends."""
    start, end = node.start_byte, node.end_byte
    said = scopes.source[start:end]
    path = simple_path(said)
    if path in ("require", "import") or said == b"import":
        _require(scopes, node, said)
        return
    if path in INHERITS and node.parent is not None:
        assignments.inherits(scopes, node.parent)
    _file_call(scopes, "call", node, said, path)


def new(scopes: JavaScriptScopes, node: Node) -> None:
    """`new A()`."""
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


def return_(scopes: JavaScriptScopes, node: Node) -> None:
    """`return value`."""
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


def arrow_body(scopes: JavaScriptScopes, node: Node) -> None:
    """What an arrow function without braces returns."""
    if scopes.source[node.start_byte : node.start_byte + 1] != b"{":
        return_(scopes, node)


def throw(scopes: JavaScriptScopes, node: Node) -> None:
    """`throw value`."""
    made = node.child_by_field_name("constructor") if node.type == "new_expression" else None
    shown = made if made is not None else node
    path = access_path(node, scopes.source)
    if path != UNKNOWN:
        scopes.refer("raise", path.removesuffix("{}").rpartition(".")[2], path, shown.start_byte, shown.end_byte)


def block(scopes: JavaScriptScopes, node: Node) -> None:
    """A block that binds names."""
    scopes.open_block(node.start_byte, node.end_byte)


def base(scopes: JavaScriptScopes, node: Node) -> None:
    """What a class or an interface extends."""
    _file_type(scopes, "base", node)


def implemented(scopes: JavaScriptScopes, node: Node) -> None:
    """What a class implements."""
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


def type_name(scopes: JavaScriptScopes, node: Node) -> None:
    """A type that is named."""
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


def nested_type_name(scopes: JavaScriptScopes, node: Node) -> None:
    """A type with dots in its name."""
    type_name(scopes, node)
    scopes.skip_types_until = max(scopes.skip_types_until, node.end_byte)


def type_variable(scopes: JavaScriptScopes, node: Node) -> None:
    """A type parameter, which names no type of the package."""
    scopes.claimed.add(node.start_byte)


def decorator_parameter(scopes: JavaScriptScopes, node: Node) -> None:
    """A parameter's decorator: the parameter is its function's, whose decorators it must not join."""
    scopes.skipped_decorators.add(node.start_byte)


def member(scopes: JavaScriptScopes, node: Node) -> None:
    """A property that is read."""
    end = node.end_byte
    if end in scopes.claimed_ends:
        return
    path = simple_path(scopes.source[node.start_byte : end])
    seen = scopes.frames[-1].seen
    if path and ("read", path) not in seen:
        seen.add(("read", path))
        name = path.rpartition(".")[2]
        scopes.refer("read", name, path, end - len(name.encode()), end)


def identifier(scopes: JavaScriptScopes, node: Node) -> None:
    """A name that is read."""
    start, end = node.start_byte, node.end_byte
    if start in scopes.claimed:
        return
    name = scopes.source[start:end].decode("utf-8", "replace")
    seen = scopes.frames[-1].seen
    if ("read", name) not in seen and name not in KEYWORDS:
        seen.add(("read", name))
        scopes.refer("read", name, name, start, end)
