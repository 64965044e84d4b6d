"""The ablation's controls: leaves and edges that are laid out as before but say something else than the graph does.

What is asked stays as it is in every control: a masked leaf keeps its anchor, its relation and its tail, and so does
every held-out triple. Only the context changes, so that a control answers the same questions and learns from the same
truths as the full model.
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from graphmer.pack.draw import Selection
from graphmer.pack.shards import BoolArray, IntArray, LongArray, SplitArrays

GraphForm = Literal["intact", "plain_tokens", "shuffled_relations", "random_tails"]


@dataclass(frozen=True)
class ShownGraph:
    """What a split's leaves and edges say as context. A leaves, G edges, rows as in SplitArrays.

    leaf_relation, leaf_tail: (A,). edge_relation: (G,). edge_target, edge_tail: (G,) the root and the entity that an
    edge leads to. is_plain: tails are further roots at the window's end, without anchor, relation or slot, and no edge
    is laid out.
    """

    leaf_relation: IntArray
    leaf_tail: IntArray
    edge_relation: IntArray
    edge_target: IntArray
    edge_tail: IntArray
    is_plain: bool = False

    def relations(self, split: SplitArrays, selection: Selection) -> IntArray:
        """(J,) relation that each selected leaf shows; a masked one shows its own."""
        return np.where(selection.masked, split.leaf_relation[selection.leaf], self.leaf_relation[selection.leaf])

    def tails(self, split: SplitArrays, selection: Selection) -> IntArray:
        """(J,) tail that each selected leaf names; a masked one keeps its own."""
        return np.where(selection.masked, split.leaf_tail[selection.leaf], self.leaf_tail[selection.leaf])

    def lay_over(self, split: SplitArrays, selection: Selection) -> Selection:
        """The selection, less the leaves that only here would spell an answer of their window.

        Where tails are plain, an instance's masked leaves come last and its edges are gone.
        """
        if self.leaf_tail is not split.leaf_tail:
            told = ~selection.masked & _tells_an_answer(split, selection, self.leaf_tail[selection.leaf])
            selection = _leaves(selection, np.flatnonzero(~told))
        if self.is_plain:
            selection = _leaves(selection, np.lexsort((selection.masked, selection.leaf_instance)))
            selection = dataclasses.replace(selection, shows_edges=np.zeros_like(selection.shows_edges))
        return selection

    def joins_masked_ends(
        self, split: SplitArrays, selection: Selection, edge: LongArray, instance: LongArray
    ) -> BoolArray:
        """(K,) which edges join the head and the tail of a masked leaf of their instance, in the graph or as shown.

        They would point at the answer. edge, instance: (K,).
        """
        num_entities = len(split.entity_word)

        def key(owner: LongArray, one: IntArray, other: IntArray) -> LongArray:
            return (owner * num_entities + one) * num_entities + other

        asked, owner = selection.leaf[selection.masked], selection.leaf_instance[selection.masked]
        head, tail = split.leaf_head[asked], split.leaf_tail[asked]
        told = np.concatenate([key(owner, head, tail), key(owner, tail, head)])
        from_head = [key(instance, split.edge_head[edge], tails[edge]) for tails in (split.edge_tail, self.edge_tail)]
        return np.isin(from_head[0], told) | np.isin(from_head[1], told)


def shown_graph(split: SplitArrays, form: GraphForm) -> ShownGraph:
    """The graph as it is, or one of its controls, the same for every seed: drawn by hashes of the triples.

    shuffled_relations: leaves of a package exchange their relations, and so do its edges; every head, tail and place
    stays. random_tails: leaves of a package and relation exchange their tails, edges of a window and relation their
    targets; heads and tails keep their degrees in each relation. Held-out and ambiguous triples, which are never
    context, take no part. Nothing that has another to exchange with keeps its own.
    """
    intact = ShownGraph(split.leaf_relation, split.leaf_tail, split.edge_relation, split.edge_target, split.edge_tail)
    if form == "plain_tokens":
        return dataclasses.replace(intact, is_plain=True)
    if form == "shuffled_relations":
        return _shuffled_relations(split, intact)
    return _random_tails(split, intact) if form == "random_tails" else intact


def _shuffled_relations(split: SplitArrays, intact: ShownGraph) -> ShownGraph:
    package = _package_of_sample(split)
    leaf = _next_leaf(split, package[split.leaf_sample])
    edge = _next_in_group(package[_edge_sample(split)], _edge_draw(split))
    return dataclasses.replace(intact, leaf_relation=split.leaf_relation[leaf], edge_relation=split.edge_relation[edge])


def _random_tails(split: SplitArrays, intact: ShownGraph) -> ShownGraph:
    width = int(max(split.leaf_relation.max(initial=0), split.edge_relation.max(initial=0))) + 1
    leaf = _next_leaf(split, _package_of_sample(split)[split.leaf_sample] * width + split.leaf_relation)
    # An edge's target is a root of the edge's own window: only edges of one window can exchange theirs.
    edge = _next_in_group(_edge_sample(split) * width + split.edge_relation, _edge_draw(split))
    return dataclasses.replace(
        intact,
        leaf_tail=split.leaf_tail[leaf],
        edge_target=split.edge_target[edge],
        edge_tail=split.edge_tail[edge],
    )


def _next_leaf(split: SplitArrays, group: LongArray) -> LongArray:
    """(A,) the leaf whose part each leaf takes: another one of its group, or itself where it is never context."""
    able = np.flatnonzero(~split.leaf_query & ~split.leaf_ambiguous)
    draw = _hash(split.leaf_head, split.leaf_relation, split.leaf_tail, split.leaf_anchor_start)
    taken = np.arange(len(group))
    taken[able] = able[_next_in_group(group[able], draw[able])]
    return taken


def _next_in_group(group: LongArray, draw: npt.NDArray[np.uint64]) -> LongArray:
    """(N,) the element after each in its group, in the order of `draw`, and the first after the last: one random cycle
    a group, so that every element is taken once and none of a group of two or more by itself."""
    order = np.lexsort((draw, group))
    ordered = group[order]
    place = np.arange(len(group))
    is_last = place + 1 == np.searchsorted(ordered, ordered, side="right")
    taken = np.empty(len(group), np.int64)
    taken[order] = order[np.where(is_last, np.searchsorted(ordered, ordered), np.minimum(place + 1, len(group) - 1))]
    return taken


def _edge_draw(split: SplitArrays) -> npt.NDArray[np.uint64]:
    return _hash(split.edge_head, split.edge_relation, split.edge_tail, split.edge_source, split.edge_target)


def _hash(*columns: IntArray) -> npt.NDArray[np.uint64]:
    """(N,) a hash of each row of some columns, the same in every process."""
    import pandas as pd

    frame = pd.DataFrame(dict(enumerate(columns)))
    hashes: npt.NDArray[np.uint64] = pd.util.hash_pandas_object(frame, index=False).to_numpy().astype(np.uint64)
    return hashes


def _package_of_sample(split: SplitArrays) -> LongArray:
    packages = split.samples["package"].to_numpy(dtype=object)
    return np.unique(packages, return_inverse=True)[1].astype(np.int64)


def _edge_sample(split: SplitArrays) -> LongArray:
    return np.repeat(np.arange(split.num_samples), np.diff(split.sample_edge))


def _leaves(selection: Selection, chosen: LongArray) -> Selection:
    """The same instances with the chosen leaves, in their order."""
    parts = {name: getattr(selection, name)[chosen] for name in ("leaf_instance", "leaf", "masked")}
    return dataclasses.replace(selection, **parts)


def _tells_an_answer(split: SplitArrays, selection: Selection, tail: IntArray) -> BoolArray:
    """(J,) whether a tail has the short name of a masked leaf's of its instance, or a name that is hidden there."""
    width = len(split.words) + 1

    def key(instance: LongArray, entity: IntArray) -> LongArray:
        return instance * width + split.entity_word[entity] + 1

    asked = key(selection.leaf_instance, split.leaf_tail[selection.leaf])[selection.masked]
    hidden = selection.hide_instance * width + selection.hide_word + 1
    return np.isin(key(selection.leaf_instance, tail), np.concatenate([asked, hidden]))
