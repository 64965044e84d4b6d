"""Lines of byte spans, a whole table at once: parsers and resolvers deal in bytes alone."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graphmer.corpus.parse.columns import text_buffer

if TYPE_CHECKING:
    import pyarrow as pa

LINE_COLUMNS = ("line_start", "line_end")
NEWLINE = ord("\n")

IntArray = npt.NDArray[np.int64]
AnyInt = npt.NDArray[np.signedinteger]


class LineIndex:
    """Where the lines of some files begin. Their texts lie end to end in one Arrow buffer, which is not copied."""

    def __init__(self, texts: "pa.ChunkedArray") -> None:
        """texts: strings, one a file."""
        self.starts_F, data = text_buffer(texts)
        self.newlines: IntArray = np.flatnonzero(data == NEWLINE)
        self.newlines_before_F: IntArray = np.searchsorted(self.newlines, self.starts_F)

    def lines(self, files: AnyInt, byte_start: IntArray, byte_end: IntArray) -> tuple[IntArray, IntArray]:
        """First and last line, from 1, of the half-open byte ranges [byte_start, byte_end) of files by their number.

        An empty range stands on the line of its first byte; -1 stands for no file, and has the lines 0 and 0.
        """
        base, before = self.starts_F[files], self.newlines_before_F[files]
        last = np.maximum(byte_end - 1, byte_start)
        is_file = files >= 0
        first_line = np.searchsorted(self.newlines, base + byte_start) - before + 1
        last_line = np.searchsorted(self.newlines, base + last) - before + 1
        return first_line * is_file, last_line * is_file


def without_lines(schema: "pa.Schema") -> list["pa.Field"]:
    """The fields of a schema that parsers and resolvers fill."""
    return [field for field in schema if field.name not in LINE_COLUMNS]
