"""The objective's terms. A sum is divided by the whole step's count, so that micro-batches and processes add up."""

import torch
import torch.nn.functional as F
from torch import Tensor


def token_sum(logits_MV: Tensor, target_M: Tensor, weight_M: Tensor) -> Tensor:
    """Weighted cross-entropy of masked tokens (MLM, SBO) or name slots (MNM), summed, in nats."""
    return (F.cross_entropy(logits_MV.float(), target_M, reduction="none") * weight_M).sum()


def link_sum(logits_QK: Tensor, target_Q: Tensor, excluded_QK: Tensor, weight_Q: Tensor) -> Tensor:
    """Weighted InfoNCE in nats, summed: each query's true key against every other key that is not excluded.

    logits_QK: similarity / temperature, finite. target_Q: index of the true key, which is never excluded. excluded_QK:
    bool, other true tails and padded keys. weight_Q: 0 for padded queries, which may exclude everything.
    Source: CPC (van den Oord et al., 2018).
    """
    excluded = excluded_QK & (weight_Q > 0)[:, None]  # a row of -inf alone would be nan, and 0 x nan is nan
    logits = logits_QK.float().masked_fill(excluded, float("-inf"))
    return (F.cross_entropy(logits, target_Q, reduction="none") * weight_Q).sum()


MAX_CYCLE = 4  # ours, no source: the longest ring that costs; one more is one more (Q, Q) product


def ontology_terms(
    logits_QK: Tensor,
    relation_Q: Tensor,
    head_key_Q: Tensor,
    antisymmetric_R: Tensor,
    acyclic_R: Tensor,
    valid_Q: Tensor,
    max_cycle: int = MAX_CYCLE,
) -> tuple[Tensor, Tensor]:
    """Antisymmetry and acyclicity of the edges that queries predict, summed; see the two losses.

    logits_QK: link logits, finite; so low for padded keys and other groups' that a softmax gives them 0. relation_Q:
    ontology ids. head_key_Q: index among the keys of each query's head entity, -1 where it is none. antisymmetric_R,
    acyclic_R: bool by relation id.
    valid_Q: bool, False for padded queries. Each term is exactly 0, with a gradient of 0, where no pair exists.
    """
    edge_QQ = predicted_edges(logits_QK, relation_Q, head_key_Q, valid_Q)
    is_node_Q = valid_Q & (head_key_Q >= 0)
    return (
        antisymmetry_loss(edge_QQ, pairs_of(relation_Q, head_key_Q, is_node_Q & antisymmetric_R[relation_Q])),
        acyclicity_loss(edge_QQ, relation_Q, head_key_Q, is_node_Q & acyclic_R[relation_Q], max_cycle),
    )


def pairs_of(relation_Q: Tensor, head_key_Q: Tensor, chosen_Q: Tensor) -> Tensor:
    """(Q, Q) bool: chosen queries of one relation and two different heads."""
    same_relation = relation_Q[:, None] == relation_Q[None, :]
    return same_relation & (head_key_Q[:, None] != head_key_Q[None, :]) & chosen_Q[:, None] & chosen_Q[None, :]


def predicted_edges(logits_QK: Tensor, relation_Q: Tensor, head_key_Q: Tensor, valid_Q: Tensor) -> Tensor:
    """(Q, Q) float32: probability that query i's tail is the head of query j, by i's softmax over the group's keys.

    0 where the relations differ, the heads are the same, or one of them is not among the keys.
    """
    # A padded query may hold -inf alone: its softmax would be nan, in the gradient too.
    probability_QK = torch.softmax(logits_QK.float().masked_fill(~valid_Q[:, None], 0.0), dim=-1)
    edge_QQ = probability_QK.index_select(1, head_key_Q.clamp(min=0))
    return edge_QQ * pairs_of(relation_Q, head_key_Q, valid_Q & (head_key_Q >= 0))


def antisymmetry_loss(edge_QQ: Tensor, pair_QQ: Tensor) -> Tensor:
    """Sum over pairs of A_ij A_ji: 1 where h_i -> h_j and h_j -> h_i are both held certain, 0 where one is denied."""
    return (edge_QQ * edge_QQ.T * pair_QQ).sum() / 2


def acyclicity_loss(
    edge_QQ: Tensor, relation_Q: Tensor, head_key_Q: Tensor, chosen_Q: Tensor, max_cycle: int
) -> Tensor:
    """Cycles among the predicted edges of the chosen queries: sum over k = 2..max_cycle of trace(A^k) / k.

    Queries of one relation and head are one node, whose row is their mean; the first of them stands for it. 0 where no
    ring of at most max_cycle edges has a probability above 0; a certain ring of length k counts in each multiple of k.
    Source: NOTEARS (Zheng et al., 2018), with the series of its exponential cut and 1 / k in place of 1 / k!.
    """
    same_QQ = (relation_Q[:, None] == relation_Q[None, :]) & (head_key_Q[:, None] == head_key_Q[None, :])
    same_QQ = same_QQ & chosen_Q[:, None] & chosen_Q[None, :]
    is_node_Q = chosen_Q & (same_QQ.tril(-1).sum(dim=1) == 0)
    mean_QQ = same_QQ.float() / same_QQ.sum(dim=1).clamp(min=1)[:, None]
    with torch.autocast(edge_QQ.device.type, enabled=False):  # powers of small numbers: fp16 would lose them
        node_QQ = (mean_QQ @ edge_QQ) * (is_node_Q[:, None] & is_node_Q[None, :])
        power_QQ, total = node_QQ, node_QQ.new_zeros(())
        for length in range(2, max_cycle + 1):
            # trace(A^k) needs no product of its own: it is the sum of A^(k-1) and A transposed, element by element.
            total = total + (power_QQ * node_QQ.T).sum() / length
            power_QQ = power_QQ @ node_QQ if length < max_cycle else power_QQ
    return total


def name_log_likelihood(logits_QPV: Tensor, name_NP: Tensor) -> Tensor:
    """(Q, N) log-probability of each candidate's padded name at each query's masked slots. name_NP: token ids."""
    log_probability = torch.log_softmax(logits_QPV.float(), dim=-1)
    slots = range(name_NP.shape[1])
    return torch.stack([log_probability[:, slot].index_select(1, name_NP[:, slot]) for slot in slots]).sum(dim=0)
