"""What the call tracer counts as a call, on a program small enough to trace by hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from imports import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import trace_calls
from trace_calls import Suite, ranges, run_tests, table

from graphmer.errors import GraphmerError

PROGRAM = """\
import contextlib, functools
from outside import apply

class Thing:
    def __init__(self):
        self.size = 1
    @property
    def twice(self):
        return double(self.size)

def double(x):
    return 2 * x

def numbers():
    yield 1
    yield 2

def listed():
    return sum(double(n) for n in numbers())

@contextlib.contextmanager
def managed():
    yield

async def pause():
    return 1

async def waits():
    return await functools.partial(pause)()

def never():
    double(3)

def main():
    with managed():
        Thing().twice
    listed()
    apply(double)
    try:
        waits().send(None)
    except StopIteration:
        pass
main()
"""
DRIVER = """\
import json, sys
from pathlib import Path
from call_tracer import CallTracer
root = Path(sys.argv[1])
tracer = CallTracer(root, "pkg", ("pkg/skipped",))
tracer.start()
import pkg.program
tracer.stop()
Path(sys.argv[2]).write_text(json.dumps(tracer.report()))
"""
# By hand: a property is called where it is read, a coroutine where it is made, a manager where `with` stands; what a
# foreign function calls back is no edge, and a comprehension is none of the functions.
EDGES = {
    ("<module>", "main", 43, 1),
    ("main", "managed", 35, 1),
    ("main", "Thing.__init__", 36, 1),
    ("main", "Thing.twice", 36, 1),
    ("Thing.twice", "double", 9, 1),
    ("main", "listed", 37, 1),
    ("listed", "numbers", 19, 1),
    ("listed.<locals>.<genexpr>", "double", 19, 2),
    ("main", "waits", 40, 1),
    ("waits", "pause", 29, 1),
}


def monitoring_python() -> str | None:
    """An interpreter of 3.13 or later: this one, or another version beside it."""
    if sys.version_info >= (3, 13):
        return sys.executable
    beside = sorted(Path(sys.base_prefix).parent.glob("3.1[3-9]*/bin/python3"))
    return str(beside[0]) if beside else None


@pytest.mark.skipif(monitoring_python() is None, reason="the tracer needs an interpreter of 3.13 or later")
def test_a_call_is_a_function_that_starts_and_its_caller_the_nearest_frame_of_the_package(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "program.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "outside.py").write_text("def apply(f):\n    return f(1)\n", encoding="utf-8")
    driver, out = tmp_path / "driver.py", tmp_path / "out.json"
    driver.write_text(DRIVER, encoding="utf-8")
    path = {"PYTHONPATH": f"{tmp_path}:{ROOT / 'benchmarks' / 'tracing'}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(monitoring_python()), str(driver), str(tmp_path), str(out)]
    subprocess.run(command, env=path, check=True, cwd=tmp_path)
    report = json.loads(out.read_text(encoding="utf-8"))

    assert {(row[2], row[5], row[6], row[7]) for row in report["edges"]} == EDGES
    assert ["pkg/program.py", 21, "managed"] in report["functions"]  # the decorator's line
    ran = {name for _, _, name in report["functions"]}
    assert ran == {name for edge in EDGES for name in edge[:2]} - {"<module>", "listed.<locals>.<genexpr>"}
    lines = {line for _, line in report["lines"]}
    assert 32 not in lines  # the body of what never ran
    assert {12, 15, 19} <= lines


def test_lines_are_written_as_ranges() -> None:
    lines = [("b", 1), ("a", 3), ("a", 1), ("a", 2), ("a", 7)]
    assert table(("file", "first", "last"), ranges(lines)) == "file,first,last\na,1,3\na,7,7\nb,1,1\n"


def test_a_package_whose_tests_cannot_run_is_named_with_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_calls, "WORK", tmp_path)
    broken = tmp_path / "not_python"
    broken.write_text("#!/bin/sh\nexit 4\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(GraphmerError, match=r"^pkg: pytest ended without a report; see .*pkg\.log$"):
        run_tests(broken, "pkg", tmp_path, Suite("pkg", ("tests",)))
