"""Python source to definitions and raw references.

Kinds of references; a value is an expression in the notation of `notation` unless said otherwise:
  import            name: the local name (`a.b` for `import a.b`), value `pkg.mod` or `pkg.mod:attr`, leading dots where
                    relative. star_import: value the module
  library           name: the top-level name of an absolute import, where it stands
  call              name: last name of the callee, value the call; its span is that name. ordinal: end of the callee
  assign            name: what is bound (`x`, or an attribute or subscript as an expression), value what it is bound to
  extend            name: a list, value what `+=` adds to it; ordinal 1: of `|=`, which merges dicts and sets
  parameter         name: a function's parameter, value its annotation as text, ordinal: position. scope: the function
                    star_parameter, star_star_parameter; keyword_parameter: only by name. default: name, value
  annotation        name: an annotated variable or attribute, value the annotation as text
  annotation_name   name, value: a dotted name inside any annotation; ordinal 1 in a return annotation
  return_annotation value as text. return, yield, yield_from: value
  base              value, ordinal: position. scope: the class. metaclass, class_keyword: value of such an argument
  decorator         value, ordinal: position from the top. scope: what is decorated
  iterate, enter    value: what a loop or an unpacking iterates, what a with statement enters; ordinal 1 where async
  raise, catch      value; a bare `raise` has an empty one; one catch for each of a tuple
  operate           name: an operator, `-x` where it is a sign. value: a list of the name and the operands.
                    ordinal: where the operator stands
  item              name: `[]`, `[]=`, `del[]`. value: a list of what has the item and its key
  ask               name: await; bool, hash, repr, str, format where that is asked for. value: of what
  match             value: a list of what is matched and the path of the class that a pattern asks for
  read, write       name: last name, value: path; the first of a kind in each scope. global: name
  export            name, value: what a module's `__all__` lists
Local variables are no symbols: the bindings of a scope are its assign, import and parameter references.
"""

from collections.abc import Callable
from operator import itemgetter
from pathlib import PurePosixPath

from tree_sitter import Node

from graphmer.corpus.parse.python.bindings import Bindings
from graphmer.corpus.parse.python.definitions import Definitions
from graphmer.corpus.parse.python.file import PythonFile
from graphmer.corpus.parse.python.imports import Imports
from graphmer.corpus.parse.python.matching import Matching
from graphmer.corpus.parse.python.operations import Operations
from graphmer.corpus.parse.python.reads import file_reads
from graphmer.corpus.parse.python.rebinding import Rebinding
from graphmer.corpus.parse.python.statements import Statements
from graphmer.corpus.parse.python.targets import Targets
from graphmer.corpus.parse.records import FileKey, ParsedFile
from graphmer.corpus.parse.treesitter import captures, parse, too_deep

SOURCE_ROOTS = ("src", "lib", "python")
Handler = Callable[[Node], None]


def module_name(file: str) -> str:
    """Dotted name of a file's module: its path below a source root, a package's `__init__` left out."""
    parts = list(PurePosixPath(file).with_suffix("").parts)
    if len(parts) > 1 and parts[0] in SOURCE_ROOTS:
        parts = parts[1:]
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def parse_python(source: bytes, where: FileKey) -> ParsedFile:
    """Definitions and references of one Python file; a file with syntax errors keeps its good parts."""
    module = module_name(where.file)
    if too_deep(source):
        return ParsedFile(module, [], [], "skipped", "too_deep")
    root = parse("python", source)
    file = PythonFile(source, where, module)
    _sweep(file, root)
    status, reason = ("partial", "syntax_error") if root.has_error else ("ok", "")
    return ParsedFile(module, file.scopes.symbols, file.scopes.references, status, reason)


def _sweep(file: PythonFile, root: Node) -> None:
    """Meet every node once, in the order of bytes; at one byte, outer before inner and statements before names."""
    definitions = Definitions(file)
    definitions.module(root)
    nodes = captures("python", root)
    handlers = _handlers(file, definitions)
    # Start, end from the last on, and rank as one number: it sorts in half the time of three.
    width = len(handlers)
    height = (file.size + 1) * width
    events: list[tuple[int, int, Handler, Node]] = []
    for rank, (name, handler) in enumerate(handlers.items()):
        found = nodes.get(name, ())
        starts = [node.start_byte for node in found]
        events += [
            (start * height - node.end_byte * width + rank, start, handler, node) for start, node in zip(starts, found)
        ]
    events.sort(key=itemgetter(0))
    scopes, expressions = file.scopes, file.expressions
    for _, start, handler, node in events:
        if start >= scopes.next_change:
            scopes.move_to(start)
            expressions.versions, expressions.fresh = scopes.frame.versions, scopes.frame.fresh
        handler(node)
    file.claimed.update(node.end_byte for node in nodes.get("keyword", ()))
    file_reads(scopes, expressions, file.holes, nodes.get("attribute", []), nodes.get("identifier", []))


def _handlers(file: PythonFile, definitions: Definitions) -> dict[str, Handler]:
    """What meets each capture of the query file, in the order in which nodes count that span the same bytes."""
    targets = Targets(file)
    rebinding = Rebinding(file, targets)
    imports = Imports(file)
    bindings, statements = Bindings(file, targets, rebinding), Statements(file, targets, rebinding)
    operations, matching = Operations(file), Matching(file, targets)
    return {
        "class": definitions.of_class,
        "function": definitions.of_function,
        "import": imports.plain,
        "import_from": imports.from_module,
        "lambda": definitions.of_lambda,
        "assignment": bindings.assignment,
        "augmented": bindings.augmented,
        "walrus": bindings.walrus,
        "with": bindings.with_item,
        "for": bindings.loop,
        "match": matching.statement,
        "global": bindings.outer_names,
        "return": statements.returned,
        "yield": statements.yielded,
        "raise": statements.raised,
        "except": statements.caught,
        "call": statements.call,
        "binary": operations.binary,
        "comparison": operations.comparison,
        "unary": operations.unary,
        "augments": operations.augmented,
        "subscript": operations.subscript,
        "display": operations.display,
        "spread": operations.spread,
        "condition": operations.condition,
        "conditional": operations.conditional,
        "negation": operations.negation,
        "choice": operations.choice,
        "interpolation": operations.interpolation,
        "await": operations.awaited,
    }
