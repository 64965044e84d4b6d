"""The weights that evaluation ranks with, fitted on a training corpus' validation split and kept in one JSON file.

They belong to one model: the file names its weights' digest, and an index takes no other's. By hand:
python -m graphmer.index.scoring data/model --data data --out data/model.scoring.json
"""

import argparse
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graphmer.artifacts import read_json, write_json
from graphmer.errors import ArtifactError
from graphmer.evaluate.code_search import COMBINED, _drawn, _scores, search_set
from graphmer.evaluate.combiner import Combiner, FitSet, fit_combiner
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.documented import documented_functions
from graphmer.evaluate.link_prediction import LinkTask, load_link_data
from graphmer.evaluate.neural import ModelScorer, load_scorer
from graphmer.evaluate.queries import FloatArray, IntArray, Setting
from graphmer.evaluate.repeats import find_repeats
from graphmer.evaluate.symbolic import FEATURES
from graphmer.params import load_section, load_tree

NEURAL = ("link", "name")  # ModelScorer.link's columns, behind the symbolic features
LINK_SETTINGS: tuple[Setting, ...] = ("headline", "mentions_visible")
LINK_SCORERS = ("graphmer", "symbolic", "neural")
SEARCH = COMBINED["graphmer"]  # the columns of code search's combination
DECIMALS = 12  # float32 weights survive
FITTED_FROM = ("packed", "kg", "parsed")


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
    """All that an index ranks with. model: digest of the weights that it was fitted with."""

    model: str
    search: Combiner
    links: Mapping[Setting, LinkScoring]

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
        return cls(tree["model"], _combiner("code_search.graphmer", tree["search"]), links)


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


def fit_scoring(model: Path, data: Path, params: EvalParams) -> Scoring:
    """Fit every weight as the evaluation does, on the validation split of the data that the model was trained on.

    data: a folder with packed/, kg/ and parsed/. Raises ArtifactError where one is missing or of another tokenizer.
    """
    for name in FITTED_FROM:
        if not (data / name).is_dir():
            raise ArtifactError(
                f"{data}/{name}: not found; the scoring is fitted on the training corpus' validation split: name the "
                "folder with packed/, kg/ and parsed/ by --data, or a scoring file by --scoring"
            )
    neural = load_scorer(model, data / "packed", params.show_graph)
    repeats = find_repeats(data / "parsed", params.audit, params.code_search.max_query_words)
    task = FittedLinks(load_link_data(data / "packed", data / "kg", repeats.symbols), params.link)
    links = {setting: task.fitted(setting, neural) for setting in LINK_SETTINGS}
    return Scoring(model_digest(model), fit_search(data / "parsed", neural, params), links)


def fit_search(parsed: Path, neural: ModelScorer, params: EvalParams) -> Combiner:
    """Code search's combination, fitted on val as evaluation fits it."""
    limits = params.code_search
    val = search_set(_drawn(documented_functions(parsed, "val", limits), limits), limits)
    if not len(val.truth):
        raise ArtifactError(f"{parsed}: no documented function in the val split to fit the search on; add a package")
    scores = _scores(val, neural, limits)
    queries, functions = len(val.truth), len(val.functions)
    return fit_combiner(
        "code_search.graphmer",
        FitSet(
            np.stack([scores[column].ravel() for column in SEARCH], axis=1),
            np.zeros(queries * functions, np.float32),
            np.repeat(np.arange(queries), functions),
            np.arange(queries) * functions + val.truth,
            np.zeros(queries, np.int64),
        ),
        dataclasses.replace(params.link, l2=limits.l2),
    )


class FittedLinks(LinkTask):
    """Link prediction's task, with the combiners that it fits on val."""

    def fitted(self, setting: Setting, neural: ModelScorer) -> LinkScoring:
        """The combiners of one setting, as `predict` fits them, and the temperature of `graphmer`."""
        val = self.queries("val", setting)
        columns = {"neural": neural.link(val)}
        combiners = self._fit(self._fit_set(val, columns), columns)
        kept = {name: combiners[name] for name in LINK_SCORERS}
        plain = LinkScoring(kept, 1.0)
        logits = []
        for query, matrix in self._matrices(val):
            wide = np.hstack([matrix, *(rows[query][:, None] for rows in columns["neural"].values())])
            scores = kept["graphmer"].score(wide.astype(np.float32), int(val.relation[query])).astype(np.float64)
            known = val.known[query]
            truth = int(val.truth[query])
            logits.append(np.concatenate([scores[truth : truth + 1], np.delete(scores, [truth, *known.tolist()])]))
        return dataclasses.replace(plain, temperature=fit_temperature(logits))


def fit_temperature(logits: list[FloatArray]) -> float:
    """What the scores are divided by so that their softmax is likeliest. logits: a query each, the truth first."""
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    def loss(log_temperature: float) -> float:
        scale = float(np.exp(-log_temperature))
        return float(sum(logsumexp(scores * scale) - scores[0] * scale for scores in logits))

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def main() -> None:
    """Fit a model's scoring and write it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="holds packed/, kg/ and parsed/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    chosen = parser.parse_args()
    params = load_section(load_tree(chosen.params), "eval", EvalParams)
    fit_scoring(chosen.model, chosen.data, params).save(chosen.out)


if __name__ == "__main__":
    main()
