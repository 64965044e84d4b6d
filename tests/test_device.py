"""The device plan: each fact of the machine is read, checked and used, or refused in one line."""

import dataclasses
import os
import sys
from pathlib import Path

import pytest
import torch
from imports import ROOT
from launched import all_pairs_loss, rows

from graphmer.errors import TrainingError
from graphmer.params import load_section, load_tree
from graphmer.train import survey
from graphmer.train.config import TrainParams
from graphmer.train.device import gather_rows, mark_step, reseed, start, to_host
from graphmer.train.launch import launch
from graphmer.train.micro import check_micro_batch, is_out_of_memory, micro_batches, next_micro_batch, out_of_memory
from graphmer.train.plan import read_plan

PARAMS = load_section(load_tree(ROOT / "params.yaml"), "train", TrainParams)
CPU = {"GRAPHMER_DEVICE": "cpu"}
CORES = os.cpu_count() or 1


def test_an_empty_environment_asks_for_one_process_on_all_cores() -> None:
    plan = read_plan({}, PARAMS, gpus=0)
    assert (plan.device, plan.world, plan.threads, plan.micro_batch) == ("cpu", 1, CORES, None)
    assert (plan.compile, plan.checkpoint_activations, plan.checkpoint_steps) == (False, False, None)
    assert not plan.is_worker


def test_a_gpu_is_taken_where_there_is_one_and_one_alone_unless_more_are_asked_for() -> None:
    assert (read_plan({}, PARAMS, gpus=2).device, read_plan({}, PARAMS, gpus=2).processes) == ("gpu", 1)
    assert read_plan({"GRAPHMER_PROCESSES": "2"}, PARAMS, gpus=2).world == 2


def test_each_fact_of_the_machine_is_read() -> None:
    environment = {
        "GRAPHMER_DEVICE": "gpu", "GRAPHMER_PROCESSES": "4", "GRAPHMER_NODES": "2", "GRAPHMER_NODE_RANK": "1",
        "GRAPHMER_MAIN_ADDRESS": "10.0.0.1", "GRAPHMER_MAIN_PORT": "29500", "GRAPHMER_MICRO_BATCH": "3",
        "GRAPHMER_THREADS": "5", "GRAPHMER_CHECKPOINT_ACTIVATIONS": "1", "GRAPHMER_COMPILE": "1",
        "GRAPHMER_CHECKPOINT_STEPS": "7", "RANK": "6", "LOCAL_RANK": "2", "WORLD_SIZE": "8",
    }  # fmt: skip
    plan = read_plan(environment, dataclasses.replace(PARAMS, precision="bf16"), gpus=4)
    assert dataclasses.asdict(plan) == {
        "device": "gpu", "processes": 4, "nodes": 2, "node_rank": 1, "rank": 6, "local_rank": 2, "address": "10.0.0.1",
        "port": 29500, "micro_batch": 3, "threads": 5, "precision": "bf16", "compile": True,
        "checkpoint_activations": True, "checkpoint_steps": 7, "is_worker": True,
    }  # fmt: skip
    assert plan.world == 8


