"""Masked tokens and masked names: what the encoder was trained on, beside counting and copying."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import stable_hash
from graphmer.errors import EvaluationError
from graphmer.evaluate.config import MaskedParams
from graphmer.evaluate.ngram import NgramCache, TokenStream, most_frequent_token
from graphmer.evaluate.queries import LinkQueries
from graphmer.evaluate.scorer import NeuralScorer
from graphmer.pack.shards import EntityArrays, SplitArrays

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.int64]
LEVELS = ("container", "file", "package")
NODE_SETTINGS = {"headline": "masked_mentions", "mentions_visible": "visible_mentions"}


def masked_positions(
    arrays: SplitArrays, params: MaskedParams, repeated: frozenset[str] = frozenset()
) -> tuple[IntArray, IntArray]:
    """(samples, roots) to predict: an exact share of the roots of at most `max_samples` function windows, by hash.

    repeated: functions that copy one of an earlier split; their windows are left out.
    """
    asked = (arrays.samples["kind"] == "function") & ~arrays.samples["owner"].isin(repeated)
    functions = np.flatnonzero(asked.to_numpy())
    owners = arrays.samples["owner"].tolist()
    starts = arrays.samples["byte_start"].tolist()
    drawn = sorted(functions.tolist(), key=lambda row: stable_hash(params.seed, owners[row], starts[row]))
    samples, roots = [], []
    for row in sorted(drawn[: params.max_samples]):
        length = int(arrays.sample_token[row + 1] - arrays.sample_token[row])
        rng = np.random.default_rng(stable_hash(params.seed, owners[row], starts[row], "mask"))
        chosen = np.sort(rng.permutation(length)[: math.ceil(params.mask_share * length)])
        samples.append(np.full(len(chosen), row, np.int64))
        roots.append(chosen.astype(np.int64))
    if not samples:
        raise EvaluationError("masked tokens: the test split has no function; give the corpus a test package with code")
    return np.concatenate(samples), np.concatenate(roots)


def predict_masked_tokens(
    train: SplitArrays,
    test: SplitArrays,
    neural: NeuralScorer | None,
    params: MaskedParams,
    repeated: frozenset[str] = frozenset(),
) -> "pd.DataFrame":
    """Whether each scorer names each masked token; all masks of one window are laid at once, for every scorer."""
    sample, root = masked_positions(test, params, repeated)
    position = test.sample_token[sample] + root
    truth = test.token_id[position]
    counted = TokenStream.of(train)
    predicted = {
        "ngram_cache": NgramCache(counted, params).predict(TokenStream.of(test), position),
        "most_frequent": np.full(len(position), most_frequent_token(counted)),
    }
    if neural is not None:
        predicted["neural"] = neural.masked_tokens("test", sample, root)
    queries = [f"{row}:{place}" for row, place in zip(sample.tolist(), root.tolist(), strict=True)]
    right = {name: tokens == truth for name, tokens in predicted.items()}
    return _table("all", test, sample, queries, right)


def predict_masked_nodes(
    test: SplitArrays, entities: EntityArrays, queries: LinkQueries, neural: NeuralScorer | None
) -> "pd.DataFrame":
    """Whether each scorer names each held-out tail whole; names longer than the slots count as wrong.

    Peers: `copy`, the identifier at the mention (where it is hidden, the nearest one that the window shows), and the
    most frequent name among the relation's support tails: `most_frequent` of the package, `sibling` of the class, else
    of the file, else of the package.
    """
    names = [entities.names[int(tail)] for tail in queries.tail]
    counts = _TailNames(test, entities, queries)
    guesses = {
        "copy": _copied(test, queries),
        "most_frequent": [counts.guess(query, ("package",)) for query in range(len(queries))],
        "sibling": [counts.guess(query, LEVELS) for query in range(len(queries))],
    }
    right = {
        scorer: np.asarray([guess == name for guess, name in zip(found, names, strict=True)])
        for scorer, found in guesses.items()
    }
    fits = entities.name_length[queries.tail] <= entities.name_token.shape[1]
    right = {scorer: values & fits for scorer, values in right.items()}
    if neural is not None:
        predicted = neural.masked_nodes(queries)
        right["neural"] = (predicted == entities.name_token[queries.tail]).all(axis=1) & fits
    labels = [str(leaf) for leaf in queries.leaf.tolist()]
    table = _table(NODE_SETTINGS[queries.setting], test, queries.sample.astype(np.int64), labels, right)
    relations = np.tile(queries.relation, len(right))
    return table.assign(relation_id=relations)


def _copied(test: SplitArrays, queries: LinkQueries) -> list[str]:
    """The identifier nearest to the mention that is not hidden; of two as near, the one after it."""
    found = []
    for query, leaf in enumerate(queries.leaf.tolist()):
        sample = int(queries.sample[query])
        begin, end = int(test.sample_token[sample]), int(test.sample_token[sample + 1])
        words = test.token_word[begin:end].astype(np.int64)
        shown = (words >= 0) & test.token_first[begin:end]
        if queries.hidden:
            shown &= ~np.isin(words, queries.hidden_words[query])
        places = np.flatnonzero(shown)
        anchor = int(test.leaf_anchor_start[leaf])
        order = np.lexsort((places < anchor, np.abs(places - anchor)))
        found.append(test.words[int(words[places[order[0]]])] if len(places) else "")
    return found


class _TailNames:
    """How often support gives each name to a relation, around the class, in the file and in the package."""

    def __init__(self, test: SplitArrays, entities: EntityArrays, queries: LinkQueries) -> None:
        self._queries, self._names = queries, entities.names
        windows = zip(test.samples["package"], test.samples["file"], test.samples["owner"].map(_container), strict=True)
        self._places = [dict(zip(LEVELS[::-1], place, strict=True)) for place in windows]
        self._tails: dict[tuple[str, ...], Counter[tuple[int, int]]] = {}
        sample = test.leaf_sample
        for leaf in np.flatnonzero(queries.support).tolist():
            pair = (int(test.leaf_head[leaf]), int(test.leaf_tail[leaf]))
            for level in LEVELS:
                key = self._key(int(sample[leaf]), int(test.leaf_relation[leaf]), level)
                self._tails.setdefault(key, Counter())[pair] += 1

    def _key(self, sample: int, relation: int, level: str) -> tuple[str, ...]:
        place = self._places[sample]
        return (level, str(relation), place["package"], *(place[name] for name in LEVELS[:-1] if name == level))

    def guess(self, query: int, levels: Sequence[str]) -> str:
        """The commonest name of the first level that has any; the head's own tails are known, so never the answer."""
        sample, head = int(self._queries.sample[query]), int(self._queries.head[query])
        for level in levels:
            pairs = self._tails.get(self._key(sample, int(self._queries.relation[query]), level), Counter())
            names: Counter[str] = Counter()
            for (other, tail), count in pairs.items():
                if other != head:
                    names[self._names[tail]] += count
            if names:
                return min(names, key=lambda name: (-names[name], name))
        return ""


def _container(owner: str) -> str:
    """Symbol of the class around a window's owner, or of its file: heads of one class are siblings."""
    file, _, path = owner.partition("#")
    return f"{file}#{path.rpartition('.')[0]}"


def _table(
    setting: str, test: SplitArrays, sample: IntArray, queries: Sequence[str], right: dict[str, npt.NDArray[np.bool_]]
) -> "pd.DataFrame":
    import pandas as pd

    windows = test.samples.iloc[sample]
    shared = {
        "setting": setting,
        "package": windows["package"].tolist(),
        "language": windows["language"].tolist(),
        "file": windows["file"].tolist(),
        "query": list(queries),
    }
    tables = [pd.DataFrame({**shared, "scorer": name, "correct": values}) for name, values in right.items()]
    return pd.concat(tables, ignore_index=True)
