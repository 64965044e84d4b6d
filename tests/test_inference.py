"""What a link query shows the encoder: its own triple masked, and nothing that tells the answer."""

import numpy as np
import pytest
from packed import make_entities, make_split
from test_model import make_model

from graphmer.model.inference import query_selection, query_states, text_vectors
from graphmer.pack.layout import hidden_words


@pytest.mark.parametrize("seed", range(5))
def test_a_query_shows_no_held_out_triple_no_hidden_name_and_nothing_on_its_own_mention(seed: int) -> None:
    split = make_split(seed, num_samples=40, held_out=True)
    queries = np.flatnonzero(split.leaf_query)
    hide = hidden_words(split, queries)
    selection = query_selection(split, queries, hide, ~split.leaf_query, 8, 2)
    assert selection.masked.sum() == len(queries)
    assert (~selection.masked).any()
    for instance, leaf in enumerate(queries):
        inside = selection.leaf_instance == instance
        assert selection.leaf[inside & selection.masked].tolist() == [leaf]
        shown = selection.leaf[inside & ~selection.masked]
        assert not split.leaf_query[shown].any()
        assert (split.leaf_anchor_start[shown] != split.leaf_anchor_start[leaf]).all()
        assert not set(split.entity_word[split.leaf_tail[shown]]) & set(hide[1][hide[0] == instance])


def test_without_support_a_query_shows_its_code_alone() -> None:
    split = make_split(1, num_samples=40, held_out=True)
    queries = np.flatnonzero(split.leaf_query)
    nothing = np.zeros(len(split.leaf_query), np.bool_)
    selection = query_selection(split, queries, hidden_words(split, queries), nothing, 8, 2)
    assert len(selection.leaf) == len(queries)


def test_the_states_of_a_query_do_not_depend_on_who_shares_its_rows() -> None:
    split, entities, model = make_split(2, num_samples=30, held_out=True), make_entities(2), make_model(2)
    queries = np.flatnonzero(split.leaf_query)

    def vectors(chosen: np.ndarray) -> np.ndarray:
        selection = query_selection(split, chosen, hidden_words(split, chosen), ~split.leaf_query, 4, 2)
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
