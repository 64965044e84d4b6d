"""The objective's terms; each returns a mean over what it scores."""

import torch
import torch.nn.functional as F
from torch import Tensor


def token_loss(logits_MV: Tensor, target_M: Tensor, weight_M: Tensor) -> Tensor:
    """Weighted cross-entropy of masked tokens (MLM) or name slots (MNM), in nats a token; zero where there is none."""
    loss_M = F.cross_entropy(logits_MV.float(), target_M, reduction="none")
    return (loss_M * weight_M).sum() / weight_M.sum().clamp(min=1.0)


def link_loss(query_QD: Tensor, key_KD: Tensor, target_Q: Tensor, known_QK: Tensor, temperature: float) -> Tensor:
    """InfoNCE of unit vectors: the true tail against every other key of the batch.

    Q is at least 1. target_Q: index of each query's true key. known_QK: bool, keys that are other true tails and so
    no negatives.
    Source: CPC (van den Oord et al., 2018).
    """
    logits = (query_QD @ key_KD.T) / temperature
    return F.cross_entropy(logits.masked_fill(known_QK, float("-inf")), target_Q)


def name_log_likelihood(logits_QPV: Tensor, name_NP: Tensor) -> Tensor:
    """(Q, N) log-probability of each candidate's padded name at each query's masked slots. name_NP: token ids."""
    log_probability = torch.log_softmax(logits_QPV.float(), dim=-1)
    slots = range(name_NP.shape[1])
    return torch.stack([log_probability[:, slot].index_select(1, name_NP[:, slot]) for slot in slots]).sum(dim=0)
