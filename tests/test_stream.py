"""The stream of steps and the objective: what no machine fact may change, and who meets whom."""

import dataclasses

import numpy as np
import pytest
import torch
from packed import make_entities, make_split
from test_model import SIZES, make_model
from test_train import SMALL

from graphmer.model.batch import power_of_two
from graphmer.ontology.vocabulary import load_ontology
from graphmer.train.config import CurriculumStage, TrainParams
from graphmer.train.data import TrainStream
from graphmer.train.micro_batch import MicroBatch, Share
from graphmer.train.objective import Objective

EVERY_TERM = dataclasses.replace(
    SMALL,
    rows=4,
    link_rows=2,
    loss=dataclasses.replace(SMALL.loss, sbo=0.5, text_code=0.3, antisymmetry=0.2, acyclicity=0.2),
)


def make_stream(params: TrainParams = EVERY_TERM, is_static: bool = False) -> TrainStream:
    return TrainStream(make_split(0, 60), make_entities(), load_ontology(), SIZES, params, is_static)


def shares(world: int, rows: int) -> list[Share]:
    return [Share(rank, world, rows) for rank in range(world)]


def whole_step(stream: TrainStream, number: int, world: int, rows: int) -> tuple[dict[str, float], list[torch.Tensor]]:
    """Terms and gradients of one step with `world` processes played in turn, their vectors gathered by hand."""
    terms: dict[str, float] = {}
    model = make_model()
    gradients: list[torch.Tensor] = []
    per_rank = [list(stream.micro_batches(number, share)) for share in shares(world, rows)]
    for micro in zip(*per_rank, strict=True):
        sent = sent_vectors(model, micro, world)
        for rank, batch in enumerate(micro):
            calls = iter(sent)

            def gather(own: torch.Tensor, rank: int = rank, calls=calls) -> torch.Tensor:  # type: ignore[no-untyped-def]
                others = next(calls)
                return torch.cat([own if other == rank else others[other] for other in range(world)])

            objective = Objective(model, EVERY_TERM, load_ontology(), gather, world)
            torch.manual_seed(0)
            objective.span = fixed_span(objective)
            values = objective(batch)
            (values.pop("backward") / world).backward()
            for name, value in values.items():
                terms[name] = terms.get(name, 0.0) + value.item()
    gradients = [weight.grad if weight.grad is not None else torch.zeros(1) for weight in model.parameters()]
    return terms, gradients


def fixed_span(objective: Objective) -> torch.nn.Module:
    torch.manual_seed(5)
    for weight in objective.span.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    return objective.span


def sent_vectors(model, micro: tuple[MicroBatch, ...], world: int) -> list[list[torch.Tensor]]:  # type: ignore[no-untyped-def]
    """What each rank sends at each gather, without gradients, as the other processes see it."""
    sent: list[list[torch.Tensor]] = []
    for batch in micro:
        mine: list[torch.Tensor] = []

        def record(own: torch.Tensor, mine=mine) -> torch.Tensor:  # type: ignore[no-untyped-def]
            mine.append(own.detach())
            return torch.cat([own] * world)

        with torch.no_grad():
            Objective(model, EVERY_TERM, load_ontology(), record, world)(batch)
        sent.append(mine)
    return [list(call) for call in zip(*sent, strict=True)]


@pytest.mark.parametrize(("world", "rows"), [(1, 2), (2, 1), (2, 2), (4, 1)])
def test_processes_and_micro_batches_change_neither_a_term_nor_a_gradient(world: int, rows: int) -> None:
    stream = make_stream()
    terms, gradients = whole_step(stream, 3, 1, 4)
    parts, parts_gradients = whole_step(stream, 3, world, rows)
    assert set(terms) == {"mlm", "sbo", "mnm", "link", "text_code", "antisymmetry", "acyclicity"}
    for name, value in terms.items():
        assert parts[name] == pytest.approx(value, rel=1e-4, abs=1e-7), name
    for one, other in zip(gradients, parts_gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-6)


