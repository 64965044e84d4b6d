"""Masked tokens and names: exact masks, an n-gram that sees no masked token, peers against hand truth."""

import dataclasses
import math
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from packed import make_entities, make_split

from graphmer.errors import EvaluationError
from graphmer.evaluate.config import MaskedParams
from graphmer.evaluate.masked import masked_positions, predict_masked_nodes, predict_masked_tokens
from graphmer.evaluate.ngram import MAX_CONTINUATIONS, NgramCache, TokenStream, context_shapes, most_frequent_token
from graphmer.evaluate.queries import LinkQueries
from graphmer.pack.shards import SplitArrays

PARAMS = MaskedParams(mask_share=0.15, max_samples=8, ngram_order=2, ngram_prior=2.0, cache_prior=1.0, seed=1)


def stream(*windows: list[int], files: list[int] | None = None) -> TokenStream:
    lengths = [len(window) for window in windows]
    number = np.repeat(np.arange(len(windows)), lengths)
    file = np.asarray(files or [0] * len(windows))[number]
    return TokenStream(np.asarray([token for window in windows for token in window]), number, file)


def slow_prediction(train: TokenStream, asked: TokenStream, position: list[int], params: MaskedParams) -> list[int]:
    """The same chain of estimates, one position and one context at a time, over every token ever seen."""
    hidden = set(position)

    def context(source: TokenStream, place: int, shape: tuple[int, int], masked: set[int]) -> tuple[object, ...]:
        around = [*range(place - shape[0], place), *range(place + 1, place + 1 + shape[1])]
        found: list[object] = []
        for other in around:
            if not 0 <= other < len(source.token) or source.window[other] != source.window[place]:
                found.append("outside")
            else:
                found.append("hole" if other in masked else int(source.token[other]))
        return tuple(found)

    def counts(source: TokenStream, shape: tuple[int, int], masked: set[int], by_file: bool):
        table: dict[tuple[object, ...], Counter[int]] = defaultdict(Counter)
        for place in range(len(source.token)):
            if place not in masked:
                file = int(source.file[place]) if by_file else 0
                table[file, *context(source, place, shape, masked)][int(source.token[place])] += 1
        return table

    shapes = context_shapes(params.ngram_order)
    tables = [(counts(train, shape, set(), False), counts(asked, shape, hidden, True)) for shape in shapes]
    answers = []
    for place in position:
        probability: dict[int, float] = defaultdict(float)
        for shape, (everywhere, own) in zip(shapes, tables, strict=True):
            around = context(asked, place, shape, hidden)
            for seen, prior in (
                (everywhere[0, *around], params.ngram_prior),
                (own[int(asked.file[place]), *around], params.cache_prior),
            ):
                total = sum(seen.values())
                for token in set(probability) | set(seen):
                    probability[token] = (seen[token] + prior * probability[token]) / (total + prior)
        answers.append(min(probability, key=lambda token: (-round(probability[token], 12), token)))
    return answers


def test_the_chain_of_contexts_grows_on_both_sides():
    assert context_shapes(1) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert context_shapes(2)[4:] == [(1, 2), (2, 1), (2, 2)]


def test_predictions_match_a_slow_reading_of_the_chain():
    draw = np.random.default_rng(0)
    train = stream(*(draw.integers(0, 5, 30).tolist() for _ in range(8)))
    asked = stream(*(draw.integers(0, 5, 20).tolist() for _ in range(6)), files=[0, 0, 1, 1, 1, 2])
    position = np.sort(draw.permutation(120)[:30])
    fast = NgramCache(train, PARAMS).predict(asked, position)
    assert fast.tolist() == slow_prediction(train, asked, position.tolist(), PARAMS)


def test_the_ngram_never_sees_a_masked_token():
    draw = np.random.default_rng(1)
    train = stream(draw.integers(0, 9, 200).tolist())
    tokens = draw.integers(0, 9, 60)
    position = np.arange(5, 60, 7)
    planted = tokens.copy()
    planted[position] = 1000 + position  # other truths at every mask; neighbours of one another in no way
    model = NgramCache(train, PARAMS)
    one = model.predict(stream(tokens.tolist()), position)
    other = model.predict(stream(planted.tolist()), position)
    assert one.tolist() == other.tolist()
    assert not set(other.tolist()) & set(planted[position].tolist())


