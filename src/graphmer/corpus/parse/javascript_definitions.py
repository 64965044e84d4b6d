"""Definitions of a JavaScript or TypeScript file: functions, classes, objects with names, types."""

import re
from bisect import bisect_right

from tree_sitter import Node

from graphmer.corpus.parse.javascript_scopes import NOWHERE, Frame, JavaScriptScopes, Naming, Owner, Span
from graphmer.corpus.parse.javascript_text import access_path, one_line, type_text
from graphmer.corpus.parse.records import Symbol
from graphmer.corpus.parse.treesitter import name_of

WORDS = re.compile(rb"\b(static|async|get|set|abstract|private|protected|public|readonly|override)\b")
MODIFIERS = {"get": "property", "set": "setter"}
SELF = "<self>"


def function(scopes: JavaScriptScopes, node: Node) -> None:
    """A function declaration: hoisted, so that it binds its name in the scope that names it."""
    name = name_of(node)
    if name is None:
        naming = _default_export(scopes, node)
    else:
        scopes.claimed.add(name.start_byte)
        naming = Naming(
            scopes.slice((name.start_byte, name.end_byte)),
            (name.start_byte, name.end_byte),
            node.start_byte,
            scopes.home,
            "function",
        )
    _open_function(scopes, node, naming, False)


def function_value(scopes: JavaScriptScopes, node: Node) -> None:
    """A function that is a value: named by what it is bound to, by itself, or by its number in its scope."""
    _function_value(scopes, node, False)


def arrow(scopes: JavaScriptScopes, node: Node) -> None:
    """An arrow function: as `function_value`, but `this` in it is what it is around it."""
    _function_value(scopes, node, True)


def _function_value(scopes: JavaScriptScopes, node: Node, is_arrow: bool) -> None:
    start = node.start_byte
    naming = scopes.namings.pop(start, None)
    own = None if is_arrow else name_of(node)
    if own is not None:
        scopes.claimed.add(own.start_byte)
    if naming is None or (own is not None and naming.name == "exports"):
        naming = _own_name(scopes, node, own, is_arrow, naming)
    _open_function(scopes, node, naming, is_arrow)
    if own is not None:
        span = (own.start_byte, own.end_byte)
        scopes.refer("assign", scopes.slice(span), SELF, *span, ordinal=1)


def _own_name(scopes: JavaScriptScopes, node: Node, own: Node | None, is_arrow: bool, bound: Naming | None) -> Naming:
    home, start = scopes.home, node.start_byte
    if own is not None:
        span = (own.start_byte, own.end_byte)
        unbound = () if bound is not None else ("unbound",)
        exported = bound.exported if bound is not None else ""
        return Naming(scopes.slice(span), span, start, home, "function", unbound, exported)
    home.lambdas += 1
    end = start + (len(b"function") if not is_arrow else 0)
    if is_arrow:
        shown = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        end = shown.end_byte if shown is not None else node.end_byte
    return Naming(f"<lambda{home.lambdas}>", (start, end), start, home, "lambda", ("unbound",))


def _default_export(scopes: JavaScriptScopes, node: Node) -> Naming:
    """`export default function () {}`: the word `default` is its name."""
    at = scopes.source.rfind(b"default", 0, node.start_byte)
    start = at if at >= 0 else node.start_byte
    span = (start, start + len(b"default")) if at >= 0 else (start, start)
    return Naming("default", span, start, scopes.home, "function")


def method(scopes: JavaScriptScopes, node: Node) -> None:
    """A method of a class, or of an object: a member where that has a name."""
    name = name_of(node)
    frame = scopes.frames[-1]
    if name is None:
        return
    span = _property_span(scopes, name)
    words = _words(scopes, node.start_byte, name.start_byte)
    said, start = scopes.slice(span), node.start_byte
    if frame.kind == "class":
        _open_function(scopes, node, Naming(said, span, start, frame, "method", words), False)
    elif frame.kind == "object":
        owner = named_object(scopes, frame)
        _open_function(scopes, node, Naming(said, span, start, owner, "method", (*words, "member"), owner=owner), False)
    elif frame.kind == "exports":
        naming = Naming(said, span, start, frame.home or frame, "function", words, exported=said)
        _open_function(scopes, node, naming, False)
    else:
        _open_function(scopes, node, Naming(said, span, start, scopes.home, "function", (*words, "unbound")), False)


