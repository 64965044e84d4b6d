"""A trained model over packed data: query vectors, name likelihoods and entity keys, without gradients."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphmer.model.batch import Batch, rows_batch
from graphmer.model.heads import GraphMER
from graphmer.model.texts import packed_texts
from graphmer.pack.controls import shown_graph
from graphmer.pack.draw import Selection
from graphmer.pack.ranges import rank_in_group
from graphmer.pack.rows import Rows, assemble
from graphmer.pack.shards import BoolArray, EntityArrays, LongArray, SplitArrays
from graphmer.pack.tokenizer import PAD

FloatArray = npt.NDArray[np.float32]
ROWS_AT_ONCE = 16  # bounds memory only


@dataclass(frozen=True)
class QueryStates:
    """What the model makes of some queries. index: (q,) which; vector: (q, D) unit; logits: (q, P, V), name slots."""

    index: LongArray
    vector: Tensor
    logits: Tensor


def query_selection(
    split: SplitArrays,
    leaf: LongArray,
    hide: tuple[LongArray, LongArray],
    shown: BoolArray,
    shows_edges: bool,
    max_leaves: int,
    max_per_anchor: int,
) -> Selection:
    """One instance a query: its sample, the query's leaf masked, and the nearest leaves that may be shown.

    leaf: (Q,) rows of the split's leaves. hide: (H,) queries and (H,) words hidden in their windows. shown: (A,) leaves
    that the setting lets a scorer see; every leaf between the query's head and tail, in any relation and direction,
    every leaf of a hidden name and every leaf on the query's own mention is left out beside them. shows_edges: whether
    the setting lets a scorer see the edges of the windows, of which the layout drops those between head and tail.
    """
    sample = split.leaf_sample[leaf]
    begin, end = split.sample_leaf[sample], split.sample_leaf[sample + 1]
    owner = np.repeat(np.arange(len(leaf)), end - begin)
    other = np.arange(len(owner)) - np.repeat(np.cumsum(end - begin) - (end - begin), end - begin) + begin[owner]
    query = leaf[owner]
    name = split.entity_word
    same_name = (name[split.leaf_tail[other]] == name[split.leaf_tail[query]]) & (name[split.leaf_tail[query]] >= 0)
    inverse = (split.leaf_head[other] == split.leaf_tail[query]) & (split.leaf_tail[other] == split.leaf_head[query])
    same_name |= split.leaf_tail[other] == split.leaf_tail[query]
    width = len(split.words) + 1
    same_name |= np.isin(owner * width + name[split.leaf_tail[other]], hide[0] * width + hide[1])
    # A constructor call shows two triples on one mention: `instantiates Foo` tells who `calls Foo.__init__`.
    same_name |= split.leaf_anchor_start[other] == split.leaf_anchor_start[query]
    keep = shown[other] & ~split.leaf_query[other] & ~split.leaf_ambiguous[other] & ~same_name & ~inverse
    owner, other = owner[keep], other[keep]
    distance = np.abs(split.leaf_anchor_start[other] - split.leaf_anchor_start[leaf[owner]])
    anchor = owner * (int(split.leaf_anchor_start.max(initial=0)) + 1) + split.leaf_anchor_start[other]
    few = _nearest(anchor, distance, other, max_per_anchor)
    owner, other, distance = owner[few], other[few], distance[few]
    few = _nearest(owner, distance, other, max_leaves - 1)
    owner, other = owner[few], other[few]
    instance = np.concatenate([np.arange(len(leaf)), owner])
    every = np.concatenate([leaf, other])
    masked = np.arange(len(every)) < len(leaf)
    order = np.lexsort((every, instance))
    edges = np.full(len(leaf), shows_edges)
    return Selection(sample, edges, instance[order], every[order], masked[order], *hide)


def _nearest(group: LongArray, distance: npt.NDArray[np.int32], tie: LongArray, limit: int) -> BoolArray:
    if not len(group):
        return np.zeros(0, np.bool_)
    result: BoolArray = rank_in_group(group, np.lexsort((tie, distance, group))) < limit
    return result


def query_rows(
    model: GraphMER, split: SplitArrays, entities: EntityArrays, selection: Selection, row_length: int
) -> Rows:
    """The selection as rows, with the graph in the form that the model was trained on."""
    return assemble(split, entities, selection, row_length, shown_graph(split, model.encoder.params.graph_form))


@torch.inference_mode()
def query_states(
    model: GraphMER, split: SplitArrays, entities: EntityArrays, selection: Selection, row_length: int
) -> Iterator[QueryStates]:
    """Run the model over the selection, some rows at a time; every query comes once, in no particular order."""
    model.eval()
    rows = query_rows(model, split, entities, selection, row_length)
    vocabulary = model.encoder.vocabulary
    device = model.token_bias_V.device
    for start in range(0, rows.num_rows, ROWS_AT_ONCE):
        chosen = np.arange(start, min(start + ROWS_AT_ONCE, rows.num_rows))
        batch, leaves = rows_batch(rows, chosen, vocabulary.relations, vocabulary.name_slots)
        batch = batch.to(device)
        hidden = model(batch)
        masked = torch.from_numpy(np.flatnonzero(rows.leaf_masked[leaves])).to(device)
        flat = hidden.reshape(-1, hidden.shape[-1])
        logits = model.token_logits(flat[batch.leaf_position[masked]])
        index = rows.leaf_instance[leaves[rows.leaf_masked[leaves]]].astype(np.int64)
        yield QueryStates(index, model.leaf_vectors(hidden, batch, masked), logits)


@torch.inference_mode()
def text_vectors(model: GraphMER, token: npt.NDArray[np.int32], rows_at_once: int = 256) -> FloatArray:
    """(N, D) unit vectors of padded token rows (N, T): entity keys, functions, queries in words."""
    model.eval()
    device = model.token_bias_V.device
    parts = []
    for start in range(0, len(token), rows_at_once):
        piece = token[start : start + rows_at_once]
        used = int(np.flatnonzero((piece != PAD).any(axis=0)).max(initial=0)) + 1
        parts.append(model.text_vectors(packed_texts([piece[:, :used]]).to(device)).float().cpu().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, model.encoder.params.width), np.float32)


@torch.inference_mode()
def predict_tokens(model: GraphMER, batch: Batch, position: LongArray) -> LongArray:
    """Most likely token at each flat position of a batch."""
    model.eval()
    hidden = model(batch.to(model.token_bias_V.device))
    flat = hidden.reshape(-1, hidden.shape[-1])
    logits = model.token_logits(flat[torch.from_numpy(position).to(flat.device)])
    return logits.argmax(dim=-1).cpu().numpy()
