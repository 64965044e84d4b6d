"""Windows and samples: every token in one window, mentions on their tokens, in-window facts as edges."""

import numpy as np
import pytest

from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.samples import LeafRules, Mention, build_samples
from graphmer.pack.tokenizer import CodeTokenizer, Encoding
from graphmer.pack.windows import Definition, cut_windows

SOURCE = '''import os

LIMIT = 3

class Pool:
    """A pool."""
    size = LIMIT

    def run(self, job):
        def inner():
            return os.getcwd()
        return inner()

def main():
    return Pool().run(None)
'''


@pytest.fixture(scope="module")
def encoding() -> Encoding:
    return CodeTokenizer.train([SOURCE] * 3, 400, 2).encode(SOURCE)


def span(text: str, occurrence: int = 0) -> tuple[int, int]:
    start = -1
    for _ in range(occurrence + 1):
        start = SOURCE.index(text, start + 1)
    return start, start + len(text)


def definition(symbol: str, kind: str, container: str, head: str, tail: str) -> Definition:
    return Definition(symbol, kind, container, SOURCE.index(head), SOURCE.index(tail) + len(tail))


DEFINITIONS = [
    definition("m", "module", "", "import os", "run(None)"),
    definition("Pool", "class", "m", "class Pool", "return inner()"),
    definition("Pool.run", "method", "Pool", "def run", "return inner()"),
    definition("Pool.run.inner", "function", "Pool.run", "def inner", "os.getcwd()"),
    definition("main", "function", "m", "def main", "run(None)"),
]


def windows(encoding: Encoding, max_roots: int = 100):  # type: ignore[no-untyped-def]
    lines = np.asarray([SOURCE.encode()[start] == 10 for start in encoding.starts])
    return cut_windows(DEFINITIONS, "f.py", "module", encoding.starts, lines, max_roots)


def text_of(encoding: Encoding, tokens: np.ndarray) -> str:
    return "".join(SOURCE[encoding.starts[t] : encoding.ends[t]] for t in tokens).replace("\n", "")


def test_each_token_stands_in_exactly_one_window(encoding: Encoding) -> None:
    together = np.sort(np.concatenate([window.tokens for window in windows(encoding)]))
    assert together.tolist() == list(range(len(encoding.ids)))


def test_a_nested_function_is_read_in_its_outer_one_and_a_class_without_its_methods(encoding: Encoding) -> None:
    by_owner = {window.owner: text_of(encoding, window.tokens) for window in windows(encoding)}
    assert set(by_owner) == {"f.py", "Pool", "Pool.run", "main"}
    assert by_owner["Pool.run"] == "defrun(self,job):definner():returnos.getcwd()returninner()"
    assert by_owner["Pool"] == 'classPool:"""Apool."""size=LIMIT'
    assert by_owner["f.py"] == "importosLIMIT=3"


def test_a_long_window_is_cut_at_the_end_of_a_line(encoding: Encoding) -> None:
    pieces = [window for window in windows(encoding, max_roots=16) if window.owner == "Pool.run"]
    assert len(pieces) == 2
    assert all(len(piece.tokens) <= 16 for piece in pieces)
    assert SOURCE[encoding.starts[pieces[0].tokens[-1]]] == "\n"


def mention(relation: str, place: tuple[int, int], head: int, tail: int, is_query: bool = False) -> Mention:
    return Mention(0, load_ontology().relations[relation].id, head, tail, *place, is_query, False)


def test_a_call_becomes_a_leaf_on_the_tokens_that_name_it(encoding: Encoding) -> None:
    rules = LeafRules.of(load_ontology())
    samples, unplaced = build_samples(
        windows(encoding), encoding, [mention("invokes", span("getcwd"), 2, 9)], {}, rules, 8
    )
    (owner,) = [sample for sample in samples if sample.leaves]
    (leaf,) = owner.leaves
    assert owner.window.owner == "Pool.run"
    assert text_of(encoding, owner.window.tokens[leaf.anchor_start : leaf.anchor_end]) == "getcwd"
    assert (leaf.head, leaf.tail, unplaced) == (2, 9, 0)


def test_a_member_declared_in_the_window_is_an_edge_and_one_outside_is_nothing(encoding: Encoding) -> None:
    rules = LeafRules.of(load_ontology())
    names = {1: span("Pool"), 2: span("run"), 3: span("job")}
    facts = [mention("declares", names[3], 2, 3), mention("declares", names[2], 1, 2)]
    samples, _ = build_samples(windows(encoding), encoding, facts, names, rules, 8)
    edges = [(sample.window, edge) for sample in samples for edge in sample.edges]
    ((window, edge),) = edges
    assert text_of(encoding, window.tokens[[edge.source, edge.target]]) == "runjob"
    assert (edge.head, edge.tail) == (2, 3)
    assert not any(sample.leaves for sample in samples)


def test_a_variable_read_from_elsewhere_is_a_leaf_and_one_of_the_window_an_edge(encoding: Encoding) -> None:
    rules = LeafRules.of(load_ontology())
    names = {3: span("job"), 4: span("LIMIT")}
    far = mention("reads_from", span("os.getcwd"), 2, 4)
    near = mention("reads_from", span("inner()", 1), 2, 3)
    samples, _ = build_samples(windows(encoding), encoding, [far, near], names, rules, 8)
    (sample,) = [sample for sample in samples if sample.leaves or sample.edges]
    assert [leaf.tail for leaf in sample.leaves] == [4]
    assert len(sample.edges) == 1


def test_a_held_out_triple_is_never_an_edge(encoding: Encoding) -> None:
    rules = LeafRules.of(load_ontology())
    names = {3: span("job")}
    held_out = mention("reads_from", span("inner()", 1), 2, 3, is_query=True)
    samples, _ = build_samples(windows(encoding), encoding, [held_out], names, rules, 8)
    assert not any(sample.edges for sample in samples)


def test_one_of_several_candidates_is_never_an_edge(encoding: Encoding) -> None:
    ambiguous = mention("reads_from", span("inner()", 1), 2, 3)._replace(is_ambiguous=True)
    samples, _ = build_samples(
        windows(encoding), encoding, [ambiguous], {3: span("job")}, LeafRules.of(load_ontology()), 8
    )
    assert not any(sample.edges for sample in samples)


def test_a_mention_between_tokens_is_counted_and_left_out(encoding: Encoding) -> None:
    empty = (SOURCE.index("import os") + 6, SOURCE.index("import os") + 6)
    facts = [mention("imports", empty, 0, 9)]
    samples, unplaced = build_samples(windows(encoding), encoding, facts, {}, LeafRules.of(load_ontology()), 8)
    assert unplaced == 1
    assert not any(sample.leaves for sample in samples)
