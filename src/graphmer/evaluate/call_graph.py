"""Call-graph completion: edges that static analysis missed, proposed and judged by what ran.

Truth: edges traced while the package's own tests ran, between its functions outside tests. Predicted: what static
analysis proved, and each candidate edge whose score reaches a threshold. A predicted edge none of whose call-site lines
ran is left out of precision; one whose line ran and that was not traced is wrong.

A candidate's score is a logistic regression over what static analysis says of the site (SITE_FACTS), the counted
features and the network's columns. It is fitted on the traced val packages; the threshold is where F1 is best on
val packages that the scores were not fitted on, one package left out at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import stable_hash
from graphmer.errors import EvaluationError
from graphmer.evaluate.config import CallGraphParams
from graphmer.evaluate.f1 import best_threshold, outcome_counts
from graphmer.evaluate.queries import BoolArray, FloatArray
from graphmer.evaluate.symbolic import COLUMN, FEATURES
from graphmer.evaluate.traced_sites import ScoredSite, TracedPackage, matrix
from graphmer.evaluate.traces import Edge

if TYPE_CHECKING:
    import pandas as pd

SITE_FACTS = ("log_candidates", "only_one", "listed", "confidence", "others_listed", "others_proved",
              "overrides_proved", "unlike_proved", "external", "is_property", "is_protocol", "places")  # fmt: skip
SIBLING = ("sibling", *(name for name in FEATURES if name.startswith("sibling_")))
STATIC, LISTED = "static", "static_listed"
FITTED = ("sibling", "site_facts", "symbolic", "graphmer")


@dataclass(frozen=True)
class Candidates:
    """n candidate edges beyond static analysis, one a site and callee. columns: (n, C). is_true, is_live: (n,)."""

    package: list[str]
    edge: list[Edge]
    columns: FloatArray
    is_true: BoolArray
    is_live: BoolArray

    def __len__(self) -> int:
        return len(self.edge)


def site_facts(scored: ScoredSite, package: TracedPackage) -> FloatArray:
    """(P, len(SITE_FACTS)) what static analysis says of each candidate of a site."""
    site, count = scored.site, len(scored.names)
    rows = []
    for name in scored.names:
        is_listed = name in site.listed
        overrides = bool(package.descends.get(name, frozenset()) & site.proved)
        rows.append((
            np.log(count), count == 1, is_listed, site.listed.get(name, 0.0), bool(site.listed) and not is_listed,
            bool(site.proved), overrides, bool(site.proved) and not overrides, site.external,
            site.kind == "property", site.kind == "protocol", len(site.spans),
        ))  # fmt: skip
    return np.asarray(rows, np.float64)


def candidates(packages: Sequence[TracedPackage]) -> Candidates:
    """Every candidate of every site that static analysis has not proved."""
    owner: list[str] = []
    edges: list[Edge] = []
    live: list[bool] = []
    facts: list[FloatArray] = []
    kept: list[bool] = []
    truth: list[bool] = []
    for package in packages:
        for scored in package.sites:
            facts.append(site_facts(scored, package))
            for name in scored.names:
                edge = (scored.site.head, name)
                owner.append(package.package)
                edges.append(edge)
                live.append(scored.is_live)
                truth.append(edge in package.truth)
                kept.append(edge not in package.static)
    columns = np.hstack([np.concatenate(facts), matrix(packages)])
    chosen = np.flatnonzero(kept)
    return Candidates(
        [owner[row] for row in chosen], [edges[row] for row in chosen], columns[chosen],
        np.asarray(truth, np.bool_)[chosen], np.asarray(live, np.bool_)[chosen],
    )  # fmt: skip


def scorer_columns(num_columns: int) -> dict[str, list[int]]:
    """Which columns each fitted scorer reads."""
    facts = list(range(len(SITE_FACTS)))
    symbolic = list(range(len(SITE_FACTS), len(SITE_FACTS) + len(FEATURES)))
    return {
        "sibling": [len(SITE_FACTS) + COLUMN[name] for name in SIBLING],
        "site_facts": facts,
        "symbolic": facts + symbolic,
        "graphmer": list(range(num_columns)),
    }


class EdgeScorer:
    """Probability that a candidate edge is called, and the threshold from which it is proposed."""

    def __init__(self, columns: Sequence[int], val: Candidates, packages: Sequence[TracedPackage], l2: float) -> None:
        self._columns, self._l2 = list(columns), l2
        fit = val.is_live
        apart = np.zeros(len(val))
        names = np.asarray(val.package, dtype=object)
        for name in sorted(set(val.package)):
            mine, others = names == name, fit & (names != name)
            both = np.unique(val.is_true[others]).size == 2
            # With one traced val package there is nothing to leave out: the threshold is of the fit itself.
            apart[mine] = self._fitted(val, others if both else fit)(val.columns[mine])
        self._score = self._fitted(val, fit)
        self.threshold = proposal_threshold(apart, val, packages)

    def _fitted(self, val: Candidates, rows: BoolArray) -> "_Model":
        if np.unique(val.is_true[rows]).size < 2:
            raise EvaluationError("call graph: the traced val packages hold no edge to learn from; trace another one")
        return _Model(val.columns[rows][:, self._columns], val.is_true[rows], self._columns, self._l2)

    def proposes(self, found: Candidates) -> BoolArray:
        """(n,) whether each candidate is proposed."""
        chosen: BoolArray = self._score(found.columns) >= self.threshold
        return chosen


class _Model:
    """Logistic regression over standardised columns."""

    def __init__(self, features: FloatArray, truth: BoolArray, columns: list[int], l2: float) -> None:
        from sklearn.linear_model import LogisticRegression

        self._columns = columns
        self._mean, scale = features.mean(axis=0), features.std(axis=0)
        self._scale = np.where(scale > 0, scale, 1)
        self._model = LogisticRegression(C=1 / l2, max_iter=1000).fit(self._standard(features), truth)

    def _standard(self, features: FloatArray) -> FloatArray:
        standard: FloatArray = (features - self._mean) / self._scale
        return standard

    def __call__(self, columns: FloatArray) -> FloatArray:
        return np.asarray(self._model.predict_proba(self._standard(columns[:, self._columns]))[:, 1], np.float64)


def proposal_threshold(scores: FloatArray, val: Candidates, packages: Sequence[TracedPackage]) -> float:
    """The score from which proposing gives the best F1 of static analysis and proposals together."""
    best: dict[tuple[str, Edge], tuple[float, bool]] = {}
    for row in np.flatnonzero(val.is_live).tolist():
        key = (val.package[row], val.edge[row])
        best[key] = max(best.get(key, (-np.inf, False)), (float(scores[row]), bool(val.is_true[row])))
    pairs = np.asarray(list(best.values()), np.float64).reshape(-1, 2)
    live = [edge in package.truth for package in packages for edge, ran in package.static.items() if ran]
    wanted = sum(len(package.truth) for package in packages)
    return best_threshold(pairs[:, 0], pairs[:, 1], wanted, found=sum(live), predicted=len(live))


def predict_call_graph(
    val: Sequence[TracedPackage], test: Sequence[TracedPackage], params: CallGraphParams
) -> "pd.DataFrame":
    """One row an edge and scorer, of every edge that is true or that some scorer predicts.

    Columns as in predictions.parquet; correct: whether the scorer predicts it. stratum: `traced`, or `untraced` where
    a line of it ran and it was not traced; edges none of whose lines ran are left out.
    """
    fit, found = candidates(val), candidates(test)
    columns = scorer_columns(fit.columns.shape[1])
    proposed = {name: EdgeScorer(columns[name], fit, val, params.l2).proposes(found) for name in FITTED}
    proposed[LISTED] = found.columns[:, SITE_FACTS.index("listed")] > 0
    proposed[STATIC] = np.zeros(len(found), np.bool_)
    return _as_table(test, found, proposed)


def _as_table(
    packages: Sequence[TracedPackage], found: Candidates, proposed: Mapping[str, BoolArray]
) -> "pd.DataFrame":
    import pandas as pd

    rows: list[dict[str, object]] = []
    for package in packages:
        live = {edge for edge, ran in package.static.items() if ran}
        mine = [row for row in range(len(found)) if found.package[row] == package.package and found.is_live[row]]
        added = {name: {found.edge[row] for row in mine if chosen[row]} for name, chosen in proposed.items()}
        for edge in sorted(live | set(package.truth) | set().union(*added.values())):
            is_true = edge in package.truth
            shared = {
                "setting": "dynamic", "package": package.package, "language": "python", "relation": "calls",
                "file": edge[0].split(":", 2)[2].partition("#")[0], "query": f"{stable_hash(*edge):016x}",
                "stratum": "traced" if is_true else "untraced", "pool": 0,
            }  # fmt: skip
            for name, edges in added.items():
                rows.append({**shared, "scorer": name, "correct": float(edge in live or edge in edges)})
    return pd.DataFrame(rows).sort_values(["scorer", "query"], kind="stable", ignore_index=True)


def edge_counts(predictions: "pd.DataFrame", scorer: str, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(G, 3) true positives, false positives and false negatives of each group of edges.

    groups: (rows of a scorer,), in the order of the table.
    """
    mine = predictions[predictions["scorer"] == scorer]
    truth, predicted = (mine["stratum"] == "traced").to_numpy(), mine["correct"].to_numpy(np.bool_)
    return outcome_counts(truth == predicted, truth, groups)
