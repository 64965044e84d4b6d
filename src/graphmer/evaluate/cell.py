"""One cell of the ablation: what a variant and a seed reach, with what is needed to pair it with another cell."""

from pathlib import Path

import numpy as np

from graphmer.artifacts import read_json, write_json, write_table
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.graph_tasks import predict_links, predict_nodes
from graphmer.evaluate.link_prediction import LinkTask, load_link_data
from graphmer.evaluate.neural import load_scorer
from graphmer.evaluate.predictions import prediction_rows, predictions_schema
from graphmer.evaluate.repeats import find_repeats

CELL_SCORERS = ("graphmer", "neural", "symbolic")


def evaluate_cell(
    packed: Path, kg: Path, parsed: Path, model_dir: Path, train_metrics: Path, out: Path, params: EvalParams
) -> None:
    """Headline link prediction and masked names of a cell's model: the questions of the eval stage, repeats left out.

    Writes `out`/predictions.parquet and `out`/figures.json, whose figures are means over all queries.
    """
    neural = load_scorer(model_dir, packed, params.show_graph)
    repeats = find_repeats(parsed, params.audit, params.code_search.max_query_words)
    task = LinkTask(load_link_data(packed, kg, repeats.symbols), params.link)
    links = predict_links(task, neural, None, ("headline",))
    links = links[links["scorer"].isin(CELL_SCORERS)]
    nodes = predict_nodes(task, neural, ("headline",))
    nodes = nodes[nodes["scorer"] == "neural"]
    reciprocal = 1.0 / links["rank"].to_numpy(np.float64)
    figures: dict[str, object] = {
        f"link_prediction.headline.{scorer}.mrr": float(reciprocal[(links["scorer"] == scorer).to_numpy()].mean())
        for scorer in CELL_SCORERS
    }
    for setting in sorted(set(nodes["setting"])):
        right = nodes.loc[nodes["setting"] == setting, "correct"]
        figures[f"masked_nodes.{setting}.neural.accuracy"] = float(right.mean())
    val = read_json(train_metrics)["val"]
    figures |= {f"val.{name}": value for name, value in val.items()}
    rows = prediction_rows({"link_prediction": links, "masked_nodes": nodes})
    write_table(rows, out / "predictions.parquet", predictions_schema())
    write_json(out / "figures.json", figures)