def test_the_files_own_habit_beats_the_train_split():
    train = stream([1, 2, 3] * 10)
    asked = stream([1, 7, 3] * 10 + [1, 0, 3], [1, 0, 3], files=[0, 1])
    assert NgramCache(train, PARAMS).predict(asked, np.array([31, 34])).tolist() == [7, 2]


def test_the_right_side_decides_where_the_left_says_nothing():
    train = stream(*[[5, 1, 8], [5, 2, 9]] * 10)
    asked = stream([5, 0, 8], [5, 0, 9], files=[0, 1])
    assert NgramCache(train, PARAMS).predict(asked, np.array([1, 4])).tolist() == [1, 2]


def test_windows_do_not_see_each_other():
    apart, together = stream([1, 2], [3, 4]), stream([1, 2, 3, 4])
    train = stream(*[[2, 3, 4]] * 5, *[[3, 4]] * 2, *[[9, 4]] * 4)
    assert NgramCache(train, PARAMS).predict(apart, np.array([2])).tolist() == [9]
    assert NgramCache(train, PARAMS).predict(together, np.array([2])).tolist() == [3]


def test_the_commonest_token_is_the_lowest_among_equals():
    assert most_frequent_token(stream([4, 3, 3, 4, 1])) == 3


def test_exactly_the_share_of_each_window_is_masked_rounded_up():
    test = make_split(2, num_samples=30)
    sample, root = masked_positions(test, PARAMS)
    assert len(np.unique(sample)) == PARAMS.max_samples
    for row in np.unique(sample).tolist():
        length = int(test.sample_token[row + 1] - test.sample_token[row])
        places = root[sample == row]
        assert len(set(places.tolist())) == len(places) == math.ceil(0.15 * length)
        assert places.max() < length


def test_masks_are_keyed_by_the_windows_content_not_by_its_place():
    test = make_split(3, num_samples=12)
    every = dataclasses.replace(PARAMS, max_samples=12)
    sample, root = masked_positions(test, every)
    longer = make_split(3, num_samples=12)
    longer.samples["sample"] += 100
    again = masked_positions(longer, every)
    assert (sample == again[0]).all()
    assert (root == again[1]).all()
    other = masked_positions(test, dataclasses.replace(every, seed=2))
    assert root.tolist() != other[1].tolist()


def test_a_split_without_functions_is_one_clear_line():
    test = make_split(0)
    test.samples["kind"] = "document"
    with pytest.raises(EvaluationError, match="masked tokens: the test split has no function"):
        masked_positions(test, PARAMS)


class Answers:
    """A net that always gives what it was told."""

    def __init__(self, tokens: np.ndarray | None = None, names: np.ndarray | None = None) -> None:
        self.tokens, self.names = tokens, names

    def masked_tokens(self, split: str, sample: np.ndarray, root: np.ndarray) -> np.ndarray:
        assert self.tokens is not None
        return self.tokens

    def masked_nodes(self, queries: LinkQueries) -> np.ndarray:
        assert self.names is not None
        return self.names


def test_a_net_that_knows_every_token_is_always_right_and_one_that_knows_none_never():
    train, test = make_split(0), make_split(1)
    sample, root = masked_positions(test, PARAMS)
    truth = test.token_id[test.sample_token[sample] + root]
    for tokens, share in ((truth, 1.0), (truth + 1, 0.0)):
        table = predict_masked_tokens(train, test, Answers(tokens=tokens), PARAMS)
        ours = table[table["scorer"] == "neural"]
        assert ours["correct"].mean() == share
        assert set(table["scorer"]) == {"neural", "ngram_cache", "most_frequent"}
        assert ours["query"].is_unique


def node_queries(test: SplitArrays, hidden: bool, words: list[list[int]] | None = None) -> LinkQueries:
    """All held-out leaves of a split, with no pools: masked names need none."""
    leaf = np.flatnonzero(test.leaf_query)
    return LinkQueries(
        setting="headline" if hidden else "mentions_visible",
        split="test",
        leaf=leaf,
        relation=test.leaf_relation[leaf],
        head=test.leaf_head[leaf],
        tail=test.leaf_tail[leaf],
        sample=test.leaf_sample[leaf],
        pool=[],
        pools={},
        truth=np.zeros(0, np.int64),
        known=[],
        hidden=hidden,
        hidden_words=[np.asarray(row, np.int64) for row in words or [[]] * len(leaf)],
        support=~test.leaf_query,
    )


def answers_of(table: pd.DataFrame, scorer: str) -> list[bool]:
    return [bool(one) for one in table.loc[table["scorer"] == scorer, "correct"]]


