"""Whole-validation-set figures: masked tokens, masked names, links."""

import numpy as np
import torch

from graphmer.model.batch import rows_batch
from graphmer.model.heads import GraphMER
from graphmer.model.inference import predict_tokens, query_selection, query_states, text_vectors
from graphmer.ontology.vocabulary import Ontology
from graphmer.pack.controls import shown_graph
from graphmer.pack.draw import LeafDraw, draw_leaves, hidden_words
from graphmer.pack.rows import assemble
from graphmer.pack.shards import EntityArrays, LongArray, SplitArrays
from graphmer.train.config import TrainParams
from graphmer.train.masking import MaskRule, mask_roots
from graphmer.train.negatives import Negatives

ROWS_AT_ONCE = 16


def validate(
    model: GraphMER, split: SplitArrays, entities: EntityArrays, ontology: Ontology, params: TrainParams
) -> dict[str, float]:
    """mlm_accuracy of tokens; mnm_accuracy of whole names, hidden in the window; link_mrr over all candidates."""
    queries = np.flatnonzero(split.leaf_query & ~split.leaf_ambiguous)
    shown = ~split.leaf_query
    leaves = params.leaves
    hide = hidden_words(split, queries)
    selection = query_selection(split, queries, hide, shown, True, leaves.max_leaves, leaves.max_leaves_per_anchor)
    names, packages = np.unique(split.samples["package"].to_numpy(dtype=object), return_inverse=True)
    pools = Negatives(split, entities, ontology, [str(name) for name in names], packages.astype(np.int64))
    right, reciprocal = np.zeros(len(queries)), np.zeros(len(queries))
    keys = _entity_keys(model, entities, pools, queries)
    for states in query_states(model, split, entities, selection, params.row_length):
        leaf = queries[states.index]
        predicted = states.logits.argmax(dim=-1).cpu().numpy()
        tail = split.leaf_tail[leaf]
        fits = entities.name_length[tail] <= entities.name_token.shape[1]
        right[states.index] = (predicted == entities.name_token[tail]).all(axis=1) & fits
        # Under a CPU's autocast the products would be bf16, which ties many and numpy does not know.
        with torch.autocast("cpu", enabled=False):
            reciprocal[states.index] = _reciprocal_ranks(states.vector.cpu(), keys, leaf, pools)
    return {
        "mlm_accuracy": _mlm_accuracy(model, split, entities, params),
        "mnm_accuracy": float(right.mean()),
        "link_mrr": float(reciprocal.mean()),
    }


def _entity_keys(model: GraphMER, entities: EntityArrays, pools: Negatives, queries: LongArray) -> torch.Tensor:
    """(E, D) keys of every entity that some query ranks; zeros elsewhere, which nobody reads."""
    asked = {(int(pools.leaf_package[row]), int(pools.split.leaf_relation[row])) for row in queries.tolist()}
    ranked = np.unique(np.concatenate([pools.split.leaf_tail[queries], *(pools.pools[pair] for pair in sorted(asked))]))
    keys = torch.zeros(len(entities.symbols), model.encoder.params.width)
    keys[torch.from_numpy(ranked)] = torch.from_numpy(text_vectors(model, entities.key_token[ranked]))
    return keys


def _reciprocal_ranks(
    vector: torch.Tensor, keys: torch.Tensor, leaf: LongArray, pools: Negatives
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Filtered, ties at the mean rank."""
    split = pools.split
    result = np.zeros(len(leaf))
    for place, row in enumerate(leaf.tolist()):
        pool = pools.pools[int(pools.leaf_package[row]), int(split.leaf_relation[row])]
        tail = int(split.leaf_tail[row])
        score = (keys[torch.from_numpy(pool)] @ vector[place]).numpy()
        true = float(keys[tail] @ vector[place])
        rivals = ~pools.is_known(row, pool) & (pool != tail)
        better, equal = (score[rivals] > true).sum(), (score[rivals] == true).sum()
        result[place] = 1.0 / (1.0 + better + 0.5 * equal)
    return result


def _mlm_accuracy(model: GraphMER, split: SplitArrays, entities: EntityArrays, params: TrainParams) -> float:
    rng = np.random.default_rng([params.seed, 0])
    draw = LeafDraw(params.leaves.max_leaves, params.leaves.max_leaves_per_anchor, 0.0, 0.0, 0.0)
    code = np.flatnonzero((split.samples["kind"] != "document").to_numpy())
    selection = draw_leaves(split, code, draw, rng)
    graph = shown_graph(split, model.encoder.params.graph_form)
    rows = assemble(split, entities, selection, params.row_length, graph)
    vocabulary = model.encoder.vocabulary
    rule = MaskRule(params.mask_share, params.span_end, params.max_span, vocabulary.tokens)
    right = total = 0.0
    for start in range(0, rows.num_rows, ROWS_AT_ONCE):
        chosen = np.arange(start, min(start + ROWS_AT_ONCE, rows.num_rows))
        masked = mask_roots(rows.token[chosen], rows.slot[chosen], rows.first[chosen], rows.document[chosen], rule, rng)
        batch, _ = rows_batch(rows, chosen, vocabulary.relations, vocabulary.name_slots)
        batch.token = torch.from_numpy(masked.token)
        base = np.arange(len(chosen))[:, None] * rows.token.shape[1]
        predicted = predict_tokens(model, batch, (masked.position + base).ravel())
        right += float(((predicted == masked.target.ravel()) * masked.weight.ravel()).sum())
        total += float(masked.weight.sum())
    return right / total