def _words(scopes: JavaScriptScopes, start: int, end: int) -> tuple[str, ...]:
    found = WORDS.findall(scopes.source, start, end)
    return tuple(MODIFIERS.get(word.decode(), word.decode()) for word in found)


def _property_span(scopes: JavaScriptScopes, name: Node) -> Span:
    """The bytes of a property's name, without the quotes of a text."""
    start, end = name.start_byte, name.end_byte
    quoted = scopes.source[start : start + 1] in (b'"', b"'") and end - start > 2
    return (start + 1, end - 1) if quoted else (start, end)


def named_object(scopes: JavaScriptScopes, frame: Frame) -> Owner:
    """The owner of an object's members; a local object becomes a symbol with its first one."""
    if not frame.symbol:
        container = frame.home or scopes.frames[0]
        name = scopes.slice(frame.span)
        known = scopes.by_path.get(scopes.path(container, name))
        row = known or scopes.define("variable", name, container, frame.span, frame.span)
        frame.symbol, frame.qualified_name = row.symbol, row.qualified_name
    return Owner(frame.symbol, frame.qualified_name, "object")


def _open_function(scopes: JavaScriptScopes, node: Node, naming: Naming, is_arrow: bool) -> None:
    start, end = node.start_byte, node.end_byte
    frame = scopes.frames[-1]
    parameters = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
    signature, modifiers = "", naming.modifiers
    if parameters is not None:
        signature = one_line(scopes.source[parameters.start_byte : parameters.end_byte])
        returned = scopes.return_types and _return_type(scopes, parameters.end_byte)
        signature += one_line(scopes.source[slice(*returned)]) if returned else ""
    if is_arrow:
        modifiers += ("arrow",)
    if scopes.source.startswith(b"async", start):
        modifiers += ("async",)
    title = scopes.tests.get(start, NOWHERE)
    if title != NOWHERE:
        modifiers += ("test",)
    kind, extent = naming.kind, (naming.extent_start, end)
    row = scopes.define(kind, naming.name, naming.container, extent, naming.name_span, signature, modifiers, title)
    _file_value(scopes, row, naming, start)
    owner = naming.owner
    if owner is None:
        owner = _owner(frame, naming, row.symbol, row.qualified_name, is_arrow)
    scopes.open(Frame(row.symbol, row.symbol, kind, row.qualified_name, end, owner=owner))


def _file_value(scopes: JavaScriptScopes, row: Symbol, naming: Naming, start: int) -> None:
    """What is said of a function or class as a value: exported, bound, returned, called at once."""
    value = "<fn " + row.symbol[len(scopes.prefix) :] + ">"
    _decorate(scopes, row.symbol, start)
    around = scopes.frames[-1].scope
    if around != row.container:
        scopes.refer("within", "", around[len(scopes.prefix) :], *naming.name_span, scope=row.symbol)
    if naming.exported:
        scopes.refer("export", naming.exported, value, *naming.name_span)
        if naming.exported == "exports":
            scopes.refer("assign", "module.exports", naming.name, *naming.name_span)
    if naming.binds is not None:
        path, span, ordinal, scope = naming.binds
        scopes.refer("assign", path, value, *span, ordinal, scope)
    if start in scopes.returned:
        scopes.refer("return", "", value, start, start + 1, scope=scopes.returned[start])
    if start in scopes.values:
        scopes.met[start] = value


def _owner(frame: Frame, naming: Naming, symbol: str, qualified: str, is_arrow: bool) -> Owner | None:
    """What `this` is: a method's class or object; for an arrow what it is outside; a capital starts a constructor."""
    if naming.kind == "method" and isinstance(naming.container, Owner):
        return naming.container
    if naming.kind == "method" and naming.container.kind == "class":
        return Owner(naming.container.symbol, naming.container.qualified_name, "class")
    if is_arrow:
        return frame.owner
    return Owner(symbol, qualified, "function") if naming.name[:1].isupper() else None


def _return_type(scopes: JavaScriptScopes, after: int) -> Span:
    place = bisect_right(scopes.return_types, (after, 0))
    if place < len(scopes.return_types):
        start, end = scopes.return_types[place]
        if not scopes.source[after:start].strip():
            return start, end
    return NOWHERE


def return_type(scopes: JavaScriptScopes, node: Node) -> None:
    """A declared return type, in the scope of its function."""
    span = (node.start_byte, node.end_byte)
    scopes.refer("return_annotation", "", type_text(scopes.source[slice(*span)]), *span)


