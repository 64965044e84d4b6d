"""Disambiguation: which of the functions that a call's short name fits was called, by what ran.

One query is one traced edge from a call site whose name fits at least two functions of the package. Other targets that
were traced at the same site are left out of its candidates. Scorers see no triple between the caller and any
candidate, except the resolver, and `resolver_symbolic` and `resolver_graphmer`, which add its answer to the columns.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from graphmer.artifacts import stable_hash
from graphmer.errors import EvaluationError
from graphmer.evaluate.combiner import Combiner, FitSet, fit_combiner
from graphmer.evaluate.config import DisambiguationParams
from graphmer.evaluate.figures import headline
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.peers import most_frequent, name_similarity
from graphmer.evaluate.queries import FloatArray
from graphmer.evaluate.symbolic import FEATURES, column
from graphmer.evaluate.traced_sites import ScoredSite, TracedPackage

if TYPE_CHECKING:
    import pandas as pd

PROVED = 2.0  # above every confidence of what is only listed
RESOLVER_COLUMNS = 4


@dataclass(frozen=True)
class SiteQuery:
    """One traced target. scored: its site. rows: its candidates there, the truth first. columns: (P, F + K + 4)."""

    package: str
    scored: ScoredSite
    rows: tuple[int, ...]
    columns: FloatArray

    @property
    def setting(self) -> str:
        """Whether static analysis proved a target of this site."""
        return "static_exact" if self.scored.site.proved else "open"


def site_queries_of(packages: Sequence[TracedPackage]) -> list[SiteQuery]:
    """Every traced target of a site with two candidates or more, in the order of the sites."""
    queries = []
    for package in packages:
        for scored in package.sites:
            if scored.site.kind != "protocol":
                queries += _targets(package, scored)
    return queries


def _targets(package: TracedPackage, scored: ScoredSite) -> list[SiteQuery]:
    lines = {line for _, _, line in scored.site.spans}
    head = scored.site.head
    called = [row for row, name in enumerate(scored.names) if package.truth.get((head, name), frozenset()) & lines]
    others = [row for row in range(len(scored.names)) if row not in called]
    if not others:
        return []
    wide = np.hstack([scored.symbolic, scored.neural, resolver_columns(package, scored)]).astype(np.float32)
    rows = [(row, *others) for row in called]
    return [SiteQuery(package.package, scored, chosen, wide[list(chosen)]) for chosen in rows]


def resolver_columns(package: TracedPackage, scored: ScoredSite) -> FloatArray:
    """(P, 4): proved, listed, its confidence there, and whether it overrides what was proved."""
    site = scored.site
    return np.asarray(
        [
            (name in site.proved, name in site.listed, site.listed.get(name, 0.0),
             bool(package.descends.get(name, frozenset()) & site.proved))
            for name in scored.names
        ],
        np.float32,
    )  # fmt: skip


def resolver(columns: FloatArray) -> FloatArray:
    """What was proved, then what was listed by its confidence; among equals, and where it says nothing, chance."""
    scores: FloatArray = PROVED * columns[:, -RESOLVER_COLUMNS] + columns[:, -RESOLVER_COLUMNS + 2]
    return scores


PEERS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "resolver": resolver,
    "same_file": lambda columns: column(columns, "same_file"),
    "most_frequent": most_frequent,
    "name_similarity": name_similarity,
    "imports": lambda columns: 2 * column(columns, "imported") + column(columns, "module_imported"),
}


def share_right(scores: FloatArray) -> float:
    """1 where the truth, which stands first, alone is best; its share of a tie; 0 where another is better."""
    top = scores >= scores.max() - 1e-9
    return float(top[0] / top.sum())


def predict_disambiguation(
    val: Sequence[TracedPackage], test: Sequence[TracedPackage], params: DisambiguationParams, link: LinkParams
) -> "pd.DataFrame":
    """One row a query, scorer and setting (`all`, `static_exact`, `open`); correct: expected share of right choices."""
    import pandas as pd

    fit, asked = site_queries_of(val), site_queries_of(test)
    if not fit or not asked:
        raise EvaluationError(
            "disambiguation: no traced call fits two functions of a val and a test package; trace others"
        )
    columns = _scorer_columns(fit[0].columns.shape[1])
    limits = replace(link, l2=params.l2)
    combiners = {name: fit_combiner(name, _fit_set(fit, chosen), limits) for name, chosen in columns.items()}
    rows: list[dict[str, object]] = []
    for query in asked:
        scores = {name: peer(query.columns) for name, peer in PEERS.items()}
        scores |= {name: _score(combiners[name], query, chosen) for name, chosen in columns.items()}
        rows += [{**_shared(query), "scorer": name, "correct": share_right(values)} for name, values in scores.items()]
    table = pd.DataFrame(rows)
    every = pd.concat([table, table.assign(setting="all")], ignore_index=True)
    return every.sort_values(["setting", "scorer", "query"], kind="stable", ignore_index=True)


def _scorer_columns(width: int) -> dict[str, list[int]]:
    symbolic, neural = list(range(len(FEATURES))), list(range(len(FEATURES), width - RESOLVER_COLUMNS))
    resolved = list(range(width - RESOLVER_COLUMNS, width))
    return {
        "symbolic": symbolic,
        "neural": neural,
        "graphmer": symbolic + neural,
        "resolver_symbolic": symbolic + resolved,
        "resolver_graphmer": list(range(width)),
    }


def _fit_set(queries: Sequence[SiteQuery], columns: list[int]) -> FitSet:
    sizes = [len(query.rows) for query in queries]
    return FitSet(
        features=np.concatenate([query.columns[:, columns] for query in queries]),
        offset=np.zeros(sum(sizes), np.float32),
        query=np.repeat(np.arange(len(queries)), sizes),
        truth=np.cumsum([0, *sizes[:-1]]),
        relation=np.zeros(len(queries), np.int64),
    )


def _score(combiner: Combiner, query: SiteQuery, columns: list[int]) -> FloatArray:
    return combiner.score(query.columns[:, columns], 0)


def _shared(query: SiteQuery) -> dict[str, object]:
    site = query.scored.site
    truth = query.scored.names[query.rows[0]]
    return {
        "setting": query.setting, "package": query.package, "language": "python", "relation": "calls",
        "file": site.file, "query": f"{stable_hash(site.head, site.kind, site.name, truth):016x}",
        "stratum": "", "pool": len(query.rows),
    }  # fmt: skip


def disambiguation_headline(figures: "pd.DataFrame") -> dict[str, float]:
    """`disambiguation.<setting>.<scorer>.accuracy` of ours, the resolver and the best peer, the gain over it, a count.

    Of all sites, and of those alone that static analysis leaves open.
    """
    shown = figures[figures["setting"].isin(["all", "open"]) & (figures["slice"] == "all")]
    metrics = headline(shown, "accuracy")
    resolver = shown[(shown["scorer"] == "resolver") & (shown["figure"] == "accuracy")]
    for setting, value, queries in zip(resolver["setting"], resolver["value"], resolver["queries"], strict=True):
        metrics[f"disambiguation.{setting}.resolver.accuracy"] = float(value)
        if setting == "all":
            metrics["disambiguation.queries"] = int(queries)
    return metrics
