"""Packed windows as text again: the source's own bytes, with hidden names and blanks in their places."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphmer.artifacts import read_table, records
from graphmer.corpus.parse.schema import files_schema
from graphmer.errors import ArtifactError
from graphmer.evaluate.queries import BoolArray, IntArray
from graphmer.pack.shards import SplitArrays
from graphmer.pack.tokenizer import HIDDEN, HIDDEN_MARK

MASK_MARK = "[MASK]"


@dataclass(frozen=True)
class WindowText:
    """A window as text. starts, ends: (n,) characters of each of its tokens; those of one hidden name share a mark."""

    text: str
    starts: IntArray
    ends: IntArray


class Sources:
    """The source files that a packed split's windows are cut from, as bytes.

    files: by package and path. windows: (N,) the file of each window.
    """

    def __init__(self, files: Mapping[tuple[str, str], bytes], arrays: SplitArrays) -> None:
        """Raises ArtifactError where a window's file is not there."""
        self.files = files
        keys = list(zip(arrays.samples["package"], arrays.samples["file"], strict=True))
        missing = next((key for key in keys if key not in files), None)
        if missing is not None:
            raise ArtifactError(f"data/parsed: no {missing[1]} of {missing[0]}, as data/packed has it; run dvc repro")
        self.windows = [files[key] for key in keys]

    @classmethod
    def read(cls, parsed: Path, arrays: SplitArrays) -> "Sources":
        """From files.parquet."""
        table = read_table(parsed / "files.parquet", files_schema(), ["package", "file", "text"])
        mine = table[table["package"].isin(set(arrays.samples["package"]))]
        return cls({(row.package, row.file): row.text.encode("utf-8") for row in records(mine)}, arrays)


def window_text(
    arrays: SplitArrays, source: bytes, sample: int, hidden: BoolArray, masked: BoolArray | None = None
) -> WindowText:
    """A window of `source` with the identifiers of `hidden` tokens struck out and `masked` tokens blanked.

    hidden, masked: (n,) over the window's tokens. A hidden identifier is one [HIDDEN], whatever its length; a masked
    token one [MASK]. Where another window's code stood in between, a line ends.
    """
    begin, end = int(arrays.sample_token[sample]), int(arrays.sample_token[sample + 1])
    spans = zip(arrays.token_start[begin:end].tolist(), arrays.token_end[begin:end].tolist(), strict=True)
    first = arrays.token_first[begin:end]
    pieces: list[str] = []
    starts, ends = np.zeros(end - begin, np.int64), np.zeros(end - begin, np.int64)
    length, done = 0, -1
    for place, (low, high) in enumerate(spans):
        gap = _gap(source, done, low)
        continues = bool(hidden[place] and place and hidden[place - 1] and not first[place])
        if continues:
            piece = ""
        elif hidden[place]:
            piece = HIDDEN_MARK
        elif masked is not None and masked[place]:
            piece = MASK_MARK
        else:
            piece = source[max(low, done) : high].decode("utf-8", "replace")
        pieces += [gap, piece]
        starts[place] = starts[place - 1] if continues else length + len(gap)
        length += len(gap) + len(piece)
        ends[place] = length
        done = max(done, high)
    return WindowText("".join(pieces), starts, ends)


def _gap(source: bytes, done: int, low: int) -> str:
    """White space between two tokens; a line's end where code of another window is left out."""
    if done < 0 or low <= done:
        return ""
    between = source[done:low]
    return "\n" if between.strip() else between.decode("utf-8", "replace")


def hidden_by_ids(arrays: SplitArrays, sample: int, ids: IntArray) -> BoolArray | None:
    """(n,) which tokens of a window are hidden in the input ids that stand for it; None where they do not fit it.

    ids: what a net reads: the window's own ids with [HIDDEN] for some identifiers. An identifier goes on as long as its
    tokens touch.
    """
    begin, end = int(arrays.sample_token[sample]), int(arrays.sample_token[sample + 1])
    own, word = arrays.token_id[begin:end].tolist(), arrays.token_word[begin:end].tolist()
    low, high = arrays.token_start[begin:end].tolist(), arrays.token_end[begin:end].tolist()
    hidden = np.zeros(end - begin, np.bool_)
    place = 0
    for token in ids.tolist():
        if place >= len(own):
            return None
        if token != HIDDEN:
            if token != own[place]:
                return None
            place += 1
            continue
        hidden[place] = True
        place += 1
        while place < len(own) and low[place] <= high[place - 1] and word[place] >= 0 and word[place - 1] >= 0:
            hidden[place] = True
            place += 1
    return hidden if place == len(own) else None
