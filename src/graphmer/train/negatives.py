"""Keys of the link loss: true tails, and for each some entities that fit its relation and are not true."""

from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

from graphmer.ontology.vocabulary import Ontology
from graphmer.pack.shards import BoolArray, EntityArrays, LongArray, SplitArrays
from graphmer.train.config import NegativeParams

Integers = npt.NDArray[np.integer]


class Negatives:
    """Draws entities that a query's tail could be taken for. Q queries are rows of the split's leaves; E entities.

    pools: by (package, relation) that a leaf asks for, the rising rows of the entities that the relation's range allows
    in the package, with the externals that it uses. Hard negatives have the tail's short name, then its class or
    folder, then its file; typed ones are any of the pool.
    """

    def __init__(
        self, split: SplitArrays, entities: EntityArrays, ontology: Ontology, packages: list[str], package: LongArray
    ) -> None:
        """packages: their names. package: (N,) index into them of each sample."""
        self.split = split
        self.leaf_package = package[split.leaf_sample]
        self.num_relations, self.num_entities = len(ontology.relations), len(entities.symbols)
        leaves = self._triple(split.leaf_head, split.leaf_relation, split.leaf_tail)
        edges = self._triple(split.edge_head, split.edge_relation, split.edge_tail)
        self.known = np.unique(np.concatenate([leaves, edges]))
        asked, pool = np.unique(self.leaf_package * self.num_relations + split.leaf_relation, return_inverse=True)
        self._leaf_pool = pool.astype(np.int64)
        self.pools = self._fill(asked.tolist(), entities, ontology, packages)
        hard = (entities.names, map(container_of, entities.symbols), map(file_of, entities.symbols))
        self._hard = [_Parts(self.pools.values(), _numbered(labels)) for labels in hard]
        self._typed = _Parts(self.pools.values(), np.zeros(self.num_entities, np.int64))

    def _triple(self, head: Integers, relation: Integers, tail: Integers | int) -> LongArray:
        return (head.astype(np.int64) * self.num_relations + relation) * self.num_entities + tail

    def _fill(
        self, asked: list[int], entities: EntityArrays, ontology: Ontology, packages: list[str]
    ) -> dict[tuple[int, int], LongArray]:
        allowed = np.zeros((self.num_relations, len(ontology.entity_types)), np.bool_)
        for relation in ontology.relations.values():
            allowed[relation.id, [ontology.type_id(name) for name in relation.range]] = True
        number = {name: index for index, name in enumerate(packages)}
        package_of = np.asarray([number.get(name, -1) for name in entities.packages], np.int64)
        inside = [
            np.union1d(np.flatnonzero(package_of == index), self.split.leaf_tail[self.leaf_package == index])
            for index in range(len(packages))
        ]
        pools = {}
        for package, relation_id in (divmod(pair, self.num_relations) for pair in asked):
            own = inside[package].astype(np.int64)
            pools[package, relation_id] = own[allowed[relation_id, entities.type_id[own]]]
        return pools

    def is_known(self, leaf: int, entity: LongArray) -> BoolArray:
        """Which entities are true tails of a leaf's head and relation."""
        triple = self._triple(self.split.leaf_head[[leaf]], self.split.leaf_relation[[leaf]], entity)
        return _find(self.known, triple)[1]

    def keys(
        self, leaf: LongArray, rng: np.random.Generator, params: NegativeParams, extra: LongArray
    ) -> tuple[LongArray, LongArray, BoolArray]:
        """Entities to encode, rising (K,), each query's target among them (Q,), which are other true tails (Q, K).

        extra: (X,) entities that shall be among the keys in any case. A true tail of a query is a key only as another
        query's target, another query's negative or in `extra`.
        """
        tail = self.split.leaf_tail[leaf].astype(np.int64)
        true = self._true_tails(leaf)
        drawn = self._draw(leaf, tail, true, rng, params)
        keys = np.unique(np.concatenate([tail, drawn, extra]))
        target = np.searchsorted(keys, tail)
        column, found = _find(keys, true % self.num_entities)
        known = np.zeros((len(leaf), len(keys)), np.bool_)
        known[true[found] // self.num_entities, column[found]] = True
        known[np.arange(len(leaf)), target] = False
        return keys, target, known

    def _true_tails(self, leaf: LongArray) -> LongArray:
        """Every true tail of each query's head and relation, its own too, as rising query x E + entity."""
        first = self._triple(self.split.leaf_head[leaf], self.split.leaf_relation[leaf], 0)
        low, high = np.searchsorted(self.known, first), np.searchsorted(self.known, first + self.num_entities)
        count = high - low
        at = np.arange(int(count.sum())) + np.repeat(low - (np.cumsum(count) - count), count)
        query = np.repeat(np.arange(len(leaf)), count)
        result: LongArray = query * self.num_entities + self.known[at] % self.num_entities
        return result

    def _draw(
        self, leaf: LongArray, tail: LongArray, true: LongArray, rng: np.random.Generator, params: NegativeParams
    ) -> LongArray:
        """All queries' negatives. Where no namesake or neighbour is left, the pool at large makes up the number."""
        pool, wanted, taken = self._leaf_pool[leaf], np.full(len(leaf), params.hard), true
        for parts in self._hard:
            drawn = parts.draw(pool, tail, wanted, taken, rng)
            wanted = wanted - np.bincount(drawn // self.num_entities, minlength=len(leaf))
            taken = np.sort(np.concatenate([taken, drawn]))
        drawn = self._typed.draw(pool, tail, wanted + params.typed, taken, rng)
        hard = np.setdiff1d(taken, true, assume_unique=True)
        return np.concatenate([hard, drawn]) % self.num_entities


class _Parts:
    """Pools cut by a label of their entities, as one rising array: (pool x labels + label) x E + entity."""

    def __init__(self, pools: Iterable[LongArray], label: LongArray) -> None:
        """pools: rising entities of each. label: (E,)."""
        self.label, self.num_labels, self.num_entities = label, int(label.max(initial=0)) + 1, len(label)
        rows = [(number * self.num_labels + label[pool]) * len(label) + pool for number, pool in enumerate(pools)]
        self.rows = np.sort(np.concatenate([np.zeros(0, np.int64), *rows]))

    def draw(
        self, pool: LongArray, tail: LongArray, wanted: LongArray, taken: LongArray, rng: np.random.Generator
    ) -> LongArray:
        """Up to `wanted` (Q,) entities of each tail's part, without replacement, none of those taken.

        pool, tail: (Q,). taken: rising query x E + entity; the result is of that form, not sorted.
        """
        first = (pool * self.num_labels + self.label[tail]) * self.num_entities
        start = np.searchsorted(self.rows, first)
        size = np.searchsorted(self.rows, first + self.num_entities) - start
        query = taken // self.num_entities
        at, inside = _find(self.rows, first[query] + taken % self.num_entities)
        query, at = query[inside], at[inside]
        count = np.bincount(query, minlength=len(pool))
        begin = np.cumsum(count) - count
        free = size - count
        # A draw counts free rows alone. The j-th taken row has `place - j` free ones before it, and is skipped by every
        # draw that is at least that many; one search serves all queries, each shifted past the one before.
        skipped = at - start[query] - (np.arange(len(query)) - begin[query])
        width = int(size.max(initial=0)) + 1
        most = int(wanted.max(initial=0))
        asked, column = np.nonzero(np.arange(most) < np.minimum(wanted, free)[:, None])
        pick = _distinct(free, most, rng)[asked, column]
        jump = np.searchsorted(query * width + skipped, asked * width + pick, side="right") - begin[asked]
        result: LongArray = asked * self.num_entities + self.rows[start[asked] + pick + jump] % self.num_entities
        return result


def _distinct(below: LongArray, count: int, rng: np.random.Generator) -> LongArray:
    """(Q, count) different numbers from 0 to below - 1, evenly; columns past `below` mean nothing."""
    dice = rng.random((len(below), count))
    pick = np.zeros((len(below), count), np.int64)
    for place in range(count):
        pick[:, place] = (dice[:, place] * np.maximum(below - place, 1)).astype(np.int64)
        for earlier in np.sort(pick[:, :place], axis=1).T:
            pick[:, place] += pick[:, place] >= earlier
    return pick


def _find(rising: LongArray, value: LongArray) -> tuple[LongArray, BoolArray]:
    """Where each value stands or would stand in an array, and whether it is there."""
    at = np.searchsorted(rising, value)
    inside = at < len(rising)
    inside[inside] = rising[at[inside]] == value[inside]
    return at, inside


def _numbered(labels: Iterable[Hashable]) -> LongArray:
    """A number for each different label, in the order in which they appear."""
    number: dict[Hashable, int] = {}
    return np.asarray([number.setdefault(label, len(number)) for label in labels], np.int64)


def container_of(symbol: str) -> str:
    """What holds a symbol's entity: a class of its method, a file of its function, a folder of a module."""
    place, _, path = symbol.partition("#")
    if path:
        return f"{place}#{path.rpartition('.')[0]}"
    return place.rpartition("/")[0] or place.rpartition(".")[0] or place


def file_of(symbol: str) -> str:
    """The file of a symbol's entity; an external one, of which none is known, stands for its top-level package."""
    place, mark, _ = symbol.partition("#")
    return place if mark or "/" in place else place.partition(".")[0]
