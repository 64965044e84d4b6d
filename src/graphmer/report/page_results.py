"""What metrics/, plots/ and results/ say, as a browser draws it."""

from pathlib import Path
from typing import Any

from graphmer.artifacts import read_json
from graphmer.errors import ArtifactError
from graphmer.evaluate.figures import OURS
from graphmer.report.long_results import COLUMNS
from graphmer.report.model_card import csv_rows
from graphmer.report.plots import LONG_PANELS
from graphmer.report.readme import gain_verdicts, shown_setting

Row = dict[str, Any]


def result_parts(root: Path, entities: int, triples: int) -> dict[str, Any]:
    """Training, tasks and ablation of the project in `root`.

    entities, triples: how many the graph beside them has. Raises ArtifactError where a table or figure is missing, or
    the figures are of another graph.
    """
    kg = read_json(root / "metrics/kg.json")
    if (kg["entities"], kg["triples"]) != (entities, triples):
        raise ArtifactError(
            f"data/kg: {entities:,} entities and {triples:,} triples, metrics/kg.json says {kg['entities']:,} and "
            f"{kg['triples']:,}; run dvc repro or dvc pull, so that both are of one run"
        )
    return {"train": _training(root), "tasks": _tasks(root), "ablation": _ablation(root)}


def graph_facts(root: Path) -> list[tuple[str, str]]:
    """Term and value of what was checked in the graph."""
    kg = read_json(root / "metrics/kg.json")
    rates = [(f"{language} calls resolved", f"{rate:.1%}") for language, rate in sorted(kg["resolution_rate"].items())]
    return [("files", f"{kg['files']:,}"), ("domain and range hold", f"{kg['domain_range']:.2%}"), *rates]


def _training(root: Path) -> Row:
    train = read_json(root / "metrics/train.json")
    shown = [("weights", f"{train['weights']['total']:,}"), ("steps", f"{train['steps']:,}")]
    shown += [(f"validation {name.replace('_', ' ')}", f"{value:.3f}") for name, value in sorted(train["val"].items())]
    rows = _table(root / "plots/train.csv")
    return {"facts": shown, "curve": {name: [row[name] for row in rows] for name in rows[0]}}


def _tasks(root: Path) -> Row:
    tasks = read_json(root / "metrics/eval.json")
    rows = _table(root / "plots/eval_peers.csv")
    rows = [row | {"setting": shown_setting(row["setting"], tasks[row["task"]])} for row in rows]
    verdicts = [line.removeprefix("- ") for line in gain_verdicts(root / "metrics")]
    return {"rows": [row | {"ours": row["scorer"] in OURS} for row in rows], "verdicts": verdicts}


def _ablation(root: Path) -> Row:
    """The long ablation where it has run, else the default pipeline's."""
    long = root / "results/ablation/ablation.csv"
    if long.is_file():
        rows = [row for row in _table(long) if row["measure"] in LONG_PANELS]
        named = [{name: row[name] for name in COLUMNS if name != "by_seed"} for row in rows]
        shown = [row | {"measure": LONG_PANELS[row["measure"]]} for row in named]
        return {"rows": shown, "baseline": read_json(long.with_suffix(".json"))["baseline"],
                "source": "results/ablation/ablation.csv"}  # fmt: skip
    rows = [{**row, "row": row["variant"], "measure": row["metric"]} for row in _table(root / "plots/ablation.csv")]
    return {"rows": rows, "baseline": "full", "source": "plots/ablation.csv"}


def _table(path: Path) -> list[Row]:
    """Rows of a CSV, numbers as numbers and nothing as None; raises ArtifactError where there are none."""
    rows = csv_rows(path)
    if not rows:
        raise ArtifactError(f"{path}: no rows to draw; run dvc repro")
    return [{name: _value(text) for name, text in row.items()} for row in rows]


def _value(text: str) -> float | int | str | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text or None