def test_processes_share_the_cores_unless_threads_are_given() -> None:
    share = max(1, CORES // 2)
    assert read_plan({**CPU, "GRAPHMER_PROCESSES": "2"}, PARAMS).threads == share
    assert read_plan({**CPU, "GRAPHMER_PROCESSES": "2", "OMP_NUM_THREADS": str(CORES)}, PARAMS).threads == share
    assert read_plan({**CPU, "OMP_NUM_THREADS": "1"}, PARAMS).threads == 1
    assert read_plan({**CPU, "GRAPHMER_PROCESSES": "2", "GRAPHMER_THREADS": "9"}, PARAMS).threads == 9


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"GRAPHMER_DEVICE": "cuda"}, "GRAPHMER_DEVICE: expected cpu, gpu, tpu, got 'cuda'"),
        ({"GRAPHMER_DEVICE": "gpu"}, "GRAPHMER_DEVICE: gpu was asked for, torch finds none"),
        ({"GRAPHMER_PROCESSES": "two"}, "GRAPHMER_PROCESSES: expected a whole number of at least 1, got 'two'"),
        ({"GRAPHMER_PROCESSES": "0"}, "GRAPHMER_PROCESSES: expected a whole number of at least 1, got '0'"),
        ({"GRAPHMER_THREADS": "-1"}, "GRAPHMER_THREADS: expected a whole number of at least 1, got '-1'"),
        ({"GRAPHMER_MICRO_BATCH": "1.5"}, "GRAPHMER_MICRO_BATCH: expected a whole number of at least 1"),
        ({"GRAPHMER_COMPILE": "yes"}, "GRAPHMER_COMPILE: expected 0 or 1, got 'yes'"),
        ({"GRAPHMER_COMPILE": "1"}, "GRAPHMER_COMPILE: compiles for a GPU alone, the device is cpu"),
        ({"GRAPHMER_CHECKPOINT_ACTIVATIONS": "2"}, "GRAPHMER_CHECKPOINT_ACTIVATIONS: expected 0 or 1, got '2'"),
        ({"GRAPHMER_MAIN_PORT": "70000"}, "GRAPHMER_MAIN_PORT: expected a whole number from 1 to 65535"),
        ({"GRAPHMER_NODES": "2"}, "GRAPHMER_NODE_RANK: not set, and GRAPHMER_NODES=2 needs it on every machine"),
        ({"GRAPHMER_NODES": "2", "GRAPHMER_NODE_RANK": "1"}, "GRAPHMER_MAIN_ADDRESS: not set"),
        ({"WORLD_SIZE": "2", "RANK": "0"}, "WORLD_SIZE: 2 processes were started, GRAPHMER_PROCESSES x GRAPHMER_NODES"),
    ],
)
def test_a_value_that_cannot_be_is_one_line_that_names_it(environment: dict[str, str], line: str) -> None:
    with pytest.raises(TrainingError) as caught:
        read_plan(environment, PARAMS, gpus=0)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_more_processes_than_gpus_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"3 were asked for and torch finds 2 GPUs"):
        read_plan({"GRAPHMER_PROCESSES": "3"}, PARAMS, gpus=2)


@pytest.mark.parametrize("gpus", [0, 1])
def test_fp16_is_for_a_gpu(gpus: int) -> None:
    params = dataclasses.replace(PARAMS, precision="fp16")
    if gpus:
        assert read_plan({}, params, gpus=gpus).precision == "fp16"
    else:
        with pytest.raises(TrainingError, match=r"^train\.precision: fp16 needs a GPU; choose fp32, or bf16"):
            read_plan({}, params, gpus=gpus)


def test_what_trains_alone_does_so_whatever_is_asked_for() -> None:
    environment = {**CPU, "GRAPHMER_PROCESSES": "2", "WORLD_SIZE": "2", "RANK": "1", "GRAPHMER_NODES": "2"}
    plan = read_plan(environment, PARAMS, alone=True)
    assert (plan.world, plan.rank, plan.is_worker) == (1, 0, False)


@pytest.mark.parametrize(("rows", "link_rows", "world"), [(12, 4, 1), (12, 4, 2), (64, 8, 4), (48, 3, 16), (30, 5, 6)])
def test_micro_batches_are_those_that_divide_the_rows_in_whole_groups(rows: int, link_rows: int, world: int) -> None:
    def fits(micro: int) -> bool:
        return rows % (world * micro) == 0 and world * micro % link_rows == 0

    expected = [micro for micro in range(rows, 0, -1) if fits(micro)]
    assert micro_batches(rows, link_rows, world) == expected
    for micro in expected:
        smaller = [other for other in expected if other < micro]
        assert next_micro_batch(micro, rows, link_rows, world) == (smaller[0] if smaller else None)
        check_micro_batch(micro, rows, link_rows, world)


def test_a_micro_batch_that_does_not_fit_is_refused_with_those_that_do() -> None:
    with pytest.raises(TrainingError, match=r"GRAPHMER_MICRO_BATCH: 5 does not fit .* choose one of 6, 2$"):
        check_micro_batch(5, 12, 4, 2)
    with pytest.raises(TrainingError, match=r"train\.rows: 5 processes cannot share 12 rows"):
        micro_batches(12, 4, 5)
    with pytest.raises(TrainingError, match=r"train\.link_rows: 5 does not divide train\.rows \(12\)"):
        micro_batches(12, 5, 1)