def class_(scopes: JavaScriptScopes, node: Node) -> None:
    """A class declaration."""
    name = name_of(node)
    if name is None:
        naming = _default_export(scopes, node)
    else:
        span = (name.start_byte, name.end_byte)
        scopes.claimed.add(span[0])
        naming = Naming(scopes.slice(span), span, node.start_byte, scopes.home, "class")
    _open_class(scopes, node, naming)


def class_value(scopes: JavaScriptScopes, node: Node) -> None:
    """A class that is a value, named as `function_value` is."""
    name, start = name_of(node), node.start_byte
    naming = scopes.namings.pop(start, None)
    if name is not None:
        scopes.claimed.add(name.start_byte)
    if name is not None and (naming is None or naming.name == "exports"):
        span = (name.start_byte, name.end_byte)
        unbound = ("unbound",) if naming is None else ()
        exported = naming.exported if naming is not None else ""
        naming = Naming(scopes.slice(span), span, start, scopes.home, "class", unbound, exported)
    if naming is None:
        scopes.home.lambdas += 1
        span = (start, start + len(b"class"))
        naming = Naming(f"<lambda{scopes.home.lambdas}>", span, start, scopes.home, "class", ("unbound",))
    _open_class(scopes, node, naming)
    if name is not None:
        scopes.refer(
            "assign", scopes.slice((name.start_byte, name.end_byte)), SELF, name.start_byte, name.end_byte, ordinal=1
        )


def _open_class(scopes: JavaScriptScopes, node: Node, naming: Naming) -> None:
    body = node.child_by_field_name("body")
    start, end = node.start_byte, node.end_byte
    shown = body.start_byte if body is not None else end
    head = one_line(scopes.source[naming.name_span[1] : shown]) if naming.name_span[1] <= shown else ""
    abstract = ("abstract",) if scopes.source.startswith(b"abstract", start) else ()
    row = scopes.define(
        "class", naming.name, naming.container, (naming.extent_start, end), naming.name_span, head,
        (*naming.modifiers, *abstract),
    )  # fmt: skip
    _file_value(scopes, row, naming, start)
    owner = Owner(row.symbol, row.qualified_name, "class")
    scopes.open(Frame(row.symbol, row.symbol, "class", row.qualified_name, end, owner=owner, span=(shown, end)))


def field(scopes: JavaScriptScopes, node: Node) -> None:
    """A field of a class; one that holds a function is a method."""
    name = node.child_by_field_name("property") or node.child_by_field_name("name")
    frame = scopes.frames[-1]
    if name is None or frame.kind != "class":
        return
    span, value = _property_span(scopes, name), node.child_by_field_name("value")
    words = _words(scopes, node.start_byte, name.start_byte)
    if value is not None and scopes.values.get(value.start_byte) == value.end_byte:
        scopes.namings[value.start_byte] = Naming(scopes.slice(span), span, node.start_byte, frame, "method", words)
        return
    said = node.child_by_field_name("type")
    signature = one_line(scopes.source[said.start_byte : said.end_byte]) if said is not None else ""
    extent = (node.start_byte, node.end_byte)
    row = scopes.define("field", scopes.slice(span), frame, extent, span, signature, words)
    scopes.last_member = (row.symbol, node.end_byte)
    _decorate(scopes, row.symbol, node.start_byte)
    if said is not None:
        scopes.refer("annotation", row.name, type_text(scopes.source[said.start_byte : said.end_byte]), *span)
    if value is not None:
        scopes.refer("field", row.name, access_path(value, scopes.source), *span)


def interface(scopes: JavaScriptScopes, node: Node) -> None:
    """An interface of TypeScript."""
    _open_type(scopes, node, "interface")


def namespace(scopes: JavaScriptScopes, node: Node) -> None:
    """A namespace of TypeScript."""
    _open_type(scopes, node, "namespace")


def enum(scopes: JavaScriptScopes, node: Node) -> None:
    """An enum with its members."""
    _open_type(scopes, node, "enum")
    body = node.child_by_field_name("body")
    frame = scopes.frames[-1]
    for member in body.named_children if body is not None else ():
        name = name_of(member) or member
        if name.type in ("property_identifier", "string") and name.end_byte > name.start_byte:
            span = _property_span(scopes, name)
            scopes.define_once("field", scopes.slice(span), frame, span, (member.start_byte, member.end_byte))


