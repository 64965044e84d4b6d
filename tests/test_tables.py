"""Rows to columns and back, facts to edges, texts to shingles: each against a slow way to the same."""

import gc
import random
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from graphmer.corpus.parse.columns import paused_collector, python_values, row_columns, string_column, text_buffer
from graphmer.corpus.parse.lines import LineIndex
from graphmer.corpus.parse.records import Reference
from graphmer.corpus.parse.schema import references_schema
from graphmer.kg.edges import edges_of
from graphmer.kg.facts import Fact
from graphmer.kg.near_duplicates import _smallest
from graphmer.kg.shingles import Bodies, Hasher

WORDS = ("f", "été", "x1", "_y", "(", ")", "=", "+", " ", "\n", "\t", "# c\n", "/* d */")


def texts(seed: int, count: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choice(WORDS) for _ in range(draw.choice((0, 1, 3, 60)))) for _ in range(count)]


def test_rows_come_back_from_columns_as_they_were() -> None:
    draw = random.Random(1)
    words, numbers = range(4), range(3)
    rows = [Reference(*(draw.choice(WORDS) for _ in words), *(draw.randrange(99) for _ in numbers)) for _ in range(50)]
    fields = [references_schema().field(name) for name in Reference._fields]
    columns = row_columns(rows, fields, frozenset({"value"}))
    assert list(map(Reference._make, zip(*(python_values(pa.chunked_array([one])) for one in columns)))) == rows


def test_an_empty_table_has_every_column() -> None:
    fields = [references_schema().field(name) for name in Reference._fields]
    assert [len(column) for column in row_columns([], fields, frozenset())] == [0] * len(fields)


def test_a_sliced_column_of_texts_gives_the_bytes_of_its_own_rows() -> None:
    column = pa.chunked_array([["ab", "é"], [""], ["xyz"]])
    places, data = text_buffer(column.slice(1, 3))
    assert [data[a:b].tobytes().decode() for a, b in pairwise(places)] == ["é", "", "xyz"]


@pytest.mark.parametrize("seed", range(5))
def test_lines_are_counted_from_the_newlines_before_a_byte(seed: int) -> None:
    draw = random.Random(seed)
    sources = [text.encode() for text in texts(seed, 8)]
    chosen = [file for file in range(8) for _ in range(9)]
    spans = [(file, *sorted(draw.randint(0, len(sources[file])) for _ in range(2))) for file in chosen]
    files, starts, ends = (np.asarray(column) for column in zip(*spans))
    index = LineIndex(pa.chunked_array([[source.decode() for source in sources]]))
    first, last = index.lines(files, starts, ends)
    for (file, start, end), one, other in zip(spans, first.tolist(), last.tolist()):
        assert one == sources[file].count(b"\n", 0, start) + 1
        assert other == sources[file].count(b"\n", 0, max(end - 1, start)) + 1


@pytest.mark.parametrize("seed", range(5))
def test_an_edge_is_its_surest_fact_then_its_first(seed: int) -> None:
    draw = random.Random(seed)
    symbols, files = ["s0", "s1", "s2"], ["a.py", "b.py"]
    facts = [
        Fact(
            draw.choice(symbols), draw.choice(("calls", "uses")), draw.choice(symbols), draw.choice(files),
            (at := draw.randrange(4)), at + 1, draw.choice(("exact", "ambiguous")), draw.choice((0.5, 1.0)),
        )
        for _ in range(60)
    ]  # fmt: skip
    table = pa.table({"file": files, "row": [7, 9], "text": ["x\n" * 9, "\n" * 9]})
    edges = edges_of(facts, symbols, table, LineIndex(table.column("text")))
    found = {
        (symbols[head], edges.relations[relation], symbols[tail]): (file, start, edges.resolutions[how], sure)
        for head, relation, tail, file, start, how, sure in zip(
            edges.head, edges.relation, edges.tail, edges.file, edges.byte_start, edges.resolution, edges.confidence
        )
    }
    slow: dict[tuple[str, ...], Fact] = {}
    for fact in sorted(facts, key=lambda fact: (-fact.confidence, *fact[3:])):
        slow.setdefault(fact[:3], fact)
    assert len(edges.head) == len(slow)
    assert found == {
        key: ({"a.py": 7, "b.py": 9}[fact.file], fact.byte_start, fact.resolution, fact.confidence)
        for key, fact in slow.items()
    }


@pytest.mark.parametrize(("seed", "width"), [(0, 1), (1, 3), (2, 5), (3, 5)])
def test_shingles_are_equal_exactly_where_their_tokens_are(seed: int, width: int) -> None:
    sources = texts(seed, 40)
    bodies = Bodies(pa.chunked_array([sources]), np.zeros(len(sources), np.bool_))
    shingles = Hasher(width, 0).shingles(bodies, np.arange(len(sources)))
    runs: dict[tuple[str, ...], set[int]] = {}
    wholes: dict[tuple[str, ...], set[int]] = {}
    for file, source in enumerate(sources):
        tokens = re.findall(r"\w+|[^\w\s]", source)
        assert [token.decode() for token in bodies.tokens(file)] == tokens
        assert shingles.num_tokens_F[file] == len(tokens)
        hashes = shingles.of(file).tolist()
        assert len(hashes) == max(len(tokens) - width + 1, 0)
        for at, value in enumerate(hashes):
            runs.setdefault(tuple(tokens[at : at + width]), set()).add(value)
        wholes.setdefault(tuple(tokens), set()).add(int(shingles.whole_F[file]))
    for known in (runs, wholes):
        assert all(len(values) == 1 for values in known.values())
        assert len({value for values in known.values() for value in values}) == len(known)


def test_the_comment_at_the_top_of_code_has_no_shingles() -> None:
    sources = pa.chunked_array([["# MIT\n\n/* a\n b */\nx = 1 # c\n", "# MIT\nx"]])
    bodies = Bodies(sources, np.asarray([True, False]))
    assert [bodies.tokens(file) for file in range(2)] == [[b"x", b"=", b"1", b"#", b"c"], [b"#", b"MIT", b"x"]]


@pytest.mark.parametrize("distinct", [3, 90, 5000])
def test_a_sketch_is_the_smallest_distinct_hashes(distinct: int) -> None:
    draw = np.random.default_rng(distinct)
    hashes = draw.choice(draw.integers(0, 2**64, distinct, np.uint64), 5000)
    assert _smallest(hashes, 64).tolist() == np.unique(hashes)[:64].tolist()


def test_the_collector_runs_again_after_a_pause_even_where_the_function_fails() -> None:
    @paused_collector()
    def fails() -> None:
        assert not gc.isenabled()
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fails()
    assert gc.isenabled()


def test_each_string_is_kept_once() -> None:
    column = string_column(["a", "b", "a"])
    assert Counter(column.to_pylist()) == {"a": 2, "b": 1}
    assert len(column.dictionary) == 2
