"""Rows to Arrow columns and back, without a data frame between: workers need not import pandas."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_table(rows: Sequence[tuple[Any, ...]], schema: "pa.Schema") -> "pa.Table":
    """A table of `rows`, whose fields stand in the order of `schema`."""
    import pyarrow as pa

    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.Table.from_arrays([pa.array(column, field.type) for column, field in zip(columns, schema)], schema=schema)
