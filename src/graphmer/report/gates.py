"""The gates: what a finished run must keep to be called one, each read off committed files alone."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from graphmer.artifacts import dotted, read_json
from graphmer.errors import ArtifactError
from graphmer.params import load_section, load_tree
from graphmer.report.config import AblationParams
from graphmer.report.gates_config import GatesParams

METRICS = ("kg", "pack", "train", "eval", "ablation")
CURVE = "plots/train.csv"
LONG_ABLATION = "results/ablation/ablation.json"
NO_BIAS = "no_rel_bias"
BIAS_GATE = "masked names, relation bias over none"
MAKE_ABLATION = "make ablation trains more rows with three seeds (hours)"
REFUTED = "the claim does not hold here: say so, or improve the bias"
NAMES_RIGHT = ("masked_nodes", "masked_mentions", "neural", "accuracy")
Verdict = Literal["met", "missed", "not measured"]


class Gate(NamedTuple):
    """One gate: what is asked, what was found, and what to do where it is not met."""

    name: str
    value: str
    bound: str
    verdict: Verdict
    remedy: str

    def line(self) -> str:
        """On one line; the remedy only where there is something to mend."""
        rest = "" if self.verdict == "met" else f"; {self.remedy}"
        return f"{self.verdict}: {self.name}: {self.value}, wanted {self.bound}{rest}"


def read_gates(root: Path) -> list[Gate]:
    """Every gate of the project in `root`; raises ArtifactError or ParamsError where a file is missing or damaged."""
    tree = load_tree(root / "params.yaml")
    params = load_section(tree, "gates", GatesParams)
    ablation = load_section(tree, "ablation", AblationParams)
    metrics = {name: read_json(root / "metrics" / f"{name}.json") for name in METRICS}
    curve = _losses(root / CURVE)
    return [
        finite_gate(metrics, curve),
        *loss_gates([row["loss"] for row in curve], params),
        triples_gate(metrics["kg"], params),
        domain_gate(metrics["kg"], params),
        _bias_gate(root, metrics["ablation"], ablation, params),
    ]


def _bias_gate(root: Path, short: Mapping[str, Any], ablation: AblationParams, params: GatesParams) -> Gate:
    """By the long ablation where it has decided the claim, else by the pipeline's own."""
    path = root / LONG_ABLATION
    claim = read_json(path).get("claims", {}).get("the relation bias") if path.is_file() else None
    if claim is not None:
        return long_bias_gate(claim, params)
    return rel_bias_gate(short, "metrics/ablation.json", len(ablation.seeds), ablation, params)


def finite_gate(metrics: Mapping[str, Any], curve: Sequence[Mapping[str, float]]) -> Gate:
    """Losses and metrics are numbers."""
    figures = [value for part in metrics.values() for value in dotted(part).values()]
    losses = [value for row in curve for value in row.values()]
    wrong = sum(not isinstance(value, int | float) or not math.isfinite(value) for value in [*figures, *losses])
    value = f"{wrong} of {len(figures)} metrics and {len(losses)} losses are not finite"
    remedy = "lower train.learning_rate and run make repro"
    return Gate("finite losses and metrics", value, "0", _verdict(wrong == 0), remedy)


