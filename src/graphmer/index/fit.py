"""Fits what an index ranks with, on the validation split, as the evaluation fits it; and how sure its proposals are.

By hand: python -m graphmer.index.fit data/model --data data --out data/model.scoring.json
"""

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
from tqdm import tqdm

from graphmer.errors import ArtifactError, GraphmerError
from graphmer.evaluate.code_search import fit_combination, search_scores, val_search_set
from graphmer.evaluate.combiner import Combiner, FitSet, fit_combiner, listwise_value
from graphmer.evaluate.config import EvalParams
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.link_prediction import NUM_SYMBOLIC, LinkData, LinkTask, load_link_data
from graphmer.evaluate.mixture import Stack, beside_mixture, fit_mixture
from graphmer.evaluate.neural import ModelScorer, load_scorer
from graphmer.evaluate.queries import Setting
from graphmer.evaluate.record import parameters_digest
from graphmer.evaluate.repeats import find_repeats
from graphmer.index.forest import plain_trees
from graphmer.index.links import LinkRanker
from graphmer.index.scoring import (
    LINK_SETTINGS,
    SEARCH,
    Calibration,
    LinkScoring,
    Scoring,
    log_odds,
    packed_digest,
)
from graphmer.model.checkpoint import model_digest
from graphmer.ontology.vocabulary import load_ontology
from graphmer.params import load_section, load_tree

FITTED_FROM = ("packed", "kg", "parsed")
# Settled mentions of these show what a called name means, in the package and outside.
CALIBRATED_ON = ("calls", "invokes")
NO_PENALTY = 1e6


def can_fit(data: Path) -> bool:
    """Whether a folder holds what a scoring is fitted on."""
    return all((data / name).is_dir() for name in FITTED_FROM)


def check_data(data: Path) -> None:
    """Raises ArtifactError where a folder does not hold what a scoring is fitted on."""
    for name in FITTED_FROM:
        if not (data / name).is_dir():
            raise ArtifactError(
                f"{data}/{name}: not found; the scoring is fitted on the training corpus' validation split: name the "
                "folder with packed/, kg/ and parsed/ by --data, or a scoring file by --scoring"
            )


def fit_scoring(model: Path, data: Path, params: EvalParams) -> Scoring:
    """Fit every weight as the evaluation does, on the validation split of the data that the model was trained on.

    data: a folder with packed/, kg/ and parsed/. Raises ArtifactError where one is missing or of another tokenizer.
    A bar over the parts stands on standard error where that is a terminal.
    """
    check_data(data)
    with tqdm(total=len(LINK_SETTINGS) + 3, unit="part", disable=None) as bar:
        bar.set_description("fit: reading the data")
        neural = load_scorer(model, data / "packed", params.show_graph)
        repeats = find_repeats(data / "parsed", params.audit, params.code_search.max_query_words)
        task = FittedLinks(load_link_data(data / "packed", data / "kg", repeats.symbols), params.link)
        links: dict[Setting, LinkScoring] = {}
        for setting in LINK_SETTINGS:
            _next_part(bar, f"links, {setting.replace('_', ' ')}")
            links[setting] = task.fitted(setting, neural)
        _next_part(bar, "search")
        search = fit_search(data / "parsed", neural, params)
        made_with = (model_digest(model), parameters_digest(params), packed_digest(data))
        scoring = Scoring(*made_with, search, links, Calibration(1.0, 0.0))
        _next_part(bar, "confidences")
        pairs = list(settled_shares(task.data, "val", neural, scoring, params.link))
        fitted = dataclasses.replace(scoring, calibration=fit_calibration(pairs))
        bar.update()
    return fitted


def _next_part(bar: "tqdm[NoReturn]", name: str) -> None:
    """One part is done, and another begins."""
    bar.update()
    bar.set_description(f"fit: {name}")


def fit_search(parsed: Path, neural: ModelScorer, params: EvalParams) -> Combiner:
    """Code search's combination, fitted on val as evaluation fits it."""
    limits = params.code_search
    val = val_search_set(parsed, limits)
    if not len(val.truth):
        raise ArtifactError(f"{parsed}: no documented function in the val split to fit the search on; add a package")
    fit = dataclasses.replace(params.link, l2=limits.l2)
    return fit_combination("graphmer", SEARCH, val, search_scores(val, neural, limits), fit)


