"""The ablation's controls against what they promise: what they change, and what stays."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from packed import NAME_SLOTS, make_entities, make_split, write_packed
from test_inference import every_query, scores
from test_model import SIZES, make_model
from test_train import SMALL

from graphmer.evaluate.neural import ModelScorer
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.controls import GraphForm, ShownGraph, shown_graph
from graphmer.pack.draw import LeafDraw, Selection, draw_leaves
from graphmer.pack.rows import Rows, assemble
from graphmer.pack.shards import SplitArrays
from graphmer.pack.tokenizer import END
from graphmer.train.data import TrainStream
from graphmer.train.micro_batch import Share

ROW = 64
DRAW = LeafDraw(max_leaves=5, max_leaves_per_anchor=2, leaf_drop=0.2, masked_leaf_share=0.3, hide_share=0.7)
CONTROLS: tuple[GraphForm, ...] = ("plain_tokens", "shuffled_relations", "random_tails")


def two_packages(seed: int, held_out: bool = False) -> SplitArrays:
    split = make_split(seed, num_samples=30, held_out=held_out)
    split.samples["package"] = ["p"] * 14 + ["q"] * 16
    return split


def laid_out(seed: int, form: GraphForm, draw: LeafDraw = DRAW) -> tuple[SplitArrays, Selection, Rows, Rows]:
    """A split, what is drawn of it, and the rows of the graph as it is and of a control."""
    split, entities = two_packages(seed), make_entities(seed)
    selection = draw_leaves(split, np.arange(30), draw, np.random.default_rng(seed))
    intact = assemble(split, entities, selection, ROW)
    return split, selection, intact, assemble(split, entities, selection, ROW, shown_graph(split, form))


def differing(one: object, other: object) -> set[str]:
    """Names of the arrays that two dataclasses of arrays do not share."""
    pairs = ((field.name, getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one))  # type: ignore[arg-type]
    return {
        name
        for name, left, right in pairs
        if isinstance(left, np.ndarray | torch.Tensor) and not np.array_equal(np.asarray(left), np.asarray(right))
    }


def package_of_leaf(split: SplitArrays) -> np.ndarray:
    return split.samples["package"].to_numpy()[split.leaf_sample]


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_relations_keep_each_packages_histogram_and_move_nothing_else(seed: int) -> None:
    split = two_packages(seed)
    shown = shown_graph(split, "shuffled_relations")
    assert differing(shown, shown_graph(split, "intact")) == {"leaf_relation", "edge_relation"} - (
        {"edge_relation"} if len(set(split.edge_relation.tolist())) == 1 else set()
    )
    for package in "pq":
        inside = package_of_leaf(split) == package
        assert Counter(shown.leaf_relation[inside].tolist()) == Counter(split.leaf_relation[inside].tolist())
    assert (shown.leaf_relation != split.leaf_relation).mean() > 0.3


def test_edges_exchange_their_relations_within_a_package() -> None:
    split = two_packages(0)
    split.edge_relation[::2] = 2
    split.edge_relation[:3] = 5  # of the first package alone
    shown = shown_graph(split, "shuffled_relations").edge_relation
    package = split.samples["package"].to_numpy()[np.repeat(np.arange(30), np.diff(split.sample_edge))]
    for name in "pq":
        assert Counter(shown[package == name].tolist()) == Counter(split.edge_relation[package == name].tolist())
    assert (shown != split.edge_relation).mean() > 0.3


@pytest.mark.parametrize("seed", range(3))
def test_of_a_batch_shuffled_relations_change_the_relations_of_context_alone(seed: int) -> None:
    split, _, intact, shuffled = laid_out(seed, "shuffled_relations")
    assert differing(intact, shuffled) == {"leaf_relation"}
    asked = intact.leaf_masked
    assert np.array_equal(intact.leaf_relation[asked], shuffled.leaf_relation[asked])
    assert (intact.leaf_relation[~asked] != shuffled.leaf_relation[~asked]).any()
    streams = [
        TrainStream(split, make_entities(seed), load_ontology(), SIZES, SMALL, form=form)
        for form in ("intact", "shuffled_relations")
    ]
    found: set[str] = set()
    for number in range(6):
        one, other = (next(stream.micro_batches(number, Share(0, 1, 2))) for stream in streams)
        assert differing(one, other) == set()  # masks, targets, keys, negatives, weights
        found |= differing(one.batch, other.batch)
    assert found == {"leaf_relation", "pair_kind"}


def degrees(split: SplitArrays, tail: np.ndarray) -> Counter:  # type: ignore[type-arg]
    """How often each entity is a tail of each relation in each package."""
    return Counter(zip(package_of_leaf(split), split.leaf_relation.tolist(), tail.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_random_tails_keep_every_degree_in_every_relation(seed: int) -> None:
    split = two_packages(seed)
    shown = shown_graph(split, "random_tails")
    assert differing(shown, shown_graph(split, "intact")) == {"leaf_tail", "edge_target", "edge_tail"}
    assert degrees(split, shown.leaf_tail) == degrees(split, split.leaf_tail)
    assert (shown.leaf_tail != split.leaf_tail).mean() > 0.5
    sample = np.repeat(np.arange(30), np.diff(split.sample_edge))
    for target, true in ((shown.edge_target, split.edge_target), (shown.edge_tail, split.edge_tail)):
        pairs = [Counter(zip(sample, split.edge_relation, ends, strict=True)) for ends in (target, true)]
        assert pairs[0] == pairs[1]


def test_a_lone_triple_of_its_relation_keeps_its_tail_and_of_two_neither_does() -> None:
    split = two_packages(0)
    split.leaf_relation[:] = 7
    split.leaf_relation[:3] = [3, 4, 4]
    split.leaf_tail[:3] = [1, 5, 9]
    assert shown_graph(split, "random_tails").leaf_tail[:3].tolist() == [1, 9, 5]


@pytest.mark.parametrize("form", CONTROLS)
def test_a_held_out_triple_keeps_its_relation_and_its_tail_and_lends_neither(form: GraphForm) -> None:
    split = two_packages(4, held_out=True)
    split.leaf_relation[split.leaf_query] = 1
    split.leaf_tail[split.leaf_query] = 19
    split.leaf_tail[~split.leaf_query] %= 19
    shown = shown_graph(split, form)
    for name, mark in (("leaf_relation", 1), ("leaf_tail", 19)):
        assert (getattr(shown, name)[split.leaf_query] == mark).all()
        assert (getattr(shown, name)[~split.leaf_query] != mark).all()


@pytest.mark.parametrize("form", CONTROLS)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_asked_stays_as_it_is(form: GraphForm, seed: int) -> None:
    _, _, intact, control = laid_out(seed, form)

    def asked(rows: Rows) -> list[tuple[int, ...]]:
        order = np.argsort(rows.leaf_source[rows.leaf_masked])
        names = ("leaf_source", "leaf_instance", "leaf_slots", "leaf_relation", "leaf_tail")
        heads = rows.leaf_head_end - rows.leaf_head_start
        columns = [getattr(rows, name)[rows.leaf_masked][order] for name in names] + [heads[rows.leaf_masked][order]]
        return list(zip(*(column.tolist() for column in columns), strict=True))

    assert asked(intact)
    assert asked(control) == asked(intact)


def test_of_rows_without_a_question_random_tails_change_names_and_where_edges_lead_alone() -> None:
    split, entities = two_packages(1), make_entities(1)
    entities.name_length[:] = 2  # so that every tail takes as many positions
    entities.name_token[:, :2] = np.where(entities.name_token[:, :2] == END, 7, entities.name_token[:, :2])
    drawn = draw_leaves(split, np.arange(30), DRAW, np.random.default_rng(1))
    nothing = np.zeros(0, np.int64)
    selection = dataclasses.replace(drawn, masked=np.zeros_like(drawn.masked), hide_instance=nothing, hide_word=nothing)
    intact = assemble(split, entities, selection, ROW)
    control = assemble(split, entities, selection, ROW, shown_graph(split, "random_tails"))
    assert differing(intact, control) == {"token", "leaf_tail", "edge_target"}
    assert np.array_equal(intact.token[intact.slot == 0], control.token[control.slot == 0])
    assert Counter(intact.edge_target.tolist()) == Counter(control.edge_target.tolist())


def test_no_swapped_tail_spells_an_answer_or_a_hidden_name_of_its_window() -> None:
    dropped = 0
    for seed in range(6):
        split, selection, intact, control = laid_out(seed, "random_tails")
        dropped += len(intact.leaf_source) - len(control.leaf_source)
        assert set(control.leaf_source.tolist()) <= set(intact.leaf_source.tolist())
        for instance in range(len(selection.sample)):
            inside = control.leaf_instance == instance
            name = split.entity_word[control.leaf_tail[inside]]
            told = set(name[control.leaf_masked[inside]]) | set(
                selection.hide_word[selection.hide_instance == instance]
            )
            assert not told & set(name[~control.leaf_masked[inside]])
    assert dropped > 0


def test_no_swapped_edge_leads_from_the_head_of_a_masked_leaf_to_its_tail() -> None:
    """The edge between a question's ends is hidden wherever an exchange may bring it about."""
    split = two_packages(0)
    edge_sample = np.repeat(np.arange(30), np.diff(split.sample_edge))
    made = 0
    for seed in range(6):
        selection = draw_leaves(split, np.arange(30), DRAW, np.random.default_rng(seed))
        asked = [
            (int(selection.leaf_instance[j]), {int(split.leaf_head[leaf]), int(split.leaf_tail[leaf])})
            for j, leaf in enumerate(selection.leaf)
            if selection.masked[j]
        ]
        for form in ("intact", "random_tails"):
            shown = shown_graph(split, form)
            rows = assemble(split, make_entities(0), selection, ROW, shown)
            expected = 0
            for edge, sample in enumerate(edge_sample.tolist()):
                head = int(split.edge_head[edge])
                ends = ({head, int(split.edge_tail[edge])}, {head, int(shown.edge_tail[edge])})
                told = [any((sample, pair) == question for question in asked) for pair in ends]
                made += told[1] and not told[0]
                expected += bool(selection.shows_edges[sample]) and not any(told)
            assert len(rows.edge_row) == expected
    assert made > 0


