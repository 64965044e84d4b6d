"""Lines of byte spans, a whole table at once: parsers and resolvers deal in bytes alone."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

LINE_COLUMNS = ("line_start", "line_end")
NEWLINE = ord("\n")

IntArray = npt.NDArray[np.int64]


class LineIndex:
    """Where the lines of some files begin. Their texts lie end to end in one Arrow buffer, which is not copied."""

    def __init__(self, files: "pa.Table") -> None:
        """files: rows with the columns `file` and `text`, the file's name being unique."""
        import pyarrow as pa

        texts = files.column("text").cast(pa.large_string()).combine_chunks()
        _, offsets, data = texts.buffers()
        self.names = files.column("file").combine_chunks()
        self.starts_F: IntArray = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        lo, hi = (int(self.starts_F[0]), int(self.starts_F[-1])) if len(texts) else (0, 0)
        characters = np.frombuffer(data, np.uint8)[lo:hi] if data is not None else np.empty(0, np.uint8)
        self.newlines: IntArray = np.flatnonzero(characters == NEWLINE) + lo
        self.newlines_before_F: IntArray = np.searchsorted(self.newlines, self.starts_F)

    def lines(self, names: "pa.Array", byte_start: IntArray, byte_end: IntArray) -> tuple[IntArray, IntArray]:
        """First and last line, from 1, of the half-open byte ranges [byte_start, byte_end) of the named files.

        An empty range stands on the line of its first byte; a name that is no file's has the lines 0 and 0.
        """
        import pyarrow.compute as pc

        found = pc.index_in(names, value_set=self.names)
        known = found.is_valid().to_numpy(zero_copy_only=False)
        if not known.any():
            return np.zeros(len(known), np.int64), np.zeros(len(known), np.int64)
        rows = found.fill_null(0).to_numpy(zero_copy_only=False)
        base, before = self.starts_F[rows], self.newlines_before_F[rows]
        last = np.maximum(byte_end - 1, byte_start)
        first_line = np.searchsorted(self.newlines, base + byte_start) - before + 1
        last_line = np.searchsorted(self.newlines, base + last) - before + 1
        return first_line * known, last_line * known


def with_lines(table: "pa.Table", index: LineIndex, schema: "pa.Schema") -> "pa.Table":
    """The table with its line columns, in the order of `schema`."""
    import pyarrow as pa

    names = table.column("file").combine_chunks()
    spans = (table.column(name).to_numpy() for name in ("byte_start", "byte_end"))
    computed = dict(zip(LINE_COLUMNS, index.lines(names, *spans), strict=True))
    columns = [pa.array(computed[name]) if name in computed else table.column(name) for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)


def without_lines(schema: "pa.Schema") -> "pa.Schema":
    """The columns of a schema that parsers and resolvers fill."""
    import pyarrow as pa

    return pa.schema([field for field in schema if field.name not in LINE_COLUMNS])
