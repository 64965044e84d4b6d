"""Code search: what asks, what answers, who competes, and that the counted peers rank as they should."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from graphmer.artifacts import write_table
from graphmer.corpus.parse.schema import files_schema, symbols_schema
from graphmer.errors import EvaluationError
from graphmer.evaluate.code_search import pools, predict_code_search, ranks_of, search_set
from graphmer.evaluate.config import CodeSearchParams
from graphmer.evaluate.documented import (
    DocumentedFunction,
    code_without_docstring,
    documented_functions,
)
from graphmer.evaluate.lexical import bm25_scores, lexical_tokens, tfidf_scores
from graphmer.evaluate.link_config import LinkParams
from graphmer.pack.docstrings import first_paragraph

PARAMS = CodeSearchParams(
    min_query_words=3,
    max_query_words=12,
    min_code_lines=2,
    pool=4,
    bm25_k1=1.5,
    bm25_b=0.75,
    max_fit_queries=50,
    l2=1.0,
    seed=1,
)
FIT = LinkParams(
    max_queries=10,
    max_fit_queries=10,
    min_candidates=2,
    max_holes=1,
    cloze_prior=1.0,
    file_cache=0.5,
    sibling_prior=1.0,
    near_tokens=4,
    l2=1.0,
    relation_l2=1.0,
    min_relation_queries=1000,
    negatives=10,
    max_iterations=100,
    boosting_rounds=10,
    boosting_rate=0.1,
    boosting_leaves=7,
    boosting_l2=1.0,
    seed=0,
)
TOPICS = ("socket", "calendar", "matrix", "parser", "colour", "archive", "password", "thread")


def function_source(topic: str) -> str:
    return (
        f"def open_{topic}(path):\n"
        f'    """Open the {topic} that lies behind a path."""\n'
        f"    {topic} = find_{topic}(path)\n"
        f"    return open_{topic}.cache[{topic}]\n"
    )


@pytest.fixture
def parsed(tmp_path: Path) -> Path:
    """Two packages, one for val and one for test, of one documented function a topic."""
    files, symbols = [], []
    for package, split in (("one", "val"), ("two", "test")):
        text = "".join(function_source(topic) for topic in TOPICS)
        files.append(
            dict.fromkeys(files_schema().names, "")
            | {"package": package, "language": "python", "split": split, "file": "m.py", "kind": "code", "text": text}
            | {"is_test": False, "bytes": len(text), "lines": text.count("\n"), "status": "ok"}
        )
        for topic in TOPICS:
            source, start = function_source(topic), text.index(f"def open_{topic}(")
            numbers = {name: 0 for name in symbols_schema().names if "line" in name or "byte" in name}
            quote = source.index('"""')
            doc_end = source.rindex('"""') + 3
            symbols.append(
                dict.fromkeys(symbols_schema().names, "")
                | numbers
                | {"symbol": f"python:{package}:m.py#open_{topic}", "package": package, "language": "python"}
                | {
                    "file": "m.py",
                    "kind": "function",
                    "name": f"open_{topic}",
                    "docstring": source[quote + 3 : doc_end - 3],
                }
                | {"byte_start": start, "byte_end": start + len(source)}
                | {"doc_byte_start": start + quote, "doc_byte_end": start + doc_end}
            )
    write_table(pd.DataFrame(files), tmp_path / "files.parquet", files_schema())
    write_table(pd.DataFrame(symbols), tmp_path / "symbols.parquet", symbols_schema())
    return tmp_path


class Oracle:
    """A net that knows the topic of every text; only `embed` is asked."""

    def embed(self, texts: list[str]) -> np.ndarray:
        hits = [[float(topic in text) for topic in TOPICS] for text in texts]
        return np.asarray(hits, np.float32)


def function(name: str, query: str, code: str = "def f(): pass") -> DocumentedFunction:
    return DocumentedFunction(f"python:p:m.py#{name}", name, "p", "python", "m.py", query, code)


def test_a_functions_own_docstring_is_never_in_its_document(parsed: Path):
    found = documented_functions(parsed, "test", PARAMS)
    assert len(found) == len(TOPICS)
    for one in found:
        assert one.query not in one.code
        assert '"""' not in one.code
        assert one.code.startswith(f"def {one.name}(path):")
        assert f"return {one.name}.cache" in one.code


def test_a_docstring_before_the_definition_leaves_the_code_whole():
    source = b"/** Adds. */ int add() {}"
    row = SimpleNamespace(byte_start=13, byte_end=25, doc_byte_start=0, doc_byte_end=12)
    assert code_without_docstring(source, row) == "int add() {}"


def test_test_code_and_other_splits_are_no_material(parsed: Path):
    assert {one.package for one in documented_functions(parsed, "val", PARAMS)} == {"one"}
    assert documented_functions(parsed, "train", PARAMS) == []


@pytest.mark.parametrize(
    ("docstring", "query"),
    [
        ("Read a file.\n\nDetails follow.", "Read a file."),
        ("Read\na file.\n:param path: where", "Read a file."),
        ("Read a file.\nArgs:\n  path: where", "Read a file."),
        ("See :func:`~trio.run` and ``x``.", "See trio.run and x."),
        ("Gives {@code null} or <b>all</b>.\n@return it", "Gives null or all ."),
        ("one two three four", "one two three"),
    ],
)
def test_the_query_is_the_first_paragraph_in_plain_words(docstring: str, query: str):
    assert first_paragraph(docstring, 6 if query != "one two three" else 3) == query


