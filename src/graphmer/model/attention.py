"""Attention with one additive bias, computed once a forward and shared by all layers."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphmer.model.batch import Batch, num_pair_kinds
from graphmer.model.config import ModelParams

OTHER_DOCUMENT = -1.0e4  # finite: a row of padding alone must not become NaN


def hops(root_BS: Tensor, slot_BS: Tensor, leaf_BS: Tensor) -> Tensor:
    """Shortest path in edges between all positions of a leafy chain graph, in closed form.

    root_BS: root position; a leaf token has its anchor's. slot_BS: 0 for a root, else 1 + place in the leaf.
    leaf_BS: leaf number, 0 for a root. Returns (B, S, S) int64: |root_i - root_j| + isleaf_i + isleaf_j, and within
    one leaf min(|a - b|, 2), since its tokens also meet through the anchor.
    Source: GraphMERT (arXiv 2510.09580), leafy chain graph.
    """
    is_leaf = (slot_BS > 0).long()
    distance = (root_BS[:, :, None] - root_BS[:, None, :]).abs() + is_leaf[:, :, None] + is_leaf[:, None, :]
    within = (slot_BS[:, :, None] - slot_BS[:, None, :]).abs().clamp(max=2)
    same = (leaf_BS[:, :, None] == leaf_BS[:, None, :]) & (leaf_BS > 0)[:, :, None]
    return torch.where(same, within, distance)


def hop_decay(hops_BSS: Tensor, base: float, offset_H: Tensor) -> Tensor:
    """Additive attention bias that fades with graph distance.

    hops_BSS: (B, S, S) int, shortest path in edges. offset_H: (H,) learned, in square-root hops.
    Returns (B, H, S, S), ln(base) * gelu(sqrt(hops + 1) - offset).
    Raises ValueError unless 0 < base <= 1.
    Source: GraphMERT (arXiv 2510.09580); added to the logits, not multiplied: see docs/decisions.md.
    """
    if not 0 < base <= 1:
        raise ValueError(f"base: expected above 0 and at most 1, got {base}")
    root_hops = torch.sqrt(hops_BSS.to(offset_H.dtype) + 1.0)[:, None]
    return math.log(base) * F.gelu(root_hops - offset_H[None, :, None, None])


class AttentionBias(nn.Module):
    """Hop decay, relation bias and document mask as one (B, H, S, S) bias; what is switched off has no parameter."""

    def __init__(self, params: ModelParams, num_relations: int) -> None:
        super().__init__()
        self.decay, self.base = params.hop_decay, params.decay_base
        if self.decay != "none":
            # Heads start at different reaches: from the next token to a few dozen hops.
            self.offset_H = nn.Parameter(torch.linspace(1.0, 8.0, params.heads))
        if params.use_rel_attention_bias:
            # Source: GREAT (Hellendoorn et al., 2020), a learned scalar per relation, here per direction and head too.
            self.relation_KH = nn.Parameter(torch.zeros(num_pair_kinds(num_relations), params.heads))
        self.use_relation = params.use_rel_attention_bias

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """(B, H or 1, S, S) additive bias, and the factor of the multiplicative decay where that is chosen."""
        other = batch.document[:, None, :, None] != batch.document[:, None, None, :]
        bias = torch.where(other, OTHER_DOCUMENT, 0.0)
        factor = None
        if self.decay != "none":
            distance = hops(batch.root, batch.slot, batch.leaf)
            decay = hop_decay(distance, self.base, self.offset_H)
            if self.decay == "additive":
                bias = bias + decay
            else:
                factor = torch.exp(decay)
        if self.use_relation and len(batch.pair_row):
            bias = self._with_relations(bias, batch)
        return bias, factor

    def _with_relations(self, bias: Tensor, batch: Batch) -> Tensor:
        """Few pairs of positions are joined: adding them by index costs less than any (B, H, S, S) look-up."""
        heads, size = self.relation_KH.shape[1], bias.shape[-1]
        head = torch.arange(heads, device=bias.device)
        plane = batch.pair_row[:, None] * heads + head
        cell = (plane * size + batch.pair_query[:, None]) * size + batch.pair_key[:, None]
        value = self.relation_KH[batch.pair_kind].to(bias.dtype)
        full = bias.expand(-1, heads, -1, -1).reshape(-1)
        return full.index_add(0, cell.reshape(-1), value.reshape(-1)).view(-1, heads, size, size)


def rotary(root_BS: Tensor, head_width: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine (B, 1, S, head_width / 2) of rotary positions on the root position.

    Source: RoFormer (Su et al., 2021).
    """
    power = torch.arange(0, head_width, 2, device=root_BS.device, dtype=torch.float32) / head_width
    angle = root_BS[:, None, :, None].float() * base**-power
    return angle.cos(), angle.sin()


def rotate(x_BHSE: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (first half, second half) of a head's features by its position's angle."""
    left, right = x_BHSE.chunk(2, dim=-1)
    return torch.cat([left * cos - right * sin, left * sin + right * cos], dim=-1).to(x_BHSE.dtype)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, factor: Tensor | None) -> Tensor:
    """softmax(q k^T / sqrt(E) [* factor] + bias) v on (B, H, S, E), softmax in fp32.

    Written out, not SDPA: with a bias that needs a gradient SDPA is no faster on a CPU (docs/log.md), and it has no
    place for the factor.
    """
    logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if factor is not None:
        logits = logits * factor
    weights = torch.softmax(logits.float() + bias, dim=-1)
    return weights.to(value.dtype) @ value
