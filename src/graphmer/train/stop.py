"""The wish that a run should end: SIGTERM, heard between two steps."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StopSignal:
    """While it is entered, SIGTERM sets `requested` instead of ending the process; the loop reads it after each step.

    Where several processes train, they agree on it before they stop, so that all stop after the same step.
    A thread other than the main one cannot hear signals: there `requested` stays False.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None

    def __enter__(self) -> "StopSignal":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
