"""Samples into rows, against the same rule one sample at a time."""

import numpy as np
import pytest

from graphmer.pack.bins import first_fit_decreasing


def slow_best_fit(lengths: list[int], row_length: int) -> tuple[list[int], list[int], list[int], int]:
    """Longest first, into the fullest row that holds it; of equally full rows, the one that was touched last."""
    row, start, place = [0] * len(lengths), [0] * len(lengths), [0] * len(lengths)
    used: list[int] = []
    held: list[int] = []
    touched: list[int] = []
    for clock, index in enumerate(sorted(range(len(lengths)), key=lambda index: -lengths[index])):
        fitting = [target for target in range(len(used)) if used[target] + lengths[index] <= row_length]
        if not fitting:
            fitting = [len(used)]
            used, held, touched = [*used, 0], [*held, 0], [*touched, 0]
        target = max(fitting, key=lambda target: (used[target], touched[target]))
        row[index], start[index], place[index] = target, used[target], held[target] + 1
        used[target], held[target], touched[target] = used[target] + lengths[index], held[target] + 1, clock
    return row, start, place, len(used)


@pytest.mark.parametrize("shape", ["even", "short", "long", "corpus"])
@pytest.mark.parametrize("seed", range(5))
def test_rows_equal_those_of_one_sample_at_a_time(shape: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    draws = {
        "even": rng.integers(1, 65, 300),
        "short": rng.integers(1, 9, 300),
        "long": rng.integers(30, 65, 300),
        "corpus": np.minimum(48, rng.geometric(1 / 24, 300)) + rng.integers(0, 8, 300),
    }
    lengths = draws[shape].astype(np.int64)
    *arrays, rows = first_fit_decreasing(lengths, 64)
    *slow, slow_rows = slow_best_fit(lengths.tolist(), 64)
    assert rows == slow_rows
    assert [array.tolist() for array in arrays] == slow


@pytest.mark.parametrize("seed", range(5))
def test_each_sample_lies_in_one_row_and_none_overlap(seed: int) -> None:
    lengths = np.random.default_rng(seed).integers(1, 100, 2000)
    row, start, place, num_rows = first_fit_decreasing(lengths, 100)
    used = np.zeros((num_rows, 100), np.int64)
    for index, length in enumerate(lengths.tolist()):
        assert start[index] + length <= 100
        used[row[index], start[index] : start[index] + length] += 1
    assert used.max() == 1
    for members in range(num_rows):
        inside = np.flatnonzero(row == members)
        assert place[inside[np.argsort(start[inside])]].tolist() == list(range(1, len(inside) + 1))


def test_no_sample_needs_no_row() -> None:
    assert first_fit_decreasing(np.zeros(0, np.int64), 8)[3] == 0
