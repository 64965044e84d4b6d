"""A small project that `graphmer verify` passes: planted predictions, and all that follows from them."""

import os
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from imports import ROOT

from graphmer.artifacts import read_json, sha256_file, write_json, write_table, write_text
from graphmer.evaluate.audit import Report, as_metrics
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.f1 import FALSE, TRUE
from graphmer.evaluate.predictions import prediction_rows, predictions_schema
from graphmer.evaluate.record import parameters_digest
from graphmer.evaluate.run import write_evaluation
from graphmer.model.config import ModelParams
from graphmer.params import load_section, load_tree
from graphmer.report.ablation import aggregate_cells
from graphmer.report.config import AblationParams
from graphmer.report.documents import documents
from graphmer.report.lock import dvc_digest
from graphmer.train.config import TrainParams

PIPELINE = """\
stages:
  eval:
    cmd: python stages/eval.py
    deps: [data/model]
    params: [eval]
    outs: [data/eval]
    metrics: [{metrics/eval.json: {cache: false}}]
    plots: [{plots/eval_peers.csv: {cache: false}}]
  ablation:
    cmd: python stages/ablation.py
    params: [ablation]
    metrics: [{metrics/ablation.json: {cache: false}}]
"""
DEPENDENCY_SCORERS = ("graphmer", "import_names", "plain_names")
CALL_SCORERS = ("graphmer", "static", "static_listed")
LINK_SCORERS = ("cloze_sibling", "graphmer", "mention_sibling", "neural", "symbolic")
QUERIES = 40


def planted_task(settings: tuple[str, ...], scorers: tuple[str, ...], ranked: bool, seed: int) -> pd.DataFrame:
    """Each query by each scorer in each setting: a rank, or right and wrong."""
    draw, rows = np.random.default_rng(seed), []
    for setting in settings:
        for scorer in scorers:
            for query in range(QUERIES):
                row = {"setting": setting, "scorer": scorer, "query": f"q{query:02}", "package": f"p{query % 3}"}
                row |= {"file": f"f{query % 7}.py", "language": "python", "pool": 30}
                row |= {"rank": float(draw.integers(1, 30))} if ranked else {"correct": bool(draw.integers(0, 2))}
                rows.append(row)
    return pd.DataFrame(rows)


def planted_tasks(seed: int = 0) -> dict[str, pd.DataFrame]:
    links = planted_task(("headline", "mentions_visible", "zero_support"), LINK_SCORERS, True, seed)
    links["relation"] = ["calls" if query < "q20" else "uses" for query in links["query"]]
    links["stratum"] = "C"
    nodes = planted_task(("masked_mentions", "visible_mentions"), ("neural", "copy"), False, seed + 1)
    return {
        "link_prediction": links,
        "code_search": planted_task(("pool1000",), ("graphmer", "bm25"), True, seed + 2),
        "masked_tokens": planted_task(("all",), ("neural", "ngram_cache"), False, seed + 3),
        "masked_nodes": nodes.assign(relation="calls"),
        "dependency_inference": planted_edges(
            "all", ("graphmer", "import_names", "plain_names"), (TRUE, FALSE), seed + 4
        ),
        "call_graph": planted_edges(
            "dynamic", ("graphmer", "static", "static_listed"), ("traced", "untraced"), seed + 5
        ),
        "disambiguation": planted_task(("all",), ("graphmer", "resolver"), False, seed + 6),
    }


def planted_edges(setting: str, scorers: tuple[str, ...], strata: tuple[str, str], seed: int) -> pd.DataFrame:
    """Items that are true or not, which each scorer is right about or not."""
    table = planted_task((setting,), scorers, False, seed)
    return table.assign(stratum=[strata[int(query[1:]) % 2] for query in table["query"]])