def test_a_process_whose_rows_hold_no_leaf_sends_as_many_vectors_as_the_others() -> None:
    rare = dataclasses.replace(EVERY_TERM, leaves=dataclasses.replace(EVERY_TERM.leaves, leaf_drop=0.9))
    stream = make_stream(rare)
    counts = set()
    for number in range(6):
        parts = [next(stream.micro_batches(number, share)) for share in shares(2, 2)]
        assert len({part.leaf.shape for part in parts}) == 1
        counts |= {int(part.leaf_weight.sum()) for part in parts if len(part.leaf)}
        terms, _ = whole_step(stream, number, 1, 4)
        halves, _ = whole_step(stream, number, 2, 2)
        assert halves == {name: pytest.approx(value, rel=1e-4, abs=1e-7) for name, value in terms.items()}
    assert 0 in counts  # the case did occur


@pytest.mark.parametrize("number", [0, 7])
def test_static_shapes_give_the_terms_of_ragged_ones(number: int) -> None:
    terms, gradients = whole_step(make_stream(), number, 1, 4)
    fixed, fixed_gradients = whole_step(make_stream(is_static=True), number, 1, 4)
    for name, value in terms.items():
        assert fixed[name] == pytest.approx(value, rel=1e-4, abs=1e-7), name
    for one, other in zip(gradients, fixed_gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-6)


def test_every_step_of_an_epoch_has_the_same_shapes_where_they_are_asked_to_be_static() -> None:
    stream = make_stream(is_static=True)

    def shapes(number: int) -> list[list[tuple[int, ...]]]:
        batches = stream.micro_batches(number, Share(0, 1, 2))
        return [[tuple(value.shape) for value in tensors_of(batch)] for batch in batches]

    first = shapes(0)
    assert all(shapes(number) == first for number in range(1, stream.steps_in_epoch[0]))


def test_steps_are_keyed_by_seed_and_number() -> None:
    one, two, other = make_stream(), make_stream(), make_stream(dataclasses.replace(EVERY_TERM, seed=2))
    one.step(0)  # an earlier step leaves no trace in a later one
    far = one.steps_in_epoch[0] + 1
    assert np.array_equal(one.step(far).masked.token, two.step(far).masked.token)
    assert not np.array_equal(one.step(0).masked.token, other.step(0).masked.token)


def test_a_query_meets_the_keys_of_its_own_group_alone() -> None:
    (batch,) = make_stream().micro_batches(1, Share(0, 1, 4))
    groups = set(batch.query_group.tolist())
    assert groups == {0, 1}
    assert batch.query_group.tolist() == batch.key_group[batch.target].tolist()
    assert not batch.known[torch.arange(len(batch.target)), batch.target].any()


def test_the_curriculum_shortens_rows_shows_fewer_leaves_and_keeps_the_positions_of_a_step() -> None:
    stages = (CurriculumStage(until=0.5, divisor=2, leaf_share=0.34),)
    stream = make_stream(dataclasses.replace(EVERY_TERM, row_length=128, curriculum=stages, steps=10))
    early, late = (list(stream.micro_batches(number, Share(0, 1, 4))) for number in (4, 5))
    assert early[0].batch.token.shape == (8, 64)
    assert late[0].batch.token.shape == (4, 128)
    assert stream.layout.stage_of(4) == 0
    assert stream.layout.stage_of(5) == 1
    assert leaves_a_sample(stream, 0) <= 1 < leaves_a_sample(stream, 1)


def test_samples_that_short_rows_cannot_hold_are_counted_and_come_later() -> None:
    stages = (CurriculumStage(until=0.5, divisor=8, leaf_share=1.0),)
    stream = make_stream(dataclasses.replace(EVERY_TERM, rows=2, row_length=128, curriculum=stages, steps=10))
    early, late = (stream.layout.lay_out(stage, 0).rows for stage in (0, 1))
    shown = int((~stream.layout.is_document).sum())  # none of the split's is a document
    assert len(late.instance_row) == shown
    (left_out,) = stream.layout.left_out()
    assert 0 < left_out == shown - len(early.instance_row)


def leaves_a_sample(stream: TrainStream, stage: int) -> int:
    rows = stream.layout.lay_out(stage, 0).rows
    return int(np.bincount(rows.leaf_instance).max())


def test_a_power_of_two_is_the_least_that_holds_the_number() -> None:
    assert [power_of_two(number) for number in (0, 1, 2, 3, 8, 9)] == [1, 1, 2, 4, 8, 16]


def tensors_of(batch: MicroBatch) -> list[torch.Tensor]:
    values = (*vars(batch.batch).values(), *vars(batch).values())
    return [value for value in values if isinstance(value, torch.Tensor)]