def test_a_whole_name_needs_every_token_and_no_more_slots_than_there_are():
    test, entities = make_split(4, held_out=True), make_entities()
    entities.name_length[:] = entities.name_token.shape[1]
    queries = node_queries(test, hidden=True)
    entities.name_length[queries.tail[0]] = entities.name_token.shape[1] + 1
    names = entities.name_token[queries.tail].copy()
    wrong = int(np.flatnonzero(queries.tail != queries.tail[0])[0])
    names[wrong, -1] += 1
    right = answers_of(predict_masked_nodes(test, entities, queries, Answers(names=names)), "neural")
    too_long = queries.tail == queries.tail[0]
    expected = ~too_long
    expected[wrong] = False
    assert right == expected.tolist()


def tiny() -> SplitArrays:
    """Two windows of one class and one of another: `a . run ( b )` with a query leaf on `run` in the first."""
    base = make_split(0, num_samples=3)
    words = ["a", "run", "b", "stop"]
    samples = pd.DataFrame(
        [
            (0, "p", "python", "f.py", "python:p:f.py#C.one", "function", 0, 9, 6, 1),
            (1, "p", "python", "f.py", "python:p:f.py#C.two", "function", 9, 18, 6, 2),
            (2, "p", "python", "g.py", "python:p:g.py#D.six", "function", 0, 9, 6, 3),
        ],
        columns=base.samples.columns,
    )
    integers = np.int32
    return dataclasses.replace(
        base,
        token_id=np.arange(18, dtype=integers),
        token_word=np.tile(np.asarray([0, -1, 1, -1, 2, -1], integers), 3),
        token_first=np.ones(18, np.bool_),
        token_start=np.arange(18, dtype=integers),
        token_end=np.arange(1, 19, dtype=integers),
        sample_token=np.asarray([0, 6, 12, 18]),
        leaf_relation=np.full(6, 7, integers),
        leaf_anchor_start=np.full(6, 2, integers),
        leaf_anchor_end=np.full(6, 3, integers),
        leaf_head=np.asarray([0, 2, 2, 4, 4, 4], integers),
        leaf_tail=np.asarray([1, 1, 3, 5, 7, 9], integers),
        leaf_query=np.asarray([True, False, False, False, False, False]),
        leaf_ambiguous=np.zeros(6, np.bool_),
        leaf_triple=np.arange(6, dtype=integers),
        sample_leaf=np.asarray([0, 1, 3, 6]),
        words=words,
        samples=samples,
    )


NAMES = {1: "run", 3: "zip", 5: "stop", 7: "stop", 9: "stop"}


def tiny_answers(hidden: bool, truth: str) -> dict[str, bool]:
    """Which peers answer the tiny split's one query with `truth`."""
    names = [NAMES.get(row, "other") for row in range(20)]
    names[1] = truth
    entities = dataclasses.replace(make_entities(), names=names)
    queries = node_queries(tiny(), hidden, [[1]])
    table = predict_masked_nodes(tiny(), entities, queries, None)
    return {scorer: answers_of(table, scorer)[0] for scorer in sorted(set(table["scorer"]))}


def test_a_visible_mention_is_copied():
    assert tiny_answers(hidden=False, truth="run")["copy"]


def test_a_hidden_mention_is_not_copied_but_its_nearest_neighbour_is():
    assert not tiny_answers(hidden=True, truth="run")["copy"]
    assert tiny_answers(hidden=True, truth="b")["copy"]


def test_siblings_are_asked_before_the_package():
    # In the class `C` support says `run` and `zip` once each, in the package `stop` three times.
    assert tiny_answers(hidden=True, truth="run") == {"copy": False, "most_frequent": False, "sibling": True}
    assert tiny_answers(hidden=True, truth="stop") == {"copy": False, "most_frequent": True, "sibling": True}


def test_a_name_beyond_the_slots_is_wrong_for_a_peer_too():
    entities = dataclasses.replace(make_entities(), names=["run"] * 20, name_length=np.full(20, 99, np.int32))
    table = predict_masked_nodes(tiny(), entities, node_queries(tiny(), hidden=False), None)
    assert not table["correct"].any()


def test_the_cut_of_rare_continuations_leaves_the_winner():
    commonest = [[1, 2, 3]] * 3
    rest = [[1, 10 + token, 3] for token in range(2 * MAX_CONTINUATIONS)]
    assert NgramCache(stream(*rest, *commonest), PARAMS).predict(stream([1, 0, 3]), np.array([1])).tolist() == [2]
