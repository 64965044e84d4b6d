"""An index with what several questions share: the ranker over its windows, and what the parser saw named."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphmer.evaluate.call_sites import called_name
from graphmer.evaluate.link_config import LinkParams
from graphmer.index.build import PARSED
from graphmer.index.links import LinkRanker
from graphmer.index.places import References
from graphmer.index.store import ENTITY_FILES, PACKED_TOKENIZER, REFERENCE_FILES, Index
from graphmer.index.symbols import SymbolError

if TYPE_CHECKING:
    import pandas as pd


class Session:
    """Opens the parts of an index when a question first needs them."""

    def __init__(self, index: Index, params: LinkParams) -> None:
        self.index, self._params = index, params

    @cached_property
    def ranker(self) -> LinkRanker:
        """Ranks candidates by evaluation's features and the network."""
        with self.index.intact(*ENTITY_FILES, PACKED_TOKENIZER):
            return LinkRanker.of_index(self.index, self._params)

    @cached_property
    def references(self) -> References:
        """What the code names."""
        with self.index.intact(*REFERENCE_FILES):
            return References(self.index.folder / PARSED)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """{symbol: its row of the entities}."""
        return {symbol: row for row, symbol in enumerate(self.index.entities["entity"])}

    def place_of(self, symbol: str) -> str:
        """file:line of a definition; empty for what is defined elsewhere."""
        row = self.index.entities.iloc[self.row_of[symbol]]
        return f"{row['file']}:{row['line_start']}" if row["file"] else ""

    def repeated(self, head: str, name: str, relations: Sequence[str]) -> "pd.DataFrame":
        """Settled triples of a head by which it names something so elsewhere.

        The graph has an edge once, at its first place, so the same call on another line has no triple there.
        """
        triples = self.index.triples
        mine = triples[(triples["head"] == head) & triples["relation"].isin(list(relations))]
        mine = mine[mine["resolution"] != "ambiguous"]
        rows = np.asarray([self.row_of[tail] for tail in mine["tail"]], np.int64)
        return mine.iloc[self.named(rows, name)]

    def named(self, rows: "np.typing.NDArray[np.integer]", name: str) -> list[int]:
        """Positions among entity rows whose short name is `name`; a class's constructor goes by the class's name."""
        table = self.index.entities
        symbols, names = table["entity"].to_numpy(dtype=object), table["name"].to_numpy(dtype=object)
        return [
            place
            for place, row in enumerate(rows.tolist())
            if names[row] == name or (names[row] in ("__init__", "<init>") and called_name(symbols[row]) == name)
        ]


def split_place(text: str) -> tuple[str, int]:
    """FILE and LINE of `file:line`; raises SymbolError where it is no such thing."""
    file, colon, line = text.rpartition(":")
    if not colon or not file or not line.isdecimal():
        raise SymbolError(f"'{text}': expected FILE:LINE, as in pkg/mod.py:12")
    return Path(file).as_posix(), int(line)
