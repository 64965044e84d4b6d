"""Handlers of the pass over a Java file that add definitions and open scopes."""

from collections.abc import Callable

from tree_sitter import Node

from graphmer.corpus.parse.java_scopes import Body, JavaScopes, span
from graphmer.corpus.parse.java_text import erase, one_line, plain_parameters, squeeze
from graphmer.corpus.parse.treesitter import name_of

PRIMITIVES = frozenset({"byte", "short", "int", "long", "float", "double", "char", "boolean"})
ENUM_CONSTANT_MODIFIERS = ("enum", "final", "public", "static")


def _block(scopes: JavaScopes, node: Node) -> None:
    scopes.enter(node.end_byte)
    scopes.frames[-1].result = scopes.lambda_blocks.get(node.start_byte)


def _type(kind: str) -> Callable[[JavaScopes, Node], None]:
    def define(scopes: JavaScopes, node: Node) -> None:
        name, body = name_of(node), node.child_by_field_name("body")
        if name is None:
            return
        header = scopes.source[name.end_byte : body.start_byte if body is not None else node.end_byte]
        signature = plain_parameters(header.decode("utf-8", "replace"))
        scopes.enter(node.end_byte, scopes.define(kind, node, scopes.text(name), span(name), signature))

    return define


def _body(scopes: JavaScopes, node: Node) -> None:
    """An anonymous class; its supertype was met where the expression or the enum constant began."""
    body = scopes.bodies.get(node.start_byte)
    if body is None:
        return
    token = (body.byte_start, body.byte_end)
    owner = scopes.define("class", body.node, scopes.number("anonymous"), token, body.supertype)
    scopes.enter(node.end_byte, owner)
    scopes.refer(body.kind, body.name, erase(body.supertype), 0, *token)


def _enum_constant(scopes: JavaScopes, node: Node) -> None:
    name, body = name_of(node), node.child_by_field_name("body")
    if name is None:
        return
    enum = scopes.owner.path.rpartition(".")[2]
    scopes.define("field", node, scopes.text(name), span(name), enum, *ENUM_CONSTANT_MODIFIERS)
    arguments = "".join(f" {path}" for path in scopes.argument_paths(node))
    scopes.refer("constant", scopes.text(name), f"this{arguments}", arguments.count(" "), *span(name))
    if body is not None:
        scopes.bodies[body.start_byte] = Body("enum_body", node, enum, enum, *span(name))


def _method(scopes: JavaScopes, node: Node) -> None:
    name, returned = name_of(node), node.child_by_field_name("type")
    if name is None or returned is None:
        return
    parameters = _parameters(scopes, node)
    kind = one_line(scopes.text(returned) + scopes.text(node.child_by_field_name("dimensions")))
    extra = _implied(parameters)
    owner = scopes.define("method", node, scopes.text(name), span(name), f"{parameters} -> {kind}", *extra)
    scopes.enter(node.end_byte, owner)
    word = kind.partition("[")[0].strip()
    if word in PRIMITIVES:
        start = returned.start_byte
        scopes.refer("return_type", word, word, 0, start, start + len(word))


def _implied(parameters: str) -> list[str]:
    return ["varargs"] if "..." in parameters else []


def _constructor(scopes: JavaScopes, node: Node) -> None:
    name = name_of(node)
    if name is None:
        return
    record = node.parent.parent if node.type == "compact_constructor_declaration" and node.parent is not None else None
    parameters = _parameters(scopes, record or node)
    extra = _implied(parameters)
    owner = scopes.define("constructor", node, scopes.text(name), span(name), parameters, *extra)
    scopes.enter(node.end_byte, owner)


def _parameters(scopes: JavaScopes, node: Node) -> str:
    return plain_parameters(scopes.text(node.child_by_field_name("parameters"))) or "()"


def _parameter(scopes: JavaScopes, node: Node) -> None:
    """A parameter; a component of a record is a field of it."""
    name, kind = name_of(node), node.child_by_field_name("type")
    dimensions = scopes.text(node.child_by_field_name("dimensions"))
    extra: tuple[str, ...] = ()
    if node.type == "spread_parameter":  # its type has no field name, and its name stands in a declarator
        children = [child for child in node.named_children if child.type != "modifiers"]
        kind, name = children[0], name_of(children[-1])
        dimensions, extra = "...", ("varargs",)
    if name is None or kind is None:
        return
    signature = one_line(scopes.text(kind) + dimensions)
    text = scopes.text(name)
    if scopes.owner.kind == "record":
        scopes.define("field", node, text, span(name), signature, "final", "private", "record")
        return
    part = scopes.define("parameter", node, text, span(name), signature, *extra).path.rpartition(".")[2]
    scopes.show(scopes.visible, text, f"%{part}")


