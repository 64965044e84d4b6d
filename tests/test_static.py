"""A static micro-batch, forward and back with every term: no shape that depends on data, and no second compile.

What a compiler of whole graphs asks, without torch_xla; tests/xla takes real steps under it.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from packed import NAME_SLOTS
from test_model import RELATIONS, make_model, rows_of
from test_stream import EVERY_TERM, make_stream
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode

from graphmer.model.batch import Batch, plain_batch, rows_batch, static_sizes
from graphmer.model.texts import TextRows
from graphmer.ontology.vocabulary import load_ontology
from graphmer.train.data import TrainStream
from graphmer.train.deal import FixedSizes
from graphmer.train.micro_batch import MicroBatch, Share
from graphmer.train.objective import Objective

Step = Callable[[Objective, MicroBatch], Tensor]


@pytest.fixture(autouse=True)
def _nothing_is_compiled_before() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


OFF = {"hop_decay": "none"}, {"hop_decay": "multiplicative"}, {"use_hgat": False}, {"use_lexical_skip": False}
SWITCHES = [{}, *OFF, {"use_rel_attention_bias": False}]


def make_objective(**changes: object) -> Objective:
    model = make_model(layers=1, **changes)
    objective = Objective(model, EVERY_TERM, load_ontology(), lambda own: own, 1).train()
    assert set(objective.terms) == {"mlm", "sbo", "mnm", "link", "text_code", "antisymmetry", "acyclicity"}
    return objective


def micro_batch(number: int, rows: int = 4) -> MicroBatch:
    return next(make_stream(is_static=True).micro_batches(number, Share(0, 1, rows)))


def without_values(batch: MicroBatch, mode: FakeTensorMode) -> MicroBatch:
    """The same micro-batch with tensors that have a shape and nothing in them."""

    def fake(part: Batch | TextRows | MicroBatch) -> dict[str, Tensor]:
        return {name: mode.from_tensor(value) for name, value in vars(part).items() if isinstance(value, Tensor)}

    texts = TextRows(Batch(**fake(batch.texts.batch), is_static=True), **fake(batch.texts), places=batch.texts.places)
    return MicroBatch(**fake(batch), batch=Batch(**fake(batch.batch), is_static=True), texts=texts)


def step_without_values(step: Step, **changes: object) -> Objective:
    """Take a step of which no operation can see a value; raises where one needs to."""
    with FakeTensorMode() as mode:
        objective = make_objective(**changes)
        step(objective, without_values(micro_batch(0), mode)).backward()
    return objective


def every_term(objective: Objective, batch: MicroBatch) -> Tensor:
    return objective(batch)["backward"]


def filled_slots_alone(objective: Objective, batch: MicroBatch) -> Tensor:
    """What HGAT would be without padding: as many positions as there happen to be."""
    hidden = objective.model(batch.batch)
    return hidden.flatten(0, 1)[batch.batch.leaf_position[batch.batch.leaf_filled]].sum()


def terms_that_some_query_has(objective: Objective, batch: MicroBatch) -> Tensor:
    value: Tensor = objective(batch)["backward"]
    return value if batch.leaf_weight.sum().item() > 0 else value * 0.0


@pytest.mark.parametrize("changes", SWITCHES)
def test_every_term_and_its_gradient_are_computed_without_seeing_a_value(changes: dict[str, object]) -> None:
    objective = step_without_values(every_term, **changes)
    assert all(weight.grad is not None and weight.grad.shape == weight.shape for weight in objective.parameters())


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (filled_slots_alone, DynamicOutputShapeException),
        (terms_that_some_query_has, DataDependentOutputException),
    ],
)
def test_a_shape_or_a_branch_that_depends_on_data_is_caught(step: Step, error: type[Exception]) -> None:
    with pytest.raises(error):
        step_without_values(step)


def test_other_data_of_the_same_sizes_compile_nothing_and_another_shape_does() -> None:
    objective, counter = make_objective(), CompileCounterWithBackend("aot_eager")
    objective.compile(backend=counter, fullgraph=True, dynamic=False)  # fullgraph: a break in the graph raises
    for number in range(3):
        every_term(objective, micro_batch(number)).backward()
    assert counter.frame_count == 1
    every_term(objective, micro_batch(3, rows=2)).backward()
    assert counter.frame_count == 2


def test_the_sizes_of_a_later_epoch_are_never_smaller() -> None:
    def sizes_of(epochs: range, stream: TrainStream) -> list[FixedSizes | None]:
        return [stream.step(epoch * stream.steps_in_epoch[0]).sizes for epoch in epochs]

    whole = sizes_of(range(6), make_stream(is_static=True))
    alone = [sizes_of(range(epoch, epoch + 1), make_stream(is_static=True))[0] for epoch in range(6)]
    assert any(later.at_least(sooner) != later for sooner, later in itertools.pairwise(alone))  # some would shrink
    assert all(later.at_least(sooner) == later for sooner, later in itertools.pairwise(whole))
    assert all(kept.at_least(needed) == kept for kept, needed in zip(whole, alone, strict=True))


def test_a_plain_batch_lies_where_its_tokens_lie() -> None:
    batch = plain_batch(torch.zeros(2, 5, dtype=torch.long, device="meta"))
    assert {value.device.type for value in vars(batch).values() if isinstance(value, torch.Tensor)} == {"meta"}


@pytest.mark.parametrize("what", ["leaves", "pairs"])
def test_a_row_that_outgrows_its_room_is_refused(what: str) -> None:
    rows = rows_of(2)
    sizes = dataclasses.replace(static_sizes(rows), **{f"{what}_per_row": 1})
    with pytest.raises(ValueError, match=rf"{what}: a row has \d+, more than the room for 1"):
        rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS, sizes)


def test_static_sizes_are_the_powers_of_two_that_the_fullest_row_needs() -> None:
    rows = rows_of(2)
    batch, _ = rows_batch(rows, np.arange(rows.num_rows), RELATIONS, NAME_SLOTS)
    pairs = int(torch.bincount(batch.pair_row).max())
    sizes = static_sizes(rows)
    assert sizes.pairs_per_row // 2 < pairs <= sizes.pairs_per_row
    leaves = int(np.bincount(rows.leaf_row).max())
    assert sizes.leaves_per_row // 2 < leaves <= sizes.leaves_per_row
