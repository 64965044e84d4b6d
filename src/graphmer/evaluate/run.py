"""The eval stage: every task on held-out packages, predictions, figures, and a record of what they came from."""

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from graphmer.artifacts import (
    atomic_folder,
    canonical_json,
    nested,
    read_json,
    sha256_bytes,
    sha256_file,
    write_json,
    write_table,
    write_text,
)
from graphmer.errors import ArtifactError
from graphmer.evaluate.audit import Report, as_metrics, audit, check_bounds
from graphmer.evaluate.beside import Net, answered_beside
from graphmer.evaluate.call_graph import predict_call_graph
from graphmer.evaluate.code_search import predict_code_search
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.dependencies import predict_dependencies
from graphmer.evaluate.disambiguation import predict_disambiguation
from graphmer.evaluate.external_peers import read_external_peers
from graphmer.evaluate.figures import figures_schema, peers_table
from graphmer.evaluate.graph_tasks import predict_links, predict_nodes
from graphmer.evaluate.link_prediction import LinkTask, load_link_data
from graphmer.evaluate.masked import predict_masked_tokens
from graphmer.evaluate.neural import ModelScorer
from graphmer.evaluate.own_scorer import OwnSpec, load_own_scorer
from graphmer.evaluate.predictions import prediction_rows, predictions_schema
from graphmer.evaluate.queries import SETTINGS, LinkQueries
from graphmer.evaluate.questions import split_digests
from graphmer.evaluate.record import run_record
from graphmer.evaluate.repeats import find_repeats
from graphmer.evaluate.summary import summarise
from graphmer.evaluate.text_scorer import TextScorer
from graphmer.evaluate.traced_sites import TracedPackage, traced_packages
from graphmer.pack.shards import load_split

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Inputs:
    """The folders that an evaluation reads, as they are named under data/.

    traces: committed tables of traced calls, a folder a package; where the corpus has no traced val or test package,
    the two tasks that need them are left out, and how many packages were traced says so. dependencies: committed
    tables of what further packages declare and import. model: any checkpoint of this project's.
    """

    packed: Path
    kg: Path
    parsed: Path
    traces: Path
    dependencies: Path
    model: Path


def evaluate_model(
    inputs: Inputs,
    external: Path,
    out: Path,
    metrics: Path,
    plots: Path,
    params: EvalParams,
    own: OwnSpec | None = None,
) -> None:
    """Evaluate a model on the test split; weights of every combination are fitted on val alone.

    external: peers.json of the peers outside the pipeline; where it is of other questions, or not there, a line on
    standard error says so, and they are left out.
    own: a scorer of one's own, which stands in the model's place in every task; no model is then read.

    Writes `out` (predictions, figures, run record), `metrics` and `plots`/eval_peers.csv.
    Raises EvaluationError where a score does not fit its queries, or where the leak audit counts more than allowed:
    `out` is written by then, with the offenders by name in leaks.json, and no metrics. Raises ArtifactError where data
    and model do not belong together.
    """
    packed, parsed = inputs.packed, inputs.parsed
    scorer = load_own_scorer(own, packed) if own else None  # first: its faults are told before any work
    check_parsed(inputs.kg, parsed)
    repeats = find_repeats(parsed, params.audit, params.code_search.max_query_words)
    data, train = load_link_data(packed, inputs.kg, repeats.symbols), load_split(packed, "train")
    task = LinkTask(data, params.link)
    neural: ModelScorer | TextScorer
    asked: list[tuple[ModelScorer, Net, LinkQueries]] = []
    if own and scorer:
        neural, untrained = TextScorer(scorer, own.name, data, parsed), None
    else:
        nets = [Net(inputs.model, packed, params.show_graph, is_trained) for is_trained in (True, False)]
        neural, untrained = (net.load() for net in nets)
        queries = {setting: [task.queries(split, setting) for split in ("val", "test")] for setting in SETTINGS}
        asked = [(neural, nets[0], one) for setting in SETTINGS for one in queries[setting]]
        asked[2:2] = [(untrained, nets[1], one) for one in queries["headline"]]
    with answered_beside(asked):
        # What asks the network about links comes last: its answers are on their way.
        tasks = {
            "code_search": predict_code_search(parsed, neural, params.code_search, params.link, repeats),
            "masked_tokens": predict_masked_tokens(train, data.splits["test"], neural, params.masked, repeats.symbols),
            "dependency_inference": predict_dependencies(inputs.dependencies, neural, params.dependencies),
        }
        traced = traced_packages(inputs.traces, parsed, data, neural, params.link)
        tasks |= traced_tasks(traced, params)
        tasks |= {
            "link_prediction": predict_links(task, neural, untrained),
            "masked_nodes": predict_nodes(task, neural),
        }
    leaks = audit(packed, inputs.kg, parsed, task, train, tasks, traced["test"], neural, repeats, params)
    peers = read_external_peers(external, lambda: split_digests(task, parsed, params, repeats))
    for message in peers.messages:
        print(message, file=sys.stderr)
    counts = as_metrics(leaks) | peers.counts()
    read = {field.name: getattr(inputs, field.name) for field in fields(inputs) if not own or field.name != "model"}
    device = neural.device_kind if isinstance(neural, ModelScorer) else None
    tasks, name = peers.merged(tasks), own.name if own else None
    write_evaluation(tasks, leaks, counts, read, out, metrics, plots, params, device, name, peers.files)


