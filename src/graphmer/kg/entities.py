"""Entities of one package as columns: definitions straight from the parsed table, the others from rows."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from graphmer.corpus.parse.columns import constant_column, encoded_schema, row_columns, string_column
from graphmer.corpus.parse.lines import LineIndex, without_lines
from graphmer.corpus.parse.records import Symbol
from graphmer.kg.containment import Entity
from graphmer.kg.facts import ExternalEntity
from graphmer.kg.schema import ENTITIES_PLAIN, entities_schema

if TYPE_CHECKING:
    import pyarrow as pa

# Where packages disagree on what an external is, the most telling type wins (the ontology's rule, then use).
EXTERNAL_PRECEDENCE = ("ExceptionType", "Interface", "Class", "Library", "Annotation", "API", "Type")


def encoded_entities() -> "pa.Schema":
    """The schema in memory of entities.parquet."""
    return encoded_schema(entities_schema(), ENTITIES_PLAIN)


def listed_entities(entities: list[Entity], files: list[str], index: LineIndex) -> "pa.Table":
    """Entities that were made one by one.

    files: names of those in which they may stand.  index: of the files' lines.
    """
    import pyarrow as pa

    schema = entities_schema()
    columns = row_columns(entities, without_lines(schema), ENTITIES_PLAIN)
    named = dict(zip(Entity._fields, columns, strict=True))
    numbers = {name: number for number, name in enumerate(files)}
    places = np.asarray([numbers.get(entity.file, -1) for entity in entities], np.int64)
    spans = (named["byte_start"].to_numpy(), named["byte_end"].to_numpy())
    first, last = index.lines(places, *spans)
    named |= {"line_start": pa.array(first), "line_end": pa.array(last)}
    return pa.Table.from_arrays([named[name] for name in schema.names], schema=encoded_entities())


def defined_entities(
    table: "pa.Table", symbols: list[Symbol], types: Mapping[str, str], listed: Collection[str]
) -> "pa.Table":
    """The entities of definitions.

    table, symbols: rows of symbols.parquet.  types: entity type of each definition that is an entity.  listed: symbols
    of entities that exist already.
    """
    import pyarrow as pa

    chosen, kinds = [], []
    for row, symbol in enumerate(symbols):
        entity_type = types.get(symbol.symbol)
        if entity_type is not None and symbol.kind != "module" and symbol.symbol not in listed:
            chosen.append(row)
            kinds.append(entity_type)
    rows = table.take(pa.array(chosen, pa.int64()))
    new = {"entity": rows.column("symbol"), "type": string_column(kinds), "external": pa.array([False] * len(rows))}
    columns = [new[name] if name in new else rows.column(name) for name in entities_schema().names]
    return pa.Table.from_arrays(columns, schema=encoded_entities())


def external_entities(externals: list[ExternalEntity]) -> "pa.Table":
    """Entities that stand in no file."""
    import pyarrow as pa

    schema = entities_schema()
    named = dict(
        zip(
            ExternalEntity._fields, row_columns(externals, _fields(ExternalEntity._fields), ENTITIES_PLAIN), strict=True
        )
    )
    nothing, nowhere = constant_column("", len(externals)), pa.array(np.zeros(len(externals), np.int64))
    named["external"] = pa.array([True] * len(externals), pa.bool_())
    for field in schema:
        if field.name not in named:
            named[field.name] = nothing if pa.types.is_string(field.type) else nowhere
    return pa.Table.from_arrays([named[name] for name in schema.names], schema=encoded_entities())


def _fields(names: tuple[str, ...]) -> list["pa.Field"]:
    return [entities_schema().field(name) for name in names]


def join_externals(parts: list[list[ExternalEntity]]) -> tuple[list[ExternalEntity], int]:
    """Each external of several packages once, sorted, and how many had more than one type."""
    seen: dict[str, set[ExternalEntity]] = {}
    for part in parts:
        for external in part:
            seen.setdefault(external.entity, set()).add(external)
    conflicts = sum(len({external.type for external in group}) > 1 for group in seen.values())
    rank = {name: place for place, name in enumerate(EXTERNAL_PRECEDENCE)}
    joined = [
        min(group, key=lambda external: (rank.get(external.type, len(rank)), external)) for group in seen.values()
    ]
    return sorted(joined), conflicts