def test_out_of_memory_names_the_next_micro_batch_and_below_the_smallest_what_else_helps() -> None:
    assert str(out_of_memory(6, 12, 4, 2)).endswith("try GRAPHMER_MICRO_BATCH=2")
    assert "GRAPHMER_CHECKPOINT_ACTIVATIONS=1" in str(out_of_memory(2, 12, 4, 2))


def test_a_refused_allocation_is_told_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 50)
    with pytest.raises(RuntimeError) as mismatched:
        torch.zeros(2) @ torch.zeros(3)
    assert is_out_of_memory(refused.value)
    assert not is_out_of_memory(mismatched.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Attempting to allocate 1.2G"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert is_out_of_memory(RuntimeError("Bad StatusOr access: INTERNAL: Out of memory while trying to allocate"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_world_of_another_size_than_the_plans_is_refused() -> None:
    plan = read_plan({**CPU, "GRAPHMER_PROCESSES": "2"}, PARAMS)
    with pytest.raises(TrainingError, match=r"2 processes were asked for, 1 run"):
        start(plan, PARAMS)


def test_one_process_gathers_its_own_rows_and_marks_no_steps() -> None:
    accelerator = start(read_plan({**CPU, "GRAPHMER_THREADS": "1"}, PARAMS), PARAMS)
    own = torch.ones(2, 3, requires_grad=True)
    assert gather_rows(own) is own
    assert torch.get_num_threads() == 1
    mark_step(accelerator)
    assert not to_host(own).requires_grad
    reseed(accelerator, 7)
    drawn = torch.rand(3)
    reseed(accelerator, 7)
    assert torch.equal(torch.rand(3), drawn)


@pytest.mark.parametrize(("name", "dtype"), [("float64", torch.float64), ("bfloat16", torch.bfloat16)])
def test_two_processes_gather_all_rows_in_rank_order_and_get_the_gradient_of_their_own(
    gathered: Path, name: str, dtype: torch.dtype
) -> None:
    whole = rows(dtype).requires_grad_()
    all_pairs_loss(whole).backward()
    assert whole.grad is not None
    for rank in (0, 1):
        found, gradient = torch.load(gathered / f"{rank}.{name}.pt")
        assert torch.equal(found, whole.detach())
        assert torch.equal(gradient, whole.grad[3 * rank : 3 * rank + 3])


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gathered")
    plan = read_plan({**CPU, "GRAPHMER_PROCESSES": "2", "GRAPHMER_THREADS": "1"}, PARAMS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT / "src"))
        launch(plan, [sys.executable, str(ROOT / "tests" / "launched.py"), "gathers", str(out)])
    return out


def ask(monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> int:
    monkeypatch.chdir(ROOT)
    for name, value in {**CPU, **environment}.items():
        monkeypatch.setenv(name, value)
    return survey.run(arguments)


def test_the_survey_says_what_is_here_and_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, "--profile", "smoke", "--set", "train.link_rows=2") == 0
    said = capsys.readouterr().out
    for name in ("processor", "memory", "disk", "gpu", "torch", "accelerate", "torch_xla"):
        assert f"\n{name}: " in f"\n{said}" or f"\n{name} 0: " in said
    assert "1 x cpu" in said.splitlines()[-1]
    assert "4 rows a step" in said.splitlines()[-1]


def test_the_survey_fails_with_a_line_where_the_profile_does_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, "--set", "train.precision=fp16") == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("does not fit: train.precision: fp16 needs a GPU")
    assert ask(monkeypatch, GRAPHMER_PROCESSES="5") == 1
    assert "5 processes cannot share" in capsys.readouterr().out.splitlines()[-1]
    assert ask(monkeypatch, "--profile", "none") == 2
    assert capsys.readouterr().err.startswith("params: profile: no 'none' in profiles; known: base, ")
