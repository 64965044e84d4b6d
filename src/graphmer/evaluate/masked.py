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
from graphmer.evaluate.ngram import HOLE, Stream, TwoSidedNgram
from graphmer.evaluate.queries import LinkQueries
from graphmer.evaluate.scorer import NeuralScorer
from graphmer.pack.shards import EntityArrays, SplitArrays

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.int64]
NODE_SETTINGS = {"headline": "masked_mentions", "mentions_visible": "visible_mentions"}


def masked_positions(arrays: SplitArrays, params: MaskedParams) -> tuple[IntArray, IntArray]:
    """(samples, roots) to predict: an exact share of the roots of at most `max_samples` function windows, by hash."""
    functions = np.flatnonzero((arrays.samples["kind"] == "function").to_numpy())
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
    train: SplitArrays, test: SplitArrays, neural: NeuralScorer | None, params: MaskedParams
) -> "pd.DataFrame":
    """Whether each scorer names each masked token; all masks of one window are laid at once, for every scorer."""
    sample, root = masked_positions(test, params)
    position = test.sample_token[sample] + root
    truth = test.token_id[position]
    predicted = {
        "ngram_cache": _ngram(train, test, position, params),
        "most_frequent": np.full(len(position), Counter(train.token_id.tolist()).most_common(1)[0][0]),
    }
    if neural is not None:
        predicted["neural"] = neural.masked_tokens("test", sample, root)
    queries = [f"{row}:{place}" for row, place in zip(sample.tolist(), root.tolist(), strict=True)]
    right = {name: tokens == truth for name, tokens in predicted.items()}
    return _table("all", test, sample, queries, right)


def _ngram(train: SplitArrays, test: SplitArrays, position: IntArray, params: MaskedParams) -> IntArray:
    """The peer sees what the encoder sees: a masked token is a hole in every context and in the file's cache."""
    code = np.repeat((train.samples["kind"] != "document").to_numpy(), np.diff(train.sample_token))
    window = np.repeat(np.arange(train.num_samples), np.diff(train.sample_token))
    tokens = test.token_id.astype(np.int64)
    tokens[position] = HOLE
    test_window = np.repeat(np.arange(test.num_samples), np.diff(test.sample_token))
    model = TwoSidedNgram(
        Stream(train.token_id[code].astype(np.int64), window[code]), Stream(tokens, test_window), position, params
    )
    names = (test.samples["package"] + "\0" + test.samples["file"]).to_numpy(dtype=object)
    file = np.unique(names, return_inverse=True)[1]
    return model.predict(file[test_window].astype(np.int64))


def predict_masked_nodes(
    test: SplitArrays, entities: EntityArrays, queries: LinkQueries, neural: NeuralScorer | None
) -> "pd.DataFrame":
    """Whether each scorer names each held-out tail whole; names longer than the slots count as wrong.

    Peers: `copy`, the identifier at the mention (where it is hidden, the nearest one that the window shows), and
    `most_frequent`, the most frequent name among the relation's support tails of the package.
    """
    names = [entities.names[int(tail)] for tail in queries.tail]
    guesses = {"copy": _copied(test, queries), "most_frequent": _most_frequent(test, entities, queries)}
    right = {
        scorer: np.asarray([guess == name for guess, name in zip(found, names, strict=True)])
        for scorer, found in guesses.items()
    }
    if neural is not None:
        slots = entities.name_token.shape[1]
        fits = entities.name_length[queries.tail] <= slots
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


def _most_frequent(test: SplitArrays, entities: EntityArrays, queries: LinkQueries) -> list[str]:
    packages = test.samples["package"].to_numpy(dtype=object)
    package_of_leaf = packages[test.leaf_sample]
    best: dict[tuple[str, int], str] = {}
    for key in sorted({(str(packages[s]), int(r)) for s, r in zip(queries.sample, queries.relation, strict=True)}):
        rows = queries.support & (package_of_leaf == key[0]) & (test.leaf_relation == key[1])
        counts = Counter(entities.names[tail] for tail in test.leaf_tail[rows].tolist())
        best[key] = min(counts, key=lambda name: (-counts[name], name), default="")
    return [best[str(packages[s]), int(r)] for s, r in zip(queries.sample, queries.relation, strict=True)]


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
