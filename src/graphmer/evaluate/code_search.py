"""Code search: a docstring's first paragraph asks for its function among others, its name intact or hidden."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import stable_hash
from graphmer.errors import EvaluationError
from graphmer.evaluate.combiner import Combiner, FitSet, fit_combiner
from graphmer.evaluate.config import CodeSearchParams
from graphmer.evaluate.documented import DocumentedFunction, documented_functions, is_query
from graphmer.evaluate.lexical import bm25_scores, lexical_tokens, tfidf_scores
from graphmer.evaluate.link_config import LinkParams
from graphmer.evaluate.repeats import Repeats
from graphmer.evaluate.scorer import NeuralScorer

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

NOTHING_REPEATED = Repeats()
COUNTED = ("bm25", "tfidf")
SUFFIXES = ("", "_masked")  # of a setting: the function's name as it is, and hidden
COMBINED = {"symbolic": COUNTED, "graphmer": (*COUNTED, "neural")}


@dataclass(frozen=True)
class SearchSet:
    """D functions, of which Q ask. truth: (Q,) the function that each query describes."""

    functions: list[DocumentedFunction]
    truth: IntArray

    def hidden(self) -> "SearchSet":
        """The same with every function's name struck out of its own code and query."""
        return SearchSet([function.with_name_hidden() for function in self.functions], self.truth)


def search_set(
    functions: Sequence[DocumentedFunction], params: CodeSearchParams, repeats: Repeats = NOTHING_REPEATED
) -> SearchSet:
    """All functions are candidates; those with enough words that no other function shares are asked for.

    repeats: functions that copy one of an earlier split, and what train's docstrings say: candidates, but not asked.
    """
    texts = Counter(function.query for function in functions)
    seen = repeats.symbols
    asked = [
        row
        for row, one in enumerate(functions)
        if is_query(one, params)
        and texts[one.query] == 1
        and one.symbol not in seen
        and one.query not in repeats.docstrings
    ]
    return SearchSet(list(functions), np.asarray(asked, np.int64))


def predict_code_search(
    parsed: Path,
    neural: NeuralScorer | None,
    params: CodeSearchParams,
    fit: LinkParams,
    repeats: Repeats = NOTHING_REPEATED,
) -> "pd.DataFrame":
    """Ranks of every test query by every scorer; the combination's weights are fitted on val.

    fit: how a listwise combination is fitted, as in link prediction. Settings: `pool<n>` and `all`, each with a
    `_masked` twin. With n functions or fewer the pool is all of them, the column `pool` says how many, and `all` is
    left out: it would repeat every figure.
    """
    import pandas as pd

    val, test = search_sets(parsed, params, repeats)
    tables = []
    for suffix in SUFFIXES:
        fitted, asked = (val.hidden(), test.hidden()) if suffix else (val, test)
        scores = search_scores(asked, neural, params)
        combined = {name: columns for name, columns in COMBINED.items() if set(columns) <= scores.keys()}
        fitted_scores = search_scores(fitted, neural, params)
        scores |= combined_scores(combined, fitted, fitted_scores, scores, replace(fit, l2=params.l2))
        tables.append(ranked_by_setting(asked, scores, suffix, params))
    return pd.concat(tables, ignore_index=True)


def search_sets(
    parsed: Path, params: CodeSearchParams, repeats: Repeats = NOTHING_REPEATED
) -> tuple[SearchSet, SearchSet]:
    """(val, test): where weights are fitted, and what is asked. repeats: as of `search_set`, of test.

    Raises EvaluationError where either has no documented function.
    """
    val = val_search_set(parsed, params)
    test = search_set(documented_functions(parsed, "test", params), params, repeats)
    if not len(val.truth) or not len(test.truth):
        raise EvaluationError("code search: val and test need documented functions; add a documented package to each")
    return val, test


def val_search_set(parsed: Path, params: CodeSearchParams) -> SearchSet:
    """Where weights are fitted; its `truth` is empty where val has no documented function."""
    return search_set(_drawn(documented_functions(parsed, "val", params), params), params)


def ranked_by_setting(
    asked: SearchSet, scores: dict[str, FloatArray], suffix: str, params: CodeSearchParams
) -> "pd.DataFrame":
    """Ranks in the pools and, where they are smaller than all functions, among all. scores: {scorer: (Q, D)}."""
    import pandas as pd

    tables = [_ranked(asked, scores, f"pool{params.pool}{suffix}", pools(asked, params))]
    if len(asked.functions) > params.pool:
        tables.append(_ranked(asked, scores, f"all{suffix}", None))
    return pd.concat(tables, ignore_index=True)


