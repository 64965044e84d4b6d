"""The leak audit: each check sees a planted leak and passes a clean set; past a bound the stage ends."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from packed import make_entities, make_split
from test_link_prediction import PARAMS, Corpus

from graphmer.artifacts import sha256_file, write_json
from graphmer.errors import ArtifactError, EvaluationError
from graphmer.evaluate import audit_links
from graphmer.evaluate.audit import asked_repeats, check_bounds, gathered, repeated, searched_names
from graphmer.evaluate.audit_config import AuditBounds, AuditParams
from graphmer.evaluate.audit_links import Offender, import_spans
from graphmer.evaluate.audit_tokenizer import tokenizer_leaks
from graphmer.evaluate.code_search import SearchSet, search_set
from graphmer.evaluate.config import CodeSearchParams, MaskedParams
from graphmer.evaluate.documented import DocumentedFunction
from graphmer.evaluate.link_prediction import LinkData, LinkTask
from graphmer.evaluate.masked import masked_positions
from graphmer.evaluate.neural import MaskedInput, ModelScorer
from graphmer.evaluate.queries import LinkQueries, build_queries
from graphmer.evaluate.repeats import Repeats, repeated_functions, without_comments
from graphmer.evaluate.shown import Shown, shown_by_rows
from graphmer.evaluate.traced_sites import TracedPackage
from graphmer.evaluate.traces import Trace
from graphmer.evaluate.window_text import Sources, window_text
from graphmer.model.inference import query_selection
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.draw import Selection
from graphmer.pack.rows import Rows, assemble
from graphmer.pack.tokenizer import MASK, CodeTokenizer

NO_BOUNDS = AuditBounds(**dict.fromkeys(AuditBounds.__dataclass_fields__))
AUDIT = AuditParams(
    near_duplicate_jaccard=0.7,
    near_duplicate_min_tokens=10,
    shingle_tokens=5,
    minhash_values=64,
    minhash_seed=0,
    min_function_tokens=20,
    retrain_max_bytes=1 << 20,
    offenders_shown=2,
    bounds=NO_BOUNDS,
)
USES = load_ontology().relations["uses"].id


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    corpus = Corpus()
    for package, split in (("alpha", "val"), ("gamma", "test"), ("delta", "test")):
        corpus.add_package(package, split)
    return corpus


@pytest.fixture(scope="module")
def data(corpus: Corpus) -> LinkData:
    return corpus.data()


@pytest.fixture(scope="module")
def sources(corpus: Corpus, data: LinkData) -> Sources:
    return Sources({key: text.encode() for key, (_, text) in corpus.files.items()}, data.splits["test"])


@pytest.fixture(scope="module")
def queries(data: LinkData) -> LinkQueries:
    return LinkTask(data, PARAMS).queries("test", "headline")


def rows_of(data: LinkData, queries: LinkQueries) -> Rows:
    """What the net reads of the queries."""
    arrays, words = data.splits["test"], queries.hidden_words
    owner = np.repeat(np.arange(len(words)), [len(word) for word in words])
    hide = (owner, np.concatenate([np.zeros(0, np.int64), *words]))
    selection = query_selection(arrays, queries.leaf, hide, queries.support, queries.shows_edges, 8, 2)
    return assemble(arrays, data.entities, selection, 300)


def shown_of(data: LinkData, queries: LinkQueries, sources: Sources, rows: Rows | None = None) -> list[Shown]:
    rows = rows or rows_of(data, queries)
    return list(shown_by_rows(data.splits["test"], rows, queries, sources, data.tokenizer))


def leak(offenders: object) -> list[Offender]:
    return list(offenders)  # type: ignore[call-overload]


def test_a_clean_set_has_no_leak_in_any_check_of_links(data, queries, sources):
    shown, task = shown_of(data, queries, sources), LinkTask(data, PARAMS)
    assert sum(len(one.leaves) for one in shown) > 20
    assert leak(audit_links.visible_names(data, queries, shown, sources)) == []
    assert leak(audit_links.shown_triples(data, queries, shown)) == []
    assert leak(audit_links.query_triples(data, data.splits["val"], queries)) == []
    assert leak(audit_links.counted_triples(data, task, queries)) == []
    assert leak(audit_links.counted_names(data, task, queries, sources)) == []
    assert leak(audit_links.held_out_support(data, task, queries)) == []


def test_a_window_reads_as_its_source_with_one_mark_a_hidden_name(data, queries, sources):
    arrays, sample = data.splits["test"], int(queries.sample[0])
    begin, end = arrays.sample_token[sample : sample + 2]
    source = sources.windows[sample].decode()
    low, high = int(arrays.token_start[begin]), int(arrays.token_end[end - 1])
    nothing = np.zeros(end - begin, np.bool_)
    assert window_text(arrays, source.encode(), sample, nothing).text == source[low:high]
    name = data.entities.names[int(queries.tail[0])]
    assert shown_of(data, queries, sources)[0].text == source[low:high].replace(name, "[HIDDEN]")


def test_a_masked_token_is_one_mark_and_the_places_of_tokens_are_told(data, sources):
    arrays = data.splits["test"]
    size = int(arrays.sample_token[1])
    masked = np.zeros(size, np.bool_)
    masked[2] = True
    whole = window_text(arrays, sources.windows[0], 0, np.zeros(size, np.bool_))
    blank = window_text(arrays, sources.windows[0], 0, np.zeros(size, np.bool_), masked)
    assert blank.text[blank.starts[2] : blank.ends[2]] == "[MASK]"
    piece = whole.text[whole.starts[2] : whole.ends[2]]
    assert blank.text == whole.text[: whole.starts[2]] + "[MASK]" + whole.text[whole.starts[2] + len(piece) :]


def test_a_window_that_hides_nothing_is_caught_from_its_input_ids(data, queries, sources):
    rows = rows_of(data, dataclasses.replace(queries, hidden_words=[np.zeros(0, np.int64)] * len(queries)))
    found = leak(audit_links.visible_names(data, queries, shown_of(data, queries, sources, rows), sources))
    assert len(found) == len(queries)
    name = data.entities.names[int(queries.tail[0])]
    assert found[0].what.endswith(f"its window shows {name}")


def test_ids_that_are_not_the_windows_are_caught(data, queries, sources):
    rows = rows_of(data, queries)
    rows.token[int(rows.instance_row[0]), int(rows.instance_start[0])] = MASK
    found = leak(audit_links.visible_names(data, queries, shown_of(data, queries, sources, rows), sources))
    assert [offender.what.rpartition(": ")[2] for offender in found] == ["its input ids are not its window's"]


def test_a_leaf_beside_the_window_that_bears_the_name_is_caught(data, queries, sources):
    shown = shown_of(data, queries, sources)
    planted = dataclasses.replace(shown[0], names=(*shown[0].names, data.entities.names[int(queries.tail[0])]))
    found = leak(audit_links.visible_names(data, queries, [planted], sources))
    assert len(found) == 1
    assert "a leaf beside it shows" in found[0].what


@pytest.mark.parametrize("turned", [False, True])
def test_a_shown_triple_between_head_and_tail_is_caught_either_way_round(data, queries, sources, turned):
    arrays, shown = data.splits["test"], shown_of(data, queries, sources)
    leaf = int(np.flatnonzero(queries.support)[0])
    ends = [int(queries.head[0]), int(queries.tail[0])]
    head, tail = arrays.leaf_head.copy(), arrays.leaf_tail.copy()
    head[leaf], tail[leaf] = ends[::-1] if turned else ends
    told = dataclasses.replace(arrays, leaf_head=head, leaf_tail=tail)
    planted = dataclasses.replace(data, splits={**data.splits, "test": told})
    found = leak(
        audit_links.shown_triples(planted, queries, [dataclasses.replace(shown[0], leaves=np.asarray([leaf]))])
    )
    assert [offender.what.rpartition(": ")[2] for offender in found] == ["its window shows a triple between the two"]


def test_a_held_out_leaf_beside_a_window_is_caught(data, queries, sources):
    shown = dataclasses.replace(shown_of(data, queries, sources)[0], leaves=queries.leaf[1:2])
    found = leak(audit_links.shown_triples(data, queries, [shown]))
    assert len(found) == 1
    assert "held-out" in found[0].what


def test_zero_support_that_shows_a_leaf_is_caught(data, queries, sources):
    shown = dataclasses.replace(shown_of(data, queries, sources)[0], leaves=np.flatnonzero(queries.support)[:1])
    blind = dataclasses.replace(queries, setting="zero_support")
    assert "zero_support shows 1 leaves" in leak(audit_links.shown_triples(data, blind, [shown]))[0].what


def test_an_edge_between_head_and_tail_is_read_back_from_the_rows():
    """make_split joins the ends of each sample's last leaf by edges; the layout drops them where it is masked."""
    split, entities = make_split(3, num_samples=6), make_entities()
    leaf = split.sample_leaf[1:] - 1
    sample, nothing = np.arange(6), np.zeros(0, np.int64)
    tokenizer = CodeTokenizer.train(["def word0(word1):\n"] * 3, 300, 2)
    source = bytes(range(32, 127)) * 4
    split.samples["file"], files = "f.py", {("p", "f.py"): source[: int(split.token_end.max())]}
    queries = SimpleNamespace(sample=sample, head=split.leaf_head[leaf], tail=split.leaf_tail[leaf])
    for masked in (True, False):
        flags = np.full(6, masked)
        rows = assemble(split, entities, Selection(sample, flags | True, sample, leaf, flags, nothing, nothing), 40)
        asked = SimpleNamespace(**vars(queries), __len__=lambda: 6)
        shown = list(shown_by_rows(split, rows, Counted(asked), Sources(files, split), tokenizer))
        joined = [
            {int(split.edge_head[edge]), int(split.edge_tail[edge])} == {int(queries.head[i]), int(queries.tail[i])}
            for i, one in enumerate(shown)
            for edge in one.edges.tolist()
        ]
        assert any(joined) is not masked


