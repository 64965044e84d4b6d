"""Triples that a person adds: checked like the rest, marked, and never in the place of a static fact in silence.

A curated triple is `exact` where its mention holds the tail's name (`external` where the tail is external) and
`inferred` where it does not: a hook's caller names the hook, not the plugin.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graphmer.corpus.parse.columns import concat, encoded_schema, python_values, row_columns
from graphmer.errors import OntologyError
from graphmer.kg.curated_rows import CuratedRow, Key, curated_rows
from graphmer.kg.schema import triples_schema
from graphmer.ontology.vocabulary import load_ontology

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOMES = ("added", "settles_ambiguous", "repeats_static", "other_package", "other_version")
LAST_NAME = re.compile(r"[^#.:/]*$")


class _Entity(NamedTuple):
    entity: str
    type: str
    name: str
    language: str
    package: str
    file: str
    external: bool


class _File(NamedTuple):
    package: str
    file: str
    version: str
    license: str
    split: str
    status: str
    text: str


def add_curated(
    triples: "pa.Table", entities: "pa.Table", files: "pa.Table", paths: Sequence[Path]
) -> tuple["pa.Table", dict[str, int]]:
    """The triples with those of the CSV files `paths`, and how many rows had each of OUTCOMES.

    triples, entities: the static graph, sorted. files: rows of files.parquet. A row that repeats a static triple leaves
    it as it is, but for an `ambiguous` one, which it settles. Rows of a package or of a version that the corpus does
    not have are left out and counted: curated files outlive a corpus.
    Raises OntologyError with the CSV file and line where a row is malformed, says what the ontology does not allow,
    joins packages or splits, contradicts what is there, or is not shown at its place.
    """
    counts = dict.fromkeys(OUTCOMES, 0)
    rows = list(curated_rows(paths))
    if not rows:
        return triples, counts
    checker = _Checker(triples, entities, files)
    accepted: dict[Key, tuple[Any, ...]] = {}
    for row in rows:
        outcome = checker.outcome(row)
        counts[outcome] += 1
        if outcome in ("added", "settles_ambiguous"):
            accepted[row.key] = checker.triple(row)
    return _merged(triples, accepted) if accepted else triples, counts


def _merged(triples: "pa.Table", accepted: Mapping[Key, tuple[Any, ...]]) -> "pa.Table":
    """Both, sorted; an accepted row takes the place of the one with its key."""
    import pyarrow as pa

    keys = sorted(accepted)
    columns = [python_values(triples.column(name)) for name in ("head", "relation", "tail")]
    stated = list(zip(*columns))
    places = [bisect_left(stated, key) for key in keys]
    order = np.insert(np.arange(len(stated)), places, len(stated) + np.arange(len(keys)))
    settled = [place for place, key in zip(places, keys) if stated[place : place + 1] == [key]]
    schema = triples_schema()
    added = row_columns([accepted[key] for key in keys], list(schema), frozenset())
    table = concat([triples, pa.Table.from_arrays(added, schema=encoded_schema(schema, frozenset()))])
    return table.take(pa.array(order[~np.isin(order, settled)])).combine_chunks()


class _Checker:
    """Holds rows against the ontology, the static graph, the rows before, and the file that shows each."""

    def __init__(self, triples: "pa.Table", entities: "pa.Table", files: "pa.Table") -> None:
        self.ontology = load_ontology()
        self.entities: dict[str, _Entity] = {row.entity: row for row in _rows(entities, _Entity)}
        self.files: dict[tuple[str, str], _File] = {
            (row.package, row.file): row for row in _rows(files, _File) if row.status != "skipped"
        }
        self.versions = {row.package: row.version for row in self.files.values()}
        names = ("head", "relation", "tail", "resolution")
        self.static: dict[Key, str] = {}
        self.tails: dict[tuple[str, str], set[str]] = defaultdict(set)  # by relation and head, less the ambiguous
        for head, relation, tail, resolution in zip(*(python_values(triples.column(name)) for name in names)):
            self.static[head, relation, tail] = resolution
            if resolution != "ambiguous":
                self.tails[relation, head].add(tail)

    def outcome(self, row: CuratedRow) -> str:
        """What becomes of a row."""
        self._check_relation(row)
        package = _package(row)
        if row.head not in self.entities and package not in self.versions:
            return "other_package"
        if package in self.versions and row.version not in ("", self.versions[package]):
            return "other_version"
        self._check_ends(row)
        self._span(row)
        resolution = self.static.get(row.key)
        if resolution not in (None, "ambiguous"):
            return "repeats_static"
        self._check_limit(row)
        self._check_cycle(row)
        self.tails[row.relation, row.head].add(row.tail)
        return "added" if resolution is None else "settles_ambiguous"

    def triple(self, row: CuratedRow) -> tuple[Any, ...]:
        """An accepted row in the order of triples.parquet."""
        tail, file = self.entities[row.tail], self._file(row)
        start, end = self._span(row)
        first = 1 + file.text.encode("utf-8")[:start].count(b"\n")
        shown = _as_words(tail.name).search(row.mention) is not None
        resolution = ("external" if tail.external else "exact") if shown else "inferred"
        return (
            *(row.head, row.relation, row.tail, self.entities[row.head].language),
            *(file.package, file.version, file.license, file.file),
            *(first, first + row.mention.count("\n"), start, end),
            *("manual_curation", row.confidence, resolution, file.split),
        )

    def _check_relation(self, row: CuratedRow) -> None:
        if row.relation not in self.ontology.stored_relations:
            stored = ", ".join(self.ontology.stored_relations)
            raise OntologyError(f"{row.where}: unknown relation '{row.relation}'; expected one of {stored}")

    def _check_ends(self, row: CuratedRow) -> None:
        head, tail = self._entity(row, row.head), self._entity(row, row.tail)
        if not self.ontology.relations[row.relation].allows(head.type, tail.type):
            ends = f"{head.type} to {tail.type}"
            raise OntologyError(f"{row.where}: '{row.relation}' may not join {ends}; see ontology.yaml")
        if head.external:
            raise OntologyError(f"{row.where}: the head {row.head} is external; it must stand in the corpus")
        for end in (head, tail):
            self._check_side(row, end)

    def _entity(self, row: CuratedRow, symbol: str) -> _Entity:
        if symbol in self.entities:
            return self.entities[symbol]
        name = LAST_NAME.search(symbol)
        near = [one for one in self.entities if name and name.group() and one.endswith(name.group())]
        hint = f"; nearest is {min(near, key=lambda one: (abs(len(one) - len(symbol)), one))}" if near else ""
        raise OntologyError(f"{row.where}: no entity '{symbol}' in the graph{hint}")

    def _file(self, row: CuratedRow) -> _File:
        package = self.entities[row.head].package
        if (package, row.file) not in self.files:
            raise OntologyError(f"{row.where}: no file '{row.file}' in {package}; give its path within the package")
        return self.files[package, row.file]

    def _check_side(self, row: CuratedRow, end: _Entity) -> None:
        """An internal end is of the row's package and split: no triple joins splits, and a package stands alone."""
        if end.external:
            return
        file = self._file(row)
        split = self.files[end.package, end.file].split if end.file else file.split
        if split != file.split:
            raise OntologyError(
                f"{row.where}: {end.entity} is of split {split}, {row.file} of {file.split}: kept apart"
            )
        if end.package != file.package:
            both = f"{end.package} and {file.package}"
            raise OntologyError(f"{row.where}: joins the packages {both}; name the external entity instead")

    def _span(self, row: CuratedRow) -> tuple[int, int]:
        """The bytes of the mention, the first on its lines that is no part of a longer word."""
        file = self._file(row)
        lines = [f"{line}\n" for line in file.text.removesuffix("\n").split("\n")]
        where = f"{file.package}/{row.file}"
        if row.line_end > len(lines):
            raise OntologyError(f"{row.where}: line {row.line_end} is outside {where}, which has {len(lines)} lines")
        said = "".join(lines[row.line_start - 1 : row.line_end])
        place = _as_words(row.mention).search(said)
        if place is None:
            span = f"lines {row.line_start} to {row.line_end} of {where}"
            raise OntologyError(f"{row.where}: {span} do not hold '{row.mention}'; read them again")
        start = len(("".join(lines[: row.line_start - 1]) + said[: place.start()]).encode("utf-8"))
        return start, start + len(row.mention.encode("utf-8"))

    def _check_limit(self, row: CuratedRow) -> None:
        head = self.entities[row.head]
        limit = self.ontology.relations[row.relation].limit(head.language, head.type)
        others = self.tails[row.relation, row.head]
        if limit is not None and len(others) >= limit:
            said = f"{row.head} {row.relation} {min(others)}"
            raise OntologyError(f"{row.where}: contradicts {said}: at most {limit} allowed; one of them is wrong")

    def _check_cycle(self, row: CuratedRow) -> None:
        if not self.ontology.relations[row.relation].acyclic:
            return
        todo, seen = [row.tail], {row.tail}
        while todo:
            symbol = todo.pop()
            if symbol == row.head:
                raise OntologyError(f"{row.where}: closes a cycle of '{row.relation}'; one of its triples is wrong")
            above = self.tails.get((row.relation, symbol), set()) - seen
            todo += above
            seen |= above


def _rows(table: "pa.Table", row: Any) -> list[Any]:
    """The table's rows as named tuples of the type `row`."""
    return [row._make(cells) for cells in zip(*(python_values(table.column(name)) for name in row._fields))]


def _package(row: CuratedRow) -> str:
    """The package of the head, by its symbol: `python:click:src/click/core.py#Context`, `repository:click`."""
    return row.head.split(":")[1] if ":" in row.head else ""


def _as_words(text: str) -> re.Pattern[str]:
    """Matches the text where it neither begins nor ends inside a longer word."""
    before, after = r"(?<!\w)" if re.match(r"\w", text) else "", r"(?!\w)" if re.search(r"\w\Z", text) else ""
    return re.compile(before + re.escape(text) + after)