def _drawn(functions: list[DocumentedFunction], params: CodeSearchParams) -> list[DocumentedFunction]:
    """At most `max_fit_queries` val functions by hash: the combination has three weights."""
    drawn = sorted(functions, key=lambda one: stable_hash(params.seed, one.symbol))[: params.max_fit_queries]
    return sorted(drawn, key=lambda one: one.symbol)


def search_scores(asked: SearchSet, neural: NeuralScorer | None, params: CodeSearchParams) -> dict[str, FloatArray]:
    """{scorer: (Q, D)}."""
    words = [lexical_tokens(function.query) for function in asked.functions]
    queries = [words[row] for row in asked.truth]
    documents = [lexical_tokens(function.code) for function in asked.functions]
    scores = {
        "bm25": bm25_scores(queries, documents, params.bm25_k1, params.bm25_b),
        "tfidf": tfidf_scores(queries, documents),
    }
    if neural is not None:
        query_QD = neural.embed([asked.functions[row].query for row in asked.truth])
        code_ND = neural.embed([function.code for function in asked.functions])
        scores["neural"] = np.asarray(query_QD @ code_ND.T, np.float32)
    return scores


def combined_scores(
    combined: Mapping[str, Sequence[str]],
    fitted: SearchSet,
    fitted_scores: Mapping[str, FloatArray],
    scores: Mapping[str, FloatArray],
    fit: LinkParams,
) -> dict[str, FloatArray]:
    """{name: (Q, D)} of each named combination of scorers, its weights fitted on `fitted`, a set of val."""
    found = {}
    for name, columns in combined.items():
        combiner = fit_combination(name, columns, fitted, fitted_scores, fit)
        found[name] = combiner.score(np.stack([scores[column] for column in columns], axis=2), relation=-1)
    return found


def fit_combination(
    name: str, columns: Sequence[str], fitted: SearchSet, fitted_scores: Mapping[str, FloatArray], fit: LinkParams
) -> Combiner:
    """Weights of some scorers' columns, fitted on a set of val. fit: its `l2` is the price of a weight."""
    queries, functions = len(fitted.truth), len(fitted.functions)
    query = np.repeat(np.arange(queries), functions)
    truth = np.arange(queries) * functions + fitted.truth
    features = np.stack([fitted_scores[column].ravel() for column in columns], axis=1)
    data = FitSet(features, np.zeros(len(query), np.float32), query, truth, np.zeros(queries, np.int64))
    return fit_combiner(f"code_search.{name}", data, fit)


def pools(asked: SearchSet, params: CodeSearchParams) -> npt.NDArray[np.bool_]:
    """(Q, D) who competes for each query: the truth and pool - 1 others, drawn by the query's symbol and the seed."""
    functions = len(asked.functions)
    chosen = np.ones((len(asked.truth), functions), np.bool_)
    if functions <= params.pool:
        return chosen
    for row, truth in enumerate(asked.truth.tolist()):
        draw = np.random.default_rng(stable_hash(params.seed, asked.functions[truth].symbol))
        chosen[row, draw.permutation(np.delete(np.arange(functions), truth))[params.pool - 1 :]] = False
    return chosen


def ranks_of(scores: FloatArray, truth: IntArray, among: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.float64]:
    """(Q,) rank of the truth in each row of (Q, D) scores among the allowed columns; ties share the mean rank."""
    mine = scores[np.arange(len(truth)), truth][:, None]
    allowed = np.ones(scores.shape, np.bool_) if among is None else among
    better = np.count_nonzero((scores > mine) & allowed, axis=1)
    ties = np.count_nonzero((scores == mine) & allowed, axis=1) - 1
    ranks: npt.NDArray[np.float64] = 1 + better + 0.5 * ties
    return ranks


def _ranked(
    asked: SearchSet, scores: dict[str, FloatArray], setting: str, among: npt.NDArray[np.bool_] | None
) -> "pd.DataFrame":
    import pandas as pd

    truths = [asked.functions[row] for row in asked.truth]
    size = len(asked.functions) if among is None else int(among[0].sum())
    shared: dict[str, Any] = {
        "setting": setting,
        "package": [one.package for one in truths],
        "language": [one.language for one in truths],
        "file": [one.file for one in truths],
        "query": [one.symbol for one in truths],
        "pool": size,
    }
    for name, values in scores.items():
        if not np.isfinite(values).all():
            raise EvaluationError(f"scorer '{name}', code search: a score is not finite; mend the scorer")
    tables = [
        pd.DataFrame({**shared, "scorer": name, "rank": ranks_of(values, asked.truth, among)})
        for name, values in scores.items()
    ]
    return pd.concat(tables, ignore_index=True)