def type_alias(scopes: JavaScriptScopes, node: Node) -> None:
    """`type A = ...`: what its right side names is used by it."""
    _open_type(scopes, node, "type_alias")


def _open_type(scopes: JavaScriptScopes, node: Node, kind: str) -> None:
    name, body = name_of(node), node.child_by_field_name("body")
    if name is None:
        return
    span = (name.start_byte, name.end_byte)
    scopes.claimed.add(span[0])
    head = one_line(scopes.source[span[1] : body.start_byte]) if body is not None else ""
    row = scopes.define(kind, scopes.slice(span), scopes.home, (node.start_byte, node.end_byte), span, head)
    frame = Frame(row.symbol, row.symbol, "class" if kind == "enum" else kind, row.qualified_name, node.end_byte)
    scopes.open(frame)


def property_signature(scopes: JavaScriptScopes, node: Node) -> None:
    """A property of an interface."""
    name, frame = name_of(node), scopes.frames[-1]
    if name is None or frame.kind != "interface":
        return
    span = _property_span(scopes, name)
    said = node.child_by_field_name("type")
    signature = one_line(scopes.source[said.start_byte : said.end_byte]) if said is not None else ""
    row = scopes.define("field", scopes.slice(span), frame, (node.start_byte, node.end_byte), span, signature)
    if said is not None:
        scopes.refer("annotation", row.name, type_text(scopes.source[said.start_byte : said.end_byte]), *span)


def method_signature(scopes: JavaScriptScopes, node: Node) -> None:
    """A method without a body: of an interface, or abstract. A class' overload is part of the method that it heads."""
    name, frame = name_of(node), scopes.frames[-1]
    abstract = node.type == "abstract_method_signature"
    if name is not None and (frame.kind == "interface" or (frame.kind == "class" and abstract)):
        span = _property_span(scopes, name)
        words = (*_words(scopes, node.start_byte, name.start_byte), "abstract")
        _open_function(scopes, node, Naming(scopes.slice(span), span, node.start_byte, frame, "method", words), False)
    else:
        scopes.skip_types_until = node.end_byte


def function_signature(scopes: JavaScriptScopes, node: Node) -> None:
    """An overload, or a declaration of what stands elsewhere: no definition of its own."""
    name = name_of(node)
    if name is not None:
        scopes.claimed.add(name.start_byte)
    scopes.skip_types_until = node.end_byte


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
    span, start = _property_span(scopes, key), value.start_byte
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


def decorator(scopes: JavaScriptScopes, node: Node) -> None:
    """A decorator: of the class around it, of the member that it stands in, or of the member to come."""
    named = node
    if node.start_byte in scopes.skipped_decorators:
        return
    while named.type == "call_expression":
        inner = named.child_by_field_name("function")
        if inner is None:
            return
        named = inner
    path = access_path(named, scopes.source)
    name = path.rpartition(".")[2]
    scopes.claimed.add(named.start_byte)
    scopes.claimed_ends.add(named.end_byte)
    span = (named.end_byte - len(name.encode()), named.end_byte)
    frame = scopes.frames[-1]
    last, last_end = scopes.last_member
    if frame.kind == "class" and node.start_byte < last_end:
        scopes.refer("decorator", name, path, *span, scope=last)
    elif (frame.kind == "class" and node.start_byte < frame.span[0] and frame.span[0] < frame.end) or frame.kind in (
        "method",
        "interface",
    ):
        scopes.refer("decorator", name, path, *span)
    else:
        scopes.decorators.append((name, path, span))


def _decorate(scopes: JavaScriptScopes, symbol: str, start: int) -> None:
    """Decorators that stand before a definition belong to it."""
    for name, path, span in scopes.decorators:
        if span[1] <= start:
            scopes.refer("decorator", name, path, *span, scope=symbol)
    scopes.decorators.clear()


def jsx(scopes: JavaScriptScopes, node: Node) -> None:
    """`<Foo/>`: a component is used; React calls it, this code does not. Lower-case names are the page's own tags."""
    path = access_path(node, scopes.source)
    name = path.rpartition(".")[2]
    if path[:1].isupper() or "." in path:
        end = node.end_byte
        scopes.claimed.add(node.start_byte)
        scopes.claimed_ends.add(end)
        scopes.refer("jsx", name, path, end - len(name.encode()), end)
