"""Assignments of a JavaScript or TypeScript file: to names, to properties, to exports and to prototypes."""

import re

from tree_sitter import Node

from graphmer.corpus.parse.javascript_functions import named_object
from graphmer.corpus.parse.javascript_scopes import (
    Binding,
    Frame,
    JavaScriptScopes,
    Naming,
    Owner,
    Span,
)
from graphmer.corpus.parse.javascript_text import (
    LAST_NAME,
    UNKNOWN,
    access_path,
    alternatives,
    first_named,
    simple_path,
    text,
)

WHOLE_EXPORT = re.compile(r"(?:module\.)?exports")
NAMED_EXPORT = re.compile(r"(?:module\.)?exports\.([^.]+)")
PROTOTYPE = re.compile(r"(.+)\.prototype(?:\.([^.]+))?")


def through_chain(scopes: JavaScriptScopes, value: Node | None, name: str) -> Node | None:
    """`const a = module.exports = b`: the value at the end; what stands between is bound to the name, too."""
    targets = []
    while value is not None and value.type == "assignment_expression":
        left = value.child_by_field_name("left")
        scopes.handled.add(value.start_byte)
        if left is not None:
            targets.append((left, simple_path(scopes.source[left.start_byte : left.end_byte])))
        value = value.child_by_field_name("right")
    # A function or an object is the same one under each name; any other value is what it is
    is_one = value is not None and (
        scopes.values.get(value.start_byte) == value.end_byte or scopes.source.startswith(b"{", value.start_byte)
    )
    said = name if is_one else access_path(value, scopes.source)
    for left, path in targets:
        _file_target(scopes, left, path)
        if said != UNKNOWN:
            _bind_path(scopes, path, said, (left.start_byte, left.end_byte))
    return value


def _bind_path(scopes: JavaScriptScopes, path: str, value: str, span: Span) -> None:
    """`exports`, `exports.a`, `a` or `a.b` gets a value that is no definition of its own."""
    named = NAMED_EXPORT.fullmatch(path)
    if named:
        scopes.refer("export", named.group(1), value, *span)
        scopes.refer("assign", named.group(1), value, *span, ordinal=2)  # an alias, and no binding of this scope
    elif WHOLE_EXPORT.fullmatch(path):
        if path != "exports":  # assigning to the local name `exports` exports nothing
            scopes.refer("assign", path, value, *span)
            scopes.refer("export", "exports", value, *span)
    elif path:
        scopes.refer("assign", path, value, *span)


def _file_target(scopes: JavaScriptScopes, left: Node, path: str) -> None:
    scopes.claimed_ends.add(left.end_byte)
    if "." not in path:
        scopes.claimed.add(left.start_byte)


