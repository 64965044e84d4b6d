"""A scorer of one's own: what it is asked, what its answers become, one clear line for whatever is wrong with it."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from test_link_prediction import PARAMS, Corpus

from graphmer.errors import EvaluationError
from graphmer.evaluate import audit_links
from graphmer.evaluate.config import MaskedParams
from graphmer.evaluate.link_prediction import LinkData, LinkTask
from graphmer.evaluate.masked import masked_positions
from graphmer.evaluate.own_scorer import OwnSpec, load_own_scorer
from graphmer.evaluate.queries import LinkQueries
from graphmer.evaluate.text_scorer import TextScorer
from graphmer.evaluate.window_text import Sources
from graphmer.pack.shards import EntityArrays

MASKED = MaskedParams(mask_share=0.2, max_samples=20, ngram_order=1, ngram_prior=1.0, cache_prior=1.0, seed=1)


class Even:
    """Answers in the right form, whatever is asked."""

    def __init__(self, packed=None, options=""):
        self.options = options

    def link(self, questions):
        return [np.arange(len(question.candidates), dtype=float) for question in questions]

    def embed(self, texts):
        return np.ones((len(texts), 3))

    def fill(self, blanks):
        return [["path"] * blank.count for blank in blanks]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    corpus = Corpus()
    for package, split in (("alpha", "val"), ("gamma", "test")):
        corpus.add_package(package, split)
    return corpus


@pytest.fixture(scope="module")
def data(corpus: Corpus) -> LinkData:
    """The corpus with names as tokens, so that whole names can be asked for."""
    data = corpus.data()
    ids = data.tokenizer.batch_ids(data.entities.names)
    name = np.full((len(ids), 7), 4, np.int32)
    for row, tokens in enumerate(ids):
        name[row, : len(tokens[:7])] = tokens[:7]
    length = np.asarray([len(tokens) for tokens in ids], np.int32)
    entities: EntityArrays = dataclasses.replace(data.entities, name_token=name, name_length=length)
    return dataclasses.replace(data, entities=entities)


@pytest.fixture(scope="module")
def sources(corpus: Corpus, data: LinkData) -> dict[str, Sources]:
    files = {key: text.encode() for key, (_, text) in corpus.files.items()}
    return {split: Sources(files, arrays) for split, arrays in data.splits.items()}


@pytest.fixture(scope="module")
def queries(data: LinkData) -> LinkQueries:
    return LinkTask(data, PARAMS).queries("test", "headline")


class Asking(Even):
    """Keeps what it was asked."""

    def link(self, questions):
        self.questions = list(questions)
        return super().link(questions)

    def fill(self, blanks):
        self.blanks = list(blanks)
        return super().fill(blanks)


def asked(data, queries, sources):
    own = Asking()
    TextScorer(own, "mine", data, None, **sources).link(queries)
    return own.questions


def test_a_question_is_the_window_with_its_hidden_names_struck_out(data, queries, sources):
    questions = asked(data, queries, sources)
    assert len(questions) == len(queries)
    for query, question in enumerate(questions):
        name = data.entities.names[int(queries.tail[query])]
        assert name not in question.text
        assert question.text[question.start : question.end] == "[HIDDEN]"
        assert question.relation == "calls"
        assert question.candidates[int(queries.truth[query])].name == name
        assert len(question.candidates) == queries.pool_sizes[query]


def test_facts_stand_where_the_support_is_mentioned_and_never_tell_the_answer(data, queries, sources):
    questions = asked(data, queries, sources)
    facts = [(query, fact) for query, question in enumerate(questions) for fact in question.facts]
    assert len(facts) > 20
    for query, fact in facts:
        assert questions[query].text[fact.start : fact.end] == fact.tail
        assert fact.tail != data.entities.names[int(queries.tail[query])]


def test_questions_of_one_pool_share_their_candidates(data, queries, sources):
    questions = asked(data, queries, sources)
    assert questions[0].pool == questions[1].pool
    assert questions[0].candidates is questions[1].candidates


def test_where_mentions_are_shown_the_question_shows_its_own(data, sources):
    queries = LinkTask(data, PARAMS).queries("test", "mentions_visible")
    question = asked(data, queries, sources)[0]
    assert question.text[question.start : question.end] == data.entities.names[int(queries.tail[0])]


def test_scores_reach_the_ranks_as_the_networks_do(data, sources):
    table = LinkTask(data, PARAMS).predict("headline", TextScorer(Even(), "mine", data, None, **sources))
    assert {"neural", "graphmer", "symbolic"} <= set(table["scorer"])


class Knowing(Asking):
    """Fills every blank with what a test tells it."""

    def __init__(self, words):
        self.words = words

    def fill(self, blanks):
        self.blanks = list(blanks)
        return self.words


def test_a_scorer_that_knows_every_token_is_always_right(data, sources):
    test = data.splits["test"]
    sample, root = masked_positions(test, MASKED)
    draw = np.random.default_rng(0).permutation(len(sample))
    sample, root = sample[draw], root[draw]  # in any order
    truth = test.token_id[test.sample_token[sample] + root]
    by_window = {}
    for window, place, token in sorted(zip(sample.tolist(), root.tolist(), truth.tolist(), strict=True)):
        by_window.setdefault(window, []).append((place, data.tokenizer.decode_name([token])))
    own = Knowing([[word for _, word in words] for words in by_window.values()])
    found = TextScorer(own, "mine", data, None, **sources).masked_tokens("test", sample, root)
    assert found.tolist() == truth.tolist()
    assert all(blank.text.count("[MASK]") == blank.count for blank in own.blanks)
    assert (TextScorer(Even(), "mine", data, None, **sources).masked_tokens("test", sample, root) != truth).any()


def test_a_whole_name_is_asked_at_its_mention_and_right_when_every_token_is(data, queries, sources):
    names = [data.entities.names[tail] for tail in queries.tail.tolist()]
    own = Knowing([[name] for name in names])
    found = TextScorer(own, "mine", data, None, **sources).masked_nodes(queries)
    assert (found == data.entities.name_token[queries.tail]).all()
    assert all(blank.whole_names and blank.text.count("[MASK]") == 1 for blank in own.blanks)
    longer = Knowing([[f"{name}_and_a_very_much_longer_one_than_fits"] for name in names])
    assert (TextScorer(longer, "mine", data, None, **sources).masked_nodes(queries) == -1).all()


def test_the_leak_audit_passes_its_questions_and_catches_ones_that_hide_nothing(data, queries, sources):
    scorer = TextScorer(Even(), "mine", data, None, **sources)
    shown = list(scorer.shown(queries, sources["test"]))
    assert list(audit_links.visible_names(data, queries, shown, sources["test"])) == []
    assert list(audit_links.shown_triples(data, queries, shown)) == []
    bare = dataclasses.replace(queries, hidden_words=[np.zeros(0, np.int64)] * len(queries))
    shown = list(scorer.shown(bare, sources["test"]))
    assert len(list(audit_links.visible_names(data, queries, shown, sources["test"]))) >= len(queries)


def test_the_leak_audit_finds_no_masked_token_in_its_windows(data, sources):
    sample, root = masked_positions(data.splits["test"], MASKED)
    assert list(TextScorer(Even(), "mine", data, None, **sources).unmasked("test", sample, root)) == []


def broken(**methods):
    return type("Broken", (Even,), methods)()


def nan_link(self, questions):
    return [np.full(len(question.candidates), np.nan) for question in questions]


def raising(self, asked):
    raise RuntimeError("out of\nmemory")


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"link": nan_link}, r"scorer 'mine', query 0: \d+ of \d+ scores are not finite; mend the scorer"),
        (
            {"link": lambda s, q: [np.ones(2)] * len(q)},
            r"scorer 'mine', query 0: expected \d+ scores, got shape \(2,\)",
        ),
        ({"link": lambda s, q: []}, r"scorer 'mine'\.link: expected \d+ answers, got 0"),
        ({"link": lambda s, q: ["many"] * len(q)}, r"scorer 'mine'\.link: expected an array of numbers, got str"),
        ({"link": raising}, r"--scorer mine: link failed with RuntimeError: out of memory"),
        ({"link": lambda s: 1}, r"--scorer mine: link failed with TypeError: .*positional argument"),
    ],
)
def test_links_that_are_not_scores_are_one_line(data, queries, sources, methods, message):
    with pytest.raises(EvaluationError, match=message) as caught:
        TextScorer(broken(**methods), "mine", data, None, **sources).link(queries)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones(3), r"scorer 'mine'\.embed: expected \(3, d\), got shape \(3,\)"),
        (np.ones((2, 4)), r"scorer 'mine'\.embed: expected \(3, d\), got shape \(2, 4\)"),
        (np.full((3, 4), np.inf), r"scorer 'mine'\.embed: a number is not finite"),
        (None, r"scorer 'mine'\.embed: expected"),
    ],
)
def test_vectors_of_another_shape_are_one_line(data, sources, vectors, message):
    own = broken(embed=lambda self, texts: vectors)
    with pytest.raises(EvaluationError, match=message):
        TextScorer(own, "mine", data, None, **sources).embed(["a", "b", "c"])


@pytest.mark.parametrize("words", [[], [7], ["a", "b"]])
def test_blanks_that_are_not_filled_are_one_line(data, queries, sources, words):
    own = broken(fill=lambda self, blanks: [words] * len(blanks))
    with pytest.raises(EvaluationError, match=r"scorer 'mine'\.fill, window 0: expected 1 strings, got"):
        TextScorer(own, "mine", data, None, **sources).masked_nodes(queries)


MODULE = """
class Half:
    def __init__(self, packed, options): self.options = options
    def link(self, questions): return []
