"""Handlers of the pass over a Java file that add definitions and open scopes."""

from collections.abc import Callable

from tree_sitter import Node

from graphmer.corpus.parse.java_scopes import Body, JavaScopes, span
from graphmer.corpus.parse.java_text import erase, one_line, plain_parameters, squeeze
from graphmer.corpus.parse.treesitter import name_of

PRIMITIVES = frozenset({"byte", "short", "int", "long", "float", "double", "char", "boolean"})
KEYWORDS = {
    "class": b"class",
    "interface": b"interface",
    "enum": b"enum",
    "record": b"record",
    "annotation_type": b"@interface",
}
RANGES = frozenset(  # what ends the scope of a variable that a pattern declares
    {
        *("block", "constructor_body", "switch_rule", "switch_block_statement_group", "for_statement"),
        *("enhanced_for_statement", "lambda_expression", "class_body", "enum_body", "program"),
    }
)
ENUM_CONSTANT_MODIFIERS = ("enum", "final", "public", "static")


def _type(kind: str) -> Callable[[JavaScopes, Node], None]:
    def define(scopes: JavaScopes, node: Node) -> None:
        name, body = name_of(node), node.child_by_field_name("body")
        if name is None:
            return
        start, end = name.start_byte, name.end_byte
        header = scopes.source[end : body.start_byte if body is not None else node.end_byte]
        signature = plain_parameters(header.decode("utf-8", "replace"))
        keyword = scopes.source.rfind(KEYWORDS[kind], node.start_byte, start)
        modifiers = scopes.modifiers(kind, node, max(keyword, node.start_byte))
        owner = scopes.define(kind, node, scopes.text(name), (start, end), signature, modifiers)
        scopes.annotate(node.start_byte, owner)
        scopes.enter(node.end_byte, owner)

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
    enum, text, token = scopes.owner.part, scopes.text(name), span(name)
    modifiers = scopes.modifiers("constant", node, token[0], *ENUM_CONSTANT_MODIFIERS)
    scopes.annotate(node.start_byte, scopes.define("field", node, text, token, enum, modifiers))
    arguments = scopes.argument_paths(node)
    scopes.refer("constant", text, " ".join(["this", *arguments]), len(arguments), *token)
    if body is not None:
        scopes.bodies[body.start_byte] = Body("enum_body", node, enum, enum, *token)


def _method(scopes: JavaScopes, node: Node) -> None:
    name, returned = name_of(node), node.child_by_field_name("type")
    if name is None or returned is None:
        return
    start, (name_start, name_end) = returned.start_byte, span(name)
    scopes.roles[start] = "return_type"
    parameters = node.child_by_field_name("parameters")
    kind = scopes.text(returned)
    if parameters is not None and scopes.source[parameters.end_byte : parameters.end_byte + 1] == b"[":
        kind += scopes.text(node.child_by_field_name("dimensions"))  # int f()[]
    if not kind.isidentifier():
        kind = one_line(kind)
    shown = plain_parameters(scopes.text(parameters)) or "()"
    modifiers = scopes.modifiers("method", node, start, *_implied(shown))
    text = scopes.source[name_start:name_end].decode("utf-8", "replace")
    owner = scopes.define("method", node, text, (name_start, name_end), f"{shown} -> {kind}", modifiers)
    scopes.annotate(node.start_byte, owner)
    scopes.enter(node.end_byte, owner)
    word = kind.partition("[")[0].strip()
    if word in PRIMITIVES:
        scopes.refer("return_type", word, word, 0, start, start + len(word))


def _implied(parameters: str) -> tuple[str, ...]:
    return ("varargs",) if "..." in parameters else ()


def _constructor(scopes: JavaScopes, node: Node) -> None:
    name = name_of(node)
    if name is None:
        return
    record = node.parent.parent if node.type == "compact_constructor_declaration" and node.parent is not None else None
    shown = plain_parameters(scopes.text((record or node).child_by_field_name("parameters"))) or "()"
    modifiers = scopes.modifiers("constructor", node, name.start_byte, *_implied(shown))
    owner = scopes.define("constructor", node, scopes.text(name), span(name), shown, modifiers)
    scopes.annotate(node.start_byte, owner)
    scopes.enter(node.end_byte, owner)


def _parameter(scopes: JavaScopes, node: Node) -> None:
    """A parameter; a component of a record is a field of it."""
    name, kind = node.child_by_field_name("name"), node.child_by_field_name("type")
    dimensions = ""
    extra: tuple[str, ...] = ()
    if kind is None:  # `int... rest`: its type has no field name, and its name stands in a declarator
        children = [child for child in node.named_children if child.type != "modifiers"]
        kind, name = children[0], name_of(children[-1])
        dimensions, extra = "...", ("varargs",)
    if name is None or name.end_byte == name.start_byte:
        return
    start, end = span(kind)
    scopes.roles[start] = "param_type"
    written = scopes.source[start:end].decode("utf-8", "replace")
    if not dimensions and scopes.source[name.end_byte : node.end_byte]:
        dimensions = scopes.text(node.child_by_field_name("dimensions"))
    signature = written if written.isidentifier() and not dimensions else one_line(written + dimensions)
    if scopes.owner.kind == "record":
        modifiers = scopes.modifiers("field", node, start, "final", "private", "record")
        scopes.annotate(
            node.start_byte, scopes.define("field", node, scopes.text(name), span(name), signature, modifiers)
        )
        return
    modifiers = scopes.modifiers("parameter", node, start, *extra) if extra or start > node.start_byte else ""
    scopes.add_variable("parameter", node, name, signature, modifiers, 0)
    if scopes.annotations_end > node.start_byte:
        scopes.annotated = [scopes.symbols[-1].symbol]


