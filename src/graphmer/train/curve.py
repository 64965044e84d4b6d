"""The training curve: means over a few steps a row, on disk as they come, and kept across a resume."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphmer.train.config import TERMS

CURVE_COLUMNS = ("step", "learning_rate", "loss", *(f"loss.{term}" for term in TERMS))


class Curve:
    """Sums each term over `report_every` steps, and over the last tenth of the run."""

    def __init__(self, steps: int, report_every: int) -> None:
        self.steps, self.report_every = steps, report_every
        self.last = max(1, steps // 10)
        self.rows: list[list[str]] = []
        self.window: dict[str, float] = {}
        self.counted = 0
        self.final: dict[str, float] = {}

    def add(self, number: int, values: Mapping[str, float], learning_rate: float) -> None:
        """Take in step `number`, counted from 0."""
        self.counted += 1
        for name, value in values.items():
            self.window[name] = self.window.get(name, 0.0) + value
            if number >= self.steps - self.last:
                self.final[name] = self.final.get(name, 0.0) + value / self.last
        if (number + 1) % self.report_every == 0 or number + 1 == self.steps:
            names = ("total", *TERMS)
            means = [self.window[name] / self.counted if name in self.window else "" for name in names]
            cells: list[object] = [number + 1, learning_rate, *means]
            self.rows.append([f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in cells])
            self.window, self.counted = {}, 0

    def mean(self, name: str) -> float:
        """A term's mean since the last row."""
        return self.window.get(name, 0.0) / max(1, self.counted)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"rows": self.rows, "window": self.window, "counted": self.counted, "final": self.final}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        self.rows, self.window = list(state["rows"]), dict(state["window"])
        self.counted, self.final = int(state["counted"]), dict(state["final"])


@contextmanager
def growing_csv(path: Path, curve: Curve) -> Iterator["CurveFile"]:
    """Open the curve's file with its header and the rows that it has; the reader may look while it grows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        yield CurveFile(stream, curve)


class CurveFile:
    """Writes the rows of a curve as they come."""

    def __init__(self, stream: Any, curve: Curve) -> None:
        self.stream, self.curve, self.written = stream, curve, 0
        self.writer = csv.writer(stream, lineterminator="\n")
        self.writer.writerow(CURVE_COLUMNS)
        self.flush()

    def flush(self) -> None:
        """Each row is on disk as soon as it is complete."""
        self.writer.writerows(self.curve.rows[self.written :])
        self.written = len(self.curve.rows)
        self.stream.flush()
