"""Tests start other processes: these too must find the library, whether it is installed or not."""

import os
from pathlib import Path

import pytest

SRC = str(Path(__file__).resolve().parents[1] / "src")
# Threads of OpenMP that wait for each other spin: beside other work they keep it, and so themselves, from going on.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [SRC, os.environ.get("PYTHONPATH")]))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with its data, and an index of the held-out package `router`."""
    from indexed import ROUTER, make_model, run

    at = make_model(tmp_path_factory.mktemp("made"))
    run(at, "index", str(ROUTER), "--out", str(at / "router.index"))
    return at
