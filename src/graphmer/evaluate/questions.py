"""What a peer outside the pipeline is asked and may see, and the digests that tell whether its answers are still of it.

A digest is of contents, not of files: another tokenizer or another model leaves the peers' answers valid, another
query, candidate, visible triple or docstring does not.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphmer.evaluate.code_search import SearchSet, search_sets
from graphmer.evaluate.config import CodeSearchParams, EvalParams
from graphmer.evaluate.documented import DocumentedFunction, documented_functions
from graphmer.evaluate.link_prediction import LinkData, LinkTask
from graphmer.evaluate.queries import BoolArray, LinkQueries, hidden_words
from graphmer.evaluate.repeats import Repeats
from graphmer.pack.shards import SplitArrays

if TYPE_CHECKING:
    import pandas as pd

Digests = dict[str, str]


def split_digests(task: LinkTask, parsed: Path, params: EvalParams, repeats: Repeats) -> dict[str, Digests]:
    """{task: digests} of what the peers outside the pipeline are asked and trained on, in this split.

    task: over data that were read with the same repeats.
    """
    data = task.data
    queries = {split: task.queries(split, "headline") for split in data.splits}
    train = documented_functions(parsed, "train", params.code_search)
    val, test = search_sets(parsed, params.code_search, repeats)
    return {
        "link_prediction": link_digests(data, queries, visible_triples(data)[0]),
        "code_search": search_digests(train, val, test, params.code_search),
    }


def visible_triples(data: LinkData) -> "tuple[pd.DataFrame, dict[str, int]]":
    """(triples, counts by why others are left out): what an embedding of the held-out packages may be trained on.

    An embedding remembers whatever it was shown, so what is hidden from one query is hidden from all: ambiguous triples
    and held-out ones, and of the rest those that join a held-out triple's ends, in any relation and direction, those
    that the same mention shows, and the imports, in a held-out mention's file, of a name that it hides.
    """
    triples = data.triples
    rules = {
        "other_packages": ~triples["package"].isin(held_out_packages(data)).to_numpy(),
        "ambiguous": (triples["resolution"] == "ambiguous").to_numpy(),
        "query_pairs": _joins_held_out_ends(data),
        "same_mention": _same_mention(data),
        "imports_of_hidden_names": _hidden_imports(data),
    }
    kept, counts = np.ones(len(triples), np.bool_), {}
    for reason, gone in rules.items():
        counts[reason] = int((kept & gone).sum())
        kept &= ~gone
    return triples[kept].sort_values(["package", "head", "relation", "tail"], kind="stable"), counts


def held_out_packages(data: LinkData) -> set[str]:
    """The packages of val and test."""
    return {name for arrays in data.splits.values() for name in arrays.samples["package"]}


def _held_out(arrays: SplitArrays, data: LinkData) -> "pd.DataFrame":
    """All triples that are no support: those over the cap of queries too, and those that no window has as a leaf."""
    return data.triples.iloc[np.union1d(arrays.leaf_triple[arrays.leaf_query], np.flatnonzero(data.held_out))]


def _among(keys: Iterable[tuple[object, ...]], wanted: set[tuple[object, ...]], size: int) -> BoolArray:
    return np.fromiter((key in wanted for key in keys), np.bool_, size)


def _joins_held_out_ends(data: LinkData) -> BoolArray:
    pairs: set[tuple[object, ...]] = set()
    for arrays in data.splits.values():
        held = _held_out(arrays, data)
        pairs |= set(zip(held["head"], held["tail"])) | set(zip(held["tail"], held["head"]))
    return _among(zip(data.triples["head"], data.triples["tail"]), pairs, len(data.triples))


def _same_mention(data: LinkData) -> BoolArray:
    """A constructor call instantiates the class and calls its `__init__`: one must not tell of the other."""
    columns = ["package", "file", "byte_start"]
    places: set[tuple[object, ...]] = set()
    for arrays in data.splits.values():
        places |= set(_held_out(arrays, data)[columns].itertuples(index=False, name=None))
    return _among(data.triples[columns].itertuples(index=False, name=None), places, len(data.triples))


def _hidden_imports(data: LinkData) -> BoolArray:
    secret: set[tuple[object, ...]] = set()
    for arrays in data.splits.values():
        leaves = np.flatnonzero(arrays.leaf_query)
        windows = arrays.samples.iloc[arrays.leaf_sample[leaves]]
        hidden = hidden_words(arrays, data.entities, leaves)
        for package, file, words in zip(windows["package"], windows["file"], hidden, strict=True):
            secret |= {(package, file, arrays.words[word]) for word in words.tolist()}
    name_of = dict(zip(data.entities.symbols, data.entities.names))
    triples = data.triples
    names = (name_of[tail] for tail in triples["tail"])
    imports = (triples["relation"] == "imports").to_numpy()
    return imports & _among(zip(triples["package"], triples["file"], names), secret, len(triples))


def link_digests(data: LinkData, queries: dict[str, LinkQueries], visible: "pd.DataFrame") -> Digests:
    """`questions`: the headline's queries of val and test with candidates and filter. `training`: what may be seen."""
    columns = ["package", "head", "relation", "tail"]
    return {
        "questions": _digest(line for split in sorted(queries) for line in _asked(split, data, queries[split])),
        "training": _digest(visible[columns].itertuples(index=False, name=None)),
    }


def _asked(split: str, data: LinkData, queries: LinkQueries) -> Iterable[tuple[object, ...]]:
    symbols = data.entities.symbols
    for key, rows in sorted(queries.pools.items()):
        yield split, "pool", key, *(symbols[row] for row in rows)
    for query in range(len(queries)):
        pool = queries.candidates(query)
        others = (symbols[row] for row in pool[queries.known[query]])
        head, tail = int(queries.head[query]), int(queries.tail[query])
        yield split, queries.pool[query], symbols[head], int(queries.relation[query]), symbols[tail], *others


def search_digests(
    train: list[DocumentedFunction], val: SearchSet, test: SearchSet, params: CodeSearchParams
) -> Digests:
    """`questions`: who is asked for among whom. `training`: train's pairs, and val's set that weights are fitted on."""
    drawn = [("pool", params.pool, params.seed)]
    fitted = [("l2", params.l2)]
    return {
        "questions": _digest([*drawn, *_functions(test.functions), *_truths(test)]),
        "training": _digest([*fitted, *_functions(train), *_functions(val.functions), *_truths(val)]),
    }


def _truths(asked: SearchSet) -> list[tuple[object, ...]]:
    return [("asked", int(row)) for row in asked.truth]


def _functions(functions: list[DocumentedFunction]) -> list[tuple[object, ...]]:
    return [(one.symbol, one.name, one.query, one.code) for one in functions]


def _digest(rows: Iterable[tuple[object, ...]]) -> str:
    """Hex sha256 of rows, their parts kept apart."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update("\x1f".join(map(str, row)).encode("utf-8", "surrogatepass") + b"\x1e")
    return digest.hexdigest()