@pytest.mark.parametrize("seed", range(3))
def test_plain_tokens_take_the_positions_of_the_leaves_as_further_roots_of_the_chain(seed: int) -> None:
    _, selection, intact, plain = laid_out(seed, "plain_tokens")
    assert np.array_equal(intact.document, plain.document)
    assert plain.leaf_masked.all()
    assert len(plain.edge_row) == 0
    further = 0
    for instance in range(len(selection.sample)):
        row, start = intact.instance_row[instance], intact.instance_start[instance]
        roots, more = intact.instance_roots[instance], plain.instance_roots[instance]
        inside = np.flatnonzero(intact.document[row] == intact.document[row, start])
        assert sorted(intact.token[row, inside]) == sorted(plain.token[row, inside])
        assert np.array_equal(intact.token[row, start : start + roots], plain.token[row, start : start + roots])
        assert plain.root[row, start : start + more].tolist() == list(range(more))
        assert not plain.slot[row, start : start + more].any()
        assert (plain.slot[row, inside[more:]] > 0).all()
        shown = (intact.leaf_instance == instance) & ~intact.leaf_masked
        assert more - roots == intact.leaf_slots[shown].sum()
        assert plain.first[row, start + roots : start + more].sum() == shown.sum()
        further += more - roots
    assert further > 0


