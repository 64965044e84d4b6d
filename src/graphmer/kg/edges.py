"""Facts to columns of numbers, each edge once."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from graphmer.corpus.parse.columns import python_values, string_column
from graphmer.corpus.parse.lines import LineIndex
from graphmer.kg.facts import Fact

if TYPE_CHECKING:
    import pyarrow as pa

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class Edges(NamedTuple):
    """Columns of triples. Ends are numbers of entities, files are rows of files.parquet; what is a text is coded."""

    head: Int32
    relation: Int32
    tail: Int32
    file: Int32
    line_start: Int64
    line_end: Int64
    byte_start: Int64
    byte_end: Int64
    confidence: npt.NDArray[np.float64]
    resolution: Int32
    relations: list[str]  # what the codes of `relation` stand for, sorted
    resolutions: list[str]


def edges_of(facts: list[Fact], symbols: list[str], files: "pa.Table", index: LineIndex) -> Edges:
    """The distinct edges of one package's facts, unsorted; of several facts the surest, then the first place.

    symbols: of all entities; their place is their number.  files: rows of files.parquet with `row`, their number there.
    index: of the files' lines.
    A name that is bound somewhere is not ambiguous, so the surest evidence of an edge counts.
    """
    places, rows = python_values(files.column("file")), files.column("row").to_numpy()
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    file_numbers = {name: number for number, name in enumerate(places)}
    columns = zip(*facts, strict=True) if facts else [()] * len(Fact._fields)
    heads, relations, tails, names, starts, ends, resolutions, confidences = columns
    count = len(heads)
    try:
        head = np.fromiter(map(numbers.__getitem__, heads), np.int32, count)
        tail = np.fromiter(map(numbers.__getitem__, tails), np.int32, count)
    except KeyError as error:
        raise AssertionError(_unknown_end(facts, error.args[0])) from None
    file = np.fromiter(map(file_numbers.__getitem__, names), np.int32, count)
    relation, known_relations = _codes(relations)
    resolution, known_resolutions = _codes(resolutions)
    start, end = np.fromiter(starts, np.int64, count), np.fromiter(ends, np.int64, count)
    confidence = np.fromiter(confidences, np.float64, count)
    key = (head.astype(np.int64) * len(known_relations) + relation) * max(len(symbols), 1) + tail
    kept = _first_of_each(key, (resolution, end, start, file, -confidence))
    first_line, last_line = index.lines(file[kept], start[kept], end[kept])
    return Edges(
        head=head[kept],
        relation=relation[kept],
        tail=tail[kept],
        file=rows[file[kept]].astype(np.int32),
        line_start=first_line,
        line_end=last_line,
        byte_start=start[kept],
        byte_end=end[kept],
        confidence=confidence[kept],
        resolution=resolution[kept],
        relations=known_relations,
        resolutions=known_resolutions,
    )


def _unknown_end(facts: list[Fact], end: str) -> str:
    fact = next(fact for fact in facts if end in (fact.head, fact.tail))
    return f"{fact.file}:{fact.byte_start}: {fact.head} {fact.relation} {fact.tail}: no entity {end}"


def _codes(values: tuple[str, ...]) -> tuple[Int32, list[str]]:
    """Texts as numbers in the order of the alphabet."""
    encoded = string_column(values)
    names: list[str] = encoded.dictionary.to_pylist()
    order = sorted(names)
    rank = np.asarray([order.index(name) for name in names], np.int32)
    return rank[encoded.indices.to_numpy()], order


def _first_of_each(key: Int64, order: tuple[npt.NDArray[np.generic], ...]) -> Int64:
    """One row of each key, the first by `order`, whose last column counts most: only keys that repeat are sorted."""
    by_key = np.argsort(key, kind="stable")
    begins = _begins(key[by_key])
    alone = begins & np.append(begins[1:], True)
    several = by_key[~alone]
    several = several[np.lexsort((*(column[several] for column in order), key[several]))]
    return np.concatenate([by_key[alone], several[_begins(key[several])]])


def _begins(sorted_key: Int64) -> npt.NDArray[np.bool_]:
    begins = np.ones(len(sorted_key), np.bool_)
    begins[1:] = sorted_key[1:] != sorted_key[:-1]
    return begins
