"""Call-graph completion and disambiguation, on call sites whose truth is known by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_link_prediction import PARAMS as LINK
from test_link_prediction import Corpus, RandomNet

from graphmer.errors import EvaluationError
from graphmer.evaluate.call_graph import (
    Candidates,
    candidates,
    predict_call_graph,
    proposal_threshold,
)
from graphmer.evaluate.call_graph_figures import call_graph_figures, call_graph_headline
from graphmer.evaluate.call_sites import CallSite
from graphmer.evaluate.config import BootstrapParams, CallGraphParams, DisambiguationParams
from graphmer.evaluate.disambiguation import (
    disambiguation_headline,
    predict_disambiguation,
    share_right,
    site_queries_of,
)
from graphmer.evaluate.figures import task_figures
from graphmer.evaluate.package_view import build_views
from graphmer.evaluate.site_features import neural_columns, place_sites, site_queries, symbolic_matrices
from graphmer.evaluate.symbolic import COLUMN, FEATURES
from graphmer.evaluate.traced_sites import ScoredSite, TracedPackage, descendants

BOOTSTRAP = BootstrapParams(resamples=200, confidence=0.95, packages_from=20, seed=1)
HINT = COLUMN["imported"]  # the feature that says who is called, in these packages


def symbol(package: str, file: str, path: str) -> str:
    return f"python:{package}:{file}#{path}"


def traced(package: str, seed: int, num_sites: int = 40) -> TracedPackage:
    """Sites of two candidates. Static analysis proves the first of every fourth; HINT is 1 on what is called."""
    draw = np.random.default_rng(seed)
    sites, truth, static = [], {}, {}
    for number in range(num_sites):
        head = symbol(package, f"f{number % 5}.py", f"head{number}")
        names = (symbol(package, "a.py", f"A.go{number}"), symbol(package, "b.py", f"B.go{number}"))
        proved = frozenset(names[:1]) if number % 4 == 0 else frozenset()
        called = names[0] if proved else names[int(draw.integers(2))]
        truth[head, called] = frozenset({number + 1})
        static |= {(head, name): True for name in proved}
        site = CallSite(package, head, f"f{number % 5}.py", f"go{number}", "call", names, ((0, 2, number + 1),),
                        proved, {names[1]: 0.5} if number % 4 == 1 else {}, False)  # fmt: skip
        symbolic = draw.normal(size=(2, len(FEATURES))).astype(np.float32)
        symbolic[:, HINT] = [name == called for name in names]
        scored = ScoredSite(site, names, symbolic, draw.normal(size=(2, 2)).astype(np.float32), number % 10 != 9)
        sites.append(scored)
    return TracedPackage(package, truth, static, {}, sites, 0)


@pytest.fixture(scope="module")
def packages() -> tuple[list[TracedPackage], list[TracedPackage]]:
    return [traced("one", 1), traced("two", 2)], [traced("three", 3), traced("four", 4)]


@pytest.fixture(scope="module")
def edges(packages: tuple[list[TracedPackage], list[TracedPackage]]) -> pd.DataFrame:
    return predict_call_graph(*packages, CallGraphParams(l2=1.0))


def test_only_what_static_analysis_has_not_proved_is_a_candidate() -> None:
    package = traced("one", 1)
    found = candidates([package])
    assert len(found) == 2 * 40 - 10
    assert not set(found.edge) & set(package.static)
    assert found.is_true.sum() == 30


def test_static_analysis_alone_scores_what_counting_by_hand_gives(edges: pd.DataFrame) -> None:
    """Two packages of 40 true edges each, ten of them proved, none wrong."""
    figures = call_graph_figures(edges, BOOTSTRAP).set_index(["scorer", "slice", "figure"])["value"]
    assert figures["static", "all", "precision"] == 1
    assert figures["static", "all", "recall"] == pytest.approx(20 / 80)
    assert figures["static", "all", "f1"] == pytest.approx(2 * 20 / (20 + 80))
    assert figures["static", "all", "missed_found"] == 0


def test_a_scorer_that_reads_the_right_feature_finds_the_missed_edges_whose_lines_ran(edges: pd.DataFrame) -> None:
    table = call_graph_figures(edges, BOOTSTRAP)
    metrics = call_graph_headline(table)
    assert metrics["call_graph.dynamic.missed"] == 60
    # Of ten sites one never ran: what is proposed there is left out of precision, and what is true there stays missed.
    assert 48 <= metrics["call_graph.dynamic.missed_found"] <= 52
    assert metrics["call_graph.dynamic.graphmer.gain_over_static_low"] > 0
    values = table[table["slice"] == "all"].set_index(["scorer", "figure"])["value"]
    assert metrics["call_graph.dynamic.graphmer.f1"] == pytest.approx(values["graphmer", "f1"])
    assert values["graphmer", "f1"] > values["static_listed", "f1"]
    difference = values["graphmer", "f1"] - values["static", "f1"]
    assert values["graphmer", "gain_over_static"] == pytest.approx(difference)
    # `gain` is over the strongest peer, whichever that is, so that it never flatters.
    best = max(values[name, "f1"] for name in ("static", "static_listed", "site_facts", "sibling", "symbolic"))
    assert metrics["call_graph.dynamic.gain.f1"] == pytest.approx(values["graphmer", "f1"] - best)


def test_an_edge_none_of_whose_lines_ran_is_neither_right_nor_wrong(
    packages: tuple[list[TracedPackage], list[TracedPackage]],
) -> None:
    val, test = packages
    head, tail = symbol("three", "f0.py", "head0"), symbol("three", "b.py", "never")
    silent = TracedPackage(**{**vars(test[0]), "static": {**test[0].static, (head, tail): False}})
    loud = TracedPackage(**{**vars(test[0]), "static": {**test[0].static, (head, tail): True}})
    precision = []
    for package in (silent, loud):
        figures = call_graph_figures(predict_call_graph(val, [package], CallGraphParams(l2=1.0)), BOOTSTRAP)
        precision += figures[(figures["scorer"] == "static") & (figures["figure"] == "precision")]["value"].tolist()[:1]
    assert precision == [1.0, 10 / 11]


def test_the_threshold_is_the_one_that_trying_all_of_them_gives() -> None:
    draw = np.random.default_rng(5)
    package = traced("one", 6)
    found = candidates([package])
    scores = draw.random(len(found)) + 0.3 * found.is_true

    def at(threshold: float) -> float:
        shown = {e for e, s, live in zip(found.edge, scores, found.is_live) if live and s >= threshold}
        shown |= set(package.static)
        return 2 * len(shown & set(package.truth)) / (len(shown) + len(package.truth))

    best = proposal_threshold(scores, found, [package])
    assert at(best) == pytest.approx(max(at(threshold) for threshold in [*scores, math.inf]))


def test_nothing_is_proposed_where_every_proposal_would_be_wrong() -> None:
    package = traced("one", 1)
    found = candidates([package])
    wrong = Candidates(found.package, found.edge, found.columns, np.zeros(len(found), np.bool_), found.is_live)
    assert proposal_threshold(np.ones(len(found)), wrong, [package]) == math.inf


def test_val_packages_that_teach_nothing_are_one_clear_line() -> None:
    package = traced("one", 1)
    dull = TracedPackage(**{**vars(package), "truth": {}})
    with pytest.raises(EvaluationError, match="call graph: the traced val packages hold no edge to learn from"):
        predict_call_graph([dull], [dull], CallGraphParams(l2=1.0))


def test_a_tie_counts_its_share_and_only_the_best_is_right() -> None:
    assert share_right(np.array([1.0, 0.0])) == 1
    assert share_right(np.array([1.0, 1.0, 1.0, 0.0])) == pytest.approx(1 / 3)
    assert share_right(np.array([0.0, 1.0])) == 0


def test_other_traced_targets_of_a_site_are_no_candidates() -> None:
    package = traced("one", 1)
    scored = package.sites[1]
    both = {(scored.site.head, name): frozenset({2}) for name in scored.names}
    assert not site_queries_of([TracedPackage(**{**vars(package), "truth": both})])
    elsewhere = {**both, (scored.site.head, scored.names[1]): frozenset({99})}  # called, but from another line
    (query,) = site_queries_of([TracedPackage(**{**vars(package), "truth": elsewhere})])
    assert [scored.names[row] for row in query.rows] == list(scored.names)


def test_settings_part_what_is_proved_and_the_resolver_is_right_or_guesses(
    packages: tuple[list[TracedPackage], list[TracedPackage]],
) -> None:
    table = predict_disambiguation(*packages, DisambiguationParams(l2=1.0), LINK)
    sizes = table.groupby("setting")["query"].nunique().to_dict()
    assert sizes == {"all": 80, "open": 60, "static_exact": 20}
    accuracy = table.groupby(["setting", "scorer"])["correct"].mean()
    assert accuracy["static_exact", "resolver"] == 1
    asked = [query for query in site_queries_of(packages[1]) if query.setting == "open"]
    # By hand: the second candidate is listed at every fourth site, nothing is known of the others.
    right = [float(query.rows[0] == 1) if query.scored.site.listed else 0.5 for query in asked]
    assert accuracy["open", "resolver"] == pytest.approx(np.mean(right))
    assert accuracy["all", "symbolic"] == 1  # HINT tells
    assert accuracy["all", "neural"] < 0.75  # noise
    figures = task_figures("disambiguation", table, "accuracy", BOOTSTRAP)
    metrics = disambiguation_headline(figures)
    assert metrics["disambiguation.queries"] == 80
    assert metrics["disambiguation.all.graphmer.accuracy"] == pytest.approx(accuracy["all", "graphmer"])
    assert len(metrics) <= 15


def test_what_a_method_overrides_is_followed_through_levels() -> None:
    found = descendants({("c", "b"), ("b", "a"), ("d", "b")})
    assert found == {"c": {"a", "b"}, "b": {"a"}, "d": {"a", "b"}}


@pytest.fixture(scope="module")
def corpus():
    corpus = Corpus()
    for package, split in (("alpha", "val"), ("gamma", "test")):
        corpus.add_package(package, split)
    return corpus


def sites_in(data, package: str) -> list[CallSite]:
    """One site a call, its candidates the functions of the same noun: as if a name fitted three of them."""
    triples = data.triples[(data.triples["package"] == package) & (data.triples["relation"] == "calls")]
    sites = []
    for row in triples.itertuples():
        noun = row.tail.rpartition("_")[2]
        fitting = [name for name in data.entities.symbols if f":{package}:" in name and name.endswith(f"_{noun}")]
        fitting = [name for name in fitting if "#job" not in name]
        spans = ((row.byte_start, row.byte_end, 1),)
        sites.append(CallSite(package, row.head, row.file, noun, "call", tuple(sorted(fitting)), spans,
                              frozenset(), {}, False))  # fmt: skip
    return sites


def features_of(data, net) -> tuple[list[CallSite], dict[int, np.ndarray], SimpleNamespace]:
    sites = sites_in(data, "gamma")
    placed = place_sites(sites, data.splits["test"])
    rows = {name: row for row, name in enumerate(data.entities.symbols)}
    queries, arrays = site_queries("test", sites, placed, data, rows)
    views = build_views(data.splits["test"], data.entities, data.entity_table, data.triples, data.tokenizer)
    found: dict[int, np.ndarray] = {}
    for view in views:
        found |= symbolic_matrices(view, arrays, queries, LINK)
    return sites, found, SimpleNamespace(queries=queries, arrays=arrays, neural=neural_columns(queries, net))


def test_every_site_gets_a_leaf_on_its_name_and_columns_of_its_candidates(corpus: Corpus) -> None:
    data = corpus.data()
    sites, matrices, rest = features_of(data, RandomNet(1))
    queries, arrays = rest.queries, rest.arrays
    assert len(queries) == len(sites) == len(matrices)
    for query, leaf in enumerate(queries.leaf.tolist()):
        base = arrays.sample_token[arrays.leaf_sample[leaf]]
        first = base + arrays.leaf_anchor_start[leaf]
        assert arrays.token_start[first] == sites[query].spans[0][0]
        assert arrays.leaf_sample[leaf] == queries.sample[query]
        shape = (len(sites[query].candidates), len(FEATURES))
        assert matrices[query].shape == shape
        assert rest.neural[query].shape == (shape[0], 1)
    # What was there stays as it was, and no new leaf is anybody's context.
    kept = np.setdiff1d(np.arange(len(arrays.leaf_query)), queries.leaf)
    assert np.array_equal(arrays.leaf_triple[kept], data.splits["test"].leaf_triple)
    assert not queries.support[queries.leaf].any()


def test_no_feature_tells_which_candidate_the_graph_says_is_called(corpus: Corpus) -> None:
    """A support triple between a head and a candidate is shown to nobody, whichever candidate it names."""
    data = corpus.data()
    sites, _, rest = features_of(data, RandomNet(1))
    held_out = set(data.splits["test"].leaf_triple[data.splits["test"].leaf_query].tolist())
    pairs = list(zip(data.triples["head"], data.triples["tail"]))
    query = next(
        query
        for query, site in enumerate(sites)
        for row, (head, tail) in enumerate(pairs)
        if head == site.head and tail in site.candidates and len(site.candidates) > 1 and row not in held_out
    )
    site = sites[query]
    symbols = data.entities.symbols
    heads, tails = rest.arrays.leaf_head.tolist(), rest.arrays.leaf_tail.tolist()
    between = [leaf for leaf, (head, tail) in enumerate(zip(heads, tails))
               if symbols[head] == site.head and symbols[tail] in site.candidates]  # fmt: skip
    assert between
    assert not rest.queries.support[between].any()

    # Another call of that head, from another place, is moved to one candidate, then to another.
    elsewhere = next(index for index, (head, tail) in enumerate(pairs)
                     if head == site.head and tail not in site.candidates and index not in held_out)  # fmt: skip
    seen = []
    for name in site.candidates[1:]:
        moved = data.triples.copy()
        moved.loc[moved.index[elsewhere], "tail"] = name
        views = build_views(data.splits["test"], data.entities, data.entity_table, moved, data.tokenizer)
        matrices: dict[int, np.ndarray] = {}
        for view in views:
            matrices |= symbolic_matrices(view, rest.arrays, rest.queries, LINK)
        seen.append(matrices[query])
    assert len(seen) == 2
    np.testing.assert_array_equal(*seen)