class Counted:
    """Queries that know no more than where they stand."""

    def __init__(self, place: SimpleNamespace) -> None:
        self.sample, self.head, self.tail = place.sample, place.head, place.tail

    def __len__(self) -> int:
        return len(self.sample)


class Planted(LinkTask):
    """A task whose counted features see more than they may."""

    def __init__(self, data, change):
        super().__init__(data, PARAMS)
        self.change = change

    def holes(self, queries):
        for query, view, hole, hidden in super().holes(queries):
            yield self.change(query, view, hole, hidden)


def test_support_between_head_and_tail_that_counts_may_use_is_caught(data, queries):
    def told(hides):
        def change(query, view, hole, hidden):
            support = view.support
            both = dataclasses.replace(
                support,
                head=np.append(support.head, hole.tail),
                relation=np.append(support.relation, USES),
                tail=np.append(support.tail, hole.head),
                position=np.append(support.position, -1),
            )
            return query, dataclasses.replace(view, support=both), hole, np.append(hidden, hides)

        return change

    caught = leak(audit_links.counted_triples(data, Planted(data, told(False)), queries))
    assert len(caught) == len(queries)
    assert caught[0].check == "shown_triples"
    assert leak(audit_links.counted_triples(data, Planted(data, told(True)), queries)) == []


