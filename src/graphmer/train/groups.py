"""Contrastive groups: rows whose masked leaves meet each other's keys, and docstrings that meet each other's functions.

A group is a parameter, not a micro-batch: what a query is compared with does not depend on the machine.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphmer.ontology.vocabulary import Ontology
from graphmer.pack.pairs import pair_ends, pair_rows
from graphmer.pack.rows import Rows
from graphmer.pack.shards import BoolArray, IntArray, LongArray, SplitArrays
from graphmer.train.config import TrainParams
from graphmer.train.negatives import Negatives


@dataclass(frozen=True)
class Group:
    """Q queries and K keys of one group, N of its pairs.

    leaf: (Q,) the layout's masked leaves, sorted. relation: (Q,). key: (K,) entities, sorted. target, head: (Q,) keys
    of the tail and of the head (-1 where it is none). known: (Q, K). text: (N, Tt), code: (N, Tc) tokens.
    """

    leaf: LongArray
    relation: LongArray
    key: LongArray
    target: LongArray
    head: LongArray
    known: BoolArray
    text: IntArray
    code: IntArray


class GroupBuilder:
    """Draws the keys and pairs of a group of rows."""

    def __init__(self, split: SplitArrays, negatives: Negatives, ontology: Ontology, params: TrainParams) -> None:
        self.split, self.negatives, self.params = split, negatives, params
        loss = params.loss
        self.pair_end = pair_ends(split) if loss.text_code > 0 else np.zeros(0, np.int64)
        self.uses_link = loss.link > 0 or loss.antisymmetry > 0 or loss.acyclicity > 0
        self.ordered = np.zeros(len(ontology.relations), np.bool_)
        for relation in ontology.relations.values():
            self.ordered[relation.id] = relation.antisymmetric or relation.acyclic

    def build(self, rows: Rows, chosen: LongArray, rng: np.random.Generator) -> Group:
        """The group of the `chosen` rows."""
        leaf = rows.leaves_by_row.of(chosen)
        leaf = leaf[rows.leaf_masked[leaf]]
        source = rows.leaf_source[leaf].astype(np.int64)
        relation = self.split.leaf_relation[source].astype(np.int64)
        head = self.split.leaf_head[source].astype(np.int64)
        text, code = self._pairs(rng)
        if not self.uses_link:
            nothing = np.zeros(0, np.int64)
            no_key: npt.NDArray[np.bool_] = np.zeros((len(leaf), 0), np.bool_)
            return Group(leaf, relation, nothing, np.full(len(leaf), -1), np.full(len(leaf), -1), no_key, text, code)
        # Heads of ordered relations are scored too: a predicted edge back to one breaks the order.
        scored = self.params.loss.antisymmetry > 0 or self.params.loss.acyclicity > 0
        extra = head[self.ordered[relation]] if scored else head[:0]
        key, target, known = self.negatives.keys(source, rng, self.params.negatives, extra)
        place = np.searchsorted(key, head)
        is_key = (place < len(key)) & (key[np.minimum(place, len(key) - 1)] == head) if len(key) else place < 0
        at = np.where(is_key & self.ordered[relation], place, -1)
        return Group(leaf, relation, key, target, at, known, text, code)

    def _pairs(self, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        params = self.params.text_code
        count = params.pairs if self.params.loss.text_code > 0 else 0
        pair = rng.choice(len(self.split.pair_sample), count, replace=False) if count else np.zeros(0, np.int64)
        hide = rng.random(len(pair)) < params.hide_share
        end = self.pair_end[pair] if count else pair
        return pair_rows(self.split, pair, end, hide, params.max_text, params.max_code)
