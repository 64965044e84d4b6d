"""Where the code names something: the mentions that `complete` and `resolve` ask about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphmer.artifacts import read_table, records, sha256_file
from graphmer.corpus.parse.schema import files_schema, references_schema
from graphmer.errors import ArtifactError

if TYPE_CHECKING:
    import pandas as pd

CALLS = ("call", "new", "constructor_call", "method_reference")
ACCESSES = ("read", "write")
TYPES = ("annotation_name", "param_type", "local_type", "field_type", "type_use", "cast", "instanceof")
# The parser's kinds of reference that a relation's triples stand at. `overrides` has none, since it follows from
# classes; what a test `tests` is no question of what a mention means.
KINDS: dict[str, tuple[str, ...]] = {
    "calls": CALLS,
    "invokes": CALLS,
    "instantiates": CALLS,
    "inherits_from": ("base", "extends"),
    "implements": ("base", "implements"),
    "imports": ("import", "static_import"),
    "raises": ("raise", "throws"),
    "catches": ("catch",),
    "returns": ("return_annotation", "return_type"),
    "annotated_with": ("decorator", "annotation"),
    "uses": TYPES,
    "reads_from": ("read",),
    "writes_to": ("write",),
}


@dataclass(frozen=True)
class Place:
    """A mention: who names it, the word, and where it stands in the file."""

    scope: str
    name: str
    kind: str
    file: str
    line: int
    byte_start: int
    byte_end: int


class References:
    """What the parser saw named in the code, by who names it and by file and line."""

    def __init__(self, parsed: Path) -> None:
        wanted = sorted({kind for kinds in KINDS.values() for kind in kinds})
        table = read_table(parsed / "references.parquet", references_schema())
        # `thing.size` may be any class's. A bare name is a local variable, or static analysis has found it.
        bare = table["kind"].isin(ACCESSES) & (table["value"] == table["name"])
        self._table = table[table["kind"].isin(wanted) & (table["name"] != "") & ~bare]
        files = read_table(parsed / "files.parquet", files_schema(), ["file", "sha256", "text"])
        self._texts = dict(zip(map(str, files["file"]), map(str, files["text"]), strict=True))
        self._digests = dict(zip(map(str, files["file"]), map(str, files["sha256"]), strict=True))

    def of_scope(self, scope: str, relation: str) -> list[Place]:
        """The mentions in one entity's own code that a relation's triples might stand at, in the code's order."""
        rows = self._table[(self._table["scope"] == scope) & self._table["kind"].isin(KINDS[relation])]
        return self._places(rows)

    def on_line(self, file: str, line: int) -> list[Place]:
        """The calls on a line, in the code's order; raises ArtifactError where there is no such file or line."""
        found = self.files_ending(file)
        start, end = self._line_span(found, line)
        rows = self._table[(self._table["file"] == found) & self._table["kind"].isin(CALLS)]
        rows = rows[(rows["byte_start"] >= start) & (rows["byte_start"] < end)]
        return self._places(rows)

    def files_ending(self, file: str) -> str:
        """The one file of the index that a path names: its own path, or the end of it.

        Raises ArtifactError where none or several fit, and where another text lies at the path than was indexed.
        """
        tail = file.replace("\\", "/").removeprefix("./")
        # What is shorter is the end of one path. What is longer counts from elsewhere (the repository's root, say): it
        # is the indexed file only where that text lies there.
        known = sorted(self._texts)
        own = [name for name in known if name in (file, tail)]
        named = own or [name for name in known if name.endswith(f"/{tail}")]
        longer = [] if own else [name for name in known if tail.endswith(f"/{name}")]
        found = named
        if Path(file).is_file():
            digest = sha256_file(Path(file))
            found = [name for name in [*named, *longer] if self._digests[name] == digest]
            if not found and (named or longer):
                raise ArtifactError(
                    f"{file}: is not the text that was indexed; if it has changed run graphmer index again, "
                    "else ask where no other file has this path"
                )
        if len(found) == 1:
            return found[0]
        reason = f"fits {', '.join(found[:3])}" if found else "is not in the index"
        raise ArtifactError(f"{file}: {reason}; give a path as the index has it (graphmer search shows some)")

    def _line_span(self, file: str, line: int) -> tuple[int, int]:
        text = self._bytes(file)
        breaks = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
        # What follows the last line's end is no line; a last line without an end is one.
        ends = breaks if text.endswith(b"\n") or not text else np.append(breaks, len(text))
        starts = np.concatenate([[0], ends])
        if not 1 <= line < len(starts):
            raise ArtifactError(f"{file}:{line}: the file has {len(starts) - 1} lines; give one of them")
        return int(starts[line - 1]), int(starts[line])

    def _bytes(self, file: str) -> bytes:
        return self._texts[file].encode("utf-8", "surrogatepass")

    def _places(self, rows: "pd.DataFrame") -> list[Place]:
        found = []
        rows = rows.sort_values(["file", "byte_start", "byte_end"], kind="stable")
        for file, part in rows.groupby("file", sort=True, observed=True):
            text = self._bytes(str(file))
            for row in records(part):
                line = text.count(b"\n", 0, row.byte_start) + 1
                span = (int(row.byte_start), int(row.byte_end))
                found.append(Place(row.scope, row.name, row.kind, row.file, line, *span))
        return list(dict.fromkeys(found))


def triples_at(triples: "pd.DataFrame", place: Place, relations: Iterable[str]) -> "pd.DataFrame":
    """The graph's triples that stand at a mention, of some relations: those that begin where it does."""
    here = (triples["file"] == place.file) & (triples["byte_start"] == place.byte_start)
    return triples[here & triples["relation"].isin(list(relations))]


def open_places(triples: "pd.DataFrame", places: Sequence[Place], relations: Sequence[str]) -> list[Place]:
    """The mentions at which no triple of these relations is settled: none stands there, or only guesses do."""
    settled = triples[triples["relation"].isin(relations) & (triples["resolution"] != "ambiguous")]
    taken = set(zip(settled["file"], settled["byte_start"], strict=True))
    return [place for place in places if (place.file, place.byte_start) not in taken]