def test_a_hidden_name_that_counts_see_in_the_window_is_caught(data, queries, sources):
    def change(query, view, hole, hidden):
        window = view.stream.sample_positions[int(queries.sample[query])]
        return query, view, dataclasses.replace(hole, visible=window), hidden

    found = leak(audit_links.counted_names(data, Planted(data, change), queries, sources))
    assert {offender.check for offender in found} == {"visible_names"}
    assert len(found) == len(queries)


def test_an_import_of_the_name_that_counts_see_is_caught(data, queries, sources):
    def change(query, view, hole, hidden):
        window = view.stream.sample_positions[int(queries.sample[query])]
        return query, view, dataclasses.replace(hole, unseen=window), np.zeros(len(hidden), np.bool_)

    found = leak(audit_links.counted_names(data, Planted(data, change), queries, sources))
    assert {offender.check for offender in found} == {"visible_imports"}
    assert any("counts see the file's import of" in offender.what for offender in found)
    assert any("counts see that the file imports" in offender.what for offender in found)


def test_imports_are_found_by_the_parser_wherever_they_stand():
    source = b"x = 1; import a\nif x: from b import (c,\n   d)\ntext = 'import e'\n"
    spans = [source[low:high] for low, high in import_spans("m.py", source)]
    assert spans == [b"import a", b"from b import (c,\n   d)"]
    assert import_spans("m.py", b"print 'two'") == []
    java = b"package p;\nimport java.util.List;\nclass A { int important; }\n"
    assert [java[low:high] for low, high in import_spans("A.java", java)] == [b"import java.util.List;"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_query_pair_that_train_joins_is_caught_either_way_round(data, queries, turned):
    train = data.splits["val"]
    ends = [int(queries.head[2]), int(queries.tail[2])]
    head, tail = train.leaf_head.copy(), train.leaf_tail.copy()
    head[0], tail[0] = ends[::-1] if turned else ends
    planted = dataclasses.replace(train, leaf_head=head, leaf_tail=tail)
    found = leak(audit_links.query_triples(data, planted, queries))
    assert [offender.what for offender in found] == [
        f"{audit_links.described(data, queries, 2)}: the pair is joined in train"
    ]


def test_a_query_pair_among_the_graphs_train_triples_is_caught(data, queries):
    leaked = data.triples.copy()
    leaked.loc[int(data.splits["test"].leaf_triple[queries.leaf[0]]), "split"] = "train"
    found = leak(audit_links.query_triples(dataclasses.replace(data, triples=leaked), data.splits["val"], queries))
    assert len(found) == 1


def test_a_held_out_triple_that_no_window_asks_for_is_no_support(data, queries):
    """An edge within a window that the split holds out has no leaf: only `held_out` says so."""
    view = next(iter(LinkTask(data, PARAMS).holes(queries)))[1]
    rows = view.entities.rows
    head, tail = rows[view.support.head[0]], rows[view.support.tail[0]]
    symbols = data.entities.symbols
    held = ((data.triples["head"] == symbols[head]) & (data.triples["tail"] == symbols[tail])).to_numpy()
    told = dataclasses.replace(data, held_out=held)
    found = leak(audit_links.held_out_support(told, LinkTask(data, PARAMS), queries))
    assert len(found) == int(held.sum()) > 0
    assert leak(audit_links.held_out_support(told, LinkTask(told, PARAMS), queries)) == []


BODY = "".join(f"    total += weigh_{index}(items[{index}])\n" for index in range(12))
FIRST = "def first(rows):\n    for row in rows:\n        if row.good and not row.old:\n            return row\n"
SOURCES = {
    "train:a": f"def add(items):\n    total = 0\n{BODY}    return total\n",
    "train:b": "def __len__(self):\n    return len(self._items)\n",
    "val:c": FIRST,
    "test:exact": f"def add(items):\n    total =   0\n\n{BODY}    return total\n",
    "test:near": f"def add(items):\n    total = 0\n{BODY}    return total + 1\n",
    "test:short": "def __len__(self):\n    return len(self._items)\n",
    "test:renamed": FIRST,
    "test:new": "def times(matrix, vector):\n    return [sum(a * b for a, b in zip(row, vector)) for row in matrix]\n",
}


def functions(**sources: str) -> pd.DataFrame:
    rows = [(key, key.partition(":")[0], "", text) for key, text in sources.items()]
    return pd.DataFrame(rows, columns=["symbol", "split", "docstring", "text"])


def test_exact_and_near_copies_are_found_and_others_are_not():
    found = {repeat.function: repeat for repeat in repeated_functions(functions(**SOURCES), AUDIT)}
    assert set(found) == {"test:exact", "test:near", "test:short", "test:renamed"}
    assert found["test:exact"].twin == found["test:near"].twin == "train:a"
    assert found["test:exact"].jaccard == 1.0 > found["test:near"].jaccard >= 0.7
    assert found["test:renamed"].twin_split == "val"


def test_short_repeats_are_counted_apart():
    repeats = Repeats(repeated_functions(functions(**SOURCES), AUDIT))
    report = gathered(repeated(repeats, AUDIT), [], shown=5)
    assert report.counts["repeated_functions"] == 3
    assert report.counts["repeated_short_functions"] == 1
    assert (
        "test:short (test, 13 tokens) repeats train:b (train), Jaccard 1.00"
        in (report.offenders["repeated_short_functions"][0])
    )


def test_a_clean_corpus_repeats_nothing():
    clean = {name: SOURCES[name] for name in ("train:a", "train:b", "val:c", "test:new")}
    assert repeated_functions(functions(**clean), AUDIT) == ()
    assert repeated_functions(functions(), AUDIT) == ()


def test_comments_make_no_function_another_and_marks_in_strings_are_no_comments():
    assert without_comments("a = '#no'  # yes\nb", "python") == "a = '#no'   \nb"
    assert without_comments('s = "//no"; // yes\n/* more\n */ t', "java") == 's = "//no";  \n  t'
    commented = {**SOURCES, "test:exact": without_comments(SOURCES["test:exact"] + "# copied from a\n", "python")}
    assert "test:exact" in {repeat.function for repeat in repeated_functions(functions(**commented), AUDIT)}


def test_no_task_asks_about_a_repeated_function(data):
    arrays = data.splits["test"]
    every = build_queries("test", arrays, data.entities, data.triples, PARAMS, "headline")
    head = data.entities.symbols[int(every.head[0])]
    fewer = build_queries("test", arrays, data.entities, data.triples, PARAMS, "headline", frozenset({head}))
    heads = [data.entities.symbols[row] for row in every.head.tolist()]
    assert fewer.dropped["repeated_function"] == heads.count(head) > 0
    assert head not in {data.entities.symbols[row] for row in fewer.head.tolist()}
    params = MaskedParams(mask_share=0.2, max_samples=99, ngram_order=1, ngram_prior=1.0, cache_prior=1.0, seed=1)
    owner = arrays.samples["owner"].iat[0]
    sample, _ = masked_positions(arrays, params, frozenset({owner}))
    assert owner not in set(arrays.samples["owner"].iloc[sample])


SEARCH = CodeSearchParams(
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


def documented(name: str, query: str, code: str) -> DocumentedFunction:
    return DocumentedFunction(f"s:{name}", name, "p", "python", "f.py", query, code)


def test_code_search_asks_neither_for_copies_nor_by_docstrings_of_train():
    known = [documented(name, f"Open the {name} of a house.", "x") for name in ("door", "gate", "roof")]
    copy = Repeats(repeated_functions(functions(**{"train:t": "a b c d", "s:door": "a b c d"}), AUDIT))
    assert copy.functions == ()  # of no split
    rows = functions(**{"train:t": "a b c d", "test:door": "a b c d"}).assign(symbol=["train:t", "s:door"])
    repeats = Repeats(repeated_functions(rows, AUDIT), frozenset({known[1].query}))
    assert search_set(known, SEARCH, repeats).truth.tolist() == [2]
    assert search_set(known, SEARCH).truth.tolist() == [0, 1, 2]


def test_questions_about_copies_are_caught_in_the_predictions(data):
    owner = data.splits["test"].samples["owner"].iat[4]
    heads = data.entities.symbols
    rows = functions(a="x y", b="x y").assign(symbol=["t", heads[3]], split=["train", "test"])
    owners = functions(a="x y", b="x y").assign(symbol=["t", owner], split=["train", "test"])
    copies = Repeats(repeated_functions(rows, AUDIT) + repeated_functions(owners, AUDIT))
    tasks = {
        "link_prediction": pd.DataFrame({"head": [heads[3]] * 2, "relation": ["calls"] * 2, "tail": ["t"] * 2}),
        "code_search": pd.DataFrame({"query": [heads[3], "other"]}),
        "masked_tokens": pd.DataFrame({"query": ["4:1", "4:2", "5:1"]}),
    }
    assert len(leak(asked_repeats(data, tasks, [], copies))) == 3
    assert leak(asked_repeats(data, tasks, [], Repeats())) == []


def test_calls_of_copies_are_caught_in_what_was_traced_and_a_trace_without_them_asks_none(data):
    copy = "python:s:a.py#copy"
    rows = functions(a="x y", b="x y").assign(symbol=["t", f"{copy}~2"], split=["train", "test"])
    copies = Repeats(repeated_functions(rows, AUDIT))
    edges = {(copy, "python:s:a.py#own"): frozenset({3}), ("python:s:a.py#own", copy): frozenset({9})}
    trace = Trace("s", frozenset({copy, "python:s:a.py#own"}), edges, frozenset(), {})
    left = trace.without(copies.symbols)
    assert (left.ran, list(left.edges)) == ({"python:s:a.py#own"}, [("python:s:a.py#own", copy)])
    asked, clean = (TracedPackage("s", one.edges, {}, {}, [], 0) for one in (trace, left))
    tasks = {
        "link_prediction": pd.DataFrame({"head": [], "relation": [], "tail": []}),
        "code_search": pd.DataFrame({"query": []}),
        "masked_tokens": pd.DataFrame({"query": []}),
    }
    assert len(leak(asked_repeats(data, tasks, [asked], copies))) == 1
    assert leak(asked_repeats(data, tasks, [clean], copies)) == []


def test_code_search_that_tells_its_answers_is_caught():
    good = documented("door", "Open the way into a house.", "def door(h):\n    return h.way")
    told = documented("gate", "Open the wall of a town.", 'def gate(t):\n    "Open the wall: of a town"\n    return t')
    known = documented("roof", "Lift what covers a house.", "def roof(h):\n    return h.top")
    searched = SearchSet([good, told, known], np.arange(3))
    repeats = Repeats(docstrings=frozenset({known.query}))
    assert [(offender.check, offender.what.split()[1]) for offender in searched_names(searched, repeats)] == [
        ("docstrings_in_code", "s:gate"),
        ("asked_docstrings", "s:roof"),
    ]
    assert leak(searched_names(SearchSet([good], np.arange(1)), repeats)) == []


def test_a_name_that_hiding_leaves_in_code_search_is_caught(monkeypatch):
    good = documented("door", "Open the way into a house.", "def door(h):\n    return h.way")
    monkeypatch.setattr(SearchSet, "hidden", lambda searched: searched)
    found = leak(searched_names(SearchSet([good], np.arange(1)), Repeats()))
    assert [offender.what for offender in found] == ["code_search: s:door shows its name"]


def test_a_masked_token_that_an_input_shows_is_caught():
    token = np.asarray([[7, MASK, 9], [MASK, 8, 5]])
    batch = MaskedInput(np.asarray([0, 1]), token, np.asarray([2, 0, 1]), np.asarray([1, 3, 4]))
    scorer = SimpleNamespace(masked_inputs=lambda split, sample, root: iter([batch]))
    nothing = np.zeros(0, np.int64)
    assert list(ModelScorer.unmasked(scorer, "test", nothing, nothing)) == [1]


TEXTS = [f"def open_{noun}(path):\n    return path.{noun}\n" for noun in ("door", "gate", "roof", "wall")]


def packed_with(folder: Path, texts: list[str], **training: object) -> Path:
    folder.mkdir()
    tokenizer = CodeTokenizer.train(texts, 300, 2)
    (folder / "tokenizer.json").write_text(tokenizer.dumps(), encoding="utf-8")
    how = {"from_model": False, "vocabulary_size": 300, "min_frequency": 2, **training}
    manifest = {"tokenizer": sha256_file(folder / "tokenizer.json"), "tokenizer_training": how}
    write_json(folder / "manifest.json", manifest)
    return folder


def test_a_tokenizer_of_the_train_split_passes_and_one_that_saw_more_is_caught(tmp_path):
    assert tokenizer_leaks(packed_with(tmp_path / "clean", TEXTS), TEXTS, 1 << 20) == ([], [])
    leaky = packed_with(tmp_path / "leaky", [*TEXTS, "zebra zebra zebra zebra zebra zebra"])
    found, notes = tokenizer_leaks(leaky, TEXTS, 1 << 20)
    assert [offender.check for offender in found] == ["tokenizer"]
    assert notes == []


def test_a_tokenizer_file_that_pack_did_not_write_is_caught(tmp_path):
    packed = packed_with(tmp_path / "packed", TEXTS)
    (packed / "tokenizer.json").write_text("{}", encoding="utf-8")
    found, _ = tokenizer_leaks(packed, TEXTS, 0)
    assert [offender.what for offender in found] == ["tokenizer.json is not the one that pack wrote"]


def test_what_is_not_learnt_again_is_said(tmp_path):
    packed = packed_with(tmp_path / "packed", TEXTS)
    found, notes = tokenizer_leaks(packed, TEXTS, 10)
    assert found == []
    assert "more than eval.audit.retrain_max_bytes" in notes[0]
    earlier = packed_with(tmp_path / "earlier", TEXTS, from_model=True)
    assert "pack.tokenizer_from" in tokenizer_leaks(earlier, TEXTS, 1 << 20)[1][0]


def test_a_packed_folder_that_is_silent_on_its_tokenizer_is_one_line(tmp_path):
    write_json(tmp_path / "manifest.json", {})
    with pytest.raises(ArtifactError, match=r"packed by an earlier version.*; run dvc repro pack"):
        tokenizer_leaks(tmp_path, TEXTS, 0)


def test_past_a_bound_there_is_one_line_a_check_and_null_bounds_nothing():
    offenders = [Offender("visible_names", f"query {number}") for number in range(5)]
    report = gathered([*offenders, Offender("repeated_functions", "f repeats g")], [], shown=2)
    assert report.counts["visible_names"] == 5
    assert report.offenders["visible_names"] == ["query 0", "query 1"]
    check_bounds(report, NO_BOUNDS)
    check_bounds(report, dataclasses.replace(NO_BOUNDS, visible_names=5, tokenizer=0))
    with pytest.raises(EvaluationError) as caught:
        check_bounds(report, dataclasses.replace(NO_BOUNDS, visible_names=0, repeated_functions=0))
    assert str(caught.value).splitlines() == [
        "leaks.repeated_functions is 1, at most 0 allowed (eval.audit.bounds.repeated_functions): f repeats g",
        "eval: leaks.visible_names is 5, at most 0 allowed (eval.audit.bounds.visible_names): query 0",
    ]
