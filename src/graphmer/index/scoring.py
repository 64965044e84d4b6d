"""The weights that evaluation ranks with, fitted on a training corpus' validation split and kept in one JSON file.

They belong to one model: the file names its weights' digest, and an index takes no other's. fit.py makes them.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from graphmer.artifacts import sha256_file, write_json
from graphmer.errors import ArtifactError
from graphmer.evaluate.boosting import Boosting
from graphmer.evaluate.code_search import COMBINED
from graphmer.evaluate.combiner import Combiner
from graphmer.evaluate.mixture import Mixture, Stack
from graphmer.evaluate.queries import FloatArray, IntArray, Setting
from graphmer.evaluate.symbolic import FEATURES
from graphmer.index.forest import Forest
from graphmer.index.reading import read_object

NEURAL = ("link", "name")  # ModelScorer.link's columns
LINK_SETTINGS: tuple[Setting, ...] = ("headline", "mentions_visible")
LINK_SCORERS = ("graphmer", "symbolic", "neural")
SEARCH = COMBINED["graphmer"]  # the columns of code search's combination
EVERY_DIGIT = 400  # more decimals than a double has: rounding leaves it as it is, and trees split at the last bit
COLUMNS = {"search": list(SEARCH), "links": list(FEATURES), "neural": list(NEURAL)}
REFIT = "delete it, and graphmer index fits it again"
FIT = "leave --scoring out, and graphmer index takes the weights beside the model or fits them"
FITTED_WITH = ("model", "eval", "packed")
SURE = 1e-6  # shares nearer to 0 or 1 are taken for this


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
    """What ranks one setting's links, as evaluation fits it: the mixture, the stack on it, the network's columns alone.

    temperature: makes the softmax of `graphmer` a probability. The mixture's trees are a `Forest`'s.
    """

    mixture: Mixture
    stack: Stack
    neural: Combiner
    temperature: float

    def scores(
        self, matrices: Sequence[FloatArray], columns: Sequence[FloatArray], relations: Sequence[int]
    ) -> list[dict[str, FloatArray]]:
        """{scorer: (P,)} of each query by evaluation's names. matrices: (P, F) features. columns: (P, K) the net's."""
        found = []
        parts = self.mixture.parts(matrices, relations)
        for (linear, trees), net, relation in zip(parts, columns, relations, strict=True):
            mixed = linear + trees
            ours = {"graphmer": self.stack.score(mixed, net, relation), "neural": self.neural.score(net, relation)}
            found.append({**ours, "symbolic": mixed, "linear": linear, "boosting": trees})
        return found

    def probabilities(self, scores: FloatArray, known: IntArray) -> FloatArray:
        """(P,) of a query's candidates from their scores by `graphmer`; those at `known` have none.

        All are 0 where every candidate is known.
        """
        logits = scores.astype(np.float64) / self.temperature
        logits[known] = -np.inf
        if not np.isfinite(logits).any():
            return np.zeros_like(logits)
        odds = np.exp(logits - logits.max(initial=-np.inf, where=np.isfinite(logits)))
        probabilities: FloatArray = odds / max(float(odds.sum()), np.finfo(np.float64).tiny)
        return probabilities


@dataclass(frozen=True)
class Scoring:
    """All that an index ranks with. calibration: of proposals.

    What it was fitted with, by digest: model, the weights; eval, the section of params.yaml; packed, the manifest of
    the packed data.
    """

    model: str
    eval: str
    packed: str
    search: Combiner
    links: Mapping[Setting, LinkScoring]
    calibration: Calibration

    def save(self, path: Path) -> None:
        """Write canonical JSON, atomically; of several that write at once the last one's file stands, whole."""
        made_with = {name: getattr(self, name) for name in FITTED_WITH}
        tree: dict[str, object] = {**made_with, "columns": COLUMNS, "search": _as_json(self.search)}
        tree["links"] = {setting: _links_as_json(fitted) for setting, fitted in self.links.items()}
        tree["calibration"] = dataclasses.asdict(self.calibration)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A folder of one's own: two first runs with one model would take each other's scratch file away.
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as scratch:
            write_json(Path(scratch) / path.name, tree, EVERY_DIGIT)
            os.replace(Path(scratch) / path.name, path)

    @classmethod
    def load(cls, path: Path, remedy: str = REFIT) -> "Scoring":
        """Read what `save` wrote; raises ArtifactError where it is damaged or of other features.

        remedy: what the error says to do.
        """
        tree = read_object(path, remedy if path.exists() else FIT)
        if tree.get("columns") != COLUMNS:
            raise ArtifactError(f"{path}: no scoring of this version's features; {remedy}")
        unsaid = [name for name in FITTED_WITH if not isinstance(tree.get(name), str)]
        if unsaid:
            raise ArtifactError(f"{path}: does not say what it was fitted with ({', '.join(unsaid)}); {remedy}")
        try:
            links = {setting: _links(tree["links"][setting]) for setting in LINK_SETTINGS}
            search = _combiner("code_search.graphmer", tree["search"], len(SEARCH))
            made_with = (tree["model"], tree["eval"], tree["packed"])
            return cls(*made_with, search, links, Calibration(**tree["calibration"]))
        except (LookupError, TypeError, ValueError, OverflowError, AttributeError, ArtifactError) as error:
            raise ArtifactError(f"{path}: damaged ({error}); {remedy}") from None


def _links_as_json(fitted: LinkScoring) -> dict[str, object]:
    return {
        "linear": _as_json(fitted.mixture.linear),
        "trees": fitted.mixture.trees.model.as_json(),
        "stack": _as_json(fitted.stack.weights),
        "neural": _as_json(fitted.neural),
        "temperature": fitted.temperature,
    }


def _links(tree: Mapping[str, Any]) -> LinkScoring:
    forest = Forest.from_json(tree["trees"], len(FEATURES) + 1)
    mixture = Mixture(_combiner("symbolic", tree["linear"], len(FEATURES)), Boosting(forest))
    stack = Stack(_combiner("graphmer", tree["stack"], 1 + len(NEURAL)))
    return LinkScoring(mixture, stack, _combiner("neural", tree["neural"], len(NEURAL)), float(tree["temperature"]))


def _as_json(combiner: Combiner) -> dict[str, object]:
    by_relation = {str(key): value.tolist() for key, value in combiner.by_relation.items()}
    return {"scale": combiner.scale.tolist(), "pooled": combiner.pooled.tolist(), "by_relation": by_relation}


def _combiner(name: str, tree: Mapping[str, Any], width: int) -> Combiner:
    """width: the columns that it weighs; raises ValueError where there are not as many weights."""
    arrays = {key: np.asarray(tree[key], np.float32) for key in ("scale", "pooled")}
    # A relation's weights are doubles where they were fitted: cut here, scores would differ in their last bit.
    by_relation: dict[int, FloatArray] = {
        int(key): np.asarray(value, np.float64) for key, value in tree["by_relation"].items()
    }
    for value in [*arrays.values(), *by_relation.values()]:
        if value.shape != (width,):
            raise ValueError(f"weights of {name}: of shape {value.shape}, expected {width} columns")
    return Combiner(name, **arrays, by_relation=by_relation)


def packed_digest(data: Path) -> str:
    """Digest of the manifest of the packed data in `data`; empty where it is not there."""
    path = data / "packed" / "manifest.json"
    return sha256_file(path) if path.is_file() else ""


def scoring_beside(model: Path) -> Path:
    """Where a model's scoring is kept: beside its folder, which is training's output and is left as it is."""
    return model.with_name(f"{model.name}.scoring.json")
