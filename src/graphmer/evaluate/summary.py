"""What follows from predictions alone, without a model: eval writes it, `graphmer verify` derives it again."""

from typing import TYPE_CHECKING

from graphmer.evaluate.call_graph_figures import call_graph_figures, call_graph_headline
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.dependency_figures import dependency_figures, dependency_headline
from graphmer.evaluate.disambiguation import disambiguation_headline
from graphmer.evaluate.figures import headline, task_figures
from graphmer.evaluate.link_figures import headline_metrics, link_figures

if TYPE_CHECKING:
    import pandas as pd


def summarise(tasks: "dict[str, pd.DataFrame]", params: EvalParams) -> "tuple[pd.DataFrame, dict[str, object]]":
    """All figures as a long table, and those of the metrics file by dotted name."""
    import pandas as pd

    links = link_figures(tasks["link_prediction"], params.bootstrap)
    flat: dict[str, object] = dict(headline_metrics(links))
    tables = [links]
    for task, figure in (("code_search", "mrr"), ("masked_tokens", "accuracy"), ("masked_nodes", "accuracy")):
        table = task_figures(task, tasks[task], figure, params.bootstrap)
        flat |= headline(table, figure)
        tables.append(table)
    dependencies = dependency_figures(tasks["dependency_inference"], params.bootstrap)
    tables.append(dependencies)
    flat |= dependency_headline(dependencies, tasks["dependency_inference"])
    flat["call_graph.packages"] = int(tasks["call_graph"]["package"].nunique()) if "call_graph" in tasks else 0
    if "call_graph" in tasks:
        calls = call_graph_figures(tasks["call_graph"], params.bootstrap)
        choices = task_figures("disambiguation", tasks["disambiguation"], "accuracy", params.bootstrap)
        flat |= call_graph_headline(calls) | disambiguation_headline(choices)
        tables += [calls, choices]
    counts = tasks["link_prediction"].drop_duplicates(["setting", "query"])
    flat["link_prediction.queries"] = int((counts["setting"] == "headline").sum())
    flat["code_search.queries"] = int(tasks["code_search"]["query"].nunique())
    flat["code_search.functions"] = int(tasks["code_search"]["pool"].max())  # `all`, or every pool where it is smaller
    ordered = pd.concat(tables, ignore_index=True)
    keys = ["task", "setting", "slice", "key", "scorer", "figure"]
    return ordered.sort_values(keys, kind="stable", ignore_index=True), flat
