"""The weights that evaluation ranks with, fitted on a training corpus' validation split and kept in one JSON file.

They belong to one model: the file names its weights' digest, and an index takes no other's. fit.py makes them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphmer.artifacts import read_json, write_json
from graphmer.errors import ArtifactError
from graphmer.evaluate.code_search import COMBINED
from graphmer.evaluate.combiner import Combiner
from graphmer.evaluate.queries import FloatArray, IntArray, Setting
from graphmer.evaluate.symbolic import FEATURES

NEURAL = ("link", "name")  # ModelScorer.link's columns, behind the symbolic features
LINK_SETTINGS: tuple[Setting, ...] = ("headline", "mentions_visible")
LINK_SCORERS = ("graphmer", "symbolic", "neural")
SEARCH = COMBINED["graphmer"]  # the columns of code search's combination
DECIMALS = 12  # float32 weights survive
SURE = 1e-6  # shares nearer to 0 or 1 are taken for this
FITTED_FROM = ("packed", "kg", "parsed")


@dataclass(frozen=True)
class Calibration:
    """From a candidate's softmax share at a mention to the probability that the mention means it.

    The softmax knows no `none of these`, and a word may mean what no candidate is; this was fitted where it often does.
    Source: Platt (1999), a logistic of the log odds.
    """

    slope: float
    intercept: float

    def __call__(self, share: float) -> float:
        """The probability of one candidate."""
        return float(1 / (1 + np.exp(-(self.intercept + self.slope * log_odds(np.asarray([share]))[0]))))


def log_odds(share: FloatArray) -> FloatArray:
    """(n,) log odds of shares, those of 0 and 1 kept finite."""
    inside = np.clip(share, SURE, 1 - SURE)
    odds: FloatArray = np.log(inside / (1 - inside))
    return odds


@dataclass(frozen=True)
class LinkScoring:
    """One setting's combiners by scorer, and the temperature that makes the softmax of `graphmer` a probability."""

    combiners: Mapping[str, Combiner]
    temperature: float

    def probabilities(self, columns: FloatArray, relation: int, known: IntArray) -> FloatArray:
        """(P,) of a query's candidates by `graphmer`; those at `known` have none. columns: (P, F + K)."""
        logits = self.combiners["graphmer"].score(columns, relation).astype(np.float64) / self.temperature
        logits[known] = -np.inf
        odds = np.exp(logits - logits.max(initial=-np.inf, where=np.isfinite(logits)))
        probabilities: FloatArray = odds / max(float(odds.sum()), np.finfo(np.float64).tiny)
        return probabilities


@dataclass(frozen=True)
class Scoring:
    """All that an index ranks with. model: digest of the weights that it was fitted with. calibration: of proposals."""

    model: str
    search: Combiner
    links: Mapping[Setting, LinkScoring]
    calibration: Calibration

    def save(self, path: Path) -> None:
        """Write canonical JSON, atomically."""
        links = {
            setting: {
                "temperature": fitted.temperature,
                "combiners": {name: _as_json(one) for name, one in fitted.combiners.items()},
            }
            for setting, fitted in self.links.items()
        }
        columns = {"search": list(SEARCH), "links": [*FEATURES, *NEURAL]}
        tree = {"model": self.model, "columns": columns, "search": _as_json(self.search), "links": links}
        tree["calibration"] = dataclasses.asdict(self.calibration)
        write_json(path, tree, DECIMALS)

    @classmethod
    def load(cls, path: Path) -> "Scoring":
        """Read what `save` wrote; raises ArtifactError where it is damaged or of other features."""
        tree: dict[str, Any] = read_json(path)
        wanted = {"search": list(SEARCH), "links": [*FEATURES, *NEURAL]}
        if not isinstance(tree, dict) or tree.get("columns") != wanted:
            raise ArtifactError(f"{path}: no scoring of this version's features; delete it, and it is fitted again")
        links = {
            setting: LinkScoring(
                {name: _combiner(name, one) for name, one in tree["links"][setting]["combiners"].items()},
                float(tree["links"][setting]["temperature"]),
            )
            for setting in LINK_SETTINGS
        }
        search = _combiner("code_search.graphmer", tree["search"])
        return cls(tree["model"], search, links, Calibration(**tree["calibration"]))


def _as_json(combiner: Combiner) -> dict[str, object]:
    by_relation = {str(key): value.tolist() for key, value in combiner.by_relation.items()}
    return {"scale": combiner.scale.tolist(), "pooled": combiner.pooled.tolist(), "by_relation": by_relation}


def _combiner(name: str, tree: Mapping[str, Any]) -> Combiner:
    arrays = {key: np.asarray(tree[key], np.float32) for key in ("scale", "pooled")}
    by_relation = {int(key): np.asarray(value, np.float32) for key, value in tree["by_relation"].items()}
    return Combiner(name, **arrays, by_relation=by_relation)


def scoring_beside(model: Path) -> Path:
    """Where a model's scoring is kept: beside its folder, which is training's output and is left as it is."""
    return model.with_name(f"{model.name}.scoring.json")


def model_digest(model: Path) -> str:
    """Digest of a model's weights, as its own config.json names it."""
    found = read_json(model / "config.json").get("files", {}).get("model.safetensors")
    if not isinstance(found, str):
        raise ArtifactError(f"{model}/config.json: no digest of model.safetensors; restore it or train again")
    return found
