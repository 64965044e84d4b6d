"""Per-query predictions of all tasks as one table: what every figure is derived from."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PREDICTION_COLUMNS = (
    "task", "setting", "scorer", "package", "language", "relation", "file", "query", "stratum", "pool", "value",
)  # fmt: skip


def predictions_schema() -> "pa.Schema":
    """One row a query and scorer; value is the rank, or 1 and 0 for right and wrong."""
    import pyarrow as pa

    text = ("task", "setting", "scorer", "package", "language", "relation", "file", "query", "stratum")
    return pa.schema([(name, pa.string()) for name in text] + [("pool", pa.int64()), ("value", pa.float64())])


def prediction_rows(tasks: "dict[str, pd.DataFrame]") -> "pd.DataFrame":
    """All tasks' predictions in one table, sorted."""
    import pandas as pd

    parts = []
    for task, table in tasks.items():
        value = table["rank"] if "rank" in table else table["correct"].astype(float)
        part = table.assign(task=task, value=value)
        for name, fill in (("relation", ""), ("stratum", ""), ("pool", 0)):
            if name not in part:
                part[name] = fill
        parts.append(part[list(PREDICTION_COLUMNS)])
    joined = pd.concat(parts, ignore_index=True)
    return joined.sort_values(["task", "setting", "scorer", "query"], kind="stable", ignore_index=True)


def task_tables(rows: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    """The way back from one table to a table for each task, as figures are made from.

    The value goes by both its names, `rank` and `correct`; a column that a task does not have is left out.
    """
    tables = {}
    for task, part in rows.groupby("task", sort=True):
        empty = [name for name in ("relation", "stratum") if (part[name] == "").all()]
        table = part.drop(columns=["task", "value", *empty]).assign(rank=part["value"], correct=part["value"])
        tables[str(task)] = table.reset_index(drop=True)
    return tables
