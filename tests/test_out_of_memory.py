"""Training where an allocator refuses: the fault is made, all that meets it is real."""

import dataclasses
import weakref
from pathlib import Path

import pytest
import torch
from packed import write_packed
from test_model import params
from test_train import SMALL

from graphmer.errors import TrainingError
from graphmer.train.micro_batch import MicroBatch
from graphmer.train.objective import Objective
from graphmer.train.run import train_model

NEXT = r"^out of memory with a micro-batch of 4 rows; try GRAPHMER_MICRO_BATCH=2$"
FOUR = dataclasses.replace(SMALL, steps=3, warmup_steps=1, rows=4, link_rows=2)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_packed(tmp_path_factory.mktemp("data") / "packed")


@pytest.fixture(autouse=True)
def _one_cpu_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_THREADS", "1")
    monkeypatch.setenv("GRAPHMER_DEVICE", "cpu")


def run(packed: Path, out: Path) -> None:
    train_model(packed, out / "model", out / "train.json", out / "train.csv", params(), FOUR)


def holds_at_most(rows: int, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Refuse micro-batches of more rows; says for each that came whether what a refused one held was still there."""
    forward = Objective.forward
    refused: list[weakref.ref[torch.Tensor]] = []
    was_held: list[bool] = []

    def limited(self: Objective, batch: MicroBatch) -> dict[str, torch.Tensor]:
        was_held.append(any(held() is not None for held in refused))
        if len(batch.batch.token) > rows:
            activations = torch.zeros(1000)
            refused.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(self, batch)

    monkeypatch.setattr(Objective, "forward", limited)
    return was_held


def test_what_does_not_fit_is_let_go_before_less_is_tried(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    was_held = holds_at_most(2, monkeypatch)
    run(packed, tmp_path)
    assert was_held == [False] * 7  # one of four rows, then two of two rows for each of three steps
    assert "train: out of memory with 4 rows at once; going on with 2" in capsys.readouterr().err


def test_where_nothing_fits_the_line_says_what_else_saves_memory(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds_at_most(1, monkeypatch)
    with pytest.raises(TrainingError, match=r"micro-batch of 2 rows, the smallest .* GRAPHMER_CHECKPOINT_ACTIVATIONS"):
        run(packed, tmp_path)


def test_a_given_micro_batch_is_not_changed_and_the_next_is_named(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHMER_MICRO_BATCH", "4")
    holds_at_most(2, monkeypatch)
    with pytest.raises(TrainingError, match=NEXT):
        run(packed, tmp_path)


def test_memory_that_ends_after_the_gradients_is_one_line_too(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_accelerator: object) -> None:  # where XLA allocates: all before was only recorded
        raise RuntimeError("RESOURCE_EXHAUSTED: Attempting to allocate 1.2G")

    monkeypatch.setattr("graphmer.train.loop.mark_step", refuse)
    with pytest.raises(TrainingError, match=NEXT):
        run(packed, tmp_path)
