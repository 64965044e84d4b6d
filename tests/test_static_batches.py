"""Static shapes: nothing that a compiler records has a shape or a branch that depends on the data."""

import dataclasses

import numpy as np
import pytest
import torch
from packed import NAME_SLOTS
from test_model import RELATIONS, SIZES, make_model, params, rows_of
from test_stream import EVERY_TERM, make_stream
from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode

from graphmer.model.batch import Batch, plain_batch, rows_batch, static_sizes
from graphmer.model.heads import GraphMER
from graphmer.ontology.vocabulary import load_ontology
from graphmer.train.data import TrainStream
from graphmer.train.micro_batch import MicroBatch, Share
from graphmer.train.objective import Objective

WHOLE = Share(0, 1, EVERY_TERM.rows)
OFF = {"hop_decay": "none"}, {"hop_decay": "multiplicative"}, {"use_hgat": False}, {"use_lexical_skip": False}
SWITCHES = [{}, *OFF, {"use_rel_attention_bias": False}]


def objective_of(model: GraphMER) -> Objective:
    return Objective(model, EVERY_TERM, load_ontology(), lambda rows: rows, 1)


def step_of(stream: TrainStream, number: int) -> MicroBatch:
    (batch,) = stream.micro_batches(number, WHOLE)
    return batch


def faked(mode: FakeTensorMode, batch: MicroBatch) -> MicroBatch:
    """The same batch of tensors that have shapes and no values."""

    def fake(part: object) -> object:
        return mode.from_tensor(part) if isinstance(part, torch.Tensor) else part

    rows = Batch(**{name: fake(value) for name, value in vars(batch.batch).items()})  # type: ignore[arg-type]
    others = {name: fake(value) for name, value in vars(batch).items() if name != "batch"}
    return MicroBatch(batch=rows, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", SWITCHES)
def test_no_shape_of_a_static_step_depends_on_data(changes: dict[str, object]) -> None:
    batch = step_of(make_stream(is_static=True), 0)
    with FakeTensorMode() as mode:
        objective = objective_of(GraphMER(params(**changes), SIZES).train())
        objective(faked(mode, batch))["backward"].backward()
        for name, weight in objective.named_parameters():
            assert weight.grad is not None, name


def test_fake_tensors_refuse_a_shape_that_depends_on_data() -> None:
    batch = step_of(make_stream(is_static=True), 0)
    with FakeTensorMode() as mode, pytest.raises(DynamicOutputShapeException):
        rows = faked(mode, batch).batch
        rows.leaf_position[rows.leaf_filled]


def graphs_after_each(module: torch.nn.Module, batches: list[object]) -> list[int]:
    """How many graphs dynamo has recorded by the end of each batch."""
    seen: list[torch.fx.GraphModule] = []

    def count(graph: torch.fx.GraphModule, _: object) -> object:
        seen.append(graph)
        return graph.forward

    torch._dynamo.reset()
    compiled, counts = torch.compile(module, backend=count, dynamic=False), []
    for batch in batches:
        compiled(batch)
        counts.append(len(seen))
    return counts


def test_a_second_step_does_not_compile_again() -> None:
    stream, model = make_stream(is_static=True), make_model(layers=1).train()
    first, *others = graphs_after_each(objective_of(model), [step_of(stream, number) for number in range(3)])
    assert first > 0
    assert others == [first, first]


def test_a_ragged_batch_compiles_again() -> None:
    stream = make_stream()
    first, second = graphs_after_each(make_model(layers=1), [step_of(stream, number).batch for number in range(2)])
    assert second > first


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