def loss_gates(losses: Sequence[float], params: GatesParams) -> Iterator[Gate]:
    """The loss fell over the run, and did not turn at its end."""
    tenth = max(1, len(losses) // 10)
    first, last = sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
    shown = f"{first:.3f} to {last:.3f} nats, {last / first:.3f} x"
    remedy = "lower train.learning_rate or raise train.steps"
    fell = _verdict(last / first <= params.max_loss_ratio)
    yield Gate("loss, first tenth to last", shown, f"<= {params.max_loss_ratio:g} x", fell, remedy)
    rise = last / min(losses)
    shown = f"{last:.3f} nats, {rise:.3f} x the lowest {min(losses):.3f}"
    turned = _verdict(rise <= params.max_loss_rise)
    yield Gate("loss, last tenth over its lowest", shown, f"<= {params.max_loss_rise:g} x", turned, remedy)


def triples_gate(kg: Mapping[str, Any], params: GatesParams) -> Gate:
    """The graph is large enough to train on."""
    enough = _verdict(kg["triples"] >= params.min_triples)
    return Gate("triples", f"{kg['triples']:,}", f">= {params.min_triples:,}", enough, "add packages to fetch.corpus")


def domain_gate(kg: Mapping[str, Any], params: GatesParams) -> Gate:
    """Triples keep the ontology's domain and range."""
    share, bound = kg["domain_range"], params.min_domain_range
    remedy = "stages/validate_kg.py names the offenders; mend the resolver"
    return Gate("domain and range", f"{share:.6f}", f">= {bound:g}", _verdict(share >= bound), remedy)


def rel_bias_gate(
    figures: Mapping[str, Any], source: str, seeds: int, ablation: AblationParams, params: GatesParams
) -> Gate:
    """`full` names at least `min_rel_bias_gain` more masked nodes than `no_rel_bias`, by the difference's interval.

    Shown where the whole interval lies above that share of what no_rel_bias reaches, refuted where it lies below; no
    verdict between, with too few seeds, or where neither names one. That share is taken as known: the interval is of
    the paired difference alone.
    """
    bound = f">= +{params.min_rel_bias_gain:.0%}"
    without, full = (_at(figures, (variant, *NAMES_RIGHT)) for variant in (NO_BIAS, ablation.baseline))
    if not {"difference", "low", "high"} <= set(without) or "mean" not in full:
        return Gate(BIAS_GATE, f"no difference in {source}", bound, "not measured", MAKE_ABLATION)
    low, gain, high = (0.0 - without[name] for name in ("high", "difference", "low"))  # 0 - x: no -0.0
    wanted = params.min_rel_bias_gain * without["mean"]
    said = _claim(low, high, wanted, seeds, ablation.verdict_from_seeds)
    shown = f"{without['mean']:.4f} to {full['mean']:.4f}, {gain:+.4f} [{low:+.4f}, {high:+.4f}] in {source}: {said}"
    verdict: Verdict = "met" if said == "shown" else "missed" if said == "refuted" else "not measured"
    remedy = REFUTED if verdict == "missed" else MAKE_ABLATION
    return Gate(BIAS_GATE, shown, f"{bound} (a difference of {wanted:.4f})", verdict, remedy)


def _claim(low: float, high: float, wanted: float, seeds: int, needed: int) -> str:
    if seeds < needed:
        return f"no verdict ({seeds} seeds, {needed} needed)"
    if low == high == 0.0:
        return "no verdict (no query is answered differently)"
    return "shown" if low >= wanted else "refuted" if high < wanted else "no verdict (the interval holds the bound)"


def long_bias_gate(claim: Mapping[str, Any], params: GatesParams) -> Gate:
    """The same, where the long ablation has run: it has the contrast of full with 1 + gain times no_rel_bias itself."""
    words = str(claim["verdict"])
    verdict: Verdict = "met" if words == "shown" else "missed" if words == "refuted" else "not measured"
    interval = f" [{claim['low']:+.4f}, {claim['high']:+.4f}]" if "low" in claim else ""
    contrast = f"contrast {claim['contrast']:+.4f}{interval} in {LONG_ABLATION}: {words}"
    shown = f"{claim['without']:.4f} to {claim['full']:.4f}, {contrast}"
    bound = f">= +{params.min_rel_bias_gain:.0%} (a contrast of 0)"
    return Gate(BIAS_GATE, shown, bound, verdict, REFUTED if verdict == "missed" else MAKE_ABLATION)


def _at(tree: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    """The part at a path; an empty one where there is none."""
    for name in path:
        tree = tree.get(name, {})
    return tree


def _losses(path: Path) -> list[dict[str, float]]:
    """Losses of each row of the training curve; a term that is not trained has no cell."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [
                {name: float(value) for name, value in row.items() if name.startswith("loss") and value}
                for row in csv.DictReader(stream)
            ]
    except FileNotFoundError:
        raise ArtifactError(f"{path}: not found; run dvc repro") from None
    except ValueError as error:
        raise ArtifactError(f"{path}: {error}; run dvc repro train") from None
    if not rows or any("loss" not in row for row in rows):
        raise ArtifactError(f"{path}: no losses; run dvc repro train")
    return rows


def _verdict(holds: bool) -> Verdict:
    return "met" if holds else "missed"


def judged(gates: Sequence[Gate], as_json: bool) -> tuple[str, bool]:
    """All gates as text, and whether none is missed; one that was not measured is not."""
    text = json.dumps([gate._asdict() for gate in gates], indent=2) if as_json else "\n".join(g.line() for g in gates)
    return text, all(gate.verdict != "missed" for gate in gates)
