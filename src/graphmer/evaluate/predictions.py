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
