"""The committed tables of traced calls: strict reading, and the graph's entity of each traced function.

benchmarks/trace_calls.py writes them; the pipeline only reads. A function is known by file, first line (of its first
decorator) and qualified name; the graph knows it by symbol. Definitions of one qualified name in one file (overloads,
a property's setter, branches for platforms) count as one function here: code means whichever of them is in force.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphmer.artifacts import read_json, records, sha256_bytes
from graphmer.errors import EvaluationError

if TYPE_CHECKING:
    import pandas as pd

    Tables = Mapping[str, pd.DataFrame]

FUNCTION_TYPES = frozenset({"Function", "Method", "Test"})
COMPREHENSION = re.compile(r"(?:\.<locals>)?\.?<(?:genexpr|listcomp|setcomp|dictcomp)>")
VARIANT = re.compile(r"~\d+")
TABLES: dict[str, tuple[str, ...]] = {
    "functions": ("file", "line", "name"),
    "edges": (
        "caller_file",
        "caller_line",
        "caller_name",
        "callee_file",
        "callee_line",
        "callee_name",
        "line",
        "count",
    ),
    "files": ("file", "sha256"),
    "lines": ("file", "first", "last"),
}
PROVENANCE = frozenset({"package", "version", "edges", "functions"})
EMPTY = sha256_bytes(b"")
REMEDY = "run benchmarks/trace_calls.py on the corpus's version"
Edge = tuple[str, str]
Place = tuple[str, int]


@dataclass(frozen=True)
class Trace:
    """One package's traced calls in the graph's symbols.

    ran: functions that ran. edges: {(caller, callee): lines of the caller's file where the call stood}. lines: (file,
    line) that ran. missed: edges and functions that have no entity, or join no two functions, counted by reason.
    """

    package: str
    ran: frozenset[str]
    edges: dict[Edge, frozenset[int]]
    lines: frozenset[Place]
    missed: dict[str, int]

    def without(self, functions: frozenset[str]) -> "Trace":
        """The same run as if these functions had not been called; they stay callees. functions: symbols."""
        named = {canonical(symbol) for symbol in functions}
        edges = {edge: lines for edge, lines in self.edges.items() if edge[0] not in named}
        return replace(self, ran=self.ran - named, edges=edges)


def canonical(symbol: str) -> str:
    """The symbol that all definitions of one qualified name share."""
    return VARIANT.sub("", symbol)


def load_traces(folder: Path, files: "pd.DataFrame", entities: "pd.DataFrame") -> dict[str, Trace]:
    """{package: trace} of every traced package that the graph holds.

    files: files.parquet (package, version, file, sha256). entities: entities.parquet.
    Raises EvaluationError where a table is malformed or was traced on other source than the graph's.
    """
    packages = set(files["package"])
    found = {}
    for path in sorted(folder.glob("*/provenance.json")):
        provenance = read_json(path)
        if not isinstance(provenance, dict) or not provenance.keys() >= PROVENANCE:
            raise EvaluationError(f"{path}: expected the keys {', '.join(sorted(PROVENANCE))}; {REMEDY}")
        package = str(provenance["package"])
        if package in packages:
            tables = {name: _table(path.with_name(f"{name}.csv"), columns) for name, columns in TABLES.items()}
            mine = files[files["package"] == package]
            _check_source(path, str(provenance["version"]), tables["files"], mine)
            _check_counts(path, provenance, tables)
            found[package] = _read_package(package, tables, entities[entities["package"] == package])
    return found


def _check_source(path: Path, version: str, traced: "pd.DataFrame", files: "pd.DataFrame") -> None:
    graphs = str(files["version"].iloc[0])
    if version != graphs:
        raise EvaluationError(f"{path}: traced on version {version}, but the graph is of {graphs}; {REMEDY}")
    digests = dict(zip(files["file"], files["sha256"]))
    for row in records(traced):
        if (digests.get(row.file, row.sha256) or EMPTY) != row.sha256:  # the graph keeps no digest of an empty file
            raise EvaluationError(f"{path}: {row.file} was traced with another content than the graph's; {REMEDY}")


def _check_counts(path: Path, provenance: Mapping[str, Any], tables: "Tables") -> None:
    """A table that was cut short would be read as calls that never happened."""
    for name in ("edges", "functions"):
        if (rows := len(tables[name])) != provenance[name]:
            raise EvaluationError(f"{path}: {name}.csv has {rows} rows, {provenance[name]} were traced; {REMEDY}")
    if unlisted := sorted(set(tables["functions"]["file"]) - set(tables["files"]["file"])):
        raise EvaluationError(f"{path}: files.csv has no digest of {unlisted[0]}, which ran; {REMEDY}")


def _table(path: Path, columns: tuple[str, ...]) -> "pd.DataFrame":
    """A CSV with exactly these columns; `line`, `first` and `last` are numbers."""
    import pandas as pd

    numbers = {name: "int64" for name in columns if name.endswith(("line", "count")) or name in ("first", "last")}
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        if tuple(frame.columns) != columns:
            raise ValueError(f"columns {', '.join(frame.columns)}")
        return frame.astype(numbers)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise EvaluationError(f"{path}: expected columns {', '.join(columns)}, got {reason}; {REMEDY}") from None


def _read_package(package: str, tables: "Tables", entities: "pd.DataFrame") -> Trace:
    symbols = FunctionSymbols(entities)
    missed: Counter[str] = Counter()
    ran: set[str] = set()
    edges: dict[Edge, set[int]] = {}
    for row in records(tables["functions"]):
        symbol, reason = symbols.find(row.file, row.line, row.name)
        missed[f"function_{reason}"] += not symbol
        ran |= {symbol} if symbol else set()
    for row in records(tables["edges"]):
        caller, why_caller = symbols.find(row.caller_file, row.caller_line, row.caller_name)
        callee, why_callee = symbols.find(row.callee_file, row.callee_line, row.callee_name)
        if caller and callee:
            edges.setdefault((caller, callee), set()).add(row.line)
        else:
            missed[f"edge_from_{why_caller}" if not caller else f"edge_to_{why_callee}"] += 1
    ranges = records(tables["lines"])
    lines = frozenset((row.file, line) for row in ranges for line in range(row.first, row.last + 1))
    found = {edge: frozenset(places) for edge, places in sorted(edges.items())}
    return Trace(package, frozenset(ran), found, lines, {name: n for name, n in sorted(missed.items()) if n})


class FunctionSymbols:
    """The functions of one package by file and qualified name."""

    def __init__(self, entities: "pd.DataFrame") -> None:
        self._definitions: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
        kept = entities[entities["type"].isin(FUNCTION_TYPES) & ~entities["external"]]
        columns = ("entity", "file", "line_start", "line_end")
        for symbol, file, start, end in zip(*(kept[name].tolist() for name in columns)):
            path = VARIANT.sub("", symbol.rpartition("#")[2])
            name = re.sub(r"<lambda\d+>", "<lambda>", path)
            self._definitions.setdefault((file, name), []).append((start, end, symbol))

    def find(self, file: str, line: int, name: str) -> tuple[str | None, str]:
        """(canonical symbol, "") of a code object, or (None, why there is none).

        A comprehension is part of its function. Of definitions of one name the line decides; two lambdas of one
        line cannot be told apart.
        """
        name = COMPREHENSION.sub("", name).replace(".<locals>", "")
        if name in ("<module>", ""):
            return None, "module"
        definitions = self._definitions.get((file, name))
        if definitions is None:
            return None, "class_body_or_unknown"
        if name.endswith("<lambda>"):
            same = [symbol for start, end, symbol in definitions if start <= line <= end]
            return (canonical(same[0]), "") if len(same) == 1 else (None, "lambdas_of_one_line")
        # The first line is the first decorator's; a definition that ends before it is another one of the name.
        after = [(start, symbol) for start, end, symbol in definitions if end >= line]
        return (canonical(min(after)[1]), "") if after else (None, "outside_its_span")
