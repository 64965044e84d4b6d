"""Puts a scorer of one's own in the network's place: windows become text, its answers ranks and tokens."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphmer.errors import EvaluationError
from graphmer.evaluate.link_prediction import LinkData
from graphmer.evaluate.own_scorer import Blanks, Candidate, Fact, LinkQuestion, OwnScorer, guarded
from graphmer.evaluate.queries import BoolArray, FloatArray, IntArray, LinkQueries
from graphmer.evaluate.query_inputs import selection_of
from graphmer.evaluate.ranking import check_scores
from graphmer.evaluate.shown import NONE, Shown
from graphmer.evaluate.window_text import MASK_MARK, Sources, WindowText, window_text
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import SplitArrays
from graphmer.pack.tokenizer import END, HIDDEN_MARK

if TYPE_CHECKING:
    from graphmer.pack.draw import Selection

WRONG = -1  # an answer that is no token of the vocabulary


class TextScorer:
    """A NeuralScorer over an OwnScorer."""

    def __init__(self, own: OwnScorer, name: str, data: LinkData, parsed: Path | None, **sources: Sources) -> None:
        """name: for errors. sources: by split, read from `parsed` where they are not given."""
        self._own, self._name, self._data, self._parsed = own, name, data, parsed
        self._sources = dict(sources)
        self._pools: dict[tuple[str, str], tuple[Candidate, ...]] = {}
        self._width = 0  # of its vectors, once there are some
        vocabulary = range(data.tokenizer.vocabulary_size)
        self._id_of = {data.tokenizer.decode_name([token]): token for token in reversed(vocabulary)}

    def link(self, queries: LinkQueries) -> dict[str, list[FloatArray]]:
        """One column, `own`."""
        questions = [question for question, _ in self._questions(queries)]
        answers = self._answers("link", self._own.link, questions)
        scores = [self._array("link", row) for row in answers]
        for query, row in enumerate(scores):
            check_scores(self._name, query, row, len(questions[query].candidates))
        return {"own": scores}

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, d) vectors as they were answered."""
        vectors = self._array("embed", guarded(self._name, "embed", lambda: self._own.embed(list(texts))))
        width = self._width or (vectors.shape[-1] if vectors.ndim else 0)
        if vectors.shape != (len(texts), width) or not width:
            wanted = f"({len(texts)}, {self._width or 'd'})"
            raise EvaluationError(f"scorer '{self._name}'.embed: expected {wanted}, got shape {vectors.shape}")
        self._width = width
        if not np.isfinite(vectors).all():
            raise EvaluationError(f"scorer '{self._name}'.embed: a number is not finite; mend the scorer")
        return vectors

    def masked_tokens(self, split: str, sample: IntArray, root: IntArray) -> IntArray:
        """The token at each (sample, root), or one that is never right where the answer is no token."""
        windows = list(self._masked_windows(split, sample, root))
        blanks = [Blanks(window.text, len(asked), False) for window, asked in windows]
        predicted = np.full(len(sample), WRONG, np.int64)
        for (_, asked), words in zip(windows, self._filled(blanks), strict=True):
            predicted[asked] = [self._id_of.get(word, WRONG) for word in words]
        return predicted

    def masked_nodes(self, queries: LinkQueries) -> IntArray:
        """(Q, P) tokens of each name, padded as names are; a name that takes more is never right."""
        blanks = [Blanks(_with_blank(question), 1, True) for question, _ in self._questions(queries)]
        slots = self._data.entities.name_token.shape[1]
        predicted = np.full((len(queries), slots), WRONG, np.int64)
        for query, (word,) in enumerate(self._filled(blanks)):
            ids = self._data.tokenizer.ids(word)
            if len(ids) <= slots:
                predicted[query] = END
                predicted[query, : len(ids)] = ids
        return predicted

    def shown(self, queries: LinkQueries, sources: Sources) -> Iterator[Shown]:
        """The text and the facts of each question, for the leak audit."""
        for query, (question, leaves) in enumerate(self._questions(queries)):
            yield Shown(query, question.text, tuple(fact.tail for fact in question.facts), leaves, NONE)

    def unmasked(self, split: str, sample: IntArray, root: IntArray) -> Iterator[int]:
        """Masked tokens whose place in the text is no blank, for the leak audit."""
        for window, asked in self._masked_windows(split, sample, root):
            for place in asked.tolist():
                low, high = int(window.starts[root[place]]), int(window.ends[root[place]])
                if window.text[low:high] != MASK_MARK:
                    yield place

    def _masked_windows(self, split: str, sample: IntArray, root: IntArray) -> Iterator[tuple[WindowText, IntArray]]:
        """Each window with its blanks, and which of the masks they are, from left to right."""
        arrays, sources = self._data.splits[split], self._read(split)
        order = np.lexsort((root, sample))
        chosen, first = np.unique(sample[order], return_index=True)
        for row, asked in zip(chosen.tolist(), np.split(order, first[1:]), strict=True):
            masked = np.zeros(int(arrays.sample_token[row + 1] - arrays.sample_token[row]), np.bool_)
            masked[root[asked]] = True
            yield window_text(arrays, sources.windows[row], row, np.zeros_like(masked), masked), asked

    def _questions(self, queries: LinkQueries) -> Iterator[tuple[LinkQuestion, IntArray]]:
        """Each question, and the leaves that its facts are."""
        arrays = self._data.splits[queries.split] if queries.arrays is None else queries.arrays
        sources = self._read(queries.split)
        selection, names = selection_of(arrays, queries), load_ontology().relation_names
        bounds = np.searchsorted(selection.leaf_instance, np.arange(len(queries) + 1))
        languages = arrays.samples["language"].tolist()
        for query, sample in enumerate(queries.sample.tolist()):
            window = window_text(arrays, sources.windows[sample], sample, _hidden(arrays, queries, query, sample))
            leaves = _context(selection, int(bounds[query]), int(bounds[query + 1]))
            start, end = _place(arrays, window, int(queries.leaf[query]))
            question = LinkQuestion(
                text=window.text,
                start=start,
                end=end,
                relation=names[int(queries.relation[query])],
                language=languages[sample],
                pool=queries.pool[query],
                candidates=self._candidates(queries, query),
                facts=tuple(self._fact(arrays, window, leaf) for leaf in leaves.tolist()),
            )
            yield question, leaves

    def _fact(self, arrays: SplitArrays, window: WindowText, leaf: int) -> Fact:
        relation = load_ontology().relation_names[int(arrays.leaf_relation[leaf])]
        return Fact(relation, *_place(arrays, window, leaf), self._data.entities.names[int(arrays.leaf_tail[leaf])])

    def _candidates(self, queries: LinkQueries, query: int) -> tuple[Candidate, ...]:
        key = (queries.split, queries.pool[query])
        if key not in self._pools:
            columns = ["name", "type", "qualified_name", "signature", "external"]
            rows = self._data.entity_table[columns].iloc[queries.candidates(query)]
            self._pools[key] = tuple(Candidate(*row) for row in rows.itertuples(index=False, name=None))
        return self._pools[key]

    def _read(self, split: str) -> Sources:
        if split not in self._sources:
            assert self._parsed is not None
            self._sources[split] = Sources.read(self._parsed, self._data.splits[split])
        return self._sources[split]

    def _filled(self, blanks: list[Blanks]) -> list[list[str]]:
        """The answers to blanks; raises EvaluationError where one is missing or no text."""
        found = self._answers("fill", self._own.fill, blanks)
        answers = guarded(self._name, "fill", lambda: [list(words) for words in found])
        for place, (words, blank) in enumerate(zip(answers, blanks, strict=True)):
            if len(words) != blank.count or not all(isinstance(word, str) for word in words):
                raise EvaluationError(
                    f"scorer '{self._name}'.fill, window {place}: expected {blank.count} strings, got {len(words)} "
                    f"of {sorted({type(word).__name__ for word in words})}"
                )
        return answers

    def _answers(self, method: str, call: Any, asked: Sequence[object]) -> Sequence[Any]:
        found = guarded(self._name, method, lambda: list(call(asked)))
        if len(found) != len(asked):
            raise EvaluationError(f"scorer '{self._name}'.{method}: expected {len(asked)} answers, got {len(found)}")
        return found

    def _array(self, method: str, values: object) -> FloatArray:
        try:
            return np.asarray(values, np.float32)
        except (RuntimeError, TypeError, ValueError) as error:  # RuntimeError: a tensor that wants its gradient
            raise EvaluationError(
                f"scorer '{self._name}'.{method}: expected an array of numbers, got {type(values).__name__}, which "
                f"numpy does not take: {' '.join(str(error).split())}"
            ) from None


def _hidden(arrays: SplitArrays, queries: LinkQueries, query: int, sample: int) -> BoolArray:
    """(n,) tokens of the window that belong to a hidden identifier."""
    words = arrays.token_word[arrays.sample_token[sample] : arrays.sample_token[sample + 1]]
    hides: BoolArray = (words >= 0) & np.isin(words, queries.hidden_words[query]) & queries.hidden
    return hides


def _context(selection: "Selection", low: int, high: int) -> IntArray:
    """The leaves of one instance that are no question."""
    return selection.leaf[low:high][~selection.masked[low:high]]


def _place(arrays: SplitArrays, window: WindowText, leaf: int) -> tuple[int, int]:
    """Characters of a leaf's mention."""
    start = int(window.starts[arrays.leaf_anchor_start[leaf]])
    return start, int(window.ends[arrays.leaf_anchor_end[leaf] - 1])


def _with_blank(question: LinkQuestion) -> str:
    """The window with a blank in the mention's place; where names are shown, after it."""
    mention = question.text[question.start : question.end]
    kept = "" if HIDDEN_MARK in mention else f"{mention} "
    return f"{question.text[: question.start]}{kept}{MASK_MARK}{question.text[question.end :]}"
