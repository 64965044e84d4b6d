"""Sibling back-off: what the heads next door point to, by counts over the support triples."""

from dataclasses import dataclass

import numpy as np

from graphmer.evaluate.code_stream import among
from graphmer.evaluate.package_entities import PackageEntities
from graphmer.evaluate.queries import BoolArray, FloatArray, IntArray

LEVELS = ("container", "file", "folder", "package")


@dataclass(frozen=True)
class SupportTriples:
    """S support triples of one package. head, tail: (S,) positions in PackageEntities. relation: (S,) ontology ids.

    position: (S,) place of the mention in the code stream, -1 where it shows none.
    """

    head: IntArray
    relation: IntArray
    tail: IntArray
    position: IntArray

    def between(self, head: int, tail: int | IntArray) -> BoolArray:
        """(S,) triples that join an entity with another, or any of some others, in any relation and direction."""
        tails = np.atleast_1d(tail)
        found: BoolArray = (self.head == head) & among(self.tail, tails) | among(self.head, tails) & (self.tail == head)
        return found


class SiblingCounts:
    """Tail counts of a relation among the heads of one container, file, folder or the package."""

    def __init__(self, entities: PackageEntities, support: SupportTriples, prior: float) -> None:
        self._size = len(entities.rows)
        self._support, self._prior = support, prior
        groups = (entities.container, entities.file, entities.folder, np.zeros(self._size, np.int64))
        self._group_of = dict(zip(LEVELS, groups))
        self._tables = {level: self._sorted(group[support.head]) for level, group in self._group_of.items()}
        self._any_relation = np.bincount(support.tail, minlength=self._size).astype(np.float32)

    def _sorted(self, group: IntArray) -> tuple[IntArray, IntArray]:
        key = self._support.relation * (self._size + 1) + group
        order = np.argsort(key, kind="stable")
        order = order[group[order] >= 0]
        return key[order], order

    def rows(self, level: str, head: int, relation: int, hidden: BoolArray) -> IntArray:
        """Support triples of a relation whose heads share the level's group with `head`.

        hidden: (S,) triples that this query may not see. The head's own tails in this relation are left out too: they
        are known and never ranked.
        """
        group = int(self._group_of[level][head])
        if group < 0:
            return np.zeros(0, np.int64)
        keys, order = self._tables[level]
        key = relation * (self._size + 1) + group
        low, high = np.searchsorted(keys, [key, key + 1])
        rows = order[low:high]
        others: IntArray = rows[(self._support.head[rows] != head) & ~hidden[rows]]
        return others

    def tails(self, rows: IntArray) -> FloatArray:
        """(E,) how many of the given support triples point to each entity."""
        counts: FloatArray = np.bincount(self._support.tail[rows], minlength=self._size).astype(np.float32)
        return counts

    def any_relation(self, hidden: BoolArray) -> FloatArray:
        """(E,) support triples of every relation that point to each entity, hidden ones left out."""
        counts = self._any_relation.copy()
        np.subtract.at(counts, self._support.tail[hidden], np.float32(1))
        return counts

    def by_level(self, head: int, relation: int, hidden: BoolArray) -> dict[str, FloatArray]:
        """{level: (E,) counts}, from the narrowest to the widest."""
        return {level: self.tails(self.rows(level, head, relation, hidden)) for level in LEVELS}

    def interpolated(self, counts: dict[str, FloatArray], anywhere: FloatArray, pool: IntArray) -> FloatArray:
        """(P,) probability of each candidate: package, folder, file, container, each backed off to the one before."""
        base = anywhere[pool] + np.float32(1 / max(1, len(pool)))
        probability: FloatArray = base / base.sum()
        for level in reversed(LEVELS):
            seen = counts[level][pool]
            probability = (seen + np.float32(self._prior) * probability) / np.float32(seen.sum() + self._prior)
        return probability
