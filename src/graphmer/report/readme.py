"""README's results table, from metrics/, and the figures of two pages of docs/; `make docs` writes them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from graphmer.artifacts import read_json
from graphmer.errors import ArtifactError
from graphmer.evaluate.dependency_figures import HEURISTICS
from graphmer.evaluate.figures import NOT_PEERS, OURS
from graphmer.report import benchmarks, scale

BEGIN = "<!-- results: written by `make readme` from metrics/; do not edit -->"
END = "<!-- /results -->"
FIGURES = ("mrr", "accuracy", "f1")
MEASURED = Path("results/benchmarks")
SPEED = MEASURED / "kg_speed.json"
NO_PEER = NOT_PEERS | {"gain", "gain_over_best_peer", "gain_over_names"}
SIDES = (ABOVE, HOLDS_ZERO, BELOW, UNKNOWN) = (
    "The interval of the gain lies above 0 for this one training seed",
    "The interval holds 0, so no gain is shown",
    "The interval lies below 0, so the best peer does better",
    "There is no interval, so no gain is shown",
)
POOL = re.compile(r"pool(\d+)(_masked)?")


class Row(NamedTuple):
    """One task in one setting."""

    task: str
    setting: str
    figure: str
    scorers: Mapping[str, Mapping[str, float]]


def results_table(metrics: Path) -> str:
    """Markdown of the graph's, the training's and every task's headline figures."""
    kg, train = read_json(metrics / "kg.json"), read_json(metrics / "train.json")
    lines = [_graph_line(kg), "", _training_line(train), ""]
    lines += ["| task | setting | figure | ours | best peer | gain |", "|---|---|---|---|---|---|"]
    evaluated = read_json(metrics / "eval.json")
    rows = list(_rows(evaluated))
    lines += [*map(_line, rows), "", *_verdicts(rows), *_usual_tools(evaluated), *_not_measured(evaluated)]
    return "\n".join(lines)


def gain_verdicts(metrics: Path) -> list[str]:
    """Bullets: which gains their intervals tell from 0, and which they do not."""
    evaluated = read_json(metrics / "eval.json")
    return [*_verdicts(_rows(evaluated)), *_usual_tools(evaluated)]


def _graph_line(kg: Mapping[str, Any]) -> str:
    rates = ", ".join(f"{language.capitalize()} {rate:.1%}" for language, rate in sorted(kg["resolution_rate"].items()))
    return (
        f"The graph of the default corpus: {kg['triples']:,} triples and {kg['entities']:,} entities from "
        f"{kg['files']:,} files; domain and range {kg['domain_range']:.4f}; calls resolved: {rates}."
    )


def _training_line(train: Mapping[str, Any]) -> str:
    val = train["val"]
    return (
        f"The default model: {train['weights']['total']:,} weights, {train['steps']:,} steps; on the validation split "
        f"masked tokens {val['mlm_accuracy']:.3f}, masked names (hidden in the code) {val['mnm_accuracy']:.3f}, "
        f"link MRR {val['link_mrr']:.3f}."
    )


def _rows(tree: Mapping[str, Any]) -> Iterator[Row]:
    for task in sorted(tree):
        for setting in sorted(tree[task]):
            scorers = tree[task][setting]
            if not isinstance(scorers, dict):
                continue
            for figure in FIGURES:
                having = {
                    name: values for name, values in scorers.items() if isinstance(values, dict) and figure in values
                }
                if any(name in having for name in OURS):
                    yield Row(task.replace("_", " "), shown_setting(setting, tree[task]), figure, having)


def shown_setting(setting: str, task: Mapping[str, Any]) -> str:
    """In words. A pool is named by the candidates that it asks for; where a corpus has fewer, those are its size."""
    pool = POOL.fullmatch(setting)
    if pool is None:
        return setting.replace("_", " ")
    return f"pool of {min(int(pool[1]), task['functions']):,}" + (", names hidden" if pool[2] else "")


