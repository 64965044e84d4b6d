"""One of several processes: how it tells its launcher, in a file, why it ended, so that the user hears it once."""

import ctypes
import json
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

RECORDS = "GRAPHMER_RECORDS"  # the folder for the files; the launcher sets it, nobody else
WATCH_S = 0.2
PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal that a process gets when the thread that started it ends


@dataclass(frozen=True)
class Record:
    """A worker's last words. time: seconds since the epoch. code: its exit code. trace: of an error nobody foresaw."""

    rank: int
    time: float
    code: int
    line: str
    trace: str


def is_worker() -> bool:
    """Whether a launcher of this project started this process."""
    return RECORDS in os.environ


def enter() -> None:
    """Set up a worker; without effect elsewhere. To be called before anything slow is imported.

    An error that nobody foresaw becomes a record, and a worker whose launcher is gone ends at once: it would train on
    unseen, beside the run that takes its place.
    """
    if is_worker():
        sys.excepthook = _unforeseen
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        else:
            threading.Thread(target=_end_with_launcher, args=(os.getppid(),), daemon=True).start()


def tell(_name: str, message: str, code: int) -> None:
    """What a stage calls when it fails, in place of printing: the launcher prints it, once for all."""
    end(message, code)


def end(line: str, code: int, trace: str = "") -> None:
    """Leave a record and end this process at once: others that wait for it notice only when it is gone.

    The interpreter's own way out may wait for a collective operation that can no longer finish.
    """
    rank = int(os.environ["RANK"])
    record = {"rank": rank, "time": time.time(), "code": code, "line": line, "trace": trace}
    file = Path(os.environ[RECORDS]) / f"rank-{rank}.json"
    scratch = file.with_suffix(".partial")
    scratch.write_text(json.dumps(record), encoding="utf-8")
    os.replace(scratch, file)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def read_records(folder: Path) -> dict[int, Record]:
    """The records of all workers that left one, by rank."""
    found = [Record(**json.loads(file.read_text(encoding="utf-8"))) for file in sorted(folder.glob("rank-*.json"))]
    return {record.rank: record for record in found}


def _unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    reason = str(error).strip().splitlines()
    line = f"{kind.__name__}: {reason[0]}" if reason else kind.__name__
    end(line, 1, "".join(traceback.format_exception(kind, error, trace)))


def _end_with_launcher(launcher: int) -> None:
    while os.getppid() == launcher:
        time.sleep(WATCH_S)
    os._exit(1)
