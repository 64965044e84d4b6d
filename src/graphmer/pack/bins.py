"""Packing samples of different lengths into rows."""

import numpy as np

from graphmer.pack.shards import LongArray


def first_fit_decreasing(lengths: LongArray, row_length: int) -> tuple[LongArray, LongArray, LongArray, int]:
    """Row, start in the row and 1-based place of each instance. Rows are searched by the room they have left.

    The longest goes first, into the fullest row that still holds it: best fit, decreasing.
    """
    order = np.argsort(-lengths, kind="stable")
    row, start = np.zeros(len(lengths), np.int64), np.zeros(len(lengths), np.int64)
    place = np.zeros(len(lengths), np.int64)
    rows_with_room: list[list[int]] = [[] for _ in range(row_length + 1)]
    used: list[int] = []
    held: list[int] = []
    smallest_room = row_length + 1  # no row has less room than this and more than none
    for index in order.tolist():
        need = int(lengths[index])
        room = next((room for room in range(max(need, smallest_room), row_length + 1) if rows_with_room[room]), None)
        if room is None:
            target = len(used)
            used.append(0)
            held.append(0)
            room = row_length
        else:
            target = rows_with_room[room].pop()
        row[index], start[index] = target, used[target]
        used[target] += need
        held[target] += 1
        place[index] = held[target]
        left = room - need
        if left > 0:
            rows_with_room[left].append(target)
            smallest_room = min(smallest_room, left)
    return row, start, place, len(used)
