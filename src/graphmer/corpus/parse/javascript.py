"""JavaScript and TypeScript source to definitions and raw references.

Kinds of references; `value` is an access path (`javascript_text.access_path`) unless said otherwise:
  import            name: the local name, value `specifier:name`, the name being `default`, `*` or `exports`, too, or
                    empty for all of a library; ordinal 1 where it is a re-export and binds nothing here
  import_module     name and value: a relative specifier, where it stands. library: a bare one
  export            name: as others see it (`default`; `exports`: the whole of CommonJS), value: what it is here;
                    ordinal 1: of another module, value `specifier:name`. export_star: value the specifier
  within            value: the scope (less the file) that a function stands in, where that is not what it is a member of
  call, new         name: last name of what is called, value its path
  assign            name: target (`x`, `this.x`, `a.b`), value: right side; ordinal 1 where it declares the name here,
                    2 for the alias that an export gives
  member            name: a property of an object with a name, value. scope: the object. field: the same of a class
  parameter         name, value: its type as text. annotation: the same of a variable or a field
  return_annotation value as text. return: value
  type_name         name, value: a type that is named; ordinal 1 in a return type
  base, implemented value. scope: the class or interface
  decorator         value. scope: what is decorated. jsx: the component of an element. raise: value
  read, write       name: last name, value: path; the first of a kind in each scope
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from pathlib import PurePosixPath

from tree_sitter import Node

from graphmer.corpus.parse import javascript_assignments as assignments
from graphmer.corpus.parse import javascript_bindings as bindings
from graphmer.corpus.parse import javascript_code as code
from graphmer.corpus.parse import javascript_definitions as definitions
from graphmer.corpus.parse import javascript_functions as functions
from graphmer.corpus.parse import javascript_modules as modules
from graphmer.corpus.parse import javascript_objects as objects
from graphmer.corpus.parse.javascript_scopes import JavaScriptScopes
from graphmer.corpus.parse.javascript_text import (
    LAST_NAME,
)
from graphmer.corpus.parse.records import FileKey, ParsedFile
from graphmer.corpus.parse.treesitter import captures, parse, too_deep

SOURCE_ROOTS = ("src", "lib")
DECLARATION = re.compile(r"\.d\.[cm]?ts$")
TEST_CALL = re.compile(rb"(?:it|test|describe|suite|specify|context)(?:\.(?:only|skip|concurrent|todo|failing))*\s*\(")
Handler = Callable[[JavaScriptScopes, Node], None]


def module_name(file: str) -> str:
    """Dotted name of a file's module: its path below a source root without its ending, a folder's `index` left out."""
    parts = list(PurePosixPath(file).with_suffix("").parts)
    if len(parts) > 1 and parts[0] in SOURCE_ROOTS:
        parts = parts[1:]
    if len(parts) > 1 and parts[-1] == "index":
        parts = parts[:-1]
    return ".".join(parts)


def parse_javascript(source: bytes, where: FileKey) -> ParsedFile:
    """Definitions and references of one JavaScript file, JSX included; one with syntax errors keeps its good parts."""
    return _parse(source, where, "javascript")


def parse_typescript(source: bytes, where: FileKey) -> ParsedFile:
    """The same of a TypeScript file. A declaration file repeats what stands in code, so it is skipped."""
    if DECLARATION.search(where.file):
        return ParsedFile(module_name(where.file), [], [], "skipped", "declaration_file")
    return _parse(source, where, "tsx" if where.file.endswith(".tsx") else "typescript")


def _parse(source: bytes, where: FileKey, grammar: str) -> ParsedFile:
    module = module_name(where.file)
    if too_deep(source):
        return ParsedFile(module, [], [], "skipped", "too_deep")
    root = parse(grammar, source)
    nodes = captures(grammar, root)
    scopes = JavaScriptScopes(source, where, module)
    scopes.define_module()
    _prepare(scopes, nodes)
    _sweep(scopes, nodes)
    status, reason = ("partial", "syntax_error") if root.has_error else ("ok", "")
    return ParsedFile(module, scopes.symbols, scopes.references, status, reason)


def _prepare(scopes: JavaScriptScopes, nodes: dict[str, list[Node]]) -> None:
    """What later steps look up by place: values that are definitions, comments, the titles of tests, known names."""
    source = scopes.source
    for name in ("function.value", "arrow", "class.value"):
        scopes.values.update((node.start_byte, node.end_byte) for node in nodes.get(name, ()))
    docs = sorted((node.end_byte, node.start_byte) for node in nodes.pop("comment", ()))
    docs = [(end, start) for end, start in docs if source.startswith(b"/**", start) and end > start + 4]
    scopes.doc_ends, scopes.doc_starts = [end for end, _ in docs], [start for _, start in docs]
    titles = sorted((node.end_byte, node.start_byte) for node in nodes.pop("test.title", ()))
    for body in nodes.pop("test.body", ()):
        _test_title(scopes, titles, body.start_byte)
    scopes.return_types = sorted((node.start_byte, node.end_byte) for node in nodes.get("return_type", ()))
    for name in ("known", "parameter", "pattern", "type_variable"):
        names = {source[node.start_byte : node.end_byte] for node in nodes.get(name, ())}
        (scopes.type_variables if name == "type_variable" else scopes.known).update(names)
    _prepare_imports(scopes, nodes)


def _prepare_imports(scopes: JavaScriptScopes, nodes: dict[str, list[Node]]) -> None:
    """The local names of imports may be symbols."""
    for name in ("import.name", "import.default", "import.namespace"):
        for node in nodes.get(name, ()):
            match = LAST_NAME.search(scopes.source[node.start_byte : node.end_byte])
            if match:
                scopes.known.add(match.group())


def _test_title(scopes: JavaScriptScopes, titles: list[tuple[int, int]], body: int) -> None:
    """Whether a function is the body of a test: `it("does this", () => {})`."""
    end, start = max((title for title in titles if title[0] <= body), default=(0, 0))
    line = scopes.source.rfind(b"\n", 0, start) + 1
    called = scopes.source[max(line, start - 60) : start].lstrip()
    if TEST_CALL.match(called) and end - start > 2:
        scopes.tests[body] = (start + 1, end - 1)


def _sweep(scopes: JavaScriptScopes, nodes: dict[str, list[Node]]) -> None:
    """Meet every node once, in the order of bytes; what is called or read counts at its last byte."""
    width = len(HANDLERS)
    met: list[Node] = []
    places: list[int] = []
    nodes["block"] = _binding_blocks(nodes)
    for rank, name in enumerate(AT_START):
        found = nodes.get(name)
        if found:
            met += found
            places += [node.start_byte * width + rank for node in found]
    for rank, name in enumerate(AT_END, len(AT_START)):
        found = nodes.get(name)
        if found:
            met += found
            places += [(node.end_byte - 1) * width + rank for node in found]
    _claim_callees(scopes, nodes)
    known, source, claimed = scopes.known, scopes.source, scopes.claimed
    for node in nodes.get("identifier", ()):
        start = node.start_byte
        if source[start : node.end_byte] in known and start not in claimed:
            met.append(node)
            places.append(start * width + width - 1)
    frames, handlers = scopes.frames, HANDLERS
    for index in sorted(range(len(places)), key=places.__getitem__):
        at, rank = divmod(places[index], width)
        while at >= frames[-1].end:
            frames.pop()
        handlers[rank](scopes, met[index])


def _binding_blocks(nodes: dict[str, list[Node]]) -> list[Node]:
    """The blocks in which something is declared: the others are no scopes."""
    bindings = sorted(node.start_byte for name in ("binding", "class") for node in nodes.get(name, ()))
    if not bindings:
        return []
    bindings.append(bindings[-1] + (1 << 40))  # beyond any file
    return [node for node in nodes.get("block", ()) if bindings[bisect_left(bindings, node.start_byte)] < node.end_byte]


def _claim_callees(scopes: JavaScriptScopes, nodes: dict[str, list[Node]]) -> None:
    """What is called is no read."""
    for name in ("callee", "new"):
        for node in nodes.get(name, ()):
            start, end = node.start_byte, node.end_byte
            if b"." not in scopes.source[start:end]:
                scopes.claimed.add(start)
            scopes.claimed_ends.add(end)


# In the order in which nodes count that start at the same byte.
AT_START: dict[str, Handler] = {
    "export": modules.export,
    "import": modules.import_,
    "import.require": modules.import_require,
    "import.default": modules.import_default,
    "import.namespace": modules.import_namespace,
    "import.name": modules.import_name,
    "export.name": modules.export_name,
    "export.namespace": modules.export_namespace,
    "block": code.block,
    "declarator.var": bindings.declarator_var,
    "declarator": bindings.declarator,
    "assignment": assignments.assignment,
    "augmented": assignments.augmented,
    "augmented.target": assignments.augmented_target,
    "return": code.return_,
    "arrow_body": code.arrow_body,
    "class": definitions.class_,
    "class.value": definitions.class_value,
    "interface": definitions.interface,
    "namespace": definitions.namespace,
    "enum": definitions.enum,
    "type_alias": definitions.type_alias,
    "function": functions.function,
    "function.value": functions.function_value,
    "arrow": functions.arrow,
    "method": functions.method,
    "field": definitions.field,
    "property_signature": definitions.property_signature,
    "method_signature": definitions.method_signature,
    "function_signature": functions.function_signature,
    "object": objects.object_,
    "pair": objects.pair,
    "shorthand": objects.shorthand,
    "type_variable": code.type_variable,
    "parameter.typed": bindings.parameter_typed,
    "parameter": bindings.parameter,
    "pattern": bindings.pattern,
    "decorator.parameter": code.decorator_parameter,
    "decorator": definitions.decorator,
    "return_type": functions.return_type,
    "base": code.base,
    "implemented": code.implemented,
    "type_name.nested": code.nested_type_name,
    "type_name": code.type_name,
    "throw": code.throw,
}
AT_END: dict[str, Handler] = {
    "callee": code.callee,
    "new": code.new,
    "jsx": definitions.jsx,
    "member": code.member,
}
HANDLERS = (*AT_START.values(), *AT_END.values(), code.identifier)
