"""Figures of dependency inference, and those of them that the metrics file shows."""

from typing import TYPE_CHECKING

import numpy as np

from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.f1 import f1_figures
from graphmer.evaluate.figures import headline

if TYPE_CHECKING:
    import pandas as pd

TASK = "dependency_inference"
HEURISTICS = ("import_names", "plain_names")  # names of what is imported, nothing learnt


def dependency_figures(predictions: "pd.DataFrame", params: BootstrapParams) -> "pd.DataFrame":
    """F1, precision and recall of both settings, with intervals over packages, and the paired gains."""
    return f1_figures(TASK, predictions, params)


def dependency_headline(figures: "pd.DataFrame", predictions: "pd.DataFrame") -> dict[str, object]:
    """Of the setting `all`: ours' F1 with its interval, the best peer's, and two gains.

    `gain` is over the best peer, as in every task; `gain_over_names` over the strongest heuristic, which is shown too.
    The rest is in the table alone. `packages` and `declared` say how many were asked; a package that neither imports
    nor declares anything cannot be got wrong and is none of them.
    """
    part = figures[figures["setting"] == "all"]
    flat: dict[str, object] = dict(headline(part, "f1"))
    means = part[part["figure"] == "f1"].set_index("scorer")["value"].to_dict()
    names = max(HEURISTICS, key=lambda name: means[name])
    flat[f"{TASK}.all.{names}.f1"] = float(means[names])
    for row in part[part["scorer"] == "graphmer"].to_dict("records"):
        name = f"{TASK}.all.graphmer.{row['figure']}"
        if row["figure"] == f"gain_over_{names}":
            name = f"{TASK}.all.gain_over_names.f1"
            flat[name] = float(row["value"])
        if row["figure"] in ("f1", f"gain_over_{names}") and np.isfinite(row["low"]):
            flat |= {f"{name}_low": float(row["low"]), f"{name}_high": float(row["high"])}
    flat[f"{TASK}.packages"] = int(predictions["package"].nunique())
    flat[f"{TASK}.declared"] = int(part["queries"].max())
    return flat
