"""What a query shows beside its window: the same few leaves to the net and to a scorer of one's own."""

import numpy as np

from graphmer.evaluate.queries import LinkQueries
from graphmer.model.inference import query_selection
from graphmer.pack.draw import Selection
from graphmer.pack.shards import SplitArrays

CONTEXT_LEAVES = 8  # as many as a training sample shows at most
LEAVES_PER_ANCHOR = 2


def selection_of(arrays: SplitArrays, queries: LinkQueries, show_graph: bool = True) -> Selection:
    """One instance a query: the asked leaf masked, its names hidden, the nearest leaves that the setting allows.

    show_graph: False shows the window's code alone, no other leaf and no edge, whatever the setting allows.
    """
    empty = np.zeros(0, np.int64)
    words = queries.hidden_words if queries.hidden else []
    owner = np.repeat(np.arange(len(words)), [len(word) for word in words]) if words else empty
    hide = (owner.astype(np.int64), np.concatenate([empty, *words]).astype(np.int64))
    leaf = queries.leaf.astype(np.int64)
    limits = (CONTEXT_LEAVES, LEAVES_PER_ANCHOR)
    shown = (queries.support & show_graph, queries.shows_edges and show_graph)
    return query_selection(arrays, leaf, hide, *shown, *limits)
