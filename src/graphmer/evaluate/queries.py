"""Link-prediction queries: which held-out triples are asked, what is hidden for each, and who the candidates are."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from graphmer.artifacts import stable_hash
from graphmer.evaluate.link_config import LinkParams
from graphmer.ontology.vocabulary import load_ontology
from graphmer.pack.shards import EntityArrays, SplitArrays

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]

Setting = Literal["headline", "mentions_visible", "zero_support"]
SETTINGS: tuple[Setting, ...] = ("headline", "mentions_visible", "zero_support")
IDENTIFIER = re.compile(r"[^\W\d]\w*")
# A longer mention is no name: a whole expression stands for the tail, and hiding its words would blank the window.
MAX_ANCHOR_WORDS = 3


@dataclass(frozen=True)
class LinkQueries:
    """Q queries of one setting over one split.

    leaf: (Q,) row of the leaf that is asked. relation: (Q,) ontology ids. head, tail: (Q,) rows of the entities.
    sample: (Q,) window. pool: (Q,) key into pools, whose arrays are sorted rows of the entities. truth: (Q,) position
    of the tail in its pool. known: (Q,) positions of other true tails of (head, relation), left out of the ranking.
    hidden: whether `hidden_words` (indices into SplitArrays.words: the tail's short name and the word at the hole)
    are replaced in the window. support: (A,) leaves that may be shown as context; one of them between a query's head
    and tail, in either direction, is hidden from that query all the same. arrays: what `leaf` and `sample` count in
    where that is not the packed split: queries where no triple of the graph stands bring their leaves along.
    """

    setting: Setting
    split: str
    leaf: IntArray
    relation: IntArray
    head: IntArray
    tail: IntArray
    sample: IntArray
    pool: list[str]
    pools: dict[str, IntArray]
    truth: IntArray
    known: list[IntArray]
    hidden: bool
    hidden_words: list[IntArray]
    support: BoolArray
    dropped: dict[str, int] = field(default_factory=dict)
    arrays: SplitArrays | None = None

    def __len__(self) -> int:
        return len(self.leaf)

    def candidates(self, query: int) -> IntArray:
        """Rows of the entities that may answer a query."""
        return self.pools[self.pool[query]]

    @property
    def shows_edges(self) -> bool:
        """Whether the graph's edges inside a window are support that a scorer may see."""
        return self.setting != "zero_support"

    @property
    def pool_sizes(self) -> IntArray:
        """(Q,) number of candidates, known truths included."""
        return np.asarray([len(self.pools[key]) for key in self.pool], np.int64)


def build_queries(
    split: str,
    arrays: SplitArrays,
    entities: EntityArrays,
    triples: "pd.DataFrame",
    params: LinkParams,
    setting: Setting,
    repeated: frozenset[str] = frozenset(),
) -> LinkQueries:
    """The queries of one setting; the same triples are asked in every setting.

    triples: triples.parquet, whole: leaf_triple counts its rows. repeated: functions that copy one of an earlier split;
    none of them, nor a window of theirs, is asked about.
    """
    row_of = {symbol: row for row, symbol in enumerate(entities.symbols)}
    mine = triples[triples["package"].isin(set(arrays.samples["package"]))]
    heads = np.asarray([row_of[symbol] for symbol in mine["head"]], np.int64)
    tails = np.asarray([row_of[symbol] for symbol in mine["tail"]], np.int64)
    pools = candidate_pools(entities, mine, heads, tails)
    cap = params.max_queries if split == "test" else params.max_fit_queries
    leaves, dropped = _chosen_leaves(arrays, triples, cap, params.seed, repeated)
    known_of = _known_positions(arrays, triples, leaves, pools, true_tails(mine, heads, tails))
    sizes = {leaf: len(pools[_pool_key(arrays, triples, leaf)]) for leaf in leaves}
    kept = [leaf for leaf in leaves if sizes[leaf] - len(known_of[leaf]) >= params.min_candidates]
    dropped["few_candidates"] = len(leaves) - len(kept)
    keys = [_pool_key(arrays, triples, leaf) for leaf in kept]
    leaf_Q = np.asarray(kept, np.int64)
    tail_Q = arrays.leaf_tail[leaf_Q]
    return LinkQueries(
        setting=setting,
        split=split,
        leaf=leaf_Q,
        relation=arrays.leaf_relation[leaf_Q],
        head=arrays.leaf_head[leaf_Q],
        tail=tail_Q,
        sample=arrays.leaf_sample[leaf_Q],
        pool=keys,
        pools={key: pools[key] for key in sorted(set(keys))},
        truth=np.asarray([np.searchsorted(pools[key], tail) for key, tail in zip(keys, tail_Q)], np.int64),
        known=[known_of[leaf] for leaf in kept],
        hidden=setting != "mentions_visible",
        hidden_words=hidden_words(arrays, entities, leaf_Q),
        support=_support(arrays, setting),
        dropped=dict(dropped),
    )


def _known_positions(
    arrays: SplitArrays,
    triples: "pd.DataFrame",
    leaves: list[int],
    pools: dict[str, IntArray],
    truths: dict[tuple[int, int], IntArray],
) -> dict[int, IntArray]:
    """{leaf: positions in its pool of the other true tails of its head and relation}."""
    known: dict[int, IntArray] = {}
    for leaf in leaves:
        pool = pools[_pool_key(arrays, triples, leaf)]
        true = truths[int(arrays.leaf_head[leaf]), int(arrays.leaf_relation[leaf])]
        known[leaf] = np.flatnonzero(np.isin(pool, true, assume_unique=True) & (pool != arrays.leaf_tail[leaf]))
    return known


def _pool_key(arrays: SplitArrays, triples: "pd.DataFrame", leaf: int) -> str:
    return f"{triples['package'].iat[arrays.leaf_triple[leaf]]}:{arrays.leaf_relation[leaf]}"


def _chosen_leaves(
    arrays: SplitArrays, triples: "pd.DataFrame", cap: int, seed: int, repeated: frozenset[str]
) -> tuple[list[int], Counter[str]]:
    """One leaf a query triple, at most `cap` a package by hash, in the order of the leaves."""
    ontology = load_ontology()
    structural = [relation.id for relation in ontology.relations.values() if relation.structural]
    is_query = arrays.leaf_query & ~arrays.leaf_ambiguous & ~np.isin(arrays.leaf_relation, structural)
    is_query &= (arrays.samples["kind"] != "document").to_numpy()[arrays.leaf_sample]
    rows = np.flatnonzero(is_query)
    _, first = np.unique(arrays.leaf_triple[rows], return_index=True)
    by_package: dict[str, list[tuple[int, int]]] = {}
    dropped: Counter[str] = Counter(over_the_cap=0, repeated_function=0)
    owners = arrays.samples["owner"].to_numpy()[arrays.leaf_sample]
    for leaf in rows[first].tolist():
        triple = triples.iloc[int(arrays.leaf_triple[leaf])]
        if owners[leaf] in repeated or triple["head"] in repeated:
            dropped["repeated_function"] += 1
            continue
        draw = stable_hash(seed, triple["head"], triple["relation"], triple["tail"])
        by_package.setdefault(str(triple["package"]), []).append((draw, leaf))
    chosen: list[int] = []
    for package in sorted(by_package):
        drawn = sorted(by_package[package])
        chosen += [leaf for _, leaf in drawn[:cap]]
        dropped["over_the_cap"] += max(0, len(drawn) - cap)
    return sorted(chosen), dropped


def _support(arrays: SplitArrays, setting: Setting) -> BoolArray:
    if setting == "zero_support":
        return np.zeros(len(arrays.leaf_query), np.bool_)
    return ~arrays.leaf_query & ~arrays.leaf_ambiguous


def candidate_pools(
    entities: EntityArrays, triples: "pd.DataFrame", heads: IntArray, tails: IntArray
) -> dict[str, IntArray]:
    """{package:relation: sorted rows of every entity of the relation's range, the package's own and its externals}."""
    ontology = load_ontology()
    owner = np.asarray(entities.packages, dtype=object)
    pools: dict[str, IntArray] = {}
    for package in sorted(set(triples["package"])):
        mine = triples["package"].to_numpy() == package
        used = np.unique(np.concatenate([heads[mine], tails[mine]]))
        rows = np.union1d(np.flatnonzero(owner == package), used[entities.external[used]])
        for relation in ontology.relations.values():
            types = [ontology.type_id(name) for name in sorted(relation.range)]
            pools[f"{package}:{relation.id}"] = rows[np.isin(entities.type_id[rows], types)]
    return pools


def true_tails(triples: "pd.DataFrame", heads: IntArray, tails: IntArray) -> dict[tuple[int, int], IntArray]:
    """{(head, relation): tails}, ambiguous ones too: what may be true is never counted as a wrong answer."""
    ontology = load_ontology()
    found: dict[tuple[int, int], list[int]] = {}
    for head, name, tail in zip(heads.tolist(), triples["relation"], tails.tolist()):
        found.setdefault((head, ontology.relations[name].id), []).append(tail)
    return {key: np.unique(np.asarray(values, np.int64)) for key, values in found.items()}


def hidden_words(arrays: SplitArrays, entities: EntityArrays, leaves: IntArray) -> list[IntArray]:
    """(Q,) words to hide: those of the tail's short name and, where it is another (an alias, a class), the mention."""
    word_of = {word: index for index, word in enumerate(arrays.words)}
    samples = arrays.leaf_sample
    hidden: list[IntArray] = []
    for leaf in leaves.tolist():
        name = entities.names[int(arrays.leaf_tail[leaf])]
        words = {word_of[word] for word in IDENTIFIER.findall(name) if word in word_of}
        base = int(arrays.sample_token[samples[leaf]])
        start, end = base + int(arrays.leaf_anchor_start[leaf]), base + int(arrays.leaf_anchor_end[leaf])
        anchor = {int(word) for word in arrays.token_word[start:end] if word >= 0}
        words |= anchor if len(anchor) <= MAX_ANCHOR_WORDS else set()
        hidden.append(np.asarray(sorted(words), np.int64))
    return hidden
