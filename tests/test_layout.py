"""The leafy chain layout against a slow, plain reading of the same rules."""

import dataclasses

import numpy as np
import pytest
from packed import NAME_SLOTS, make_entities, make_split

from graphmer.errors import ParamsError
from graphmer.pack.counts import split_counts
from graphmer.pack.draw import LeafDraw, Selection, draw_leaves, hidden_words
from graphmer.pack.rows import ByRow, assemble
from graphmer.pack.tokenizer import HIDDEN, MASK, PAD

ROW = 64
DRAW = LeafDraw(max_leaves=3, max_leaves_per_anchor=1, leaf_drop=0.3, masked_leaf_share=0.3, hide_share=0.7)


def drawn(seed: int) -> tuple:  # type: ignore[type-arg]
    split, entities = make_split(seed, num_samples=30), make_entities(seed)
    selection = draw_leaves(split, np.arange(30), DRAW, np.random.default_rng(seed))
    return split, entities, selection, assemble(split, entities, selection, ROW)


def slow_window(split, selection: Selection, instance: int) -> list[int]:  # type: ignore[no-untyped-def]
    """Tokens of one instance after hiding, one by one."""
    sample = selection.sample[instance]
    hide = set(selection.hide_word[selection.hide_instance == instance].tolist())
    out: list[int] = []
    for place in range(split.sample_token[sample], split.sample_token[sample + 1]):
        if split.token_word[place] in hide:
            if split.token_first[place] or place == split.sample_token[sample]:
                out.append(HIDDEN)
        else:
            out.append(int(split.token_id[place]))
    return out


@pytest.mark.parametrize("seed", range(5))
def test_every_instance_stands_whole_in_one_row_with_its_hidden_names(seed: int) -> None:
    split, _, selection, rows = drawn(seed)
    for instance in range(len(selection.sample)):
        start, roots = rows.instance_start[instance], rows.instance_roots[instance]
        row = rows.token[rows.instance_row[instance]]
        assert row[start : start + roots].tolist() == slow_window(split, selection, instance)


@pytest.mark.parametrize("seed", range(5))
def test_rows_hold_every_token_once_and_padding_elsewhere(seed: int) -> None:
    split, _, selection, rows = drawn(seed)
    expected = sum(len(slow_window(split, selection, i)) for i in range(len(selection.sample))) + rows.leaf_slots.sum()
    assert (rows.document > 0).sum() == expected
    assert (rows.token[rows.document == 0] == PAD).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_masked_tail_takes_all_slots_and_a_shown_one_what_it_needs(seed: int) -> None:
    _, entities, _, rows = drawn(seed)
    for leaf in range(len(rows.leaf_row)):
        tokens = rows.token[rows.leaf_row[leaf], rows.leaf_start[leaf] : rows.leaf_start[leaf] + rows.leaf_slots[leaf]]
        tail = rows.leaf_tail[leaf]
        if rows.leaf_masked[leaf]:
            assert tokens.tolist() == [MASK] * NAME_SLOTS
        else:
            assert tokens.tolist() == entities.name_token[tail, : entities.name_length[tail]].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_leaf_has_its_anchors_root_position_and_head_span(seed: int) -> None:
    split, _, selection, rows = drawn(seed)
    for leaf in range(len(rows.leaf_row)):
        row, source = rows.leaf_row[leaf], rows.leaf_source[leaf]
        instance = rows.leaf_instance[leaf]
        anchor = int(split.leaf_anchor_start[source])
        sample = selection.sample[instance]
        before = slow_anchor(split, selection, instance, sample, anchor)
        assert rows.root[row, rows.leaf_start[leaf]] == before
        assert rows.leaf_head_start[leaf] == rows.instance_start[instance] + before
        assert rows.leaf_head_end[leaf] > rows.leaf_head_start[leaf]


def slow_anchor(split, selection, instance, sample, anchor: int) -> int:  # type: ignore[no-untyped-def]
    hide = set(selection.hide_word[selection.hide_instance == instance].tolist())
    begin = split.sample_token[sample]
    kept = [
        not (split.token_word[begin + i] in hide and not split.token_first[begin + i] and i > 0)
        for i in range(anchor + 1)
    ]
    return sum(kept) - 1


@pytest.mark.parametrize("seed", range(5))
def test_no_shown_leaf_spells_the_name_of_a_masked_one_in_its_sample(seed: int) -> None:
    split, _, selection, _ = drawn(seed)
    for instance in np.unique(selection.leaf_instance):
        inside = selection.leaf_instance == instance
        names = split.entity_word[split.leaf_tail[selection.leaf[inside]]]
        masked = selection.masked[inside]
        assert not set(names[~masked]) & set(names[masked])


@pytest.mark.parametrize("seed", range(5))
def test_leaves_keep_to_their_limits(seed: int) -> None:
    _, _, selection, _ = drawn(seed)
    assert np.bincount(selection.leaf_instance).max() <= DRAW.max_leaves
    assert selection.masked.any()


def test_held_out_and_ambiguous_triples_are_never_drawn() -> None:
    split = make_split(3, num_samples=40, held_out=True)
    split.leaf_ambiguous[::5] = True
    everything = LeafDraw(99, 99, 0.0, 0.3, 1.0)
    selection = draw_leaves(split, np.arange(40), everything, np.random.default_rng(0))
    assert split.leaf_query.any()
    assert not split.leaf_query[selection.leaf].any()
    assert not split.leaf_ambiguous[selection.leaf].any()


