"""The trained encoder as evaluation sees it: link columns, text vectors, masked tokens, masked names."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from graphmer.evaluate.queries import FloatArray, IntArray, LinkQueries
from graphmer.evaluate.query_inputs import CONTEXT_LEAVES, selection_of
from graphmer.evaluate.shown import Shown, shown_by_rows
from graphmer.evaluate.window_text import Sources
from graphmer.model.batch import plain_batch
from graphmer.model.checkpoint import load_model, untrained_model
from graphmer.model.heads import GraphMER
from graphmer.model.inference import QueryStates, predict_tokens, query_rows, query_states, text_vectors
from graphmer.model.losses import name_log_likelihood
from graphmer.model.plain import CodeEncoder
from graphmer.pack.draw import Selection
from graphmer.pack.rows import Rows
from graphmer.pack.shards import SplitArrays, load_entities, load_split
from graphmer.pack.tokenizer import MASK, PAD, CodeTokenizer

TEXT_TOKENS = 192  # of a function or a query in words; the rest is cut
WINDOWS_AT_ONCE = 32


def load_scorer(model_dir: Path, packed: Path, show_graph: bool = True) -> "ModelScorer":
    """The model in `model_dir` over the data in `packed`; raises ArtifactError where they do not belong together."""
    return ModelScorer(load_model(model_dir, packed), packed, show_graph)


def untrained_scorer(model_dir: Path, packed: Path, show_graph: bool = True, seed: int = 0) -> "ModelScorer":
    """The same net with random weights, a peer."""
    return ModelScorer(untrained_model(model_dir, seed), packed, show_graph)


class LinkAnswers(NamedTuple):
    """What a net says of some queries. columns: as `ModelScorer.link`. spelt: (Q, P) likeliest token of each slot."""

    columns: dict[str, list[FloatArray]]
    spelt: IntArray


class MaskedInput(NamedTuple):
    """Windows as a net reads them. sample: (n,). token: (n, width) ids, padded. asked: (m,) which of all masks stand
    here, position: (m,) where in the flattened tokens."""

    sample: IntArray
    token: npt.NDArray[np.int64]
    asked: IntArray
    position: npt.NDArray[np.int64]


class ModelScorer:
    """A NeuralScorer over one model and one packed folder.

    show_graph: whether a query shows the leaves and edges that its setting allows; without, its window's code alone.
    """

    def __init__(self, model: GraphMER, packed: Path, show_graph: bool = True) -> None:
        self.show_graph = show_graph
        self.model, self.packed = model.eval(), packed
        self.entities = load_entities(packed)
        self.tokenizer = CodeTokenizer.load(packed / "tokenizer.json")
        self.plain = CodeEncoder(model, self.tokenizer, TEXT_TOKENS, WINDOWS_AT_ONCE)
        self.splits: dict[str, SplitArrays] = {}
        self.keys: dict[int, FloatArray] = {}
        # By id, which is theirs while they are held.
        self.answers: dict[int, tuple[LinkQueries, Callable[[], LinkAnswers]]] = {}

    @property
    def device_kind(self) -> str:
        """What computes: cpu or gpu."""
        return "cpu" if self.model.token_bias_V.device.type == "cpu" else "gpu"

    def split(self, name: str) -> SplitArrays:
        """One split's arrays, read once."""
        if name not in self.splits:
            self.splits[name] = load_split(self.packed, name)
        return self.splits[name]

    def link(self, queries: LinkQueries) -> dict[str, list[FloatArray]]:
        """link: cosine of the query and each candidate's key. name: log-likelihood of its name at the masked slots."""
        return self._answered(queries).columns

    def masked_nodes(self, queries: LinkQueries) -> IntArray:
        """(Q, P) most likely token of each name slot; the same pass over the windows answers `link`."""
        return self._answered(queries).spelt

    def expect(self, queries: LinkQueries, answers: Callable[[], LinkAnswers]) -> None:
        """Take what `answers()` gives for these queries, when they are asked, instead of computing it then."""
        self.answers[id(queries)] = queries, answers

    def _answered(self, queries: LinkQueries) -> LinkAnswers:
        if id(queries) not in self.answers:
            computed = self.answer(queries)
            self.expect(queries, lambda: computed)
        return self.answers[id(queries)][1]()

    def answer(self, queries: LinkQueries) -> LinkAnswers:
        """One pass over the windows of the queries."""
        link: list[FloatArray] = [np.zeros(0, np.float32)] * len(queries)
        name: list[FloatArray] = [np.zeros(0, np.float32)] * len(queries)
        keys = {pool: torch.from_numpy(self._entity_keys(rows)) for pool, rows in queries.pools.items()}
        names = {pool: torch.from_numpy(self.entities.name_token[rows]).long() for pool, rows in queries.pools.items()}
        spelt = np.zeros((len(queries), self.entities.name_token.shape[1]), np.int64)
        for states in self._states(queries):
            spelt[states.index] = states.logits.argmax(dim=-1).numpy()
            for place, query in enumerate(states.index.tolist()):
                pool = queries.pool[query]
                link[query] = (keys[pool] @ states.vector[place]).numpy()
                name[query] = name_log_likelihood(states.logits[place : place + 1], names[pool])[0].numpy()
        return LinkAnswers({"link": link, "name": name}, spelt)

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, D) unit vectors of texts in which `[HIDDEN]` stands for a hidden name."""
        return self.plain.embed(texts, has_marks=True)

    def masked_tokens(self, split: str, sample: IntArray, root: IntArray) -> IntArray:
        """Predicted token at each (sample, root); all given roots of one sample are masked together."""
        predicted = np.zeros(len(sample), np.int64)
        for batch in self.masked_inputs(split, sample, root):
            token = plain_batch(torch.from_numpy(batch.token))
            predicted[batch.asked] = predict_tokens(self.model, token, batch.position)
        return predicted

    def shown(self, queries: LinkQueries, sources: Sources) -> Iterator[Shown]:
        """What its input rows show of each query, for the leak audit."""
        yield from shown_by_rows(self.split(queries.split), self.rows(queries), queries, sources, self.tokenizer)

    def unmasked(self, split: str, sample: IntArray, root: IntArray) -> Iterator[int]:
        """Masks whose token its inputs show all the same, as indices into `sample`, for the leak audit."""
        for batch in self.masked_inputs(split, sample, root):
            yield from batch.asked[batch.token.reshape(-1)[batch.position] != MASK].tolist()

    def masked_inputs(self, split: str, sample: IntArray, root: IntArray) -> "Iterator[MaskedInput]":
        """The input rows of masked_tokens, windows of like length together."""
        arrays = self.split(split)
        chosen = np.unique(sample)
        lengths = arrays.sample_token[chosen + 1] - arrays.sample_token[chosen]
        chosen = chosen[np.argsort(lengths, kind="stable")]
        for start in range(0, len(chosen), WINDOWS_AT_ONCE):
            piece = chosen[start : start + WINDOWS_AT_ONCE]
            width = int((arrays.sample_token[piece + 1] - arrays.sample_token[piece]).max())
            token = np.full((len(piece), width), PAD, np.int64)
            for place, row in enumerate(piece.tolist()):
                ids = arrays.token_id[arrays.sample_token[row] : arrays.sample_token[row + 1]]
                token[place, : len(ids)] = ids
            asked = np.flatnonzero(np.isin(sample, piece))
            place_of = {row: place for place, row in enumerate(piece.tolist())}
            places = np.asarray([place_of[row] for row in sample[asked].tolist()], np.int64)
            token[places, root[asked]] = MASK
            yield MaskedInput(piece, token, asked, places * width + root[asked])

    def _entity_keys(self, rows: IntArray) -> FloatArray:
        """(n, D) keys of entities, each encoded once."""
        fresh = np.asarray([row for row in rows.tolist() if row not in self.keys], np.int64)
        for row, vector in zip(fresh.tolist(), text_vectors(self.model, self.entities.key_token[fresh]), strict=True):
            self.keys[row] = vector
        return np.stack([self.keys[row] for row in rows.tolist()])

    def _states(self, queries: LinkQueries) -> Iterator[QueryStates]:
        arrays, selection = self._selection(queries)
        states = query_states(self.model, arrays, self.entities, selection, self._row_length(arrays))
        for one in states:
            yield QueryStates(one.index, one.vector.cpu(), one.logits.cpu())

    def rows(self, queries: LinkQueries) -> Rows:
        """The input rows of the queries, as the net reads them: for the leak audit."""
        arrays, selection = self._selection(queries)
        return query_rows(self.model, arrays, self.entities, selection, self._row_length(arrays))

    def _selection(self, queries: LinkQueries) -> tuple[SplitArrays, Selection]:
        arrays = self.split(queries.split) if queries.arrays is None else queries.arrays
        return arrays, selection_of(arrays, queries, self.show_graph)

    def _row_length(self, arrays: SplitArrays) -> int:
        """A row holds the longest window with all its leaves."""
        longest = int(np.diff(arrays.sample_token).max(initial=1))
        return longest + CONTEXT_LEAVES * int(self.entities.name_token.shape[1])
