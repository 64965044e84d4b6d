"""Functions and methods of a JavaScript or TypeScript file, and what all definitions have."""

import re
from bisect import bisect_right

from tree_sitter import Node

from graphmer.corpus.parse.javascript_scopes import NOWHERE, Frame, JavaScriptScopes, Naming, Owner, Span
from graphmer.corpus.parse.javascript_text import one_line, type_text
from graphmer.corpus.parse.records import Symbol
from graphmer.corpus.parse.treesitter import name_of

WORDS = re.compile(rb"\b(static|async|get|set|abstract|private|protected|public|readonly|override)\b")
MODIFIERS = {"get": "property", "set": "setter"}
SELF = "<self>"


def function(scopes: JavaScriptScopes, node: Node) -> None:
    """A function declaration: hoisted, so that it binds its name in the scope that names it."""
    name = name_of(node)
    if name is None:
        naming = default_export(scopes, node)
    else:
        scopes.claimed.add(name.start_byte)
        naming = Naming(
            scopes.slice((name.start_byte, name.end_byte)),
            (name.start_byte, name.end_byte),
            node.start_byte,
            scopes.home,
            "function",
        )
    open_function(scopes, node, naming, False)


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
    open_function(scopes, node, naming, is_arrow)
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


def default_export(scopes: JavaScriptScopes, node: Node) -> Naming:
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
    span = property_span(scopes, name)
    words = member_words(scopes, node.start_byte, name.start_byte)
    said, start = scopes.slice(span), node.start_byte
    if frame.kind == "class":
        open_function(scopes, node, Naming(said, span, start, frame, "method", words), False)
    elif frame.kind == "object":
        owner = named_object(scopes, frame)
        open_function(scopes, node, Naming(said, span, start, owner, "method", (*words, "member"), owner=owner), False)
    elif frame.kind == "exports":
        naming = Naming(said, span, start, frame.home or frame, "function", words, exported=said)
        open_function(scopes, node, naming, False)
    else:
        open_function(scopes, node, Naming(said, span, start, scopes.home, "function", (*words, "unbound")), False)


def member_words(scopes: JavaScriptScopes, start: int, end: int) -> tuple[str, ...]:
    """What is written before a member, as modifiers."""
    found = WORDS.findall(scopes.source, start, end)
    return tuple(MODIFIERS.get(word.decode(), word.decode()) for word in found)


def property_span(scopes: JavaScriptScopes, name: Node) -> Span:
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


def open_function(scopes: JavaScriptScopes, node: Node, naming: Naming, is_arrow: bool) -> None:
    """Define a function or method under its name, and open its scope."""
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
    file_value(scopes, row, naming, start)
    owner = naming.owner
    if owner is None:
        owner = _owner(frame, naming, row.symbol, row.qualified_name, is_arrow)
    scopes.open(Frame(row.symbol, row.symbol, kind, row.qualified_name, end, owner=owner))


def file_value(scopes: JavaScriptScopes, row: Symbol, naming: Naming, start: int) -> None:
    """What is said of a function or class as a value: exported, bound, returned, called at once."""
    value = "<fn " + row.symbol[len(scopes.prefix) :] + ">"
    decorate(scopes, row.symbol, start)
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


def function_signature(scopes: JavaScriptScopes, node: Node) -> None:
    """An overload, or a declaration of what stands elsewhere: no definition of its own."""
    name = name_of(node)
    if name is not None:
        scopes.claimed.add(name.start_byte)
    scopes.skip_types_until = node.end_byte


def decorate(scopes: JavaScriptScopes, symbol: str, start: int) -> None:
    """Decorators that stand before a definition belong to it."""
    for name, path, span in scopes.decorators:
        if span[1] <= start:
            scopes.refer("decorator", name, path, *span, scope=symbol)
    scopes.decorators.clear()