def plant(root: Path, without: tuple[str, ...] = ()) -> Path:
    """Write the project into `root`, an empty folder. without: tasks that its corpus does not have."""
    from dvc.repo import Repo

    for name in ("metrics", "plots", "docs", "results", "data/corpora"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("params.yaml", "README.md"):
        shutil.copy(ROOT / name, root / name)
    os.symlink(ROOT / "src", root / "src")
    write_text(root / "dvc.yaml", PIPELINE)
    Repo.init(str(root), no_scm=True)
    tree = load_tree(root / "params.yaml")
    _plant_inputs(root / "data", tree)
    read = {name: root / "data" / name for name in ("parsed", "kg", "packed", "traces", "dependencies", "model")}
    params = load_section(tree, "eval", EvalParams)
    leaks = Report(dict.fromkeys(asdict(params.audit.bounds), 0), {}, [])
    tasks = {name: table for name, table in planted_tasks().items() if name not in without}
    write_evaluation(
        tasks, leaks, as_metrics(leaks), read, root / "data/eval", root / "metrics/eval.json", root / "plots",
        params, "cpu", None,
    )  # fmt: skip
    _plant_cells(root, tree, params)
    for path, text in documents(root).items():
        write_text(root / path, text)
    relock(root)
    return root


def _plant_inputs(data: Path, tree: dict) -> None:  # type: ignore[type-arg]
    for name in ("parsed/files.parquet", "kg/triples.parquet", "packed/tokenizer.json", "model/model.safetensors",
                 "traces/p/edges.csv", "dependencies/packages.csv"):  # fmt: skip
        write_text(data / name, f"planted {name}")
    shutil.copy(data / "packed/tokenizer.json", data / "model/tokenizer.json")
    write_json(data / "kg/manifest.json", {"inputs": {"files.parquet": sha256_file(data / "parsed/files.parquet")}})
    packed = {"kg": {"triples.parquet": sha256_file(data / "kg/triples.parquet")}}
    write_json(data / "packed/manifest.json", packed | {"tokenizer": sha256_file(data / "packed/tokenizer.json")})
    weights = {name: sha256_file(data / "model" / name) for name in ("model.safetensors", "tokenizer.json")}
    write_json(data / "model/config.json", {"files": weights})
    sections = {"model": load_section(tree, "model", ModelParams), "train": load_section(tree, "train", TrainParams)}
    parameters = {name: parameters_digest(section) for name, section in sections.items()}
    write_json(data / "model/training.json", {"parameters": parameters, "seed": tree["train"]["seed"], "device": "cpu"})


def _plant_cells(root: Path, tree: dict, params: EvalParams) -> None:  # type: ignore[type-arg]
    ablation = load_section(tree, "ablation", AblationParams)
    for number, (variant, seed) in enumerate((v, s) for v in ablation.compared for s in ablation.seeds):
        tasks = planted_tasks(10 * number + 10)
        links, nodes = tasks["link_prediction"], tasks["masked_nodes"]
        links = links[(links["setting"] == "headline") & links["scorer"].isin(["graphmer", "neural"])]
        nodes = nodes[(nodes["setting"] == "masked_mentions") & (nodes["scorer"] == "neural")]
        cell = root / "data/ablation" / f"{variant}-{seed}"
        rows = prediction_rows({"link_prediction": links, "masked_nodes": nodes})
        cell.mkdir(parents=True)
        write_table(rows, cell / "predictions.parquet", predictions_schema())
        figures = {
            f"link_prediction.headline.{scorer}.mrr": float((1 / links.loc[links["scorer"] == scorer, "rank"]).mean())
            for scorer in ("graphmer", "neural")
        }
        right = {"masked_nodes.masked_mentions.neural.accuracy": float(nodes["correct"].mean())}
        write_json(cell / "figures.json", figures | right | {"val.link_mrr": 0.5})
    cells, metrics, plot = root / "data/ablation", root / "metrics/ablation.json", root / "plots/ablation.csv"
    aggregate_cells(cells, metrics, plot, ablation, params.bootstrap)


def relock(root: Path) -> None:
    """Write the lock that a run would leave."""
    tree, pipeline = load_tree(root / "params.yaml"), yaml.safe_load(PIPELINE)["stages"]
    stages = {}
    for name, stage in pipeline.items():
        outs = [
            *stage.get("outs", []),
            *(next(iter(out)) for kind in ("metrics", "plots") for out in stage.get(kind, [])),
        ]
        stages[name] = {
            "cmd": stage["cmd"],
            "deps": [{"path": path, "md5": dvc_digest(root / path)} for path in stage.get("deps", [])],
            "params": {"params.yaml": {key: tree[key] for key in stage["params"]}},
            "outs": [{"path": path, "md5": dvc_digest(root / path)} for path in outs],
        }
    write_text(root / "dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False))


def edit_json(path: Path, dotted: str, value: object) -> None:
    """Set one key."""
    tree = node = read_json(path)
    *parents, leaf = dotted.split("/")
    for name in parents:
        node = node[name]
    node[leaf] = value
    write_json(path, tree)


def edit_rows(path: Path, column: str, row: int, value: object) -> None:
    """Set one cell of a table."""
    import pyarrow.parquet as pq

    frame = pd.read_parquet(path)
    frame.loc[row, column] = value
    write_table(frame, path, pq.read_schema(path))
