"""Which modules import which, read from the source without running it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src"


def module_file(name: str) -> Path | None:
    """File of a module of this project, or None."""
    base = SRC / Path(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def imported(path: Path, module_level: bool = False) -> frozenset[str]:
    """Dotted names that a file imports, `from a import b` as both a and a.b; lazily imported ones too by default."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _top_level(tree) if module_level else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _top_level(tree: ast.Module) -> list[ast.stmt]:
    """Statements that run at import: TYPE_CHECKING blocks do not."""
    found: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.If):
            test = node.test
            if not (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"):
                found += [*node.body, *node.orelse]
        elif isinstance(node, ast.Try):
            found += node.body
        else:
            found.append(node)
    return found


def reached(start: Path) -> set[Path]:
    """Files of the library that a script reaches through imports, package __init__ files left out: they are empty."""
    todo, seen = [start], set()
    while todo:
        for name in imported(todo.pop()):
            path = module_file(name)
            if path is not None and path.name != "__init__.py" and path not in seen:
                seen.add(path)
                todo.append(path)
    return seen


def modules() -> dict[str, Path]:
    """Every module of the library by its dotted name below `graphmer`."""
    found = {}
    for path in sorted((SRC / "graphmer").rglob("*.py")):
        parts = path.relative_to(SRC / "graphmer").with_suffix("").parts
        found[".".join(parts)] = path
    return found
