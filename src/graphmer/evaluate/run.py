"""The eval stage: every task on held-out packages, predictions, figures, and a record of what they came from."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphmer.artifacts import atomic_folder, nested, sha256_file, sha256_tree, write_json, write_table, write_text
from graphmer.evaluate.code_search import predict_code_search
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.external_peers import read_external_peers
from graphmer.evaluate.figures import figures_schema, headline, peers_table, task_figures
from graphmer.evaluate.graph_tasks import predict_links, predict_nodes
from graphmer.evaluate.link_figures import headline_metrics, link_figures
from graphmer.evaluate.link_prediction import load_link_data
from graphmer.evaluate.masked import predict_masked_tokens
from graphmer.evaluate.neural import load_scorer, untrained_scorer
from graphmer.evaluate.predictions import prediction_rows, predictions_schema
from graphmer.evaluate.questions import split_digests
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import load_split

if TYPE_CHECKING:
    import pandas as pd


def evaluate_model(
    packed: Path,
    kg: Path,
    parsed: Path,
    model_dir: Path,
    external: Path,
    out: Path,
    metrics: Path,
    plots: Path,
    params: EvalParams,
) -> None:
    """Evaluate the model in `model_dir` on the test split; weights of every combination are fitted on val alone.

    external: peers.json of the peers outside the pipeline; where it is of other questions, a line on standard error
    says so, and they are left out.

    Writes `out` (predictions, figures, run record), `metrics` and `plots`/eval_peers.csv.
    Raises EvaluationError where a score does not fit its queries, ArtifactError where data and model do not belong
    together.
    """
    neural, untrained = load_scorer(model_dir, packed), untrained_scorer(model_dir, packed)
    data = load_link_data(packed, kg)
    tasks = {
        "link_prediction": predict_links(data, params, neural, untrained),
        "code_search": predict_code_search(parsed, neural, params.code_search, params.link),
        "masked_tokens": predict_masked_tokens(load_split(packed, "train"), data.splits["test"], neural, params.masked),
        "masked_nodes": predict_nodes(data, params, neural),
    }
    peers = read_external_peers(external, lambda: split_digests(data, parsed, params))
    for message in peers.messages:
        print(message, file=sys.stderr)
    tasks = peers.merged(tasks)
    figures, flat = summarise(tasks, params)
    flat |= peers.counts()
    with atomic_folder(out) as scratch:
        write_table(prediction_rows(tasks), scratch / "predictions.parquet", predictions_schema())
        write_table(figures, scratch / "figures.parquet", figures_schema())
        write_json(scratch / "run.json", run_record(packed, kg, parsed, model_dir))
    write_text(plots / "eval_peers.csv", peers_table(figures))
    write_json(metrics, nested(flat))


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
    counts = tasks["link_prediction"].drop_duplicates(["setting", "query"])
    flat["link_prediction.queries"] = int((counts["setting"] == "headline").sum())
    flat["code_search.queries"] = int(tasks["code_search"]["query"].nunique())
    flat["code_search.functions"] = int(tasks["code_search"]["pool"].max())  # `all`, or every pool where it is smaller
    ordered = pd.concat(tables, ignore_index=True)
    keys = ["task", "setting", "slice", "key", "scorer", "figure"]
    return ordered.sort_values(keys, kind="stable", ignore_index=True), flat


def run_record(packed: Path, kg: Path, parsed: Path, model_dir: Path) -> dict[str, Any]:
    """Digests of what was evaluated; no time, host or commit, which no committed file can know."""
    return {
        "model": {name: sha256_file(model_dir / name) for name in ("config.json", "model.safetensors")},
        "packed": sha256_tree(packed),
        "kg": sha256_tree(kg),
        "parsed": sha256_tree(parsed),
        "ontology_version": load_ontology().version,
    }
