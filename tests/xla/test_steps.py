"""Real training steps under XLA, through stages/train.py, against the same steps on the CPU; run by `make test-xla`.

PJRT_DEVICE=CPU unless the environment names another device.
"""

import csv
import dataclasses
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from packed import make_entities, make_split, write_packed

from graphmer.model.config import Vocabulary
from graphmer.ontology.vocabulary import load_ontology
from graphmer.params import load_section, load_tree
from graphmer.train.config import TrainParams
from graphmer.train.data import TrainStream
from graphmer.train.run import read_vocabulary

ROOT = Path(__file__).resolve().parents[2]
STEPS, REPORT_EVERY = 40, 5
SAMPLES = 60
# Dropout draws other numbers on another device: without it the curves can be compared.
SIZES = {
    "model.layers": 1, "model.width": 16, "model.heads": 2, "model.ffn": 32, "model.hgat_rank": 4,
    "model.hgat_dropout": 0.0, "train.steps": STEPS, "train.warmup_steps": 2, "train.rows": 4, "train.link_rows": 2,
    "train.row_length": 64, "train.learning_rate": 5e-3, "train.report_every": REPORT_EVERY,
    "train.leaves.max_leaves": 3, "train.text_code.pairs": 4, "train.loss.sbo": 0.5, "train.loss.text_code": 0.3,
    "train.loss.antisymmetry": 0.1, "train.loss.acyclicity": 0.1,
    "train.curriculum": "[{until: 0.5, divisor: 2, leaf_share: 0.67}]",
}  # fmt: skip
XLA = {"GRAPHMER_DEVICE": "tpu", "PJRT_DEVICE": os.environ.get("PJRT_DEVICE", "CPU")}
CPU = {"GRAPHMER_DEVICE": "cpu", "USE_TORCH_XLA": "0"}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_packed(tmp_path_factory.mktemp("data") / "packed", SAMPLES)


