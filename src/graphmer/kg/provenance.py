"""Provenance read back: the bytes that a triple names must show its tail."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from graphmer.artifacts import records
from graphmer.kg.checks import Graph, Offender

if TYPE_CHECKING:
    import pandas as pd

# Facts of containment and of manifests are about whole files; their spans are not mentions.
EXEMPT = frozenset({"contains", "defines", "declares", "depends_on", "produces"})
BINDINGS = ("import", "static_import", "assign", "export")
FLOWED = ("inferred", "ambiguous")
RECEIVERS = frozenset({"cls", "self", "super", "this"})  # name the class that they stand in
CALLED_RESULT = (b")", b"]")  # `made()()` calls what a call gives: it shows the name of nothing
MAX_ALIASES = 4  # a name bound to a name bound to a name
IDENTIFIER = re.compile(r"[^\W\d]\w*")


def provenance(graph: Graph, files: "pd.DataFrame", references: "pd.DataFrame") -> list[Offender]:
    """Triples whose span does not show the tail's short name, an alias of it there, or a constructor's class.

    files: parsed files with their text. references: parsed references, whose imports and assignments bind aliases. What
    an inferred or ambiguous fact names flowed through values (a returned instance, a stored function): its span must
    exist.
    """
    texts = {(row.package, row.file): row.text.encode("utf-8") for row in records(files)}
    lines = {place: data.count(b"\n") + 1 for place, data in texts.items()}
    aliases = _aliases(references)
    names: dict[str, set[str]] = {}  # of each tail: a class with many heirs is named often
    found = []
    for row in graph.rows:
        if row.relation in EXEMPT:
            continue
        data = texts.get((row.package, row.file))
        if data is None:
            found.append(Offender(row.Index, "its file is not in the parsed corpus"))
        elif not 0 <= row.byte_start < row.byte_end <= len(data):
            found.append(Offender(row.Index, f"bytes {row.byte_start} to {row.byte_end} are not in the file"))
        elif not 1 <= row.line_start <= row.line_end <= lines[row.package, row.file]:
            found.append(Offender(row.Index, f"lines {row.line_start} to {row.line_end} are not in the file"))
        elif row.resolution not in FLOWED and not data.endswith(CALLED_RESULT, row.byte_start, row.byte_end):
            shown = data[row.byte_start : row.byte_end].decode("utf-8", "replace")
            wanted = names.get(row.tail)
            if wanted is None:
                wanted = names[row.tail] = _names(graph, row.tail)
            if not shows(shown, wanted, aliases[row.package]):
                found.append(Offender(row.Index, f"the span shows '{shown[:40]}', not {' or '.join(sorted(wanted))}"))
    return found


def _names(graph: Graph, tail: str) -> set[str]:
    """Short names that may stand for an entity: its own; for a constructor its class' and those of the classes that
    may inherit it; the last of a dotted one."""
    name = graph.names.get(tail, "")
    owner = graph.owners.get(tail, "")
    constructor = name in ("__init__", "__new__", "constructor") or (owner and graph.names.get(owner) == name)
    last = IDENTIFIER.findall(name)[-1:] if name else []
    classes = {owner, *graph.descendants(owner)} if constructor and owner else ()
    return {name, *last, *(graph.names.get(one, "") for one in classes)} - {""}


def bound_names(bindings: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The last names of the values that each local name is bound to.

    bindings: name and value of references of BINDINGS.
    """
    table: dict[str, set[str]] = {}
    for name, value in bindings:
        bound = IDENTIFIER.findall(value.replace("()", ""))
        if bound:
            # `x#2` is x, bound anew; a value with parts, written as a list, may be any of them.
            local = name.rpartition(".")[2].partition("#")[0]
            table.setdefault(local, set()).update(bound if value.startswith("[") else bound[-1:])
    return table


def _aliases(references: "pd.DataFrame") -> dict[str, dict[str, set[str]]]:
    """By package: the last names that a local name is bound to by imports and assignments."""
    by_package: dict[str, list[tuple[str, str]]] = defaultdict(list)
    binding = references[references["kind"].isin(BINDINGS)]
    columns = (binding[name].tolist() for name in ("package", "name", "value"))
    for package, name, value in zip(*columns, strict=True):
        by_package[package].append((name, value))
    return defaultdict(dict, {package: bound_names(bindings) for package, bindings in by_package.items()})


def shows(shown: str, wanted: Collection[str], aliases: Mapping[str, set[str]]) -> bool:
    """Whether a text holds one of the wanted names, or a name that aliases lead from to one."""
    wanted = set(wanted)
    words = set(IDENTIFIER.findall(shown))
    seen: set[str] = set()
    for _ in range(MAX_ALIASES):
        if words & wanted or words & RECEIVERS or any(name in shown for name in wanted):
            return True
        seen |= words
        words = {bound for word in words for bound in aliases.get(word, ())} - seen
    return False
