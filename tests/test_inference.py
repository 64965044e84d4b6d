"""What a link query shows the encoder: its own triple masked, and nothing that tells the answer."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from packed import make_entities, make_split, write_packed
from test_model import make_model

from graphmer.evaluate.neural import ModelScorer
from graphmer.evaluate.queries import SETTINGS, LinkQueries, Setting
from graphmer.model.inference import query_selection, query_states, text_vectors
from graphmer.pack.draw import hidden_words
from graphmer.pack.rows import assemble
from graphmer.pack.shards import SplitArrays


@pytest.mark.parametrize("seed", range(5))
def test_a_query_shows_no_held_out_triple_no_hidden_name_and_nothing_on_its_own_mention(seed: int) -> None:
    split = make_split(seed, num_samples=40, held_out=True)
    queries = np.flatnonzero(split.leaf_query)
    hide = hidden_words(split, queries)
    selection = query_selection(split, queries, hide, ~split.leaf_query, True, 8, 2)
    assert selection.masked.sum() == len(queries)
    assert (~selection.masked).any()
    sharing = 0
    for instance, leaf in enumerate(queries):
        inside = selection.leaf_instance == instance
        assert selection.leaf[inside & selection.masked].tolist() == [leaf]
        shown = selection.leaf[inside & ~selection.masked]
        assert not split.leaf_query[shown].any()
        assert (split.leaf_anchor_start[shown] != split.leaf_anchor_start[leaf]).all()
        sharing += on_its_mention_under_another_name(split, leaf, hide[1][hide[0] == instance])
        assert not set(split.entity_word[split.leaf_tail[shown]]) & set(hide[1][hide[0] == instance])
    assert sharing > 0


def on_its_mention_under_another_name(split: SplitArrays, leaf: int, hidden: np.ndarray) -> int:
    """Support leaves on a query's own mention that no other rule hides: neither their name nor their ends tell."""
    sample = split.leaf_sample[leaf]
    rows = np.arange(split.sample_leaf[sample], split.sample_leaf[sample + 1])
    beside = rows[(split.leaf_anchor_start[rows] == split.leaf_anchor_start[leaf]) & ~split.leaf_query[rows]]
    return int((~np.isin(split.entity_word[split.leaf_tail[beside]], hidden)).sum())


def test_without_support_a_query_shows_its_code_alone() -> None:
    split = make_split(1, num_samples=40, held_out=True)
    queries = np.flatnonzero(split.leaf_query)
    nothing = np.zeros(len(split.leaf_query), np.bool_)
    selection = query_selection(split, queries, hidden_words(split, queries), nothing, False, 8, 2)
    rows = assemble(split, make_entities(1), selection, 60)
    assert len(split.edge_relation) > 0
    assert (len(rows.leaf_row), len(rows.edge_row)) == (len(queries), 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_query_sees_every_edge_of_its_window_but_those_between_its_own_head_and_tail(seed: int) -> None:
    split = make_split(seed, num_samples=40, held_out=True)
    queries = np.flatnonzero(split.leaf_query)
    selection = query_selection(split, queries, hidden_words(split, queries), ~split.leaf_query, True, 8, 2)
    rows = assemble(split, make_entities(seed), selection, 60)
    expected = Counter()
    dropped = 0
    for instance, leaf in enumerate(queries):
        ends = {int(split.leaf_head[leaf]), int(split.leaf_tail[leaf])}
        sample = split.leaf_sample[leaf]
        for edge in range(split.sample_edge[sample], split.sample_edge[sample + 1]):
            told = {int(split.edge_head[edge]), int(split.edge_tail[edge])} == ends
            dropped += told
            expected[int(rows.instance_row[instance])] += not told
    assert dropped > 0
    assert Counter(rows.edge_row.tolist()) == +expected


def test_the_scores_of_zero_support_do_not_depend_on_the_graph_of_the_package_and_those_of_the_headline_do(
    tmp_path: Path,
) -> None:
    packed = write_packed(tmp_path / "packed")
    scorer = ModelScorer(make_model(), packed)
    before = {setting: scores(scorer, setting) for setting in SETTINGS}
    scorer.split("test").edge_relation[:] = 2
    scorer.split("test").leaf_relation[~scorer.split("test").leaf_query] = 2
    after = {setting: scores(scorer, setting) for setting in SETTINGS}
    assert np.array_equal(before["zero_support"], after["zero_support"])
    assert not np.allclose(before["headline"], after["headline"])


def scores(scorer: ModelScorer, setting: Setting) -> np.ndarray:
    """Both columns of every query of the test split."""
    columns = scorer.link(every_query(scorer, setting))
    return np.stack([np.stack(columns[name]) for name in ("link", "name")])


def every_query(scorer: ModelScorer, setting: Setting) -> LinkQueries:
    """The held-out leaves of the test split, all entities being candidates."""
    split = scorer.split("test")
    leaf = np.flatnonzero(split.leaf_query)
    support = ~split.leaf_query if setting != "zero_support" else np.zeros(len(split.leaf_query), np.bool_)
    everyone = np.arange(len(scorer.entities.symbols))
    none = [np.zeros(0, np.int64)] * len(leaf)
    ends = (split.leaf_relation[leaf], split.leaf_head[leaf], split.leaf_tail[leaf], split.leaf_sample[leaf])
    pools = {"p": everyone}
    return LinkQueries(
        setting,
        "test",
        leaf,
        *ends,
        ["p"] * len(leaf),
        pools,
        ends[2],
        none,
        setting != "mentions_visible",
        none,
        support,
    )


def test_the_states_of_a_query_do_not_depend_on_who_shares_its_rows() -> None:
    split, entities, model = make_split(2, num_samples=30, held_out=True), make_entities(2), make_model(2)
    queries = np.flatnonzero(split.leaf_query)

    def vectors(chosen: np.ndarray) -> np.ndarray:
        selection = query_selection(split, chosen, hidden_words(split, chosen), ~split.leaf_query, True, 4, 2)
        found = np.zeros((len(chosen), 16), np.float32)
        for states in query_states(model, split, entities, selection, 60):
            found[states.index] = states.vector.numpy()
        return found

    together, alone = vectors(queries), np.concatenate([vectors(queries[i : i + 1]) for i in range(len(queries))])
    assert np.allclose(together, alone, atol=1e-5)


def test_text_vectors_do_not_depend_on_the_size_of_a_batch() -> None:
    entities, model = make_entities(), make_model()
    whole = text_vectors(model, entities.key_token)
    assert np.allclose(whole, text_vectors(model, entities.key_token, rows_at_once=3), atol=1e-5)
    assert np.allclose(np.linalg.norm(whole, axis=1), 1.0, atol=1e-5)
