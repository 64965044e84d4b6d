"""What a JavaScript or TypeScript module imports and exports by the words of the language; `require` is a call."""

from tree_sitter import Node

from graphmer.corpus.parse.javascript_bindings import name_object
from graphmer.corpus.parse.javascript_scopes import JavaScriptScopes, Naming
from graphmer.corpus.parse.javascript_text import access_path, first_named, text
from graphmer.corpus.parse.treesitter import name_of


def import_(scopes: JavaScriptScopes, node: Node) -> None:
    """An import: what it names follows; a bare one names a library."""
    source = node.child_by_field_name("source")
    _specifier(scopes, node, source)
    if source is not None:
        kind = "import_module" if scopes.specifier.startswith(".") else "library"
        scopes.refer(kind, scopes.specifier, scopes.specifier, source.start_byte + 1, source.end_byte - 1)


def _specifier(scopes: JavaScriptScopes, node: Node, source: Node | None) -> None:
    scopes.specifier = text(source)[1:-1] if source is not None and source.end_byte - source.start_byte > 2 else ""
    scopes.specifier_end = node.end_byte


def import_require(scopes: JavaScriptScopes, node: Node) -> None:
    """`import x = require("y")`."""
    name, source = first_named(node), node.child_by_field_name("source")
    if name is not None and source is not None:
        _specifier(scopes, node, source)
        kind = "import_module" if scopes.specifier.startswith(".") else "library"
        scopes.refer(kind, scopes.specifier, scopes.specifier, source.start_byte + 1, source.end_byte - 1)
        _import(scopes, name, name, "exports")


def import_name(scopes: JavaScriptScopes, node: Node) -> None:
    """`{ a as b }` of an import."""
    name, alias = name_of(node), node.child_by_field_name("alias")
    if name is not None and scopes.specifier:
        _import(scopes, alias or name, name, text(name))


def import_default(scopes: JavaScriptScopes, node: Node) -> None:
    """The default import."""
    _import(scopes, node, node, "default")


def import_namespace(scopes: JavaScriptScopes, node: Node) -> None:
    """`* as ns`."""
    _import(scopes, node, node, "*")


def _import(scopes: JavaScriptScopes, local: Node, shown: Node, imported: str) -> None:
    scopes.claimed.update((local.start_byte, shown.start_byte))
    if scopes.specifier:
        is_whole = imported in ("default", "*", "exports") and not scopes.specifier.startswith(".")
        value = f"{scopes.specifier}:{'' if is_whole else imported}"
        scopes.refer("import", text(local), value, shown.start_byte, shown.end_byte)


def export(scopes: JavaScriptScopes, node: Node) -> None:
    """An export: of everything of another module, of a default value, or of the names that follow."""
    source, value = node.child_by_field_name("source"), node.child_by_field_name("value")
    _specifier(scopes, node, source)
    if source is not None:
        kind = "import_module" if scopes.specifier.startswith(".") else "library"
        scopes.refer(kind, scopes.specifier, scopes.specifier, source.start_byte + 1, source.end_byte - 1)
        between = scopes.source[node.start_byte + len(b"export") : source.start_byte].strip()
        if between.replace(b"type", b"").split()[:2] == [b"*", b"from"]:
            scopes.refer("export_star", "", scopes.specifier, source.start_byte + 1, source.end_byte - 1)
    at = node.start_byte + len(b"export")
    words = scopes.source[at : at + 40].split(None, 1)
    if words and words[0] == b"default":
        _export_default(scopes, node, value)
    elif words and words[0].startswith(b"=") and node.named_child_count:
        last = node.named_child(node.named_child_count - 1)
        if last is not None:
            scopes.refer("assign", "module.exports", access_path(last, scopes.source), last.start_byte, last.end_byte)
            scopes.refer("export", "exports", access_path(last, scopes.source), last.start_byte, last.end_byte)


def _export_default(scopes: JavaScriptScopes, node: Node, value: Node | None) -> None:
    at = scopes.source.find(b"default", node.start_byte)
    span, home = (at, at + len(b"default")), scopes.home
    declared = node.child_by_field_name("declaration")
    if declared is not None:
        name = name_of(declared)
        path = text(name) if name is not None else "default"
    elif value is None:
        return
    elif scopes.values.get(value.start_byte) == value.end_byte:
        own = name_of(value)
        path = text(own) if own is not None else "default"
        kind = "class" if scopes.source.startswith(b"class", value.start_byte) else "function"
        shown = (own.start_byte, own.end_byte) if own is not None else span
        scopes.namings[value.start_byte] = Naming(path, shown, node.start_byte, home, kind)
    elif scopes.source[value.start_byte : value.start_byte + 1] == b"{":
        path = "default"
        scopes.define_once("variable", "default", home, span)
        name_object(scopes, value.start_byte, "default", span, home)
    else:
        path = access_path(value, scopes.source)
    scopes.refer("assign", "default", path, *span)
    scopes.refer("export", "default", path, *span)


def export_name(scopes: JavaScriptScopes, node: Node) -> None:
    """`{ a as b }` of an export, from another module or of this one."""
    name, alias = name_of(node), node.child_by_field_name("alias")
    if name is None:
        return
    scopes.claimed.add(name.start_byte)
    if alias is not None:
        scopes.claimed.add(alias.start_byte)
    span, said = (name.start_byte, name.end_byte), text(name)
    shown = text(alias or name)
    if scopes.specifier:
        scopes.refer("export", shown, f"{scopes.specifier}:{said}", *span, ordinal=1)
        scopes.refer("import", shown, f"{scopes.specifier}:{said}", *span, ordinal=1)
    else:
        scopes.refer("export", shown, said, *span)
        if shown != said:
            scopes.refer("assign", shown, said, *span, ordinal=2)  # an alias, and no binding of this scope


def export_namespace(scopes: JavaScriptScopes, node: Node) -> None:
    """`export * as ns from`."""
    if scopes.specifier:
        scopes.claimed.add(node.start_byte)
        scopes.refer("export", text(node), f"{scopes.specifier}:*", node.start_byte, node.end_byte, ordinal=1)
