"""Replacing a folder that others may read or write: one writer at a time, and never half a folder."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from graphmer.artifacts import atomic_folder
from graphmer.errors import ArtifactError


@contextmanager
def sole_writer(out: Path, wait_s: float = 0) -> Iterator[None]:
    """While the block runs, no other run writes `out`; what is read in it of `out` is still so when it is replaced.

    A lock beside `out` keeps a second writer off: by default it is refused, not made to wait for minutes that it cannot
    see. wait_s: seconds, for what takes a moment.
    Raises ArtifactError where another run writes `out`.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    held = out.with_name(f".{out.name}.lock")
    held.touch()  # the library takes a place where no file can be made for one that is locked
    lock = FileLock(held, timeout=wait_s)
    try:
        lock.acquire()
    except Timeout:
        raise ArtifactError(f"{out}: another run of graphmer writes it; wait for its end and run again") from None
    try:
        yield
    finally:
        # While it is held: whoever waits for it then sees that its name is gone, and makes another.
        held.unlink(missing_ok=True)
        lock.release()


@contextmanager
def swapped(out: Path) -> Iterator[Path]:
    """A scratch folder that takes the place of `out` when the block ends well; `out` is as it was when it does not.

    For the sole writer of `out`. The swap of the old folder for the new is not torn by Ctrl-C or SIGTERM.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with atomic_folder(out) as scratch:
            yield scratch
            if _may_set_signals():
                for number in before:
                    signal.signal(number, signal.SIG_IGN)
    finally:
        if _may_set_signals():
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Both: the sole writer's scratch folder, which takes the place of `out`."""
    with sole_writer(out), swapped(out) as scratch:
        yield scratch


def _may_set_signals() -> bool:
    return threading.current_thread() is threading.main_thread()
