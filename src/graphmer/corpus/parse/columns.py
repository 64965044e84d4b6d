"""Rows to Arrow columns and back, without a data frame between: workers need not import pandas.

Strings that repeat are dictionary arrays from the parser to the file and back: each is hashed once, and no cell is met
in Python. On disk and in the schemas they are plain strings; the file's own dictionary pages are read as they are.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

MAX_LEFT_OVER = 4_000_000  # objects, about 0.5 GiB

_left_over = 0  # objects that the functions run so far left alive


@contextmanager
def paused_collector() -> Iterator[None]:
    """No cyclic garbage collection inside: rows are tuples, which are no cycles, and reference counts free them.

    The collector would walk all of them again and again: 321k rows take 0.30 s to make with it and 0.09 s without. What
    is left afterwards is put out of its sight until it is much, for walking and freeing 1.5M objects takes 1.2 s, and
    the end of the process frees them at once. To be used as a decorator, so that a function's rows are gone by then.
    """
    global _left_over
    gc.disable()
    try:
        yield
    finally:
        _left_over += gc.get_count()[0]  # made and not freed since the collector was paused
        if _left_over > MAX_LEFT_OVER:
            gc.unfreeze()
            gc.collect()
            _left_over = 0
        gc.freeze()
        gc.enable()


def string_column(values: Sequence[str]) -> "pa.DictionaryArray":
    """Strings, each kept once."""
    import pyarrow as pa

    return _strings(values, pa.dictionary(pa.int32(), pa.string()))


def _strings(values: Sequence[str], kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # half a surrogate pair, which an escape in a docstring can make, stands as that escape
        return pa.array([value.encode("utf-8", "backslashreplace").decode("utf-8") for value in values], kind)


def repeated_column(values: Sequence[str], counts: npt.NDArray[np.int64]) -> "pa.DictionaryArray":
    """Each string as often as its count says, which costs no more than the counts do."""
    import pyarrow as pa

    encoded = string_column(values)
    return pa.DictionaryArray.from_arrays(pa.array(np.repeat(encoded.indices.to_numpy(), counts)), encoded.dictionary)


def constant_column(value: str, count: int) -> "pa.DictionaryArray":
    """One string in every row."""
    return repeated_column([value], np.asarray([count]))


def row_columns(
    rows: Sequence[tuple[Any, ...]], fields: Sequence["pa.Field"], plain: frozenset[str]
) -> list["pa.Array"]:
    """The columns of rows whose parts stand in the order of `fields`.

    plain: names of string columns whose values hardly repeat.
    """
    columns = zip(*rows, strict=True) if rows else [()] * len(fields)
    return [_column(values, field, field.name in plain) for values, field in zip(columns, fields, strict=True)]


def _column(values: Sequence[Any], field: "pa.Field", plain: bool) -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_int64(field.type):
        return pa.array(np.fromiter(values, np.int64, len(values)))
    if pa.types.is_string(field.type):
        if values and isinstance(values[0], bytes):
            return _texts(values)
        return _strings(values, field.type) if plain else string_column(values)
    return pa.array(values, field.type)


def _texts(values: Sequence[bytes]) -> "pa.StringArray":
    """Bytes that are known to be UTF-8, copied once; pa.array would grow its buffer again and again."""
    import pyarrow as pa

    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(values)))


def encoded_schema(schema: "pa.Schema", plain: frozenset[str]) -> "pa.Schema":
    """The schema of a table in memory: all strings but the plain ones as dictionaries."""
    import pyarrow as pa

    encoded = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            pa.field(field.name, encoded) if pa.types.is_string(field.type) and field.name not in plain else field
            for field in schema
        ]
    )


def concat(tables: Sequence["pa.Table"]) -> "pa.Table":
    """Tables of one encoded schema as one, each column in one piece with one dictionary."""
    import pyarrow as pa

    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def whole(column: "pa.ChunkedArray") -> "pa.Array":
    """A column in one piece."""
    import pyarrow as pa

    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def python_values(column: "pa.ChunkedArray") -> list[Any]:
    """A column as Python values; those of a dictionary are made once and shared."""
    import pyarrow as pa

    array = whole(column)
    if isinstance(array, pa.DictionaryArray):
        values: list[Any] = array.dictionary.to_numpy(zero_copy_only=False)[array.indices.to_numpy()].tolist()
        return values
    plain: list[Any] = array.to_numpy(zero_copy_only=False).tolist()
    return plain


def text_buffer(texts: "pa.ChunkedArray") -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Where each text begins, and the last one ends, in the bytes of all, end to end; one piece is not copied."""
    import pyarrow as pa

    large = pa.chunked_array(texts.cast(pa.large_string()), pa.large_string()).combine_chunks()
    _, offsets, data = large.buffers()
    places = np.frombuffer(offsets, np.int64)[large.offset : large.offset + len(large) + 1]
    characters = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return places - places[0], characters[places[0] : places[-1]]
