"""CSV files of curated triples, as typed rows.

Lines at the top that begin with `#` are comments; then comes the header, then a triple a line:
  head, tail            symbols as entities.parquet has them; internal ones are of one package and split
  relation              a stored relation of the ontology
  file                  of the head's package: where the triple is shown
  line_start, line_end  lines of that file, from 1
  mention               words that stand on those lines and show the triple; their bytes become its span
  confidence            above 0, at most 1
  version               of the package in which the row was read; empty: any
  note                  why static analysis cannot see it
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from graphmer.errors import OntologyError

COLUMNS = (
    *("head", "relation", "tail", "file", "line_start", "line_end"),
    *("mention", "confidence", "version", "note"),
)

Key = tuple[str, str, str]


class CuratedRow(NamedTuple):
    """One row, its numbers read. `where` is its file and line for messages."""

    where: str
    head: str
    relation: str
    tail: str
    file: str
    line_start: int
    line_end: int
    mention: str
    confidence: float
    version: str

    @property
    def key(self) -> Key:
        """What makes it the same triple as another."""
        return self.head, self.relation, self.tail


def curated_files(path: Path) -> list[Path]:
    """The CSV files of a folder, sorted, or the one file that is given.

    Raises OntologyError where there is neither.
    """
    if path.is_dir():
        return sorted(path.glob("*.csv"))
    if not path.is_file():
        raise OntologyError(f"{path}: no such file or folder; give a CSV file of curated triples")
    return [path]


def curated_rows(paths: Sequence[Path]) -> Iterator[CuratedRow]:
    """The rows of all files, in their order.

    Raises OntologyError with file and line where a file is not UTF-8 or not CSV, a column, a number or a mention is
    missing or wrong, or a triple stands twice.
    """
    seen: dict[Key, str] = {}
    for path in paths:
        for row in _read(path):
            if row.key in seen:
                raise OntologyError(f"{row.where}: repeats {seen[row.key]}; leave one of the two out")
            seen[row.key] = row.where
            yield row


def _read(path: Path) -> Iterator[CuratedRow]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise OntologyError(f"{path}: not UTF-8 ({error.reason}, byte {error.start}); save it as UTF-8") from None
    top = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    reader = csv.reader(lines[top:], strict=True)
    try:
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise OntologyError(f"{path}:{top + 1}: expected the columns {','.join(COLUMNS)}; got {','.join(header)}")
        for cells in reader:
            if cells:
                yield _row(f"{path}:{top + reader.line_num}", cells)
    except csv.Error as error:
        raise OntologyError(f"{path}:{top + reader.line_num}: not CSV ({error}); mend the quotes") from None


def _row(where: str, cells: list[str]) -> CuratedRow:
    if len(cells) != len(COLUMNS):
        raise OntologyError(f"{where}: expected {len(COLUMNS)} cells, got {len(cells)}; quote cells that hold a comma")
    said = dict(zip(COLUMNS, cells))
    start, end = _line(where, "line_start", said), _line(where, "line_end", said)
    if not 1 <= start <= end:
        raise OntologyError(f"{where}: lines {start} to {end}: expected 1 <= line_start <= line_end")
    if not said["mention"].strip():
        raise OntologyError(f"{where}: no mention; give the words on those lines that show the triple")
    triple = said["head"], said["relation"], said["tail"], said["file"]
    return CuratedRow(where, *triple, start, end, said["mention"], _confidence(where, said), said["version"])


def _line(where: str, name: str, said: dict[str, str]) -> int:
    if not (said[name].isascii() and said[name].isdigit()):
        raise OntologyError(f"{where}: {name} '{said[name]}': expected a line number")
    return int(said[name])


def _confidence(where: str, said: dict[str, str]) -> float:
    try:
        confidence = float(said["confidence"])
    except ValueError:
        confidence = 0.0
    if not 0 < confidence <= 1:
        raise OntologyError(f"{where}: confidence '{said['confidence']}': expected a number above 0, at most 1")
    return confidence
