"""From per-query predictions to figures with intervals: a long table of all, a screenful for the metrics file."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphmer.evaluate.bootstrap import mean_interval, paired_interval, resampling_groups
from graphmer.evaluate.config import BootstrapParams

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COLUMNS = ("task", "setting", "scorer", "slice", "key", "figure", "value", "low", "high", "queries")
SLICES = ("package", "language", "relation")
OURS = ("graphmer", "neural")  # the first that a task has is the one that peers are measured against
WITH_RESOLVER = ("resolver_graphmer", "resolver_symbolic")
NOT_PEERS = frozenset({*OURS, "untrained", "resolver_graphmer"})
FloatArray = npt.NDArray[np.float64]


def figures_schema() -> "pa.Schema":
    """One row a figure."""
    import pyarrow as pa

    text = ("task", "setting", "scorer", "slice", "key", "figure")
    numbers = [("value", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("queries", pa.int64())]
    return pa.schema([(name, pa.string()) for name in text] + numbers)


def task_figures(task: str, predictions: "pd.DataFrame", figure: str, params: BootstrapParams) -> "pd.DataFrame":
    """Means of `figure` (mrr from the column rank, accuracy from correct), by setting, scorer and slice.

    Of every setting the paired difference of ours to each peer is `gain_over_<peer>`; of disambiguation also that of
    the resolver's answer with the network to the same without.
    """
    import pandas as pd

    column = "rank" if figure == "mrr" else "correct"
    rows: list[dict[str, object]] = []
    for setting, part in predictions.groupby("setting", sort=True):
        wide = part.pivot(index="query", columns="scorer", values=column).sort_index()
        facts = part.drop_duplicates("query").set_index("query").loc[wide.index]
        values = {name: _values(wide[name].to_numpy(np.float64), figure) for name in sorted(wide.columns)}
        for slice_name, key, chosen in _slices(facts):
            shared = {"task": task, "setting": setting, "slice": slice_name, "key": key}
            inside = {name: numbers[chosen] for name, numbers in values.items()}
            rows += [shared | row for row in _rows(inside, facts[chosen], figure, slice_name == "all", params)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _values(numbers: FloatArray, figure: str) -> FloatArray:
    return 1.0 / numbers if figure == "mrr" else numbers


def _slices(facts: "pd.DataFrame") -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    yield "all", "all", np.ones(len(facts), np.bool_)
    for name in SLICES:
        for key in sorted(set(facts[name])) if name in facts else ():
            yield name, str(key), (facts[name] == key).to_numpy()


def _rows(
    values: Mapping[str, FloatArray], facts: "pd.DataFrame", figure: str, whole: bool, params: BootstrapParams
) -> Iterator[dict[str, object]]:
    groups = resampling_groups(facts["package"].tolist(), facts["file"].tolist(), params)
    for scorer, numbers in values.items():
        interval = mean_interval(numbers, groups, params)
        place = (interval.value, interval.low, interval.high, interval.queries)
        yield {"scorer": scorer, "figure": figure, **dict(zip(COLUMNS[6:], place, strict=True))}
    ours = next((name for name in OURS if name in values), None)
    if ours is None or not whole:
        return
    pairs = [(ours, scorer) for scorer in sorted(set(values) - {ours})]
    pairs += [WITH_RESOLVER] if set(WITH_RESOLVER) <= set(values) else []
    for one, other in pairs:
        gain = paired_interval(values[one], values[other], groups, params)
        place = (gain.value, gain.low, gain.high, gain.queries)
        yield {"scorer": one, "figure": f"gain_over_{other}", **dict(zip(COLUMNS[6:], place, strict=True))}


def headline(figures: "pd.DataFrame", figure: str) -> dict[str, float]:
    """`<task>.<setting>.<scorer>.<figure>` of ours and of the best peer, and `gain`, ours over it, with its interval.

    Every other scorer stands in figures.parquet alone: metrics/eval.json is a screenful.
    """
    metrics: dict[str, float] = {}
    overall = figures[figures["slice"] == "all"]
    for (task, setting), part in overall.groupby(["task", "setting"], sort=True):
        means = {str(row["scorer"]): float(row["value"]) for row in part[part["figure"] == figure].to_dict("records")}
        ours, best = next((name for name in OURS if name in means), None), best_peer(means)
        for scorer in (ours, best):
            if scorer is not None:
                metrics[f"{task}.{setting}.{scorer}.{figure}"] = means[scorer]
        over_best = part[(part["figure"] == f"gain_over_{best}") & (part["scorer"] == ours)]
        for row in over_best.to_dict("records"):
            metrics |= _bounded(f"{task}.{setting}.gain.{figure}", row)
    return metrics


def best_peer(values: Mapping[str, float]) -> str | None:
    """The strongest scorer that is not ours."""
    peers = sorted(set(values) - NOT_PEERS)
    return max(peers, key=lambda name: values[name], default=None)


def _bounded(name: str, row: Mapping[Any, Any]) -> dict[str, float]:
    found = {name: float(row["value"])}
    if np.isfinite(row["low"]):
        found |= {f"{name}_low": float(row["low"]), f"{name}_high": float(row["high"])}
    return found


def peers_table(figures: "pd.DataFrame") -> str:
    """CSV of every task's means over all queries, for the plot and for a reviewer's eye."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["task", "setting", "scorer", "figure", "value", "low", "high", "queries"])
    means = figures[(figures["slice"] == "all") & figures["figure"].isin(["mrr", "accuracy", "f1"])]
    for row in means.sort_values(["task", "setting", "scorer"]).to_dict("records"):
        numbers = [f"{row[name]:.6f}" if np.isfinite(row[name]) else "" for name in ("value", "low", "high")]
        writer.writerow([row["task"], row["setting"], row["scorer"], row["figure"], *numbers, row["queries"]])
    return text.getvalue()
