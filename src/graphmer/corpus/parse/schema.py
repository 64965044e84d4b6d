"""Columns of the tables that parse writes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# String columns whose values hardly repeat; the others are dictionaries in memory and in the file.
FILES_PLAIN = frozenset({"file", "sha256", "text"})
SYMBOLS_PLAIN = frozenset({"symbol", "qualified_name"})
REFERENCES_PLAIN: frozenset[str] = frozenset()


def files_schema() -> "pa.Schema":
    """One row a file, skipped files too; `text` re-encoded as UTF-8 has the byte offsets of the original.

    In all three tables no row group holds rows of two packages.
    """
    import pyarrow as pa

    text = ("package", "version", "license", "language", "split", "file", "module", "kind")
    return pa.schema(
        [(name, pa.string()) for name in text]
        + [("is_test", pa.bool_()), ("sha256", pa.string()), ("bytes", pa.int64()), ("lines", pa.int64())]
        + [("status", pa.string()), ("reason", pa.string()), ("text", pa.string())]
    )


def symbols_schema() -> "pa.Schema":
    """One row a definition."""
    import pyarrow as pa

    text = ("symbol", "package", "language", "file", "module", "kind", "name", "qualified_name", "container")
    spans = ("line_start", "line_end", "byte_start", "byte_end", "name_byte_start", "name_byte_end")
    return pa.schema(
        [(name, pa.string()) for name in text]
        + [(name, pa.int64()) for name in spans]
        + [("signature", pa.string()), ("docstring", pa.string())]
        + [("doc_byte_start", pa.int64()), ("doc_byte_end", pa.int64()), ("modifiers", pa.string())]
    )


def references_schema() -> "pa.Schema":
    """One row a raw reference, unresolved."""
    import pyarrow as pa

    text = ("package", "language", "file", "scope", "kind", "name", "value")
    numbers = ("ordinal", "byte_start", "byte_end")
    return pa.schema([(name, pa.string()) for name in text] + [(name, pa.int64()) for name in numbers])