def test_a_hidden_name_is_gone_as_a_word_from_query_and_code():
    shown = function("run", "Run with run, not rerun.", "def run(x):\n    return self.run(rerun)")
    hidden = shown.with_name_hidden()
    assert hidden.query == "Run with [HIDDEN], not rerun."
    assert hidden.code == "def [HIDDEN](x):\n    return self.[HIDDEN](rerun)"


def test_short_and_shared_docstrings_are_candidates_but_not_queries():
    functions = [
        function("a", "Read a file from disk."),
        function("b", "Same words for two."),
        function("c", "Same words for two."),
        function("d", "Too short."),
    ]
    found = search_set(functions, PARAMS)
    assert found.truth.tolist() == [0]
    assert len(found.functions) == 4


def test_identifiers_are_split_and_kept_whole_and_the_mark_of_a_hidden_name_is_no_word():
    assert lexical_tokens("HTTPServer.run_all([HIDDEN])") == ["http", "server", "httpserver", "run", "all", "runall"]


@pytest.mark.parametrize("name", ["bm25", "tfidf"])
def test_a_counted_peer_ranks_the_obvious_match_first(name: str):
    documents = [lexical_tokens(function_source(topic)) for topic in TOPICS]
    queries = [lexical_tokens(f"where is the {topic}") for topic in TOPICS]
    scores = bm25_scores(queries, documents, 1.5, 0.75) if name == "bm25" else tfidf_scores(queries, documents)
    assert scores.argmax(axis=1).tolist() == list(range(len(TOPICS)))


def test_a_query_without_a_known_word_scores_zero_everywhere():
    assert not bm25_scores([["nowhere"], []], [["here"], ["there"]], 1.5, 0.75).any()


def test_bm25_matches_its_formula():
    documents = [["a", "a", "b"], ["b", "c"], ["c", "c", "c", "d"]]
    k1, b, mean = 1.2, 0.5, 3.0
    expected = np.zeros(3)
    for row, document in enumerate(documents):
        for term in ("a", "c"):
            count, holders = document.count(term), sum(term in other for other in documents)
            idf = np.log(1 + (3 - holders + 0.5) / (holders + 0.5))
            expected[row] += idf * count / (count + k1 * (1 - b + b * len(document) / mean))
    np.testing.assert_allclose(bm25_scores([["a", "c"]], documents, k1, b)[0], expected, rtol=1e-5)


def test_every_pool_holds_the_truth_and_the_promised_number():
    found = search_set([function(f"f{i}", f"Word number {i} of many.") for i in range(20)], PARAMS)
    chosen = pools(found, PARAMS)
    assert chosen.sum(axis=1).tolist() == [PARAMS.pool] * 20
    assert chosen[np.arange(20), found.truth].all()
    assert (chosen == pools(found, PARAMS)).all()


def test_ranks_match_a_slow_reading_with_ties_at_the_mean():
    draw = np.random.default_rng(0)
    scores = draw.integers(0, 4, (30, 9)).astype(np.float32)
    truth = draw.integers(0, 9, 30)
    among = draw.random((30, 9)) < 0.7
    among[np.arange(30), truth] = True
    for row, rank in enumerate(ranks_of(scores, truth, among)):
        order = sorted((-scores[row, column]) for column in np.flatnonzero(among[row]))
        places = [place + 1 for place, value in enumerate(order) if value == -scores[row, truth[row]]]
        assert rank == np.mean(places)


def test_random_scores_give_the_mrr_of_chance():
    draw = np.random.default_rng(1)
    ranks = ranks_of(draw.random((4000, 10)).astype(np.float32), draw.integers(0, 10, 4000), None)
    assert np.mean(1 / ranks) == pytest.approx(np.mean(1 / np.arange(1, 11)), abs=0.02)


def test_every_scorer_answers_every_query_in_every_setting(parsed: Path):
    table = predict_code_search(parsed, Oracle(), PARAMS, FIT)
    assert set(table["scorer"]) == {"bm25", "tfidf", "neural", "symbolic", "graphmer"}
    assert set(table["setting"]) == {"pool4", "pool4_masked", "all", "all_masked"}
    counts = table.groupby(["setting", "scorer"]).size()
    assert (counts == len(TOPICS)).all()
    assert set(table.loc[table["setting"] == "pool4", "pool"]) == {4}
    assert (table.loc[table["scorer"].isin(["neural", "graphmer"]), "rank"] == 1).all()


def test_a_pool_that_holds_everything_is_not_reported_twice(parsed: Path):
    wide = CodeSearchParams(3, 12, 2, 1000, 1.5, 0.75, 50, 1.0, 1)
    table = predict_code_search(parsed, None, wide, FIT)
    assert set(table["setting"]) == {"pool1000", "pool1000_masked"}
    assert set(table["pool"]) == {len(TOPICS)}
    assert "neural" not in set(table["scorer"])


def test_no_documented_function_is_one_clear_line(parsed: Path):
    strict = CodeSearchParams(12, 12, 2, 4, 1.5, 0.75, 50, 1.0, 1)
    with pytest.raises(EvaluationError, match="code search: val and test need documented functions"):
        predict_code_search(parsed, None, strict, FIT)