def assignment(scopes: JavaScriptScopes, node: Node) -> None:
    """An assignment: of a function to a member it is a definition, else a write and perhaps a binding."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or node.start_byte in scopes.handled:
        return
    start, end = span = (left.start_byte, left.end_byte)
    said = scopes.source[start:end]
    if said[:1] in (b"{", b"["):
        scopes.skip_patterns_until = end
        return
    path = simple_path(said)
    if not path:
        return
    _file_target(scopes, left, path)
    last = _last_span(said, end)
    is_function = scopes.values.get(right.start_byte) == right.end_byte
    if right.type == "assignment_expression" and not WHOLE_EXPORT.fullmatch(path):
        right = through_chain(scopes, right, path) or right
        is_function = scopes.values.get(right.start_byte) == right.end_byte
    if is_function:
        _name_function(scopes, right, path, last, node.start_byte)
        return
    if scopes.source[right.start_byte : right.start_byte + 1] == b"{" and _name_members(scopes, right, path, last):
        return
    if path.endswith(".prototype") and _file_prototype(scopes, path, right):
        return
    for value in alternatives(right, scopes.source):
        _bind_path(scopes, path, value, span)
    _write(scopes, path, last)
    if path.startswith("this.") and path.count(".") == 1:
        owner = scopes.frames[-1].owner
        if owner is not None:
            scopes.define_once("field", path[5:], owner, last)


def _last_span(said: bytes, end: int) -> Span:
    match = LAST_NAME.search(said)
    return (end - len(match.group()), end) if match else (end - len(said), end)


def _name_function(scopes: JavaScriptScopes, value: Node, path: str, last: Span, start: int) -> None:
    """What a function that is assigned is called, and whose member it is."""
    at, name = value.start_byte, scopes.slice(last)
    is_class = scopes.source.startswith(b"class", at)
    kind, home = "class" if is_class else "function", scopes.home
    is_plain = scopes.source.startswith((b"function", b"async function"), at)
    if WHOLE_EXPORT.fullmatch(path):
        if path != "exports":
            scopes.namings[at] = Naming("exports", last, start, home, kind, (), "exports")
        return
    if NAMED_EXPORT.fullmatch(path):
        scopes.namings[at] = Naming(name, last, start, home, kind, (), name)
        return
    owner = _owner_of(scopes, path)
    if owner is not None:
        words = ("member",) if ".prototype." in path or path.startswith("this.") else ("member", "static")
        this = owner if is_plain else None
        member = kind if is_class else "method"
        scopes.namings[at] = Naming(name, last, start, owner, member, words, owner=this)
    else:
        binding = Binding(path, last, 0, scopes.frames[-1].scope)
        scopes.namings[at] = Naming(name, last, start, home, kind, ("unbound",), binds=binding)
        if "." not in path:
            _write(scopes, path, last)


def _owner_of(scopes: JavaScriptScopes, path: str) -> Owner | None:
    """What the member `a.b`, `A.prototype.b` or `this.b` belongs to, where this file defines it."""
    holder = path.rpartition(".")[0]
    if holder == "this":
        return scopes.frames[-1].owner
    prototype = PROTOTYPE.fullmatch(holder)
    name = prototype.group(1) if prototype else holder
    if "." in name or not name:
        return None
    for frame in reversed(scopes.frames):
        if name in frame.objects and frame.kind not in ("module", "namespace"):
            inner = Frame("", "", "object", "", 0, frame.home or frame, span=frame.objects[name])
            return named_object(scopes, inner)
        row = scopes.by_path.get(scopes.path(frame, name)) if frame.symbol else None
        if row is not None and row.kind in ("function", "class", "variable"):
            return Owner(row.symbol, row.qualified_name, "object" if row.kind == "variable" else row.kind)
    return None


def _name_members(scopes: JavaScriptScopes, value: Node, path: str, last: Span) -> bool:
    """`module.exports = {...}` and `A.prototype = {...}`: the object's functions are members."""
    start = value.start_byte
    if path == "module.exports":
        scopes.namings[start] = Naming("exports", last, start, scopes.home, "exports")
        scopes.refer("export", "exports", "<object>", *last)
        return True
    prototype = PROTOTYPE.fullmatch(path)
    if prototype and not prototype.group(2):
        owner = _owner_of(scopes, f"{path}.x")
        if owner is not None:
            scopes.namings[start] = Naming(owner.symbol, last, start, owner, "object")
            return True
    return False


def _file_prototype(scopes: JavaScriptScopes, path: str, right: Node) -> bool:
    """`A.prototype = Object.create(B.prototype)` and `A.prototype = new B()`: A inherits from B."""
    owner = _owner_of(scopes, f"{path}.x")
    made = right.child_by_field_name("constructor")
    if made is None:
        function = right.child_by_field_name("function")
        arguments = right.child_by_field_name("arguments")
        if function is None or arguments is None or text(function) != "Object.create":
            return False
        made = first_named(arguments)
    file_base(scopes, owner, made)
    return owner is not None


def file_base(scopes: JavaScriptScopes, owner: Owner | None, node: Node | None) -> None:
    """The base of a constructor function: `B` or `B.prototype`."""
    path = access_path(node, scopes.source) if node is not None else ""
    path = path.removesuffix(".prototype")
    if owner is not None and node is not None and path and "<" not in path:
        end = node.start_byte + len(path.encode())
        name = path.rpartition(".")[2]
        scopes.refer("base", name, path, end - len(name.encode()), end, scope=owner.symbol)


def inherits(scopes: JavaScriptScopes, call: Node) -> None:
    """`util.inherits(A, B)`: A inherits from B."""
    arguments = call.child_by_field_name("arguments")
    if arguments is not None and arguments.named_child_count >= 2:
        heir = simple_path(scopes.source[slice(*_bytes(arguments.named_child(0)))])
        owner = _owner_of(scopes, f"{heir.removesuffix('.prototype')}.x") if heir else None
        file_base(scopes, owner, arguments.named_child(1))


def _bytes(node: Node | None) -> Span:
    return (node.start_byte, node.end_byte) if node is not None else (0, 0)


def _write(scopes: JavaScriptScopes, path: str, last: Span) -> None:
    """The first write of a path in its scope."""
    frame = scopes.frames[-1]
    if ("write", path) not in frame.seen:
        frame.seen.add(("write", path))
        scopes.refer("write", scopes.slice(last), path, *last)


def augmented(scopes: JavaScriptScopes, node: Node) -> None:
    """`a += b`."""
    left = node.child_by_field_name("left")
    if left is not None:
        augmented_target(scopes, left)


def augmented_target(scopes: JavaScriptScopes, node: Node) -> None:
    """What `a += b` or `a++` writes; it is read, too."""
    said = scopes.source[node.start_byte : node.end_byte]
    path = simple_path(said)
    if path:
        _write(scopes, path, _last_span(said, node.end_byte))
