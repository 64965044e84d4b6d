"""Objects that are written down in a JavaScript or TypeScript file: those with names have members."""

from tree_sitter import Node

from graphmer.corpus.parse.javascript_functions import named_object, property_span
from graphmer.corpus.parse.javascript_scopes import Frame, JavaScriptScopes, Naming, Owner
from graphmer.corpus.parse.javascript_text import access_path


def object_(scopes: JavaScriptScopes, node: Node) -> None:
    """An object literal: its functions are members where it is bound to a name."""
    start, end = node.start_byte, node.end_byte
    frame, naming = scopes.frames[-1], scopes.namings.pop(start, None)
    home = scopes.home
    if naming is None:
        scopes.open(Frame(frame.scope, "", "anonymous", "", end, home, frame.owner))
    elif naming.kind == "exports":
        scopes.open(Frame(frame.scope, home.symbol, "exports", home.qualified_name, end, home, frame.owner))
    else:
        inner = Frame(frame.scope, "", "object", "", end, home, frame.owner, span=naming.name_span)
        if isinstance(naming.container, Owner):
            inner.symbol, inner.qualified_name = naming.container.symbol, naming.container.qualified_name
        scopes.open(inner)


def pair(scopes: JavaScriptScopes, node: Node) -> None:
    """A property of an object with a name, or of what a module exports."""
    frame = scopes.frames[-1]
    if frame.kind not in ("object", "exports"):
        return
    key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
    if key is None or value is None or key.end_byte == key.start_byte:
        return
    span, start = property_span(scopes, key), value.start_byte
    name = scopes.slice(span)
    is_function = scopes.values.get(start) == value.end_byte
    if frame.kind == "exports":
        if is_function:
            kind = "class" if scopes.source.startswith(b"class", start) else "function"
            home = frame.home or scopes.frames[0]
            scopes.namings[start] = Naming(name, span, node.start_byte, home, kind, (), name)
        else:
            scopes.refer("export", name, access_path(value, scopes.source), *span)
        return
    owner = named_object(scopes, frame)
    if is_function:
        kind = "class" if scopes.source.startswith(b"class", start) else "method"
        is_arrow = not scopes.source.startswith((b"function", b"async function"), start)
        this = None if is_arrow else owner
        scopes.namings[start] = Naming(name, span, node.start_byte, owner, kind, ("member",), owner=this)
    elif scopes.source[start : start + 1] == b"{":
        row = scopes.define("field", name, owner, (node.start_byte, node.end_byte), span)
        scopes.namings[start] = Naming(name, span, start, Owner(row.symbol, row.qualified_name, "object"), "object")
    else:
        scopes.refer("member", name, access_path(value, scopes.source), *span, scope=owner.symbol)


def shorthand(scopes: JavaScriptScopes, node: Node) -> None:
    """`{ a }` in an object with a name, or in what a module exports; everywhere a read of `a`."""
    frame = scopes.frames[-1]
    start, end = node.start_byte, node.end_byte
    name = scopes.slice((start, end))
    if frame.kind == "exports":
        scopes.refer("export", name, name, start, end)
    elif frame.kind == "object":
        scopes.refer("member", name, name, start, end, scope=named_object(scopes, frame).symbol)
    if ("read", name) not in frame.seen and scopes.source[start:end] in scopes.known:
        frame.seen.add(("read", name))
        scopes.refer("read", name, name, start, end)
