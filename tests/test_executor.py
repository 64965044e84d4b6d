"""One interface, two executors: the same bytes from processes of this machine and from Ray, and faults in one line."""

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from imports import ROOT

from graphmer.artifacts import sha256_tree
from graphmer.corpus.fetch import fetch_corpus
from graphmer.corpus.fetch_config import FetchParams
from graphmer.corpus.parse.config import ParseParams
from graphmer.corpus.parse.corpus import parse_corpus
from graphmer.errors import GraphmerError, ParamsError
from graphmer.executor import map_ordered
from graphmer.kg.build import build_graph
from graphmer.kg.config import GraphParams
from graphmer.params import load_section, load_tree

CORPUS = ROOT / "tests/fixtures/corpus/smoke.yaml"
# One start of Ray for all that is asked of it: bad addresses, the graph, a worker that is killed, a task that fails.
ON_RAY = """
import json, os, signal, sys
from pathlib import Path
from test_executor import build, map_ordered, load_tree, GraphmerError

raw, out = Path(sys.argv[1]), Path(sys.argv[2])
faults = []

def attempt(function, task):
    try:
        list(map_ordered(function, [task], [1], "try", "task"))
    except GraphmerError as error:
        faults.append(f"{type(error).__name__}: {error}")

for address in ("127.0.0.1:1", "nonsense"):
    os.environ["RAY_ADDRESS"] = address
    attempt(abs, -1)
del os.environ["RAY_ADDRESS"]
build(raw, out)
attempt(signal.raise_signal, signal.SIGKILL)
attempt(load_tree, Path("nowhere.yaml"))
(out / "order.json").write_text(json.dumps(list(map_ordered(abs, range(-40, 0), [1] * 40, "order", "task"))))
(out / "faults.json").write_text(json.dumps(faults))
"""


def build(raw: Path, out: Path) -> None:
    """Parse and build, as the two stages do."""
    tree = load_tree(ROOT / "params.yaml")
    parse_corpus(raw, out / "parsed", load_section(tree, "parse", ParseParams))
    build_graph(out / "parsed", out / "kg", load_section(tree, "kg", GraphParams))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fetched")
    tree = load_tree(ROOT / "params.yaml")
    fetch_corpus(CORPUS, folder / "raw", load_section(tree, "fetch", FetchParams), folder / "downloads")
    return folder / "raw"


@pytest.fixture(scope="module")
def on_ray(raw: Path) -> Path:
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed here; with pip install ray this test runs")
    out = raw.parent / "ray"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"GRAPHMER_EXECUTOR": "ray", "GRAPHMER_WORKERS": "2"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), str(ROOT / "src")])
    command = [sys.executable, "-c", ON_RAY, raw.name, out.name]
    done = subprocess.run(
        command, cwd=raw.parent, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return out


def test_ray_and_local_processes_write_the_same_bytes(
    on_ray: Path, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for workers in ("1", "2"):
        monkeypatch.setenv("GRAPHMER_WORKERS", workers)
        build(raw, tmp_path / workers)
        for part in ("parsed", "kg"):
            assert sha256_tree(tmp_path / workers / part) == sha256_tree(on_ray / part), (workers, part)


def test_ray_gives_results_in_the_order_of_the_tasks(on_ray: Path) -> None:
    assert json.loads((on_ray / "order.json").read_text()) == list(range(40, 0, -1))


def test_what_goes_wrong_on_ray_is_one_line(on_ray: Path) -> None:
    silent, nonsense, killed, failed = json.loads((on_ray / "faults.json").read_text())
    assert silent.startswith("GraphmerError: RAY_ADDRESS: nothing answers at 127.0.0.1:1 (Connection refused); start")
    assert nonsense.startswith("GraphmerError: GRAPHMER_EXECUTOR=ray: cannot start on nonsense (Invalid address format")
    assert killed == "GraphmerError: try: a Ray worker was killed, mostly for memory; try GRAPHMER_WORKERS=1"
    assert failed == "ParamsError: nowhere.yaml: not found; run from the project's root or pass --params"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_local_processes_give_results_in_the_order_of_the_tasks(workers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_WORKERS", workers)
    assert list(map_ordered(abs, range(-9, 0), [1] * 9, "order", "task")) == list(range(9, 0, -1))


def test_a_killed_process_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_WORKERS", "2")
    with pytest.raises(GraphmerError, match=r"^try: one of 2 processes was killed, mostly for memory; try GRAPHMER_W"):
        list(map_ordered(signal.raise_signal, [signal.SIGKILL] * 2, [1, 1], "try", "task"))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GRAPHMER_EXECUTOR", "dask", "GRAPHMER_EXECUTOR: expected local or ray, got 'dask'"),
        ("GRAPHMER_WORKERS", "many", "GRAPHMER_WORKERS: expected a whole number of at least 1, got 'many'"),
        ("GRAPHMER_WORKERS", "0", "GRAPHMER_WORKERS: expected a whole number of at least 1, got '0'"),
    ],
)
def test_an_unknown_value_in_the_environment_is_one_line(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ParamsError, match=f"^{message}$"):
        list(map_ordered(abs, [-1, -2], [1, 1], "try", "task"))


def test_ray_that_is_not_installed_is_one_line_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHMER_EXECUTOR", "ray")
    monkeypatch.setitem(sys.modules, "ray", None)  # as Python marks what cannot be imported
    with pytest.raises(GraphmerError, match=r"Ray is not installed; pip install ray \(the extra \[ray\]\), or unset"):
        list(map_ordered(abs, [-1], [1], "try", "task"))
