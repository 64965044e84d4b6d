"""Figures over link-prediction ranks: by setting, scorer and slice, with intervals, and paired gains."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmer.evaluate.bootstrap import Interval, mean_interval, paired_interval, resampling_groups
from graphmer.evaluate.config import BootstrapParams
from graphmer.evaluate.figures import NOT_PEERS
from graphmer.evaluate.queries import BoolArray
from graphmer.evaluate.ranking import HITS, hits, reciprocal_ranks
from graphmer.ontology.vocabulary import CALL_RELATIONS

if TYPE_CHECKING:
    import pandas as pd

SLICES = ("relation", "package", "language", "stratum")
EASIEST = "imports"  # its tails stand together at a file's head: half of a gain may be theirs
PAIRED_WITH = "symbolic"  # what the network's gain is measured against


def link_figures(predictions: "pd.DataFrame", params: BootstrapParams) -> "pd.DataFrame":
    """One row a figure: task, setting, scorer, slice, key, figure, value, low, high, queries.

    slice `all` has MRR and Hits; `without` (the relation EASIEST), `relation` (calls, invokes and instantiates together
    as calls), `package`, `language` and `stratum` have MRR. Figures `gain_over_<scorer>` are paired differences in MRR
    to `graphmer`.
    """
    import pandas as pd

    grouped = predictions.assign(relation=[relation_group(name) for name in predictions["relation"]])
    rows: list[dict[str, object]] = []
    for setting, part in grouped.groupby("setting", sort=True):
        ranks = part.pivot(index="query", columns="scorer", values="rank").sort_index()
        facts = part.drop_duplicates("query").set_index("query").loc[ranks.index]
        for name, key, chosen in _slices(facts):
            shared = {"task": "link_prediction", "setting": setting, "slice": name, "key": key}
            rows += [shared | row for row in _slice_rows(ranks[chosen], facts[chosen], name == "all", params)]
    columns = ["task", "setting", "scorer", "slice", "key", "figure", "value", "low", "high", "queries"]
    return pd.DataFrame(rows, columns=columns)


def relation_group(relation: str) -> str:
    """`calls` in a table means calls, invokes and instantiates together."""
    return "calls" if relation in CALL_RELATIONS else relation


def headline_metrics(figures: "pd.DataFrame") -> dict[str, float]:
    """`<task>.<setting>.<scorer>.<figure>`: MRR of ours, of `symbolic`, and in the headline of the best peer.

    Calls of the headline stand as a setting of their own. `gain` is graphmer's over symbolic, paired; it has its
    interval in every setting, since a gain without one says nothing. `gain_over_best_peer` is that over whichever peer,
    `symbolic` or another, ranks best in the headline. Hits are in the table alone.
    """
    overall = figures[(figures["slice"] == "all") | ((figures["slice"] == "relation") & (figures["key"] == "calls"))]
    metrics: dict[str, float] = {}
    for row in overall.to_dict("records"):
        calls = row["slice"] == "relation"
        setting = "calls" if calls else str(row["setting"])
        if calls and row["setting"] != "headline":
            continue
        scorer, figure = str(row["scorer"]), str(row["figure"])
        if figure == f"gain_over_{PAIRED_WITH}":
            scorer, figure = "gain", "mrr"
        if not _shown(setting, scorer, figure):
            continue
        name = f"link_prediction.{setting}.{scorer}.{figure}"
        metrics[name] = float(row["value"])
        if scorer == "gain" or (setting == "headline" and scorer == "graphmer"):
            metrics |= _bounds(name, row)
    return metrics | _gain_over_best_peer(overall)


def _bounds(name: str, row: Mapping[Any, Any]) -> dict[str, float]:
    if not np.isfinite(row["low"]):
        return {}
    return {f"{name}_low": float(row["low"]), f"{name}_high": float(row["high"])}


def _gain_over_best_peer(overall: "pd.DataFrame") -> dict[str, float]:
    """The scorer, not a net of ours, with the highest MRR in the headline, and our paired gain over it."""
    rows = overall[(overall["setting"] == "headline") & (overall["slice"] == "all")]
    peers = rows[(rows["figure"] == "mrr") & ~rows["scorer"].isin(NOT_PEERS)].sort_values(["value", "scorer"])
    found: dict[str, float] = {}
    for peer, value in zip(peers["scorer"].tolist()[-1:], peers["value"].tolist()[-1:], strict=True):
        found[f"link_prediction.headline.{peer}.mrr"] = float(value)
        for row in rows[rows["figure"] == f"gain_over_{peer}"].to_dict("records"):
            name = "link_prediction.headline.gain_over_best_peer.mrr"
            found |= {name: float(row["value"])} | _bounds(name, row)
    return found


def _shown(setting: str, scorer: str, figure: str) -> bool:
    """metrics/eval.json holds a screenful; every peer is in figures.parquet."""
    nets = NOT_PEERS if setting == "headline" else {"graphmer"}
    return figure == "mrr" and scorer in nets | {PAIRED_WITH, "gain"}


def _slices(facts: "pd.DataFrame") -> Iterator[tuple[str, str, BoolArray]]:
    """(slice, key, (Q,) bool) of everything, then of each value of each slicing column, then without one relation."""
    yield "all", "all", np.ones(len(facts), np.bool_)
    if (others := (facts["relation"] != EASIEST).to_numpy()).any():
        yield "without", EASIEST, others
    for name in SLICES:
        for key in sorted(set(facts[name])):
            yield name, str(key), (facts[name] == key).to_numpy()


def _slice_rows(
    ranks: "pd.DataFrame", facts: "pd.DataFrame", whole: bool, params: BootstrapParams
) -> Iterator[dict[str, object]]:
    groups = resampling_groups(facts["package"].tolist(), facts["file"].tolist(), params)
    reciprocal = {scorer: reciprocal_ranks(ranks[scorer].to_numpy(np.float64)) for scorer in ranks.columns}
    for scorer in sorted(reciprocal):
        yield _row(scorer, "mrr", mean_interval(reciprocal[scorer], groups, params))
        if whole:
            for k in HITS:
                found = hits(ranks[scorer].to_numpy(np.float64), k)
                yield _row(scorer, f"hits{k}", mean_interval(found, groups, params))
    if "graphmer" not in reciprocal:
        return
    for scorer in sorted(set(reciprocal) - {"graphmer"}):
        gain = paired_interval(reciprocal["graphmer"], reciprocal[scorer], groups, params)
        yield _row("graphmer", f"gain_over_{scorer}", gain)


def _row(scorer: str, figure: str, interval: Interval) -> dict[str, object]:
    return {
        "scorer": scorer,
        "figure": figure,
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "queries": interval.queries,
    }
