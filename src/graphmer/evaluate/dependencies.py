"""Dependency inference: from what a package imports to the distributions that its manifest declares.

The packages are further ones, of no corpus that the encoder saw (data/corpora/dependencies.yaml). Splits train and val
are the fit part: they teach aliases, weights and thresholds; test is asked. Every scorer answers with a set:

    import_names    the name of each module that installed code imports, however it does
    plain_names     … of those alone that it cannot be imported without
    import_aliases  plain_names, but the distribution that fit packages teach for the module, where they agree
    symbolic        boosted trees over import facts and alias statistics (dependency_candidates.py)
    graphmer        the same trees with the encoder's columns too; neural: with those alone

The trees draw nothing at random: forests of 300 and of 100 random trees disagreed on the network's share by more than
its paired interval tells (docs/log.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmer.artifacts import stable_hash
from graphmer.errors import EvaluationError
from graphmer.evaluate.config import DependencyParams
from graphmer.evaluate.dependency_aliases import Aliases, distribution_name, top_level
from graphmer.evaluate.dependency_candidates import Candidate, FloatArray, candidates, feature_matrix
from graphmer.evaluate.dependency_facts import PackageFacts, load_dependency_facts
from graphmer.evaluate.dependency_neural import NeuralColumns
from graphmer.evaluate.f1 import FALSE, TRUE, best_threshold
from graphmer.evaluate.scorer import NeuralScorer

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = ("all", "unmarked")  # unmarked: distributions with an environment marker are not asked about
Predict = Callable[[PackageFacts], set[str]]


@dataclass(frozen=True)
class Asked:
    """One package with its candidates and their columns. symbolic: (C, F). neural: (C, N), or None without encoder."""

    facts: PackageFacts
    candidates: list[Candidate]
    symbolic: FloatArray
    neural: FloatArray | None

    @property
    def truth(self) -> FloatArray:
        """(C,) 1 where the candidate is declared."""
        return np.asarray([one.distribution in self.facts.declared for one in self.candidates], np.float64)

    def columns(self, scorer: str) -> FloatArray:
        """(C, …) what a fitted scorer sees."""
        if scorer == "symbolic":
            return self.symbolic
        assert self.neural is not None
        return self.neural if scorer == "neural" else np.hstack([self.symbolic, self.neural])


def predict_dependencies(folder: Path, neural: NeuralScorer | None, params: DependencyParams) -> "pd.DataFrame":
    """One row a scorer and distribution, of every test package: the declared, the predicted, and further candidates.

    folder: the tables of benchmarks/dependency_tables.py. Columns as f1.f1_figures reads them; the markers of
    declared distributions decide which rows the setting `unmarked` has.
    Raises ArtifactError on unusable tables, EvaluationError where a score is not finite.
    """
    packages = load_dependency_facts(folder)
    fit = [one for one in packages if one.split != "test"]
    test = [one for one in packages if one.split == "test"]
    aliases = Aliases(fit, params.prior)
    columns = NeuralColumns(neural, fit, params.neighbours) if neural is not None else None
    taught, asked = ([_asked(one, aliases, columns) for one in part] for part in (fit, test))
    scorers: dict[str, Predict] = {
        "import_names": lambda one: _names(one, one.installed_modules()),
        "plain_names": lambda one: _names(one, one.plain_modules()),
        "import_aliases": lambda one: _aliased(one, aliases, params.min_rate),
    }
    for name in ("symbolic", "graphmer", "neural") if neural is not None else ("symbolic",):
        scorers[name] = _fitted(name, taught, asked, params)
    return _table(asked, scorers)


def _asked(one: PackageFacts, aliases: Aliases, columns: NeuralColumns | None) -> Asked:
    found = candidates(one, aliases)
    neural = columns.of(one, found) if columns is not None else None
    if neural is not None and not np.isfinite(neural).all():
        raise EvaluationError(f"dependency inference, {one.package}: a neural score is not finite; mend the scorer")
    return Asked(one, found, feature_matrix(one, found, aliases), neural)


def _names(one: PackageFacts, modules: Sequence[str]) -> set[str]:
    return {distribution_name(top_level(module)) for module in modules} - {one.package, ""}


def _aliased(one: PackageFacts, aliases: Aliases, min_rate: float) -> set[str]:
    """For each plain module the distribution that its importers declare oftenest for it, or its own name."""
    found = set()
    for module in one.plain_modules():
        taught = {name: aliases.rate(module, name, one.package) for name in aliases.taught(module, one.package)}
        best = max(sorted(taught), key=lambda name: taught[name], default="")
        known = best and (taught[best] >= min_rate or aliases.provides(best, module, one.package))
        found.add(best if known else distribution_name(top_level(module)))
    return found - {one.package, ""}


def _fitted(scorer: str, fit: Sequence[Asked], asked: Sequence[Asked], params: DependencyParams) -> Predict:
    """Trees fitted on the fit packages, and the threshold that gives these the best F1 when each is held out."""
    folds = np.asarray([stable_hash(params.seed, one.facts.package) % params.folds for one in fit])
    truth, held_out = [np.zeros(0)], [np.zeros(0)]
    for fold in np.unique(folds).tolist():
        rest = [one for one, own in zip(fit, folds) if own != fold]
        part = [one for one, own in zip(fit, folds) if own == fold]
        held_out += _probabilities(_trees(rest, scorer, params), part, scorer)
        truth += [one.truth for one in part]
    declared = sum(len(one.facts.declared) for one in fit)
    threshold = best_threshold(np.concatenate(held_out), np.concatenate(truth), declared)
    scored = _probabilities(_trees(fit, scorer, params), asked, scorer)
    sets = {
        one.facts.package: {
            candidate.distribution for candidate, value in zip(one.candidates, values) if value >= threshold
        }
        for one, values in zip(asked, scored)
    }
    return lambda one: sets[one.package]


def _trees(fit: Sequence[Asked], scorer: str, params: DependencyParams) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    columns = np.concatenate([one.columns(scorer) for one in fit])
    truth = np.concatenate([one.truth for one in fit])
    if len(set(truth.tolist())) < 2:
        raise EvaluationError("dependency inference: the fit packages declare nothing that they import, or all of it")
    trees = HistGradientBoostingClassifier(
        max_iter=params.rounds,
        learning_rate=params.learning_rate,
        max_depth=params.depth,
        min_samples_leaf=params.min_leaf,
        early_stopping=False,
        random_state=params.seed,  # draws nothing here; scikit-learn asks for it
    )
    return trees.fit(columns, truth)


def _probabilities(trees: Any, asked: Sequence[Asked], scorer: str) -> list[FloatArray]:
    """One (C,) array a package; all are scored at once, for the overhead of a call is larger than its work."""
    ends = np.cumsum([len(one.candidates) for one in asked])
    found = trees.predict_proba(np.concatenate([one.columns(scorer) for one in asked]))[:, 1]
    return np.split(found, ends[:-1])


def _table(asked: Sequence[Asked], scorers: dict[str, Predict]) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for one, known in ((each.facts, {candidate.distribution for candidate in each.candidates}) for each in asked):
        predicted = {scorer: predict(one) for scorer, predict in scorers.items()}
        for distribution in sorted(one.declared.keys() | known.union(*predicted.values())):
            is_true = distribution in one.declared
            shared = {"package": one.package, "language": "python", "file": "",
                      "query": f"{one.package}:{distribution}", "stratum": TRUE if is_true else FALSE}  # fmt: skip
            right = {scorer: (distribution in names) == is_true for scorer, names in predicted.items()}
            for setting in SETTINGS[: 1 if one.declared.get(distribution) else 2]:
                rows += [{"setting": setting, "scorer": scorer, "correct": is_right, **shared}
                         for scorer, is_right in right.items()]  # fmt: skip
    return pd.DataFrame(rows)