def _lambda(scopes: JavaScopes, node: Node) -> None:
    parameters = node.child_by_field_name("parameters")
    signature = plain_parameters(scopes.text(parameters))
    signature = signature if signature.startswith("(") else f"({signature})"
    owner = scopes.define("lambda", node, scopes.number("lambda"), span(node), signature)
    become(scopes, node)
    scopes.enter(node.end_byte, owner)
    body = node.child_by_field_name("body")
    if body is None:
        return
    if body.type != "block":
        scopes.frames[-1].result = body
        return
    last = body.named_child(body.named_child_count - 1) if body.named_child_count else None
    returned = last.named_child(0) if last is not None and last.type == "return_statement" else None
    if returned is not None:
        scopes.lambda_blocks[body.start_byte] = returned


def become(scopes: JavaScopes, node: Node) -> None:
    """Note what a lambda or a method reference becomes, where it is no argument."""
    target = _target(scopes, node)
    if target:
        scopes.refer("target", "", target, 0, *span(node))


def _target(scopes: JavaScopes, node: Node) -> str:
    """What a functional expression becomes, as a path; `return` where what is around returns it; empty: unknown."""
    parent = node.parent
    while parent is not None and parent.type in ("parenthesized_expression", "ternary_expression"):
        parent = parent.parent
    if parent is None:
        return ""
    if parent.type in ("return_statement", "lambda_expression"):
        return "return"
    if parent.type == "assignment_expression":
        left = parent.child_by_field_name("left")
        return "" if left is None else scopes.path(left)
    declared = parent.parent if parent.type == "variable_declarator" else parent
    written = None if declared is None else declared.child_by_field_name("type")
    is_typed = declared is not None and declared.type in (
        *("cast_expression", "field_declaration", "constant_declaration", "local_variable_declaration"),
    )
    return f"({squeeze(scopes.text(written))})" if is_typed and written is not None else ""


def _lambda_parameter(scopes: JavaScopes, node: Node) -> None:
    name = scopes.text(node)
    part = scopes.define("parameter", node, name, span(node), "").path.rpartition(".")[2]
    scopes.show(scopes.visible, name, f"%{part}")


def _field(scopes: JavaScopes, node: Node) -> None:
    kind = scopes.text(node.child_by_field_name("type"))
    for declarator in node.children_by_field_name("declarator"):
        name = name_of(declarator)
        if name is not None:
            signature = one_line(kind + scopes.text(declarator.child_by_field_name("dimensions")))
            scopes.define("field", node, scopes.text(name), span(name), signature)


def _local(scopes: JavaScopes, node: Node) -> None:
    kind = scopes.text(node.child_by_field_name("type"))
    for declarator in node.children_by_field_name("declarator") or [node]:  # a resource declares one itself
        name, value = name_of(declarator), declarator.child_by_field_name("value")
        if name is None:
            continue
        dimensions = scopes.text(declarator.child_by_field_name("dimensions"))
        part = scopes.define_local(node, kind + dimensions, name)
        if kind == "var" and value is not None:
            scopes.refer("assign", part, scopes.path(value), 0, name.start_byte, name.end_byte)


def _local_for(scopes: JavaScopes, node: Node) -> None:
    kind, name = node.child_by_field_name("type"), name_of(node)
    value = node.child_by_field_name("value")
    if kind is None or name is None:
        return
    part = scopes.define_local(node, scopes.text(kind), name)
    if scopes.text(kind) == "var" and value is not None:
        scopes.refer("assign", part, scopes.path(value) + "[]", 0, name.start_byte, name.end_byte)


def _local_catch(scopes: JavaScopes, node: Node) -> None:
    name = name_of(node)
    kinds = [child for child in node.named_children if child.type == "catch_type"]
    if name is not None and kinds:
        scopes.define_local(node, scopes.text(kinds[0]), name)


def _local_pattern(scopes: JavaScopes, node: Node) -> None:
    """`o instanceof Foo foo`, `case Foo foo`, and the parts of a record pattern."""
    name = name_of(node) or node.named_child(node.named_child_count - 1)
    kind = node.child_by_field_name("right") or node.named_child(0)
    if name is not None and kind is not None and name.type == "identifier" and kind != name:
        scopes.define_local(node, scopes.text(kind), name)


def _type_parameter(scopes: JavaScopes, node: Node) -> None:
    """A type variable: visible in its class or method, and no type that is used."""
    children = node.named_children
    name = next((child for child in children if child.type in ("type_identifier", "identifier")), None)
    if name is None:
        return
    text = scopes.text(name)
    bound = children[-1].named_child(0) if children[-1].type == "type_bound" else None
    value = "" if bound is None else squeeze(scopes.text(bound))
    scopes.refer("type_variable", text, value, 0, name.start_byte, name.end_byte)
    scopes.show(scopes.type_variables, text, value)


DEFINITIONS: dict[str, Callable[[JavaScopes, Node], None]] = {
    "block": _block,
    **{f"type.{kind}": _type(kind) for kind in ("class", "interface", "enum", "record", "annotation_type")},
    "method": _method,
    "constructor": _constructor,
    "field": _field,
    "enum_constant": _enum_constant,
    "body": _body,
    "lambda": _lambda,
    "lambda_parameter": _lambda_parameter,
    "parameter": _parameter,
    "local": _local,
    "local.for": _local_for,
    "local.catch": _local_catch,
    "local.pattern": _local_pattern,
    "type_parameter": _type_parameter,
}