def test_the_same_graph_is_shown_to_every_seed_and_process() -> None:
    for form in CONTROLS:
        one, other = (shown_graph(two_packages(2), form) for _ in range(2))
        assert differing(one, other) == set()
    draw = shown_graph(two_packages(2), "shuffled_relations").leaf_relation[:12].tolist()
    assert draw == [15, 7, 7, 15, 15, 7, 15, 15, 15, 7, 7, 7]


def test_a_split_without_leaves_or_edges_has_its_controls_too() -> None:
    whole = two_packages(0)
    none = {
        name: getattr(whole, name)[:0]
        for name in ("leaf_head", "leaf_relation", "leaf_tail", "leaf_query", "leaf_ambiguous", "leaf_anchor_start",
                     "edge_relation", "edge_source", "edge_target", "edge_head", "edge_tail")
    }  # fmt: skip
    zeros = np.zeros(31, np.int64)
    split = dataclasses.replace(whole, **none, sample_leaf=zeros, sample_edge=zeros)
    for form in CONTROLS:
        shown: ShownGraph = shown_graph(split, form)
        assert len(shown.leaf_tail) == len(shown.edge_target) == 0


@pytest.mark.parametrize("form", CONTROLS)
def test_a_model_is_shown_at_test_what_its_own_form_says_and_without_support_all_forms_are_one(
    form: GraphForm, tmp_path: Path
) -> None:
    packed = write_packed(tmp_path / "packed")
    intact, control = ModelScorer(make_model(), packed), ModelScorer(make_model(graph_form=form), packed)
    assert not np.allclose(scores(intact, "headline"), scores(control, "headline"))
    assert np.allclose(scores(intact, "zero_support"), scores(control, "zero_support"), atol=1e-6)


def test_a_model_that_is_shown_no_graph_at_test_scores_as_without_support(tmp_path: Path) -> None:
    packed = write_packed(tmp_path / "packed")
    with_graph, without = ModelScorer(make_model(), packed), ModelScorer(make_model(), packed, show_graph=False)
    assert np.array_equal(scores(without, "headline"), scores(with_graph, "zero_support"))
    assert not np.allclose(scores(without, "headline"), scores(with_graph, "headline"))


@pytest.mark.parametrize("form", CONTROLS)
def test_the_audit_reads_the_rows_that_the_net_is_shown(form: GraphForm, tmp_path: Path) -> None:
    packed = write_packed(tmp_path / "packed")
    queries = every_query(ModelScorer(make_model(), packed), "headline")
    intact = ModelScorer(make_model(), packed).rows(queries)
    control = ModelScorer(make_model(graph_form=form), packed).rows(queries)
    hidden = ModelScorer(make_model(), packed, show_graph=False).rows(queries)
    assert not intact.leaf_masked.all()
    assert hidden.leaf_masked.all()
    assert not all(np.array_equal(getattr(intact, name), getattr(control, name)) for name in vars(intact))


def test_name_slots_hold_a_plain_name() -> None:
    """A name longer than the slots is cut as a leaf's is, so that the positions stay the same."""
    split, entities = two_packages(0), make_entities(0)
    entities.name_length[:] = NAME_SLOTS + 3
    selection = draw_leaves(split, np.arange(30), DRAW, np.random.default_rng(0))
    rows = [assemble(split, entities, selection, ROW, shown_graph(split, form)) for form in ("intact", "plain_tokens")]
    assert np.array_equal(rows[0].document, rows[1].document)
