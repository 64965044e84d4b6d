"""A pytest plugin that notes who calls whom inside one source folder; loaded by benchmarks/trace_calls.py alone.

It stands by itself (standard library; Python 3.13 or later, since 3.12.1 loses calls out of contextlib): it runs in the
traced package's environment. GRAPHMER_TRACE_ROOT is the unpacked source, _FOLDER the package's folder in it, _EXCLUDE
folders of tests (joined by `:`), _OUT the JSON file that is written when the tests end.

What counts as one call: a Python function that starts. A generator or a coroutine starts whenever somebody first
resumes it, so its call is taken from the call instruction instead, and a resumption is none. The caller is the nearest
Python frame; frames of `WRAPPERS` and of generated code (`__init__` of a data class) are passed through to theirs:
`with managed():` means to call `managed`, not contextlib. Any other foreign frame between two functions ends the edge.
Nobody calls a finaliser: where it runs is the garbage collector's chance.
"""

import functools
import inspect
import json
import os
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

MONITORING: Any = vars(sys)["monitoring"]  # newer than the project's oldest Python, 3.11
TOOL = 2  # sys.monitoring.PROFILER_ID
RESUMED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
WRAPPERS = frozenset({"contextlib", "functools", "typing"})
COMPREHENSIONS = frozenset({"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})
Function = tuple[str, int, str]  # file, first line (of the first decorator), qualified name


class CallTracer:
    """Counts calls, notes functions and lines that ran; one per process."""

    def __init__(self, root: Path, folder: str, exclude: tuple[str, ...]) -> None:
        self.root, self.folder, self.exclude = str(root) + os.sep, folder, exclude
        self.edges: Counter[tuple[Function, Function, int]] = Counter()
        self.functions: set[Function] = set()
        self.lines: set[tuple[str, int]] = set()
        self.inside = functools.cache(self._inside)  # by file name: asked at every call

    def _inside(self, file: str) -> str | None:
        """The path as in the graph's `file` column, None outside the traced folder."""
        if not file.startswith(self.root):
            return None
        path = file[len(self.root) :].replace(os.sep, "/")
        kept = path.startswith(f"{self.folder}/") and not path.startswith(self.exclude)
        return path if kept else None

    def start(self) -> None:
        """Trace from now on, all threads."""
        events = MONITORING.events
        MONITORING.use_tool_id(TOOL, "graphmer call tracer")
        MONITORING.register_callback(TOOL, events.PY_START, self.on_start)
        MONITORING.register_callback(TOOL, events.CALL, self.on_call)
        MONITORING.register_callback(TOOL, events.LINE, self.on_line)
        MONITORING.set_events(TOOL, events.PY_START | events.CALL | events.LINE)

    def stop(self) -> None:
        """Trace no more."""
        MONITORING.set_events(TOOL, 0)
        MONITORING.free_tool_id(TOOL)

    def on_start(self, code: types.CodeType, _offset: int) -> Any:
        """A frame starts. Only a plain function's start says who called it."""
        path = self.inside(code.co_filename)
        if path is None or not code.co_flags & inspect.CO_OPTIMIZED or code.co_name in COMPREHENSIONS:
            return MONITORING.DISABLE
        callee = (path, code.co_firstlineno, code.co_qualname)  # type: ignore[attr-defined,unused-ignore]
        self.functions.add(callee)
        if not code.co_flags & RESUMED and code.co_name != "__del__":
            self.note(sys._getframe(1).f_back, callee)
        return None

    def on_call(self, code: types.CodeType, _offset: int, called: Any, _first: Any) -> Any:
        """A call instruction, before the call: the one place that tells who calls a generator or a coroutine."""
        if self.inside(code.co_filename) is None and not passes_through(sys._getframe(1)):
            return MONITORING.DISABLE
        while isinstance(called, (types.MethodType, functools.partial)):
            called = called.__func__ if isinstance(called, types.MethodType) else called.func
        if isinstance(called, types.FunctionType) and called.__code__.co_flags & RESUMED:
            target = called.__code__
            path = self.inside(target.co_filename)
            if path is not None and target.co_name not in COMPREHENSIONS:
                name: str = target.co_qualname  # type: ignore[attr-defined,unused-ignore]
                self.note(sys._getframe(1), (path, target.co_firstlineno, name))
        return None

    def on_line(self, code: types.CodeType, line: int) -> Any:
        """The first time that a line runs; later times are nothing new."""
        path = self.inside(code.co_filename)
        if path is not None:
            self.lines.add((path, line))
        return MONITORING.DISABLE

    def note(self, frame: types.FrameType | None, callee: Function) -> None:
        """Count a call out of `frame`, or out of the frame behind wrappers."""
        while frame is not None and passes_through(frame):
            frame = frame.f_back
        path = self.inside(frame.f_code.co_filename) if frame is not None else None
        if frame is None or path is None:
            return
        code = frame.f_code
        caller = (path, code.co_firstlineno, code.co_qualname)  # type: ignore[attr-defined,unused-ignore]
        self.edges[caller, callee, frame.f_lineno] += 1

    def report(self) -> dict[str, object]:
        """Everything seen, sorted."""
        edges = [[*caller, *callee, line, count] for (caller, callee, line), count in sorted(self.edges.items())]
        return {"edges": edges, "functions": sorted(self.functions), "lines": sorted(self.lines)}


def passes_through(frame: types.FrameType) -> bool:
    """Whether a frame stands for its caller: a decorator's machinery, or code that no file holds."""
    return frame.f_globals.get("__name__") in WRAPPERS or frame.f_code.co_filename.startswith("<")


class Outcomes:
    """Counts how the tests ended, and writes the report at the end of the session."""

    def __init__(self, tracer: CallTracer, out: Path) -> None:
        self.tracer, self.out = tracer, out
        self.worst: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test's set-up, call and tear-down each report; it passed where its call did and nothing failed."""
        known = self.worst.get(report.nodeid)
        if report.outcome == "failed" or known is None or (known == "passed" and report.outcome == "skipped"):
            self.worst[report.nodeid] = report.outcome

    def pytest_sessionfinish(self) -> None:
        """Stop before pytest prints its summary."""
        self.tracer.stop()
        counts = Counter(self.worst.values())
        tests = {"run": len(self.worst), **{name: counts[name] for name in ("passed", "failed", "skipped")}}
        self.out.write_text(json.dumps({**self.tracer.report(), "tests": tests}), encoding="utf-8")


def pytest_configure(config: Any) -> None:
    """Called when `-p` loads the plugin, before the package is imported."""
    exclude = tuple(path for path in os.environ["GRAPHMER_TRACE_EXCLUDE"].split(":") if path)
    tracer = CallTracer(Path(os.environ["GRAPHMER_TRACE_ROOT"]), os.environ["GRAPHMER_TRACE_FOLDER"], exclude)
    config.pluginmanager.register(Outcomes(tracer, Path(os.environ["GRAPHMER_TRACE_OUT"])), "graphmer-outcomes")
    tracer.start()
