"""Packing samples of different lengths into rows."""

import numpy as np

from graphmer.pack.shards import LongArray


def first_fit_decreasing(lengths: LongArray, row_length: int) -> tuple[LongArray, LongArray, LongArray, int]:
    """Row, start in the row and 1-based place of each instance, and the number of rows.

    lengths: (I,), from 1 to `row_length`. The longest goes first, into the fullest row that still holds it: best fit,
    decreasing. Instances of one length go together, since a row that is the fullest for one of them stays it for as
    many as it holds: the work grows with the number of different lengths, not of instances.
    """
    row, start, place = (np.zeros(len(lengths), np.int64) for _ in range(3))
    held = np.zeros(len(lengths), np.int64)  # instances of each row
    num_rows = 0
    rows_by_room: dict[int, LongArray] = {}  # the one that came last is filled first
    order = np.argsort(-lengths, kind="stable")
    sizes, counts = np.unique(lengths, return_counts=True)
    ends = np.cumsum(counts[::-1])
    for size, begin, end in zip(sizes[::-1].tolist(), (ends - counts[::-1]).tolist(), ends.tolist(), strict=True):
        while begin < end:
            room = min((room for room in rows_by_room if room >= size), default=row_length)
            fits = room // size
            wanted = -((begin - end) // fits)
            if room in rows_by_room:
                stack = rows_by_room.pop(room)
                targets = stack[::-1][:wanted]
                _push(rows_by_room, room, stack[: len(stack) - len(targets)])
            else:
                targets = np.arange(num_rows, num_rows + wanted)
                num_rows += wanted
            instance = order[begin : min(end, begin + fits * len(targets))]
            begin += len(instance)
            owner, turn = np.divmod(np.arange(len(instance)), fits)
            row[instance], start[instance] = targets[owner], row_length - room + turn * size
            place[instance] = held[targets[owner]] + turn + 1
            taken = np.bincount(owner, minlength=len(targets))
            held[targets] += taken
            # All but the last row hold as many as they can.
            _push(rows_by_room, room - fits * size, targets[:-1])
            _push(rows_by_room, room - int(taken[-1]) * size, targets[-1:])
    return row, start, place, num_rows


def _push(rows_by_room: dict[int, LongArray], room: int, rows: LongArray) -> None:
    if room > 0 and len(rows):
        known = rows_by_room.get(room)
        rows_by_room[room] = rows if known is None else np.concatenate([known, rows])
