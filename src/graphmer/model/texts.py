"""Short texts that share rows: entity keys, docstrings, functions, queries in words. Each is a document of its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphmer.model.batch import Batch, plain_batch
from graphmer.pack.bins import first_fit_decreasing
from graphmer.pack.ranges import flat_ranges
from graphmer.pack.tokenizer import PAD

LEAST_ROW = 64  # ours: rows of 64 hold a handful of keys with little left over, and attention is still cheap


@dataclass
class TextRows:
    """N texts in R rows. batch: the rows, each text a document. places: the most texts that a row can hold.

    at: (N,) int64, row x places + the text's place in its row, from 0; -1 for a text without a token.
    """

    batch: Batch
    at: Tensor
    places: int

    def to(self, device: torch.device) -> "TextRows":
        """The same rows on a device."""
        return TextRows(self.batch.to(device), self.at.to(device), self.places)


def packed_texts(kinds: Sequence[npt.NDArray[Any]], is_static: bool = False) -> TextRows:
    """All texts of all kinds, kind after kind, packed into rows as wide as the widest kind that has any.

    kinds: (n, t) token ids each, [PAD] at the end; a text of [PAD] alone is one without a token. is_static: shapes
    depend on those of `kinds` alone, for a compiler that wants them to stay as they are.
    """
    row_length = max([LEAST_ROW, *(kind.shape[1] for kind in kinds if len(kind))])
    used = [(kind != PAD).sum(axis=1) for kind in kinds]
    length = np.concatenate(used).astype(np.int64)
    is_text = np.flatnonzero(length)
    row, start, place, num_rows = first_fit_decreasing(length[is_text], row_length)
    places = row_length if is_static else int(place.max(initial=1))
    num_rows = max(1, most_rows([kind.shape for kind in kinds], row_length) if is_static else num_rows)
    ids = np.concatenate([kind[kind != PAD] for kind in kinds])
    count = length[is_text]
    begin = row * row_length + start
    to, text = flat_ranges(begin, count)
    token, document, root = (np.zeros(num_rows * row_length, np.int64) for _ in range(3))
    token[to], document[to], root[to] = ids, place[text], to - begin[text]
    at = np.full(len(length), -1, np.int64)
    at[is_text] = row * places + place - 1
    batch = plain_batch(torch.from_numpy(token.reshape(num_rows, row_length)), is_static)
    batch.document, batch.root = (torch.from_numpy(grid.reshape(num_rows, row_length)) for grid in (document, root))
    return TextRows(batch, torch.from_numpy(at), places)


def most_rows(shapes: Sequence[tuple[int, ...]], row_length: int) -> int:
    """Rows that are enough for n texts of at most t tokens each, whatever their lengths. shapes: (n, t) of each kind.

    The longest go first, each into a row that has room for it if there is one. So when a text of a kind begins a row,
    those that earlier ones of its kind began have less than t left, and hold no text longer than t.
    """
    bounds = []
    for count, width in shapes:
        tokens = sum(other * min(longest, width) for other, longest in shapes)
        bounds.append(min(count, tokens // max(1, row_length - width + 1) + 1))
    return sum(bounds)