def _line(row: Row) -> str:
    ours = next(name for name in OURS if name in row.scorers)
    peers = {name: values[row.figure] for name, values in row.scorers.items() if name not in NO_PEER}
    best = max(sorted(peers), key=lambda name: peers[name]) if peers else None
    peer = f"{best} {peers[best]:.3f}" if best is not None else ""
    gain = _interval(row.scorers["gain"], row.figure, "+.4f") if "gain" in row.scorers else ""
    if best not in (None, "symbolic") and "gain_over_best_peer" in row.scorers:
        over = _interval(row.scorers["gain_over_best_peer"], row.figure, "+.4f")
        gain = f"{gain} over symbolic; {over} over {best}"
    shown = f"{ours} {_interval(row.scorers[ours], row.figure, '.3f')}"
    return f"| {row.task} | {row.setting} | {row.figure} | {shown} | {peer} | {gain} |"


def _verdicts(rows: Iterable[Row]) -> Iterator[str]:
    """Which gains their intervals tell from 0, and which they do not: a bullet for each answer that occurs."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if "gain" in row.scorers:
            gain = row.scorers["gain"]
            side = _side(gain, row.figure)
            size = f", {_interval(gain, row.figure, '+.4f')}" if side == ABOVE else ""
            found.setdefault(side, []).append(f"{row.task} ({row.setting}{size})")
    for side in SIDES:
        if side in found:
            yield f"- {side}: {'; '.join(found[side])}."


def _usual_tools(tree: Mapping[str, Any]) -> Iterator[str]:
    """Bullets: what is gained over what people use without any fit, where the best peer is another."""
    if "dynamic" in (calls := tree.get("call_graph", {})):
        part = calls["dynamic"]
        gain = _interval(part["graphmer"], "gain_over_static", "+.4f")
        yield (
            f"- Over static analysis alone (F1 {part['static']['f1']:.3f}) call-graph completion gains {gain}; of the "
            f"{part['missed']:,} traced edges that static analysis misses it finds {part['missed_found']:,}. Adding "
            f"every target that static analysis left open, without a score, gives {part['static_listed']['f1']:.3f} "
            f"and finds {part['missed_listed']:,}; ours over that: "
            f"{_interval(part['graphmer'], 'gain_over_listed', '+.4f')}."
        )
    if "all" in (dependencies := tree.get("dependency_inference", {})):
        part = dependencies["all"]
        names, best = max((part[name]["f1"], name) for name in HEURISTICS if name in part)
        gain = _interval(part["gain_over_names"], "f1", "+.4f")
        yield (
            f"- Over the names of what is imported (`{best}`, F1 {names:.3f}), dependency inference gains {gain}, on "
            f"{dependencies['packages']} further packages with {dependencies['declared']} declared distributions."
        )


def _not_measured(tree: Mapping[str, Any]) -> Iterator[str]:
    """A bullet where peers from outside the pipeline are not in these figures."""
    peers = tree.get("peers")
    if peers and (peers["missing"] or peers["stale"]):
        why = "were measured on other questions" if peers["stale"] else "were not measured"
        yield f"- TransE, RotatE, DistMult, ComplEx and all-MiniLM-L6-v2 {why}: no row above knows them (`make peers`)."


def _side(gain: Mapping[str, float], figure: str) -> str:
    low, high = gain.get(f"{figure}_low"), gain.get(f"{figure}_high")
    if low is None or high is None:
        return UNKNOWN
    return ABOVE if low > 0 else BELOW if high < 0 else HOLDS_ZERO


def _interval(values: Mapping[str, float], figure: str, form: str) -> str:
    text = format(values[figure], form)
    low, high = values.get(f"{figure}_low"), values.get(f"{figure}_high")
    return text if low is None or high is None else f"{text} [{low:{form}}, {high:{form}}]"


def with_block(text: str, begin: str, block: str, end: str, where: str) -> str:
    """A document with the block between its two markers; raises ArtifactError where they are missing."""
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ArtifactError(f"{where}: the markers '{begin}' and '{end}' are missing; restore them")
    return f"{before}{begin}\n\n{block}\n\n{end}{after}"


def with_results(readme: str, table: str) -> str:
    """README's text with the table between its two markers."""
    return with_block(readme, BEGIN, table, END, "README.md")


def with_figures(page: str, figures: str) -> str:
    """The text of docs/scale.md with the figures between its two markers."""
    return with_block(page, scale.BEGIN, figures, scale.END, "docs/scale.md")


def with_speed(page: str, figures: str) -> str:
    """The text of docs/benchmarks.md with the figures between its two markers."""
    return with_block(page, benchmarks.BEGIN, figures, benchmarks.END, "docs/benchmarks.md")
