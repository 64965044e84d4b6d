"""The import statements of one Python file, and how surely each runs; read from its syntax tree, never executed."""

import ast
import warnings
from collections.abc import Iterator
from typing import NamedTuple

# How an import stands in its file; the first that fits, from the top of this list, is taken.
CIRCUMSTANCES = (
    "typed",  # under `if TYPE_CHECKING`: never runs
    "fallback",  # in the handler of a failed import
    "guarded",  # in a `try` that forgives a failed import
    "versioned",  # under a test of sys.version_info, sys.platform or os.name
    "conditional",  # under any other `if`
    "inner",  # in a function
    "plain",  # runs whenever the file is imported
)
FORGIVEN = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Imported(NamedTuple):
    """One imported module: `from ..a import b` has module `a`, level 2 and name `b`; `import a.b` has no name."""

    module: str
    level: int
    name: str
    circumstance: str


def file_imports(source: bytes) -> list[Imported]:
    """Every import of a file in the order of its text.

    Raises SyntaxError or ValueError where the file is not Python of this interpreter's version.
    """
    with warnings.catch_warnings(action="ignore"):  # an odd escape in a stranger's code is not the user's concern
        tree = ast.parse(source)
    return list(_walk(tree.body, "plain"))


def _walk(statements: list[ast.stmt], outer: str) -> Iterator[Imported]:
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (Imported(alias.name, 0, "", outer) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (Imported(node.module or "", node.level, alias.name, outer) for alias in node.names)
        for block, inner in _blocks(node):
            # An import in a function in a forgiving `try` is guarded.
            yield from _walk(block, min(outer, inner, key=CIRCUMSTANCES.index))


def _blocks(node: ast.stmt) -> Iterator[tuple[list[ast.stmt], str]]:
    """The blocks of a statement, with what each adds to the circumstances of those around it."""
    if isinstance(node, ast.If):
        tested = _tested(node.test)
        yield node.body, tested
        yield node.orelse, "conditional" if tested == "typed" else tested  # `else` of TYPE_CHECKING does run
    elif isinstance(node, ast.Try | ast.TryStar):
        forgives = any(_forgives(handler.type) for handler in node.handlers)
        yield node.body, "guarded" if forgives else "plain"
        for handler in node.handlers:
            yield handler.body, "fallback" if forgives else "plain"
        yield node.orelse, "guarded" if forgives else "plain"
        yield node.finalbody, "plain"
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.body, "inner"
    elif isinstance(node, ast.Match):
        yield from ((case.body, "conditional") for case in node.cases)
    else:
        for name in ("body", "orelse"):
            if isinstance(block := getattr(node, name, None), list):
                yield block, "guarded" if _suppresses(node) else "plain"


def _suppresses(node: ast.stmt) -> bool:
    """`with contextlib.suppress(ImportError):` forgives as a `try` does."""
    if not isinstance(node, ast.With):
        return False
    calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
    return any(_last(call.func) == "suppress" and any(map(_forgives, call.args)) for call in calls)


def _tested(test: ast.expr) -> str:
    nodes = [node for node in ast.walk(test) if isinstance(node, ast.Name | ast.Attribute)]
    names = {_last(node) for node in nodes}
    if "TYPE_CHECKING" in names:
        return "typed"
    asks_os = any(isinstance(node, ast.Attribute) and ast.unparse(node) == "os.name" for node in nodes)
    return "versioned" if asks_os or names & {"version_info", "hexversion", "platform"} else "conditional"


def _forgives(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or _last(one) in FORGIVEN for one in kinds)


def _last(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
