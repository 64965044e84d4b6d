"""The trained encoder as evaluation sees it: link columns, text vectors, masked tokens, masked names."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from graphmer.evaluate.queries import FloatArray, IntArray, LinkQueries
from graphmer.model.batch import plain_batch
from graphmer.model.checkpoint import load_model, untrained_model
from graphmer.model.heads import GraphMER
from graphmer.model.inference import QueryStates, predict_tokens, query_selection, query_states, text_vectors
from graphmer.model.losses import name_log_likelihood
from graphmer.model.plain import CodeEncoder
from graphmer.pack.shards import SplitArrays, load_entities, load_split
from graphmer.pack.tokenizer import MASK, PAD, CodeTokenizer

CONTEXT_LEAVES = 8  # as many as a training sample shows at most
LEAVES_PER_ANCHOR = 2
TEXT_TOKENS = 192  # of a function or a query in words; the rest is cut
WINDOWS_AT_ONCE = 32


def load_scorer(model_dir: Path, packed: Path) -> "ModelScorer":
    """The model in `model_dir` over the data in `packed`; raises ArtifactError where they do not belong together."""
    return ModelScorer(load_model(model_dir, packed), packed)


def untrained_scorer(model_dir: Path, packed: Path, seed: int = 0) -> "ModelScorer":
    """The same net with random weights, a peer."""
    return ModelScorer(untrained_model(model_dir, seed), packed)


class ModelScorer:
    """A NeuralScorer over one model and one packed folder."""

    def __init__(self, model: GraphMER, packed: Path) -> None:
        self.model, self.packed = model.eval(), packed
        self.entities = load_entities(packed)
        tokenizer = CodeTokenizer.load(packed / "tokenizer.json")
        self.plain = CodeEncoder(model, tokenizer, TEXT_TOKENS, WINDOWS_AT_ONCE)
        self.splits: dict[str, SplitArrays] = {}
        self.keys: dict[int, FloatArray] = {}

    def split(self, name: str) -> SplitArrays:
        """One split's arrays, read once."""
        if name not in self.splits:
            self.splits[name] = load_split(self.packed, name)
        return self.splits[name]

    def link(self, queries: LinkQueries) -> dict[str, list[FloatArray]]:
        """link: cosine of the query and each candidate's key. name: log-likelihood of its name at the masked slots."""
        link: list[FloatArray] = [np.zeros(0, np.float32)] * len(queries)
        name: list[FloatArray] = [np.zeros(0, np.float32)] * len(queries)
        keys = {pool: torch.from_numpy(self._entity_keys(rows)) for pool, rows in queries.pools.items()}
        names = {pool: torch.from_numpy(self.entities.name_token[rows]).long() for pool, rows in queries.pools.items()}
        for states in self._states(queries):
            for place, query in enumerate(states.index.tolist()):
                pool = queries.pool[query]
                link[query] = (keys[pool] @ states.vector[place]).numpy()
                name[query] = name_log_likelihood(states.logits[place : place + 1], names[pool])[0].numpy()
        return {"link": link, "name": name}

    def masked_nodes(self, queries: LinkQueries) -> IntArray:
        """(Q, P) most likely token of each name slot."""
        predicted = np.zeros((len(queries), self.entities.name_token.shape[1]), np.int64)
        for states in self._states(queries):
            predicted[states.index] = states.logits.argmax(dim=-1).numpy()
        return predicted

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """(n, D) unit vectors; a text without a token gives the vector of an empty window."""
        return self.plain.embed(texts)

    def masked_tokens(self, split: str, sample: IntArray, root: IntArray) -> IntArray:
        """Predicted token at each (sample, root); all given roots of one sample are masked together."""
        arrays = self.split(split)
        predicted = np.zeros(len(sample), np.int64)
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
            position = places * width + root[asked]
            predicted[asked] = predict_tokens(self.model, plain_batch(torch.from_numpy(token)), position)
        return predicted

    def _entity_keys(self, rows: IntArray) -> FloatArray:
        """(n, D) keys of entities, each encoded once."""
        fresh = np.asarray([row for row in rows.tolist() if row not in self.keys], np.int64)
        for row, vector in zip(fresh.tolist(), text_vectors(self.model, self.entities.key_token[fresh]), strict=True):
            self.keys[row] = vector
        return np.stack([self.keys[row] for row in rows.tolist()])

    def _states(self, queries: LinkQueries) -> Iterator[QueryStates]:
        arrays = self.split(queries.split) if queries.arrays is None else queries.arrays
        empty = np.zeros(0, np.int64)
        words = queries.hidden_words if queries.hidden else []
        owner = np.repeat(np.arange(len(words)), [len(word) for word in words]) if words else empty
        hide = (owner.astype(np.int64), np.concatenate([empty, *words]).astype(np.int64))
        leaf = queries.leaf.astype(np.int64)
        limits = (CONTEXT_LEAVES, LEAVES_PER_ANCHOR)
        selection = query_selection(arrays, leaf, hide, queries.support, queries.shows_edges, *limits)
        length = self._row_length(arrays)
        states = query_states(self.model, arrays, self.entities, selection, length)
        for one in states:
            yield QueryStates(one.index, one.vector.cpu(), one.logits.cpu())

    def _row_length(self, arrays: SplitArrays) -> int:
        """A row holds the longest window with all its leaves."""
        longest = int(np.diff(arrays.sample_token).max(initial=1))
        return longest + CONTEXT_LEAVES * int(self.entities.name_token.shape[1])