def test_the_same_seed_draws_the_same_rows_and_another_seed_others() -> None:
    one, two, other = drawn(1)[3], drawn(1)[3], drawn(2)[3]
    assert np.array_equal(one.token, two.token)
    assert not (one.token.shape == other.token.shape and np.array_equal(one.token, other.token))


def test_hidden_words_are_the_tails_name_and_the_mention() -> None:
    split = make_split(0)
    leaves = np.arange(len(split.leaf_tail))
    owner, word = hidden_words(split, leaves)
    for leaf in leaves:
        begin = split.sample_token[split.leaf_sample[leaf]] + split.leaf_anchor_start[leaf]
        expected = {int(split.entity_word[split.leaf_tail[leaf]])}
        if split.token_word[begin] >= 0 and split.token_first[begin]:
            expected.add(int(split.token_word[begin]))
        assert set(word[owner == leaf].tolist()) == expected


def test_a_sample_longer_than_a_row_is_an_error_that_names_the_remedy() -> None:
    split, entities = make_split(0), make_entities()
    selection = draw_leaves(split, np.arange(split.num_samples), DRAW, np.random.default_rng(0))
    with pytest.raises(ParamsError, match=r"does not fit a row of 8; raise train.row_length"):
        assemble(split, entities, selection, 8)


@pytest.mark.parametrize("seed", range(5))
def test_no_shown_leaf_hangs_on_the_mention_of_a_masked_one(seed: int) -> None:
    split = make_split(seed, num_samples=30)
    two_a_mention = dataclasses.replace(DRAW, max_leaves=6, max_leaves_per_anchor=2)
    selection = draw_leaves(split, np.arange(30), two_a_mention, np.random.default_rng(seed))
    mention = split.leaf_sample[selection.leaf] * 1000 + split.leaf_anchor_start[selection.leaf]
    assert not set(mention[~selection.masked]) & set(mention[selection.masked])


@pytest.mark.parametrize("seed", range(5))
def test_edges_are_shown_but_in_samples_that_drop_their_leaves_and_between_the_ends_of_a_masked_leaf(seed: int) -> None:
    split, _, selection, rows = drawn(seed)
    asked = zip(selection.leaf_instance[selection.masked], selection.leaf[selection.masked])
    told = {(i, frozenset((int(split.leaf_head[leaf]), int(split.leaf_tail[leaf])))) for i, leaf in asked}
    expected = []
    for instance, sample in enumerate(selection.sample):
        for edge in range(split.sample_edge[sample], split.sample_edge[sample + 1]):
            ends = frozenset((int(split.edge_head[edge]), int(split.edge_tail[edge])))
            if selection.shows_edges[instance] and (instance, ends) not in told:
                source, target = (
                    rows.instance_start[instance] + slow_anchor(split, selection, instance, sample, int(root[edge]))
                    for root in (split.edge_source, split.edge_target)
                )
                expected.append((rows.instance_row[instance], source, target, split.edge_relation[edge]))
    found = list(zip(rows.edge_row, rows.edge_source, rows.edge_target, rows.edge_relation))
    assert found == expected
    by_drop = int(np.diff(split.sample_edge)[selection.sample[~selection.shows_edges]].sum())
    assert 0 < len(found) < len(split.edge_relation) - by_drop  # some were hidden for their ends
    dropped = np.flatnonzero(~selection.shows_edges)
    assert len(dropped)
    assert not set(dropped) & set(selection.leaf_instance)


@pytest.mark.parametrize("seed", range(3))
def test_rows_and_fill_are_those_of_the_layout_and_a_package_fills_rows_of_its_own(seed: int) -> None:
    split, entities = make_split(seed, num_samples=30), make_entities(seed)
    split.samples["package"] = ["a"] * 12 + ["b"] * 18
    counts = split_counts(split, entities, ROW, DRAW, seed)
    selection = draw_leaves(split, np.arange(30), DRAW, np.random.default_rng(seed))
    parts = [assemble(split, entities, selection.only(split.samples["package"] == name), ROW) for name in "ab"]
    assert counts["rows"] == sum(part.num_rows for part in parts)
    roots = sum(len(slow_window(split, selection, instance)) for instance in range(30))
    used = roots + sum(int(part.leaf_slots.sum()) for part in parts)
    assert counts["fill"] == pytest.approx(used / (counts["rows"] * ROW))


def test_without_leaves_and_hiding_the_fill_is_that_of_the_windows_tokens() -> None:
    split = make_split(0, num_samples=30)
    counts = split_counts(split, make_entities(0), ROW, dataclasses.replace(DRAW, leaf_drop=1.0), 0)
    assert counts["fill"] == pytest.approx(len(split.token_id) / (counts["rows"] * ROW))
    assert counts["rows"] >= len(split.token_id) / ROW


@pytest.mark.parametrize("seed", range(3))
def test_what_rows_hold_is_found_as_by_a_look_at_every_element(seed: int) -> None:
    rng = np.random.default_rng(seed)
    row = rng.integers(0, 12, 40).astype(np.int32)
    found = ByRow(row, 13)
    for count in (0, 1, 5, 13):
        chosen = rng.permutation(13)[:count]
        assert found.of(chosen).tolist() == [index for index, owner in enumerate(row) if owner in chosen]
    assert ByRow(row[:0], 3).of(np.arange(3)).tolist() == []