@pytest.fixture(scope="module")
def on_cpu(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(packed, tmp_path_factory.mktemp("cpu"), CPU)


@pytest.fixture(scope="module")
def on_xla(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("xla")
    return trained(packed, folder, {**XLA, "XLA_METRICS_FILE": str(folder / "metrics")})


def flags(changes: dict[str, object]) -> list[str]:
    return [f"{key}={value}" for key, value in {**SIZES, **changes}.items()]


def command(packed: Path, folder: Path, changes: dict[str, object]) -> list[str]:
    stage = [sys.executable, str(ROOT / "stages" / "train.py"), "--params", str(ROOT / "params.yaml")]
    sets = itertools.chain.from_iterable(("--set", flag) for flag in flags(changes))
    return [*stage, "--packed", str(packed), "--out", str(folder / "model"), *sets]


def trained(packed: Path, folder: Path, facts: dict[str, str], **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **facts}
    done = subprocess.run(
        command(packed, folder, changes), cwd=folder, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return folder


def curve(folder: Path) -> list[dict[str, float]]:
    with (folder / "model.plot.csv").open() as stream:
        return [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(stream)]


def assert_same_curve(one: Path, other: Path, tolerance: float = 1e-3) -> None:
    ours, theirs = curve(one), curve(other)
    assert len(ours) == len(theirs) > 0
    for row, expected in zip(ours, theirs, strict=True):
        assert row == pytest.approx(expected, rel=tolerance, abs=1e-4)


@dataclasses.dataclass(frozen=True)
class Reading:
    """What torch_xla had counted since its start when a graph was sent off."""

    compiles: int
    fallbacks: dict[str, int]
    host_reads: int


def readings(folder: Path) -> list[Reading]:
    """One for each graph that the loop closed, in order."""
    blocks = (folder / "metrics").read_text().split("[MetricsData")[1:]
    return [
        Reading(
            counter(block, "UncachedCompile"),
            dict(re.findall(r"Counter: (aten::\w+)\n\s+Value: (\d+)", block)),
            counter(block, "TransferFromDeviceTime", "Metric", "TotalSamples"),
        )
        for block in blocks
    ]


def counter(block: str, name: str, kind: str = "Counter", value: str = "Value") -> int:
    found = re.search(rf"{kind}: {name}\n\s+{value}: (\d+)", block)
    return int(found[1]) if found else 0


def graphs() -> list[int]:
    """The step that each closed graph belongs to: a step's own, then two more where the figures are read."""
    reads = [3 if (step + 1) % REPORT_EVERY == 0 else 1 for step in range(STEPS)]
    return [step for step, count in enumerate(reads) for _ in range(count)]


def sizes_of_steps(packed: Path) -> list[tuple[object, int]]:
    """The padded sizes and row length of each step, as the loop meets them."""
    params = load_section(load_tree(ROOT / "params.yaml", flags({})), "train", TrainParams)
    vocabulary: Vocabulary = read_vocabulary(packed)
    stream = TrainStream(make_split(0, SAMPLES), make_entities(), load_ontology(), vocabulary, params, is_static=True)
    steps = [stream.step(number) for number in range(STEPS)]
    return [(step.sizes, step.rows.token.shape[1]) for step in steps]


def test_the_loss_falls_and_the_model_is_validated(on_xla: Path) -> None:
    rows = curve(on_xla)
    assert [row["step"] for row in rows] == list(range(REPORT_EVERY, STEPS + 1, REPORT_EVERY))
    for term in ("loss.mlm", "loss.mnm", "loss.link"):
        assert rows[-1][term] < rows[0][term]
    assert 0 < json.loads((on_xla / "model.metrics.json").read_text())["val"]["link_mrr"] <= 1


def test_every_term_of_every_row_is_that_of_the_cpu(on_xla: Path, on_cpu: Path) -> None:
    assert_same_curve(on_xla, on_cpu)


def test_nothing_is_compiled_but_the_first_steps_and_what_outgrows_the_sizes_so_far(on_xla: Path, packed: Path) -> None:
    counts = [reading.compiles for reading in readings(on_xla)]
    assert len(counts) == len(graphs())
    growth = [after - before for before, after in itertools.pairwise([0, *counts])]
    compiled = {step: growth[graphs().index(step)] for step in range(STEPS)}
    sizes = sizes_of_steps(packed)
    # AdamW's state comes to be in the first step: the second is another graph.
    new = [step for step in range(STEPS) if step < 2 or sizes[step] not in sizes[:step]]
    assert STEPS // 2 in new  # the curriculum's other row length is seen
    # What reads the figures is compiled with the first row of the curve, and counted with the step after it.
    expected = dict.fromkeys(new, 1) | {REPORT_EVERY: compiled[REPORT_EVERY]}
    assert {step: count for step, count in compiled.items() if count} == expected
    assert counts[-1] <= len(new) + 3


def test_no_operation_falls_back_and_the_host_reads_figures_at_rows_of_the_curve_alone(on_xla: Path) -> None:
    last = readings(on_xla)[-1]
    assert last.fallbacks == {}
    assert 0 < last.host_reads <= 2 * STEPS // REPORT_EVERY


def test_micro_batches_give_the_curve_of_whole_steps(packed: Path, on_cpu: Path, tmp_path: Path) -> None:
    assert_same_curve(trained(packed, tmp_path, {**XLA, "GRAPHMER_MICRO_BATCH": "2"}), on_cpu)


def test_bf16_trains_near_fp32(packed: Path, on_cpu: Path, tmp_path: Path) -> None:
    trained(packed, tmp_path, XLA, **{"train.precision": "bf16"})
    assert_same_curve(tmp_path, on_cpu, 0.1)
    assert curve(tmp_path) != curve(on_cpu)


def test_a_run_that_is_stopped_goes_on_to_the_curve_of_an_unbroken_one(
    packed: Path, on_cpu: Path, tmp_path: Path
) -> None:
    facts = {**XLA, "GRAPHMER_CHECKPOINT_STEPS": "1"}
    process = subprocess.Popen(
        command(packed, tmp_path, {}), cwd=tmp_path, env={**os.environ, **facts}, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(".scratch/train/*/last.pt")) and time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it was stopped"
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 143
    assert re.search(r"stopped by SIGTERM after step \d+; run again to go on from there", told)
    assert not (tmp_path / "model").exists()
    trained(packed, tmp_path, {**XLA, "XLA_METRICS_FILE": str(tmp_path / "metrics")})
    assert_same_curve(tmp_path, on_cpu)
    assert readings(tmp_path)[-1].fallbacks == {}  # AdamW's counts of steps came back to the device
