"""Classes, interfaces and other types of a JavaScript or TypeScript file, their members and decorators."""

from tree_sitter import Node

from graphmer.corpus.parse.javascript_functions import (
    SELF,
    decorate,
    default_export,
    file_value,
    member_words,
    open_function,
    property_span,
)
from graphmer.corpus.parse.javascript_scopes import Frame, JavaScriptScopes, Naming, Owner
from graphmer.corpus.parse.javascript_text import access_path, one_line, type_text
from graphmer.corpus.parse.treesitter import name_of


def class_(scopes: JavaScriptScopes, node: Node) -> None:
    """A class declaration."""
    name = name_of(node)
    if name is None:
        naming = default_export(scopes, node)
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
    file_value(scopes, row, naming, start)
    owner = Owner(row.symbol, row.qualified_name, "class")
    scopes.open(Frame(row.symbol, row.symbol, "class", row.qualified_name, end, owner=owner, span=(shown, end)))


def field(scopes: JavaScriptScopes, node: Node) -> None:
    """A field of a class; one that holds a function is a method."""
    name = node.child_by_field_name("property") or node.child_by_field_name("name")
    frame = scopes.frames[-1]
    if name is None or frame.kind != "class":
        return
    span, value = property_span(scopes, name), node.child_by_field_name("value")
    words = member_words(scopes, node.start_byte, name.start_byte)
    if value is not None and scopes.values.get(value.start_byte) == value.end_byte:
        scopes.namings[value.start_byte] = Naming(scopes.slice(span), span, node.start_byte, frame, "method", words)
        return
    said = node.child_by_field_name("type")
    signature = one_line(scopes.source[said.start_byte : said.end_byte]) if said is not None else ""
    extent = (node.start_byte, node.end_byte)
    row = scopes.define("field", scopes.slice(span), frame, extent, span, signature, words)
    scopes.last_member = (row.symbol, node.end_byte)
    decorate(scopes, row.symbol, node.start_byte)
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
            span = property_span(scopes, name)
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
    span = property_span(scopes, name)
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
        span = property_span(scopes, name)
        words = (*member_words(scopes, node.start_byte, name.start_byte), "abstract")
        open_function(scopes, node, Naming(scopes.slice(span), span, node.start_byte, frame, "method", words), False)
    else:
        scopes.skip_types_until = node.end_byte


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


def jsx(scopes: JavaScriptScopes, node: Node) -> None:
    """`<Foo/>`: a component is used; React calls it, this code does not. Lower-case names are the page's own tags."""
    path = access_path(node, scopes.source)
    name = path.rpartition(".")[2]
    if path[:1].isupper() or "." in path:
        end = node.end_byte
        scopes.claimed.add(node.start_byte)
        scopes.claimed_ends.add(end)
        scopes.refer("jsx", name, path, end - len(name.encode()), end)
