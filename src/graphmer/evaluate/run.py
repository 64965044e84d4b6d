"""The eval stage: every task on held-out packages, predictions, figures, and a record of what they came from."""

from pathlib import Path
from typing import TYPE_CHECKING

from graphmer.artifacts import atomic_folder, nested, write_json, write_table, write_text
from graphmer.evaluate.code_search import predict_code_search
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.figures import figures_schema, peers_table
from graphmer.evaluate.graph_tasks import predict_links, predict_nodes
from graphmer.evaluate.link_prediction import load_link_data
from graphmer.evaluate.masked import predict_masked_tokens
from graphmer.evaluate.neural import load_scorer, untrained_scorer
from graphmer.evaluate.predictions import prediction_rows, predictions_schema
from graphmer.evaluate.record import run_record
from graphmer.evaluate.summary import summarise
from graphmer.pack.shards import load_split

if TYPE_CHECKING:
    import pandas as pd


def evaluate_model(
    packed: Path, kg: Path, parsed: Path, model_dir: Path, out: Path, metrics: Path, plots: Path, params: EvalParams
) -> None:
    """Evaluate the model in `model_dir` on the test split; weights of every combination are fitted on val alone.

    Writes `out` (predictions, figures, run record), `metrics` and `plots`/eval_peers.csv.
    Raises EvaluationError where a score does not fit its queries, ArtifactError where data and model do not belong
    together.
    """
    neural = load_scorer(model_dir, packed, params.show_graph)
    untrained = untrained_scorer(model_dir, packed, params.show_graph)
    data = load_link_data(packed, kg)
    tasks = {
        "link_prediction": predict_links(data, params, neural, untrained),
        "code_search": predict_code_search(parsed, neural, params.code_search, params.link),
        "masked_tokens": predict_masked_tokens(load_split(packed, "train"), data.splits["test"], neural, params.masked),
        "masked_nodes": predict_nodes(data, params, neural),
    }
    read = {"parsed": parsed, "kg": kg, "packed": packed, "model": model_dir}
    write_evaluation(tasks, read, out, metrics, plots, params, neural.device_kind)


def write_evaluation(
    tasks: "dict[str, pd.DataFrame]",
    read: dict[str, Path],
    out: Path,
    metrics: Path,
    plots: Path,
    params: EvalParams,
    device: str,
) -> None:
    """Figures of all tasks and the record of where they came from; read: the folders that were read, by name."""
    figures, flat = summarise(tasks, params)
    with atomic_folder(out) as scratch:
        write_table(prediction_rows(tasks), scratch / "predictions.parquet", predictions_schema())
        write_table(figures, scratch / "figures.parquet", figures_schema())
        write_text(plots / "eval_peers.csv", peers_table(figures))
        write_json(metrics, nested(flat))
        written = {name: scratch / name for name in ("predictions.parquet", "figures.parquet")}
        written |= {"eval.json": metrics, "eval_peers.csv": plots / "eval_peers.csv"}
        write_json(scratch / "run.json", run_record(read, written, params, device))
