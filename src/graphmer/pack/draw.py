"""Which leaves a sample shows, which of them are masked, and which words of its window are hidden."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphmer.pack.ranges import flat_ranges, rank_in_group
from graphmer.pack.shards import BoolArray, LongArray, SplitArrays

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LeafDraw:
    """How training draws leaves, anew each epoch."""

    max_leaves: int  # a sample
    max_leaves_per_anchor: int
    leaf_drop: float  # share of samples that show no leaf and no edge, so that plain code works at inference
    masked_leaf_share: float  # share of a sample's shown leaves whose tail is masked; at least one
    hide_share: float  # share of masked leaves whose name is hidden in the window too


@dataclass(frozen=True)
class Selection:
    """Samples to lay out, one instance each, and the leaves each shows. I instances, J shown leaves.

    sample: (I,). leaf_instance: (J,) sorted. leaf: (J,) rows of the split's leaves. masked: (J,) tail masked.
    shows_edges: (I,) whether the edges between its roots are laid out; one between the head and the tail of a masked
    leaf, in any relation and direction, never is.
    hide_instance, hide_word: (H,) every mention of that word in that instance's window becomes one [HIDDEN] token.
    """

    sample: LongArray
    shows_edges: BoolArray
    leaf_instance: LongArray
    leaf: LongArray
    masked: BoolArray
    hide_instance: LongArray
    hide_word: LongArray

    def only(self, chosen: BoolArray) -> "Selection":
        """The chosen instances (I,) with their leaves."""
        new_number = np.cumsum(chosen) - 1
        kept = chosen[self.leaf_instance]
        hides = chosen[self.hide_instance]
        return Selection(
            self.sample[chosen],
            self.shows_edges[chosen],
            new_number[self.leaf_instance[kept]],
            self.leaf[kept],
            self.masked[kept],
            new_number[self.hide_instance[hides]],
            self.hide_word[hides],
        )


def draw_leaves(split: SplitArrays, samples: LongArray, draw: LeafDraw, rng: np.random.Generator) -> Selection:
    """Draw what each of `samples` shows: few leaves of a frequent relation, none of a held-out or ambiguous triple.

    Every array is drawn at its full length whatever is kept, so that the draw depends on the seed alone.
    """
    leaf_sample = split.leaf_sample
    frequency = np.bincount(split.leaf_relation, minlength=1).astype(np.float64)
    # Gumbel-max: a draw without replacement with weights 1/sqrt(frequency) caps frequent relations.
    weight = -0.5 * np.log(np.maximum(frequency, 1.0))[split.leaf_relation]
    priority = weight + rng.gumbel(size=len(leaf_sample))
    drops = rng.random(split.num_samples) < draw.leaf_drop
    hides = rng.random(len(leaf_sample)) < draw.hide_share
    shown = ~split.leaf_query & ~split.leaf_ambiguous & ~drops[leaf_sample]
    anchor = leaf_sample * (int(split.leaf_anchor_start.max(initial=0)) + 1) + split.leaf_anchor_start
    shown &= _within(anchor, priority, shown, draw.max_leaves_per_anchor)
    shown &= _within(leaf_sample, priority, shown, draw.max_leaves)
    leaf = np.flatnonzero(shown)
    count = np.bincount(leaf_sample[leaf], minlength=split.num_samples)
    quota = np.maximum(1, np.rint(draw.masked_leaf_share * count)).astype(np.int64)
    order = np.lexsort((-priority[leaf], leaf_sample[leaf]))
    masked = rank_in_group(leaf_sample[leaf], order) < quota[leaf_sample[leaf]] if len(leaf) else np.zeros(0, np.bool_)
    keep = masked | ~_repeats_masked_tail(split, leaf, masked)
    leaf, masked = leaf[keep], masked[keep]
    return _select(split, samples, ~drops[samples], leaf, masked, masked & hides[leaf])


def _within(group: LongArray, priority: FloatArray, among: BoolArray, limit: int) -> BoolArray:
    chosen = np.flatnonzero(among)
    result = np.zeros(len(group), np.bool_)
    if len(chosen):
        order = np.lexsort((-priority[chosen], group[chosen]))
        result[chosen] = rank_in_group(group[chosen], order) < limit
    return result


def _repeats_masked_tail(split: SplitArrays, leaf: LongArray, masked: BoolArray) -> BoolArray:
    """Leaves with the short name or on the mention of a masked leaf of their sample: they would tell the answer."""
    sample = split.leaf_sample[leaf]
    name = split.entity_word[split.leaf_tail[leaf]].astype(np.int64)
    by_name = sample * (len(split.words) + 2) + name + 1
    by_mention = sample * (int(split.leaf_anchor_start.max(initial=0)) + 1) + split.leaf_anchor_start[leaf]
    return np.isin(by_name, by_name[masked]) | np.isin(by_mention, by_mention[masked])


def _select(
    split: SplitArrays,
    samples: LongArray,
    shows_edges: BoolArray,
    leaf: LongArray,
    masked: BoolArray,
    hidden: BoolArray,
) -> Selection:
    """Keep the leaves of `samples`, which may come in any order but each once."""
    instance_of = np.full(split.num_samples, -1, np.int64)
    instance_of[samples] = np.arange(len(samples))
    instance = instance_of[split.leaf_sample[leaf]]
    order = np.lexsort((leaf, instance))
    order = order[instance[order] >= 0]
    instance, leaf, masked, hidden = instance[order], leaf[order], masked[order], hidden[order]
    owner, word = hidden_words(split, leaf[hidden])
    return Selection(samples, shows_edges, instance, leaf, masked, instance[hidden][owner], word)


MAX_ANCHOR_WORDS = 3  # a longer mention is an expression, not a name: hiding its words would blank the window


def hidden_words(split: SplitArrays, leaf: LongArray) -> tuple[LongArray, LongArray]:
    """Words to hide for each of some leaves: its tail's short name, and the mention where it is another (an alias).

    leaf: (J,). Returns (H,) indices into `leaf` and (H,) words.
    """
    name = split.entity_word[split.leaf_tail[leaf]].astype(np.int64)
    start = split.sample_token[split.leaf_sample[leaf]] + split.leaf_anchor_start[leaf]
    length = (split.leaf_anchor_end[leaf] - split.leaf_anchor_start[leaf]).astype(np.int64)
    token, owner = flat_ranges(start, length)
    word = split.token_word[token].astype(np.int64)
    counted = (word >= 0) & split.token_first[token]
    words_at_anchor = np.bincount(owner[counted], minlength=len(leaf))
    counted &= words_at_anchor[owner] <= MAX_ANCHOR_WORDS
    pairs = np.concatenate(
        [
            np.stack([np.arange(len(leaf)), name], axis=1)[name >= 0],
            np.stack([owner, word], axis=1)[counted],
        ]
    )
    pairs = np.unique(pairs, axis=0)
    return pairs[:, 0], pairs[:, 1]