def check_parsed(kg: Path, parsed: Path) -> None:
    """Raises ArtifactError where the graph was built from other parsed tables than these."""
    for name, digest in read_json(kg / "manifest.json")["inputs"].items():
        if not (parsed / name).is_file() or sha256_file(parsed / name) != digest:
            raise ArtifactError(
                f"{parsed / name}: not what {kg} was built from; run dvc repro build_kg, or name its own"
            )


def traced_tasks(traced: "dict[str, list[TracedPackage]]", params: EvalParams) -> "dict[str, pd.DataFrame]":
    """The tasks whose truth is what ran; none where no val or no test package is traced."""
    val, test = traced["val"], traced["test"]
    if not val or not test:
        return {}
    return {
        "call_graph": predict_call_graph(val, test, params.call_graph),
        "disambiguation": predict_disambiguation(val, test, params.disambiguation, params.link),
    }


def write_evaluation(
    tasks: "dict[str, pd.DataFrame]",
    leaks: Report,
    counts: dict[str, object],
    read: dict[str, Path],
    out: Path,
    metrics: Path,
    plots: Path,
    params: EvalParams,
    device: str | None,
    own: str | None,
    peers: "tuple[Path, ...]" = (),
) -> None:
    """Figures of all tasks and the record of where they came from.

    leaks: what the audit found. counts: figures that no prediction tells. read: the folders that were read, by name.
    device: the kind that computed, where the model is ours. own: the scorer of one's own that stood in its place.
    peers: files of the peers from outside the pipeline among the tasks.
    """
    figures, flat = summarise(tasks, params)
    flat |= counts
    metrics.unlink(missing_ok=True)  # earlier figures are not of this run, and past a bound there are none
    with atomic_folder(out) as scratch:
        write_table(prediction_rows(tasks), scratch / "predictions.parquet", predictions_schema())
        write_table(figures, scratch / "figures.parquet", figures_schema())
        write_json(scratch / "leaks.json", leaks.as_json(params.audit.bounds))
        if not leaks.failures(params.audit.bounds):
            written = {name: scratch / name for name in ("predictions.parquet", "figures.parquet", "leaks.json")}
            shown = {"eval.json": canonical_json(nested(flat)), "eval_peers.csv": peers_table(figures)}
            digests = {name: sha256_file(path) for name, path in written.items()}
            digests |= {name: sha256_bytes(text.encode("utf-8")) for name, text in shown.items()}
            # First: a record that cannot be made leaves no figures beside it.
            write_json(scratch / "run.json", run_record(read, digests, params, device, own, peers))
            write_text(plots / "eval_peers.csv", shown["eval_peers.csv"])
            write_text(metrics, shown["eval.json"])
    check_bounds(leaks, params.audit.bounds)
