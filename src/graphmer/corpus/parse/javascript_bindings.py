"""What binds names in a JavaScript or TypeScript file: declarations, patterns, parameters."""

import re

from tree_sitter import Node

from graphmer.corpus.parse.javascript_assignments import through_chain
from graphmer.corpus.parse.javascript_scopes import (
    FUNCTIONS,
    Binding,
    Frame,
    JavaScriptScopes,
    Naming,
    Owner,
    Span,
)
from graphmer.corpus.parse.javascript_text import (
    UNKNOWN,
    access_path,
    alternatives,
    bare,
    first_named,
    text,
    type_text,
)
from graphmer.corpus.parse.treesitter import name_of

MAX_PATTERNS = 20  # within each other
PROPERTY_WORDS = re.compile(rb"\b(?:private|protected|public|readonly)\b")


def declarator(scopes: JavaScriptScopes, node: Node) -> None:
    """`let` or `const`: binds in the innermost block."""
    _declare(scopes, node, scopes.frames[-1])


def declarator_var(scopes: JavaScriptScopes, node: Node) -> None:
    """`var`: binds in the function."""
    _declare(scopes, node, scopes.function)


def _declare(scopes: JavaScriptScopes, node: Node, frame: Frame) -> None:
    name, value = name_of(node), node.child_by_field_name("value")
    if name is None:
        return
    start, end = span = (name.start_byte, name.end_byte)
    said = scopes.source[start:end]
    if said[:1] in (b"{", b"["):
        _destructure(scopes, name, value, frame)
        return
    scopes.claimed.add(start)
    plain = said.decode("utf-8", "replace")
    value = bare(value) if value is not None and scopes.source.startswith(b"(", value.start_byte) else value
    is_module = frame.kind in ("module", "namespace")
    if value is not None and scopes.values.get(value.start_byte) == value.end_byte:
        # One that a block binds is no name of the function around it
        kind = "class" if scopes.source.startswith(b"class", value.start_byte) else "function"
        naming = Naming(plain, span, start, scopes.home, kind)
        if frame.kind == "block":
            naming = naming._replace(modifiers=("unbound",), binds=Binding(plain, span, 1, frame.scope))
        scopes.namings[value.start_byte] = naming
        return
    extent = (node.start_byte, node.end_byte)
    specifier = _required(value, scopes)
    if specifier:
        scopes.refer("import", plain, f"{specifier}:{_whole(specifier)}", *span, 0, frame.scope)
        return
    if is_module:
        scopes.define_once("variable", plain, frame, span, extent)
    annotation = node.child_by_field_name("type")
    if annotation is not None:
        written = type_text(scopes.source[annotation.start_byte : annotation.end_byte])
        scopes.refer("annotation", plain, written, *span, scope=frame.scope)
    value = through_chain(scopes, value, plain)
    if value is not None and scopes.values.get(value.start_byte) == value.end_byte:
        scopes.namings[value.start_byte] = Naming(plain, span, start, scopes.home, "function")
    elif value is not None and scopes.source[value.start_byte : value.start_byte + 1] == b"{":
        name_object(scopes, value.start_byte, plain, span, frame)
    for path in alternatives(value, scopes.source) if value is not None else [UNKNOWN]:
        scopes.refer("assign", plain, path, *span, 1, frame.scope)


def _required(value: Node | None, scopes: JavaScriptScopes) -> str:
    """What `require("x")` names, where the value is nothing else."""
    if value is None or b"require" not in scopes.source[value.start_byte : value.start_byte + 40]:
        return ""
    path = access_path(value, scopes.source)
    return path.split(" ")[1] if path.startswith("<require ") and path.endswith(" exports>") else ""


def _whole(specifier: str) -> str:
    """How an import's value names all of a module: for a library its own name stands for it."""
    return "exports" if specifier.startswith(".") else ""


