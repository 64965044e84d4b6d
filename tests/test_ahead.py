"""Steps built ahead in other processes, as one block of memory each: the same steps as built at once."""

import dataclasses
import itertools
import os
import signal
import time
from collections.abc import Iterator

import pytest
import torch
from test_stream import EVERY_TERM, make_stream

from graphmer.errors import TrainingError
from graphmer.model.batch import Batch
from graphmer.model.texts import TextRows
from graphmer.train.ahead import StepsAhead
from graphmer.train.config import CurriculumStage, TrainParams
from graphmer.train.micro_batch import MicroBatch, Share
from graphmer.train.parcel import Parcel, parcel

CPU = torch.device("cpu")
LONG = dataclasses.replace(
    EVERY_TERM, steps=60, warmup_steps=2, curriculum=(CurriculumStage(until=0.2, divisor=2, leaf_share=0.5),)
)
WHOLE, HALF = Share(0, 1, 4), Share(0, 1, 2)


def parts(micro: MicroBatch | Batch | TextRows) -> dict[str, object]:
    """Every value of a micro-batch by its dotted name."""
    found: dict[str, object] = {}
    for name, value in vars(micro).items():
        if isinstance(value, Batch | TextRows):
            found |= {f"{name}.{inner}": part for inner, part in parts(value).items()}
        else:
            found[name] = value
    return found


def same(one: MicroBatch, other: MicroBatch) -> bool:
    ours, theirs = parts(one), parts(other)
    assert ours.keys() == theirs.keys()
    return all(
        torch.equal(value, theirs[name]) and value.dtype == theirs[name].dtype  # type: ignore[arg-type, union-attr]
        if isinstance(value, torch.Tensor)
        else value == theirs[name]
        for name, value in ours.items()
    )


def at_once(params: TrainParams, number: int, share: Share) -> list[MicroBatch]:
    return list(make_stream(params).micro_batches(number, share))


def test_a_parcel_gives_back_the_micro_batch_it_was_made_of() -> None:
    for micro in at_once(EVERY_TERM, 3, HALF):
        made = parcel(micro)
        assert isinstance(made, Parcel)
        assert made.occupied == micro.occupied
        assert same(made.to(CPU), micro)


def test_the_tensors_of_a_parcel_are_views_of_one_block_that_do_not_overlap() -> None:
    (micro,) = at_once(EVERY_TERM, 0, WHOLE)
    made = parcel(micro)
    tensors = [value for value in parts(made.to(CPU)).values() if isinstance(value, torch.Tensor)]
    block = made.data.untyped_storage().data_ptr()
    assert {tensor.untyped_storage().data_ptr() for tensor in tensors} == {block}
    spans = sorted((tensor.data_ptr(), tensor.data_ptr() + tensor.nbytes) for tensor in tensors if tensor.nbytes)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))


def test_a_parcel_is_much_less_than_its_tensors_are_many() -> None:
    (micro,) = at_once(EVERY_TERM, 0, WHOLE)
    made = parcel(micro)
    size = sum(value.nbytes for value in parts(micro).values() if isinstance(value, torch.Tensor))
    assert size <= made.data.nbytes <= size + 16 * len(parts(micro))


def test_steps_built_ahead_are_those_built_at_once_through_stages_and_epochs() -> None:
    with StepsAhead(make_stream(LONG), LONG.steps, is_ahead=True) as ahead:
        for number in range(LONG.steps):
            (built,) = ahead.take(number, WHOLE)
            assert same(built.to(CPU), at_once(LONG, number, WHOLE)[0])


def test_a_run_that_goes_on_in_the_middle_or_takes_less_at_once_meets_the_same_steps() -> None:
    with StepsAhead(make_stream(LONG), LONG.steps, is_ahead=True) as ahead:
        for number, share in ((40, WHOLE), (41, WHOLE), (41, HALF), (42, HALF), (7, HALF)):
            built = ahead.take(number, share)
            expected = at_once(LONG, number, share)
            assert len(built) == len(expected)
            assert all(same(one.to(CPU), other) for one, other in zip(built, expected, strict=True))


def test_on_a_cpu_steps_are_built_when_they_are_asked_for() -> None:
    with StepsAhead(make_stream(), EVERY_TERM.steps, is_ahead=False) as steps:
        assert all(isinstance(batch, MicroBatch) for batch in steps.take(0, WHOLE))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_builders_outlive_a_signal_to_the_whole_group_and_end_with_the_run(number: signal.Signals) -> None:
    before = children()
    with StepsAhead(make_stream(LONG), LONG.steps, is_ahead=True) as ahead:
        for step in range(2):
            ahead.take(step, WHOLE)  # one from each builder: both have begun
        builders = children() - before
        assert len(builders) == 2
        for builder in builders:
            os.kill(builder, number)
        assert all(same(ahead.take(step, WHOLE)[0].to(CPU), at_once(LONG, step, WHOLE)[0]) for step in range(2, 20))
    wait_for_end(builders)


def test_a_builder_that_is_killed_is_one_line() -> None:
    before = children()
    with (
        pytest.raises(TrainingError, match="a process that builds steps was killed"),
        StepsAhead(make_stream(LONG), LONG.steps, is_ahead=True) as ahead,
    ):
        ahead.take(0, WHOLE)
        for builder in children() - before:
            os.kill(builder, signal.SIGKILL)
        for step in range(1, LONG.steps):
            ahead.take(step, WHOLE)


def test_what_a_builder_cannot_build_is_told_as_if_it_had_been_built_here(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = make_stream(LONG)

    def fails(number: int, share: Share) -> list[MicroBatch]:
        raise TrainingError(f"step {number}: no")

    monkeypatch.setattr(stream, "micro_batches", fails)
    with StepsAhead(stream, LONG.steps, is_ahead=True) as ahead, pytest.raises(TrainingError, match=r"^step 3: no$"):
        ahead.take(3, WHOLE)


def test_builders_end_though_the_error_that_ended_the_run_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    before, stream = children(), make_stream(LONG)
    real = stream.micro_batches

    def fails(number: int, share: Share) -> Iterator[MicroBatch]:
        if number == 2:
            raise TrainingError("step 2: no")
        return real(number, share)

    monkeypatch.setattr(stream, "micro_batches", fails)
    with pytest.raises(TrainingError) as kept, StepsAhead(stream, LONG.steps, is_ahead=True) as ahead:
        for step in range(3):
            ahead.take(step, WHOLE)
    assert kept.traceback  # its frames hold what DataLoader gave
    wait_for_end(children() - before)


def wait_for_end(builders: set[int]) -> None:
    deadline = time.monotonic() + 60
    while children() & builders and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not children() & builders


def children() -> set[int]:
    import psutil

    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}
