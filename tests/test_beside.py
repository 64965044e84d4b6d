"""The network's answers from another process are those of this one, and its faults reach this one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from imports import ROOT
from packed import write_packed
from test_inference import every_query
from test_model import make_model

from graphmer.errors import ArtifactError
from graphmer.evaluate.beside import Net, answered_beside
from graphmer.evaluate.neural import LinkAnswers
from graphmer.model.checkpoint import save_model


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Net:
    at = tmp_path_factory.mktemp("beside")
    packed = write_packed(at / "packed", 40)
    (at / "model").mkdir()
    save_model(at / "model", make_model(3), packed)
    return Net(at / "model", packed, True, True)


def same(one: LinkAnswers, other: LinkAnswers) -> bool:
    columns = all(
        np.allclose(a, b, atol=1e-5)
        for name in ("link", "name")
        for a, b in zip(one.columns[name], other.columns[name], strict=True)
    )
    return columns and np.array_equal(one.spelt, other.spelt)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: nothing is computed beside")
def test_answers_computed_beside_are_those_computed_here(net: Net) -> None:
    untrained = net._replace(is_trained=False)
    scorers = {one: one.load() for one in (net, untrained)}
    asked = [
        (scorers[one], one, every_query(scorers[one], setting))
        for one in scorers
        for setting in ("headline", "zero_support")
    ]
    with answered_beside(asked):
        for scorer, one, queries in asked:
            expected = one.load().answer(queries)
            assert same(LinkAnswers(scorer.link(queries), scorer.masked_nodes(queries)), expected)
    trained, random = (scorers[one].link(queries) for one, (_, _, queries) in zip(scorers, asked[::2], strict=True))
    assert not np.allclose(np.stack(trained["link"]), np.stack(random["link"]))


def test_what_nobody_asked_for_ahead_is_computed_when_it_is_asked(net: Net) -> None:
    scorer = net.load()
    queries = every_query(scorer, "headline")
    with answered_beside([]):
        assert same(LinkAnswers(scorer.link(queries), scorer.masked_nodes(queries)), net.load().answer(queries))


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: nothing is computed beside")
def test_a_fault_in_the_other_process_is_told_here(net: Net, tmp_path: Path) -> None:
    scorer = net.load()
    queries = every_query(scorer, "headline")
    gone = net._replace(model=tmp_path / "gone")
    with pytest.raises(ArtifactError, match="gone"), answered_beside([(scorer, gone, queries)]):
        scorer.link(queries)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: nothing is computed beside")
def test_the_other_process_ends_with_the_one_that_asked_however_it_ends(net: Net, tmp_path: Path) -> None:
    script = tmp_path / "asks.py"
    script.write_text(
        f"""
import os, sys, time
sys.path[:0] = {[str(ROOT / "src"), str(ROOT / "tests")]!r}
from pathlib import Path
from test_inference import every_query
from graphmer.evaluate.beside import Net, answered_beside
if __name__ == "__main__":
    net = Net(Path({str(net.model)!r}), Path({str(net.packed)!r}), True, True)
    scorer = net.load()
    queries = every_query(scorer, "headline")
    with answered_beside([(scorer, net, queries)]):
        scorer.link(queries)
        print("ready", flush=True)
        time.sleep(600)
""",
        encoding="utf-8",
    )
    asker = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert asker.stdout is not None
    assert asker.stdout.readline() == "ready\n"
    others = [child for child in psutil.Process(asker.pid).children() if "spawn_main" in " ".join(child.cmdline())]
    assert others
    asker.kill()
    asker.wait()
    assert psutil.wait_procs(others, timeout=60)[1] == []
