"""What every stage script shares: the path to the library, its flags, checked parameters, and one line on failure."""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))  # so that a bare machine can run a stage without installing anything

from graphmer.errors import GraphmerError, ParamsError, Stopped  # noqa: E402
from graphmer.params import check_tree, load_tree  # noqa: E402

MACHINE_FAULTS = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "the disk quota is used up; free some space and run again",
    errno.EFBIG: "the file is larger than this account may write (ulimit -f); raise the limit and run again",
    errno.EACCES: "no permission; check the owner of the path and run again",
    errno.EROFS: "the file system is read-only; choose another --out",
}
Tree = Mapping[str, Any]
Work = Callable[[Tree, argparse.Namespace], None]
Tell = Callable[[str, str, int], None]


def say(name: str, message: str, _code: int) -> None:
    """Tell on standard error why a stage ends with `_code`."""
    print(f"{name}: {message}", file=sys.stderr)


def run(
    name: str, inputs: Mapping[str, str], outputs: Mapping[str, str], work: Work, tell: Tell = say, **options: Any
) -> None:
    """Parse flags, check the whole of params.yaml, do the work, and exit.

    inputs, outputs: flag name and its default; each becomes --flag. options: further argparse flags. tell: takes a
    failure's name, message and exit code. The parameters are checked before any work, all sections of them: a typo in
    one stage's section should not wait for that stage.
    """
    parser = argparse.ArgumentParser(prog=f"stages/{name}.py", description=sys.modules["__main__"].__doc__)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="parameter file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one change; may be repeated")
    for flag, default in inputs.items():
        parser.add_argument(f"--{flag.replace('_', '-')}", type=Path, default=Path(default), help=f"default {default}")
    for flag, default in outputs.items():
        beside = "" if len(outputs) == 1 else ", or beside another output that is named"
        parser.add_argument(f"--{flag.replace('_', '-')}", type=Path, help=f"default {default}{beside}")
    for flag, keywords in options.items():
        parser.add_argument(f"--{flag}", **keywords)
    arguments = parser.parse_args()
    vars(arguments).update(placed(vars(arguments), outputs))
    sys.exit(_guarded(lambda: work(_checked(arguments), arguments), name, tell))


def placed(given: Mapping[str, Path | None], outputs: Mapping[str, str]) -> dict[str, Path]:
    """Where each output goes: its default where none is named, else beside the first that is.

    A run by hand that names one output overwrites nothing of DVC's: `--out try` puts metrics into try.metrics.json.
    """
    named = [(path, Path(outputs[flag]).suffix) for flag in outputs if (path := given[flag]) is not None]
    found = {}
    for flag, default in outputs.items():
        path = given[flag] or Path(default)
        if given[flag] is None and named:
            first, suffix = named[0]
            path = first.parent / f"{first.name.removesuffix(suffix)}.{flag}{path.suffix}"
        found[flag] = path
    return found


def _checked(arguments: argparse.Namespace) -> Tree:
    tree = load_tree(arguments.params, arguments.set)
    check_tree(tree)
    return tree


def _guarded(work: Callable[[], None], name: str, tell: Tell) -> int:
    """Do the work; returns the exit code, and tells why where it is not 0."""
    try:
        work()
    except (GraphmerError, OSError, KeyboardInterrupt) as error:
        failure = _failure(error, name)
        tell(*failure)
        return failure[2]
    return 0


def _failure(error: GraphmerError | OSError | KeyboardInterrupt, name: str) -> tuple[str, str, int]:
    """Where an error comes from, its message, and the exit code."""
    if isinstance(error, ParamsError):
        return "params", str(error), 2
    if isinstance(error, GraphmerError):
        return name, str(error), 128 + signal.SIGTERM if isinstance(error, Stopped) else 1
    if isinstance(error, OSError):
        remedy = MACHINE_FAULTS.get(error.errno or 0, f"{error.strerror or error}; check the path and run again")
        return name, f"{error.filename or 'output'}: {remedy}", 1
    return name, "interrupted; nothing half-written is left, run again", 128 + signal.SIGINT


def pin_threads() -> None:
    """One BLAS thread a core unless told otherwise: results repeat at the same count alone.

    Threads that wait for each other sleep soon: where another program takes a core, spinning ones make a step 2.9 times
    as long, sleeping ones 1.7 times, at a price of about a tenth on a quiet machine (docs/log.md).
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
