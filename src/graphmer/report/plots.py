"""An SVG beside every CSV under plots/, the same bytes for the same table; the only importer of matplotlib."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

from graphmer.artifacts import atomic_file
from graphmer.errors import ArtifactError

mpl.use("svg")
from matplotlib import pyplot as plt

# No date, no random ids, text as text: a drawing changes only when its numbers do.
STYLE = {
    "svg.hashsalt": "graphmer",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
OURS = "#b5382a"
PEER = "#8a8f98"
PALETTE = ("#b5382a", "#1f5a7a", "#4d8b57", "#c58a1c", "#6b4c8a")
Row = Mapping[str, str]


def draw_all(plots: Path) -> None:
    """Draw every known table in `plots`; raises ArtifactError where one is missing or empty."""
    for name, draw in DRAWINGS.items():
        draw_table(plots / f"{name}.csv", draw)


def draw_table(table: Path, draw: Callable[[list[Row]], Any]) -> None:
    """Draw one CSV into the SVG beside it."""
    if not table.exists():
        raise ArtifactError(f"{table}: not found; run dvc repro")
    with table.open(encoding="utf-8", newline="") as stream:
        rows: list[Row] = list(csv.DictReader(stream))
    if not rows:
        raise ArtifactError(f"{table}: no rows to draw; run dvc repro")
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = draw(rows)
        with atomic_file(table.with_suffix(".svg")) as scratch:
            figure.savefig(scratch, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
        plt.close(figure)


def curve(rows: list[Row]) -> Any:
    """Training loss and its terms over steps."""
    terms = [name for name in rows[0] if name.startswith("loss") and rows[0][name]]
    figure, axes = plt.subplots(figsize=(6.4, 3.2))
    steps = [int(row["step"]) for row in rows]
    for colour, term in zip(PALETTE, terms, strict=False):
        axes.plot(steps, [float(row[term]) for row in rows], label=term, color=colour, linewidth=1.2)
    axes.set_xlabel("step")
    axes.set_ylabel("nats")
    axes.set_yscale("log")
    axes.legend(frameon=False)
    return figure


def relations(rows: list[Row]) -> Any:
    """Triples by relation, stacked by how sure they are."""
    kinds = ("exact", "inferred", "ambiguous", "external")
    totals: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = totals.setdefault(row["relation"], dict.fromkeys(kinds, 0))
        for kind in kinds:
            counts[kind] += int(row[kind])
    names = sorted(totals, key=lambda name: sum(totals[name].values()))
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    left = [0] * len(names)
    for colour, kind in zip(("#1f5a7a", "#4d8b57", "#c58a1c", PEER), kinds, strict=True):
        values = [totals[name][kind] for name in names]
        axes.barh(names, values, left=left, color=colour, label=kind)
        left = [a + b for a, b in zip(left, values, strict=True)]
    axes.set_xlabel("triples")
    axes.legend(frameon=False, loc="lower right")
    return figure


def peers(rows: list[Row]) -> Any:
    """Each task and setting: every scorer's figure with its interval, ours marked."""
    panels: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        panels.setdefault((row["task"], row["setting"]), []).append(row)
    columns = 3
    lines = -(-len(panels) // columns)
    tallest = max(len(panel) for panel in panels.values())
    figure, grid = plt.subplots(lines, columns, figsize=(11, lines * (0.2 * tallest + 0.9)), squeeze=False)
    for axes, ((task, setting), panel) in zip(grid.flat, sorted(panels.items()), strict=False):
        ordered = sorted(panel, key=lambda row: (float(row["value"]), row["scorer"]))
        for place, row in enumerate(ordered):
            colour = OURS if row["scorer"] in ("graphmer", "neural") else PEER
            _point(axes, row, float(row["value"]), place, colour)
        axes.set_yticks(range(len(ordered)), [row["scorer"] for row in ordered])
        axes.set_title(f"{task.replace('_', ' ')}: {setting.replace('_', ' ')} ({ordered[0]['figure']})", fontsize=9)
        axes.set_xlim(0, 1)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    figure.tight_layout()
    return figure


def _point(axes: Any, row: Row, value: float, place: int, colour: str) -> None:
    """A value with its interval; a bare point where the table has none."""
    low, high = (float(row[name]) if row[name] else value for name in ("low", "high"))
    bars = [[max(value - low, 0.0)], [max(high - value, 0.0)]]
    axes.errorbar(value, place, xerr=bars, fmt="o", color=colour, markersize=4)


def forest(rows: list[Row]) -> Any:
    """Each variant's paired difference to the baseline, with its interval."""
    labels = [f"{row['variant']}: {row['metric']}" for row in rows]
    figure, axes = plt.subplots(figsize=(7.5, 0.4 * len(rows) + 1))
    for place, row in enumerate(rows):
        _point(axes, row, float(row["difference"]), place, OURS)
    axes.axvline(0, color=PEER, linewidth=0.8)
    axes.set_yticks(range(len(rows)), labels)
    axes.set_xlabel(f"difference to the baseline, {rows[0]['seeds']} seeds; verdict: {rows[0]['verdict']}")
    axes.invert_yaxis()
    return figure


LONG_PANELS = {
    "link_prediction.headline.graphmer.mrr": "link prediction, with symbols (MRR)",
    "link_prediction.headline.neural.mrr": "link prediction, network alone (MRR)",
    "masked_nodes.masked_mentions.neural.accuracy": "masked names (accuracy)",
}


def long_forest(rows: list[Row]) -> Any:
    """Each row's paired difference to the full model: over files and seeds thin, over files thick, each seed a tick."""
    titles = {name: title for name, title in LONG_PANELS.items() if any(row["measure"] == name for row in rows)}
    panels = [[row for row in rows if row["measure"] == name] for name in titles]
    figure, grid = plt.subplots(1, len(panels), figsize=(11, 0.34 * len(panels[0]) + 1.2), sharey=True, squeeze=False)
    for axes, panel, title in zip(grid.flat, panels, titles.values(), strict=True):
        for place, row in enumerate(panel):
            colour = OURS if row["verdict"].endswith("than the baseline") else PEER
            value = float(row["difference"])
            _point(axes, row, value, place, colour)
            low, high = (float(row[name]) if row[name] else value for name in ("files_low", "files_high"))
            axes.plot([low, high], [place, place], color=colour, linewidth=3.5, solid_capstyle="butt")
            seeds = [float(part) for part in row["by_seed"].split(";")]
            axes.plot(seeds, [place + 0.28] * len(seeds), linestyle="", marker="|", color=colour, markersize=5)
            words = row["verdict"].removesuffix(" than the baseline")
            axes.annotate(words, (1.0, place - 0.18), xycoords=("axes fraction", "data"), ha="right", fontsize=6)
        axes.axvline(0, color=PEER, linewidth=0.8)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(f"difference to full, {panel[0]['seeds']} seeds", fontsize=8)
    grid.flat[0].set_yticks(range(len(panels[0])), [row["row"] for row in panels[0]])
    grid.flat[0].invert_yaxis()
    figure.tight_layout()
    return figure


DRAWINGS: Mapping[str, Callable[[list[Row]], Any]] = {
    "kg_relations": relations,
    "train": curve,
    "eval_peers": peers,
    "ablation": forest,
}
