"""Columns of the graph's two tables."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

ENTITIES_PLAIN = frozenset({"entity", "qualified_name"})  # string columns whose values hardly repeat
SPAN_COLUMNS = ("line_start", "line_end", "byte_start", "byte_end")


def entities_schema() -> "pa.Schema":
    """One row an entity, sorted by its symbol; externals have an empty package and file."""
    import pyarrow as pa

    text = ("entity", "type", "name", "qualified_name", "language", "package", "file")
    return pa.schema(
        [(name, pa.string()) for name in text]
        + [(name, pa.int64()) for name in SPAN_COLUMNS]
        + [("signature", pa.string()), ("docstring", pa.string()), ("external", pa.bool_())]
    )


def triples_schema() -> "pa.Schema":
    """One row a triple, sorted by head, relation, tail."""
    import pyarrow as pa

    text = ("head", "relation", "tail", "language", "package", "version", "license", "file")
    return pa.schema(
        [(name, pa.string()) for name in text]
        + [(name, pa.int64()) for name in SPAN_COLUMNS]
        + [("source", pa.string()), ("confidence", pa.float32())]
        + [("resolution", pa.string()), ("split", pa.string())]
    )
