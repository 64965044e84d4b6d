"""What outside peers may see and are asked, and that their digests follow exactly that."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from test_link_prediction import PARAMS, Corpus

from graphmer.errors import EvaluationError
from graphmer.evaluate.boosting import fit_boosting
from graphmer.evaluate.code_search import search_set
from graphmer.evaluate.combiner import FitSet, fit_combiner
from graphmer.evaluate.config import CodeSearchParams
from graphmer.evaluate.documented import DocumentedFunction
from graphmer.evaluate.link_prediction import LinkData, LinkTask
from graphmer.evaluate.mixture import fit_mixture, fit_stack, folds, out_of_fold
from graphmer.evaluate.questions import link_digests, search_digests, visible_triples

SEARCH = CodeSearchParams(
    min_query_words=2,
    max_query_words=12,
    min_code_lines=1,
    pool=3,
    bm25_k1=1.5,
    bm25_b=0.75,
    max_fit_queries=50,
    l2=1.0,
    seed=1,
)


@pytest.fixture(scope="module")
def data() -> LinkData:
    corpus = Corpus()
    corpus.add_package("valley", "val")
    corpus.add_package("testbed", "test")
    made: LinkData = corpus.data()
    return made


def held_out(data: LinkData) -> pd.DataFrame:
    return pd.concat([data.triples.iloc[np.unique(one.leaf_triple[one.leaf_query])] for one in data.splits.values()])


def digests(data: LinkData, params=PARAMS) -> dict[str, str]:
    task = LinkTask(data, params)
    queries = {split: task.queries(split, "headline") for split in data.splits}
    return link_digests(data, queries, visible_triples(data)[0])


def test_an_embedding_sees_no_import_of_a_name_that_the_file_hides(data):
    visible, left_out = visible_triples(data)
    secret = {(row.package, row.file, row.tail.split("#")[1]) for row in held_out(data).itertuples()}
    imports = data.triples[data.triples["relation"] == "imports"]
    hidden = [(row.package, row.file, row.tail.split("#")[1]) in secret for row in imports.itertuples()]
    assert 0 < sum(hidden) < len(imports)
    shown = visible[visible["relation"] == "imports"]
    assert len(shown) == len(imports) - sum(hidden)
    assert left_out["imports_of_hidden_names"] == sum(hidden)


def test_an_embedding_sees_no_other_fact_of_a_held_out_mention(data):
    asked = held_out(data).iloc[0]
    second = asked.to_dict() | {"relation": "instantiates", "head": asked["tail"], "tail": asked["tail"]}
    wider = dataclasses.replace(data, triples=pd.concat([data.triples, pd.DataFrame([second])], ignore_index=True))
    visible, left_out = visible_triples(wider)
    assert left_out["same_mention"] == visible_triples(data)[1]["same_mention"] + 1
    assert "instantiates" not in set(visible["relation"])


def test_what_is_visible_and_what_is_left_out_are_all_triples(data):
    visible, left_out = visible_triples(data)
    assert len(visible) + sum(left_out.values()) == len(data.triples)
    assert not set(map(tuple, visible[["head", "relation", "tail"]].to_numpy())) & set(
        map(tuple, held_out(data)[["head", "relation", "tail"]].to_numpy())
    )


def test_the_digest_does_not_follow_what_only_our_own_scorers_read(data):
    changed = dataclasses.replace(PARAMS, l2=9.0, cloze_prior=7.0, boosting_rounds=3)
    assert digests(data, changed) == digests(data)


def test_another_draw_of_queries_changes_the_questions_and_not_what_is_visible(data):
    here, there = digests(data), digests(data, dataclasses.replace(PARAMS, max_queries=PARAMS.max_queries // 8))
    assert here["questions"] != there["questions"]
    assert here["training"] == there["training"]


def test_one_visible_triple_less_changes_the_training_digest_alone(data):
    (row,) = visible_triples(data)[0].index[:1]
    ambiguous = data.triples.assign(resolution=data.triples["resolution"].where(data.triples.index != row, "ambiguous"))
    here, there = digests(data), digests(dataclasses.replace(data, triples=ambiguous))
    assert here["training"] != there["training"]


def test_one_more_candidate_changes_the_questions(data):
    task = LinkTask(data, PARAMS)
    queries = {split: task.queries(split, "headline") for split in data.splits}
    key = queries["test"].pool[0]
    fewer = queries["test"].pools | {key: queries["test"].pools[key][:-1]}
    visible = visible_triples(data)[0]
    nobody = [np.zeros(0, int)] * len(queries["test"])
    smaller = queries | {"test": dataclasses.replace(queries["test"], pools=fewer, known=nobody)}
    unfiltered = queries | {"test": dataclasses.replace(queries["test"], known=nobody)}
    found = {link_digests(data, one, visible)["questions"] for one in (queries, smaller, unfiltered)}
    assert len(found) == 3


def function(name: str, code: str) -> DocumentedFunction:
    return DocumentedFunction(f"python:p:m.py#{name}", name, "p", "python", "m.py", f"what {name} does", code)


def test_code_searchs_digests_follow_its_functions_pool_and_pairs():
    train, val, test = ([function(f"{split}{n}", f"code {n}") for n in range(4)] for split in ("a", "b", "c"))

    def found(train=train, val=val, test=test, params=SEARCH):
        return search_digests(train, search_set(val, params), search_set(test, params), params)

    base = found()
    assert found(params=dataclasses.replace(SEARCH, bm25_k1=0.9)) == base
    for changed in (
        found(test=[*test[:3], function("c3", "other")]),
        found(params=dataclasses.replace(SEARCH, pool=2)),
    ):
        assert changed["questions"] != base["questions"]
        assert changed["training"] == base["training"]
    for changed in (found(train=train[1:]), found(val=val[1:]), found(params=dataclasses.replace(SEARCH, l2=2.0))):
        assert changed["training"] != base["training"]
        assert changed["questions"] == base["questions"]


def fit_set(queries: int) -> FitSet:
    """Queries of five candidates: the truth is whose two features are alike, which no linear score tells."""
    draw = np.random.default_rng(0)
    features = draw.integers(0, 2, (5 * queries, 2)).astype(np.float32)
    features[:, 1] = 1 - features[:, 0]
    features[::5, 1] = features[::5, 0]
    offset = np.zeros(5 * queries, np.float32)
    truth = np.arange(queries) * 5
    return FitSet(features, offset, np.repeat(np.arange(queries), 5), truth, np.zeros(queries, np.int64))


def test_boosting_learns_what_no_sum_of_features_can_say():
    asked = np.asarray([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    (scores,) = fit_boosting(fit_set(200), PARAMS).score_all([asked], [0])
    assert min(scores[0], scores[3]) > max(scores[1], scores[2]) + 1


def test_boosting_fits_the_same_trees_twice():
    grid = np.random.default_rng(1).random((50, 2)).astype(np.float32)
    first, second = (fit_boosting(fit_set(100), PARAMS).score_all([grid[:20], grid[20:]], [0, 0]) for _ in range(2))
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(second))
    (whole,) = fit_boosting(fit_set(100), PARAMS).score_all([grid], [0])
    np.testing.assert_array_equal(np.concatenate(first), whole)


def test_a_row_that_stands_for_many_candidates_counts_once():
    data = fit_set(100)
    heavy = dataclasses.replace(data, offset=np.where(np.arange(500) % 5 == 1, np.log(9.0), 0.0).astype(np.float32))
    point = np.asarray([[0, 1]], np.float32)
    first, second = (fit_boosting(rows, PARAMS).score_all([point], [0])[0] for rows in (heavy, data))
    assert first[0] == second[0]


def test_boosting_is_fitted_on_val_whatever_the_test_split_holds(data, monkeypatch):
    fitted = []

    def keep(rows, params):
        fitted.append(rows)
        return fit_boosting(rows, params)

    monkeypatch.setattr("graphmer.evaluate.mixture.fit_boosting", keep)
    twice = dataclasses.replace(data, splits=data.splits | {"test": data.splits["val"]})
    for one in (data, twice):
        LinkTask(one, PARAMS).predict("headline")
    first, second = fitted
    assert len(first.truth) == len(LinkTask(data, PARAMS).queries("val", "headline"))
    np.testing.assert_array_equal(first.features, second.features)
    np.testing.assert_array_equal(first.truth, second.truth)


def test_the_parts_of_the_mixture_are_peers_of_their_own(data):
    table = LinkTask(data, PARAMS).predict("headline")
    counts = table.groupby("scorer")["query"].nunique()
    assert counts["boosting"] == counts["linear"] == counts["symbolic"]
    mrr = (1 / table["rank"]).groupby(table["scorer"]).mean()
    assert min(mrr["boosting"], mrr["linear"]) > mrr["most_frequent"]


def test_the_mixture_ranks_as_the_product_of_both_models_probabilities_does():
    data, draw = fit_set(200), np.random.default_rng(3)
    mixture = fit_mixture("both", data, PARAMS)
    linear, trees = fit_combiner("both", data, PARAMS), fit_boosting(data, PARAMS)
    matrices = [draw.random((20, 2)).astype(np.float32) for _ in range(5)]
    for matrix, (one, other) in zip(matrices, mixture.parts(matrices, [0] * 5), strict=True):
        odds = np.exp(linear.score(matrix, 0)) * np.exp(trees.score_all([matrix], [0])[0])
        np.testing.assert_array_equal(np.argsort(one + other), np.argsort(odds))


def test_a_score_out_of_fold_does_not_know_its_own_truths():
    data = fit_set(40)
    fold = np.arange(40) % 2
    other = np.where(
        (fold[data.query] == 0)[:, None], data.features[:, ::-1] + 1, data.features
    )  # fold 0 asks something else
    changed = dataclasses.replace(data, features=other.astype(np.float32))
    here, there = (out_of_fold("x", one, fold, PARAMS) for one in (data, changed))
    (alone,) = fit_mixture("x", data.of_queries(np.flatnonzero(fold == 1)), PARAMS).parts([data.features[:5]], [0])
    np.testing.assert_array_equal(here[:5], sum(alone))
    assert (there[:5] != here[:5]).any()  # its own features are read
    assert (there[5:10] != here[5:10]).any()  # and the other fold's have fitted


def test_columns_that_say_nothing_leave_the_order_of_the_mixture():
    data = fit_set(60)
    stack = fit_stack("x", data, np.zeros((len(data.features), 2), np.float32), np.arange(60) % 3, PARAMS)
    ((linear, trees),) = fit_mixture("x", data, PARAMS).parts([data.features[:40]], [0])
    found = stack.score(linear + trees, np.zeros((40, 2), np.float32), 0)
    np.testing.assert_array_equal(np.argsort(found, kind="stable"), np.argsort(linear + trees, kind="stable"))


def test_folds_keep_packages_whole_or_files_where_there_is_one_package():
    assert folds(["b", "a", "b", "c", "d"], ["x"] * 5).tolist() == [1, 0, 1, 2, 0]
    assert folds(["a"] * 4, ["y", "x", "y", "z"]).tolist() == [1, 0, 1, 2]
    with pytest.raises(EvaluationError, match=r"all val queries are of one file \(x\.py\); give the corpus a val"):
        folds(["a", "a"], ["x.py", "x.py"])
