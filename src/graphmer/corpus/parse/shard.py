"""Some files of one package to Arrow columns: what one process does at a time."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from graphmer.corpus.parse.columns import (
    constant_column,
    encoded_schema,
    paused_collector,
    repeated_column,
    row_columns,
)
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.lines import LineIndex
from graphmer.corpus.parse.reading import FileRow, PackageKey, parse_file
from graphmer.corpus.parse.records import ParsedFile, Reference, Symbol
from graphmer.corpus.parse.schema import (
    FILES_PLAIN,
    REFERENCES_PLAIN,
    SYMBOLS_PLAIN,
    files_schema,
    references_schema,
    symbols_schema,
)

if TYPE_CHECKING:
    import pyarrow as pa


class Shard(NamedTuple):
    """Some files of one package, with their languages."""

    package: PackageKey
    folder: Path
    files: tuple[tuple[str, str], ...]  # (language, path)


class ShardTables(NamedTuple):
    """What a shard gives, in Arrow, which crosses process borders as plain buffers."""

    files: "pa.Table"
    symbols: "pa.Table"
    references: "pa.Table"


def table_schemas() -> tuple["pa.Schema", "pa.Schema", "pa.Schema"]:
    """The schemas in memory of the three tables."""
    return (
        encoded_schema(files_schema(), FILES_PLAIN),
        encoded_schema(symbols_schema(), SYMBOLS_PLAIN),
        encoded_schema(references_schema(), REFERENCES_PLAIN),
    )


@paused_collector()
def parse_shard(shard: Shard, params: ParseParams) -> ShardTables:
    """Read and parse the files of a shard; the same files give the same tables on any process."""
    found = [parse_file(shard.folder, shard.package, language, file, params) for language, file in shard.files]
    rows, parsed = [row for row, _ in found], [parsed for _, parsed in found]
    schema = files_schema()
    files = dict(zip(schema.names, row_columns(rows, list(schema), FILES_PLAIN), strict=True))
    columns = files, _symbol_columns(rows, parsed, files["text"]), _reference_columns(rows, parsed)
    return ShardTables(*map(_table, columns, table_schemas()))


def _table(columns: dict[str, "pa.Array"], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _symbol_columns(rows: list[FileRow], parsed: list[ParsedFile], texts: "pa.Array") -> dict[str, "pa.Array"]:
    import pyarrow as pa

    counts = np.asarray([len(one.symbols) for one in parsed])
    schema = symbols_schema()
    own = [schema.field(name) for name in Symbol._fields]
    columns = row_columns([symbol for one in parsed for symbol in one.symbols], own, SYMBOLS_PLAIN)
    named = dict(zip(Symbol._fields, columns, strict=True))
    files = np.repeat(np.arange(len(rows)), counts)
    spans = (named["byte_start"].to_numpy(), named["byte_end"].to_numpy())
    first, last = LineIndex(pa.chunked_array([texts])).lines(files, *spans)
    named |= {"line_start": pa.array(first), "line_end": pa.array(last)}
    return named | _file_columns(rows, counts) | {"module": repeated_column([row.module for row in rows], counts)}


def _reference_columns(rows: list[FileRow], parsed: list[ParsedFile]) -> dict[str, "pa.Array"]:
    counts = np.asarray([len(one.references) for one in parsed])
    schema = references_schema()
    own = [schema.field(name) for name in Reference._fields]
    columns = row_columns([reference for one in parsed for reference in one.references], own, REFERENCES_PLAIN)
    return dict(zip(Reference._fields, columns, strict=True)) | _file_columns(rows, counts)


def _file_columns(rows: list[FileRow], counts: npt.NDArray[np.int64]) -> dict[str, "pa.Array"]:
    """What every row of a file says of the file."""
    return {
        "package": constant_column(rows[0].package, int(counts.sum())),
        "language": repeated_column([row.language for row in rows], counts),
        "file": repeated_column([row.file for row in rows], counts),
    }