def _lambda(scopes: JavaScopes, node: Node) -> None:
    parameters = node.child_by_field_name("parameters")
    signature = plain_parameters(scopes.text(parameters))
    signature = signature if signature.startswith("(") else f"({signature})"
    owner = scopes.define("lambda", node, scopes.number("lambda"), span(node), signature)
    become(scopes, node)
    scopes.enter(node.end_byte, owner)
    body = node.child_by_field_name("body")
    if body is not None and body.type == "block":
        last = body.named_child(body.named_child_count - 1) if body.named_child_count else None
        body = last.named_child(0) if last is not None and last.type == "return_statement" else None
    scopes.frames[-1].result = body


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
    scopes.add_variable("parameter", node, node, "", "", 0)


def _field(scopes: JavaScopes, node: Node) -> None:
    written = node.child_by_field_name("type")
    if written is None:
        return
    scopes.roles[written.start_byte] = "field_type"
    kind = scopes.text(written)
    modifiers = scopes.modifiers("field", node, written.start_byte)
    owners = []
    for declarator in node.children_by_field_name("declarator"):
        name = name_of(declarator)
        if name is not None:
            signature = one_line(kind + scopes.text(declarator.child_by_field_name("dimensions")))
            owners.append(scopes.define("field", node, scopes.text(name), span(name), signature, modifiers))
    scopes.annotate(node.start_byte, *owners)


def _block(scopes: JavaScopes, node: Node) -> None:
    """What ends the scope of local variables, where it is not the whole of a definition."""
    end = node.end_byte
    if end < scopes.frames[-1].end:
        scopes.enter(end, scopes.frames[-1].owner)


def _local(scopes: JavaScopes, node: Node) -> None:
    first = node.child_by_field_name("declarator")
    if first is None:
        return
    single = first.end_byte >= node.end_byte - 1  # only a semicolon follows
    _declare(scopes, node, [first] if single else node.children_by_field_name("declarator"))


def _resource(scopes: JavaScopes, node: Node) -> None:
    """What a `try` opens; it declares one variable itself."""
    _declare(scopes, node, [node])


def _declare(scopes: JavaScopes, node: Node, declarators: list[Node]) -> None:
    written = node.child_by_field_name("type")
    if written is None:
        return
    start, stop = span(written)
    scopes.roles[start] = "local_type"
    kind = scopes.source[start:stop].decode("utf-8", "replace")
    for declarator in declarators:
        name = name_of(declarator)
        if name is None:
            continue
        name_end = name.end_byte
        dimensions = ""
        if scopes.source[name_end : name_end + 1] == b"[" and declarator is not node:
            dimensions = scopes.text(declarator.child_by_field_name("dimensions"))
        _add_local(scopes, node, name, start, kind + dimensions, 0)
        value = declarator.child_by_field_name("value") if kind == "var" else None
        if value is not None:
            _assign(scopes, name, scopes.path(value))


def _add_local(scopes: JavaScopes, node: Node, name: Node, type_start: int, kind: str, end: int) -> None:
    signature = kind if kind.isidentifier() else one_line(kind)
    modifiers = scopes.modifiers("local", node, type_start) if type_start > node.start_byte else ""
    scopes.add_variable("local", node, name, signature, modifiers, end)
    if scopes.annotations_end > node.start_byte:
        scopes.annotated = [scopes.symbols[-1].symbol]


def _assign(scopes: JavaScopes, name: Node, value: str) -> None:
    part = scopes.visible[scopes.text(name)][1:]
    scopes.refer("assign", part, value, 0, *span(name))


def _local_for(scopes: JavaScopes, node: Node) -> None:
    kind, name = node.child_by_field_name("type"), name_of(node)
    value = node.child_by_field_name("value")
    if kind is None or name is None:
        return
    scopes.roles[kind.start_byte] = "local_type"
    text = scopes.text(kind)
    _add_local(scopes, node, name, node.start_byte, text, node.end_byte)
    if text == "var" and value is not None:
        _assign(scopes, name, scopes.path(value) + "[]")


def _local_catch(scopes: JavaScopes, node: Node) -> None:
    name = name_of(node)
    kinds = [child for child in node.named_children if child.type == "catch_type"]
    for kind in kinds[0].named_children if kinds else ():
        scopes.roles[kind.start_byte] = "catch"
    if name is not None and kinds:
        _add_local(scopes, node, name, kinds[0].start_byte, scopes.text(kinds[0]), 0)


def _local_pattern(scopes: JavaScopes, node: Node) -> None:
    """`o instanceof Foo foo`, `case Foo foo`, and the parts of a record pattern: visible in what is around."""
    name = name_of(node) or node.named_child(node.named_child_count - 1)
    kind = node.child_by_field_name("right") or node.named_child(0)
    if name is None or kind is None or name.type != "identifier" or kind == name:
        return
    around = node.parent
    while around is not None and around.type not in RANGES:
        around = around.parent
    _add_local(scopes, node, name, node.start_byte, scopes.text(kind), 0 if around is None else around.end_byte)


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
    "local.resource": _resource,
    "local.for": _local_for,
    "local.catch": _local_catch,
    "local.pattern": _local_pattern,
    "type_parameter": _type_parameter,
}