class FittedLinks(LinkTask):
    """Link prediction's task, with what it fits on val."""

    def fitted(self, setting: Setting, neural: ModelScorer) -> LinkScoring:
        """One setting's models, as `predict` fits them, and the temperature of `graphmer`.

        The temperature is of scores by mixtures that have not seen the query: those of its own are too sure of it.
        """
        val = self.queries("val", setting)
        columns = {"neural": neural.link(val)}
        fit_set, fold = self._fit_set(val, columns)
        counted, net = fit_set.with_columns(range(NUM_SYMBOLIC)), fit_set.features[:, NUM_SYMBOLIC:]
        mixture = fit_mixture("symbolic", counted, self._params)
        asked = np.column_stack([counted.features, counted.relation[counted.query]]).astype(np.float32)
        mixture = dataclasses.replace(mixture, trees=plain_trees(mixture.trees, asked))
        seen = beside_mixture("graphmer", counted, net, fold, self._params)
        stack = Stack(fit_combiner("graphmer", seen, self._params))
        temperature = fit_temperature(seen, stack.weights)
        return LinkScoring(mixture, stack, self._fit(fit_set, columns)["neural"], temperature)


def fit_temperature(data: FitSet, combiner: Combiner) -> float:
    """What the scores are divided by so that their softmax is likeliest to choose the true tails."""
    from scipy.optimize import minimize_scalar

    logits = np.empty(len(data.query), np.float64)
    begin = np.flatnonzero(np.diff(data.query, prepend=-1)).tolist()
    for start, end, relation in zip(begin, [*begin[1:], len(logits)], data.relation.tolist(), strict=True):
        logits[start:end] = combiner.score(data.features[start:end], relation)
    scored = dataclasses.replace(data, features=logits[:, None])

    def loss(log_temperature: float) -> float:
        return listwise_value(scored, np.asarray([np.exp(-log_temperature)]))

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def settled_shares(
    data: LinkData, split: str, neural: ModelScorer, scoring: Scoring, params: LinkParams
) -> Iterator[tuple[float, bool]]:
    """(share, whether it is meant) of each candidate of the called name, at mentions that static analysis settled.

    Asked as `complete` asks: the relation is `calls`, the candidates are the package's own functions of that name, and
    the mention may mean none of them. At most `max_fit_queries` mentions a package, by hash.
    """
    arrays = data.splits[split]
    calls = load_ontology().relations["calls"].id
    names = data.entities.names
    for package in sorted(set(arrays.samples["package"])):
        ranker = LinkRanker(data, split, package, neural, scoring, params)
        for question, ranking in ranker.settled(CALIBRATED_ON, params.max_fit_queries, params.seed):
            for at in np.flatnonzero([names[row] == question.name for row in ranking.rows.tolist()]).tolist():
                is_meant = question.relation == calls and int(ranking.rows[at]) == question.tail
                yield float(ranking.unfiltered[at]), is_meant


def fit_calibration(pairs: list[tuple[float, bool]]) -> Calibration:
    """The logistic of shares that makes what was meant likeliest; raises ArtifactError where all were or none was."""
    from sklearn.linear_model import LogisticRegression

    truth = np.asarray([is_meant for _, is_meant in pairs], np.bool_)
    if np.unique(truth).size < 2:
        raise ArtifactError(
            "the val split has no called name that means a function of the package here and something else there, so "
            "confidences cannot be calibrated; give the corpus a larger val package"
        )
    share = log_odds(np.asarray([value for value, _ in pairs]))
    model = LogisticRegression(C=NO_PENALTY).fit(share[:, None], truth)
    return Calibration(float(model.coef_[0, 0]), float(model.intercept_[0]))


def main() -> None:
    """Fit a model's scoring and write it; exit status 1 and one line where something will not do."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="holds packed/, kg/ and parsed/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    chosen = parser.parse_args()
    try:
        params = load_section(load_tree(chosen.params), "eval", EvalParams)
        fit_scoring(chosen.model, chosen.data, params).save(chosen.out)
    except GraphmerError as error:
        sys.exit(f"graphmer.index.fit: {error}")


if __name__ == "__main__":
    main()