class Needy:
    def __init__(self, packed, options): raise OSError("no weights in " + options)
class Whole(Half):
    def embed(self, texts): return []
    def fill(self, blanks): return []
number = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "someones_scorer.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "someones_typo.py").write_text("import not_installed_anywhere\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("someones_scorer", "someones_typo"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("someones_scorer", r"--scorer someones_scorer: expected module:Class"),
        ("someones_scorer:", r"--scorer someones_scorer:: expected module:Class"),
        ("nobodys:Class", r"--scorer nobodys:Class: import failed with ModuleNotFoundError: No module named 'nobodys'"),
        ("someones_typo:Class", r"import failed with ModuleNotFoundError: No module named 'not_installed_anywhere'"),
        ("someones_scorer:Hole", r"someones_scorer has no class Hole"),
        ("someones_scorer:number", r"someones_scorer has no class number"),
        ("someones_scorer:Needy", r"Needy\(packed, options\) failed with OSError: no weights in here"),
        ("someones_scorer:Half", r"no method embed, fill; a scorer has link, embed, fill"),
    ],
)
def test_a_scorer_that_cannot_be_had_is_one_line(name, message):
    with pytest.raises(EvaluationError, match=message) as caught:
        load_own_scorer(OwnSpec(name, "here"), Path("packed"))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("module")
def test_options_are_handed_on_as_they_are():
    scorer = load_own_scorer(OwnSpec("someones_scorer:Whole", "a=1, b"), Path("packed"))
    assert scorer.options == "a=1, b"