def name_object(scopes: JavaScriptScopes, start: int, name: str, span: Span, frame: Frame) -> None:
    """An object literal that is bound to a name in a scope."""
    container: Frame | Owner = frame
    known = scopes.by_path.get(scopes.path(frame, name)) if frame.kind != "block" else None
    if known is not None:
        container = Owner(known.symbol, known.qualified_name, "object")
    frame.objects[name] = span
    scopes.namings[start] = Naming(name, span, start, container, "object")


def _destructure(scopes: JavaScriptScopes, pattern: Node, value: Node | None, frame: Frame) -> None:
    """`const {a, b: {c}} = path`: each name gets its member of the path, or of its member."""
    _bind_parts(scopes, pattern, access_path(value, scopes.source), _required(value, scopes), frame, 0)


def _bind_parts(scopes: JavaScriptScopes, pattern: Node, path: str, specifier: str, frame: Frame, depth: int) -> None:
    """Bind the parts of one pattern. specifier: what `require` names, of which each name is an import then."""
    is_array = scopes.source[pattern.start_byte : pattern.start_byte + 1] == b"["
    for part in pattern.named_children:
        key = local = part
        if part.type == "pair_pattern":
            key, local = part.child_by_field_name("key") or part, part.child_by_field_name("value") or part
        if part.type == "object_assignment_pattern":
            key = local = part.child_by_field_name("left") or part
        if local.type == "object_pattern" and depth < MAX_PATTERNS and key.type == "property_identifier":
            inner = UNKNOWN if is_array else f"{path}.{text(key)}"
            _bind_parts(scopes, local, inner, "", frame, depth + 1)
        if local.type not in ("identifier", "shorthand_property_identifier_pattern"):
            continue
        start, end = local.start_byte, local.end_byte
        scopes.claimed.add(start)
        name = text(local)
        if specifier and not is_array:
            scopes.refer("import", name, f"{specifier}:{text(key)}", key.start_byte, key.end_byte, 0, frame.scope)
            continue
        if frame.kind in ("module", "namespace"):
            scopes.define_once("variable", name, frame, (start, end))
        scopes.refer("assign", name, UNKNOWN if is_array else f"{path}.{text(key)}", start, end, 1, frame.scope)


def pattern(scopes: JavaScriptScopes, node: Node) -> None:
    """A name that a pattern, a loop or `catch` binds; its value is not followed."""
    start = node.start_byte
    if start not in scopes.claimed and start >= scopes.skip_patterns_until:
        scopes.claimed.add(start)
        scopes.refer("assign", text(node), UNKNOWN, start, node.end_byte, 1)


def parameter(scopes: JavaScriptScopes, node: Node) -> None:
    """A parameter of the function that is open."""
    frame = scopes.frames[-1]
    if frame.kind in FUNCTIONS:
        span = (node.start_byte, node.end_byte)
        scopes.claimed.add(span[0])
        name = scopes.slice(span)
        scopes.define_once("parameter", name, frame, span)
        scopes.refer("parameter", name, "", *span)


def parameter_typed(scopes: JavaScriptScopes, node: Node) -> None:
    """A parameter of TypeScript; with `private`, `public` or `readonly` it is a field of its class, too."""
    frame = scopes.frames[-1]
    name = node.child_by_field_name("pattern")
    if name is not None and name.type in ("rest_pattern", "assignment_pattern"):
        name = first_named(name)
    if name is None or name.type != "identifier" or frame.kind not in FUNCTIONS:
        return
    span, annotation = (name.start_byte, name.end_byte), node.child_by_field_name("type")
    scopes.claimed.add(span[0])
    said = scopes.slice(span)
    written = type_text(scopes.source[annotation.start_byte : annotation.end_byte]) if annotation is not None else ""
    scopes.define_once("parameter", said, frame, span, (node.start_byte, node.end_byte))
    scopes.refer("parameter", said, written, *span)
    owner = frame.owner
    if owner is not None and owner.kind == "class" and PROPERTY_WORDS.search(scopes.source, node.start_byte, span[0]):
        scopes.define_once("field", said, owner, span)
        scopes.refer("annotation", said, written, *span, scope=owner.symbol)
