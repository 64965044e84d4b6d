"""Attention with one additive bias, computed once a forward and shared by all layers."""

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphmer.model.batch import Batch, num_pair_kinds
from graphmer.model.config import ModelParams

PAIRS_AT_ONCE = 128  # of a row, where pairs become one-hot rows; bounds memory only
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
        self.decay, self.base, self.heads = params.hop_decay, params.decay_base, params.heads
        if self.decay != "none":
            # Heads start at different reaches: from the next token to a few dozen hops.
            self.offset_H = nn.Parameter(torch.linspace(1.0, 8.0, params.heads))
        if params.use_rel_attention_bias:
            # Source: GREAT (Hellendoorn et al., 2020), a learned scalar per relation, here per direction and head too.
            self.relation_KH = nn.Parameter(torch.zeros(num_pair_kinds(num_relations), params.heads))
        self.use_relation = params.use_rel_attention_bias

    def forward(self, batch: Batch, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """(B, H or 1, S, S) additive bias in `dtype`, and the factor of the multiplicative decay where chosen."""
        factor = None
        if self.decay == "multiplicative":
            factor = torch.exp(hop_decay(hops(batch.root, batch.slot, batch.leaf), self.base, self.offset_H)).to(dtype)
        offset = self.offset_H if self.decay == "additive" else None
        if batch.is_static or batch.token.device.type == "xla":
            return self._plain(batch, offset, dtype), factor
        if offset is None and not self.use_relation:
            return _document_mask(batch.document).to(dtype), factor
        relation = self.relation_KH if self.use_relation else None
        fused: Tensor = _FusedBias.apply(  # type: ignore[no-untyped-call]
            batch, offset, relation, self.base, self.heads, dtype
        )
        return fused, factor

    def _plain(self, batch: Batch, offset: Tensor | None, dtype: torch.dtype) -> Tensor:
        """The same from plain operations, none of which has a shape that depends on data or scatters: for XLA."""
        bias = _document_mask(batch.document)
        if offset is not None:
            bias = bias + hop_decay(hops(batch.root, batch.slot, batch.leaf), self.base, offset)
        bias = bias.to(dtype)
        if self.use_relation and len(batch.pair_kind):
            relation: Tensor = _OneHotBias.apply(batch, self.relation_KH, dtype)  # type: ignore[no-untyped-call]
            bias = bias + relation
        return bias


def _document_mask(document_BS: Tensor) -> Tensor:
    other = document_BS[:, None, :, None] != document_BS[:, None, None, :]
    return torch.where(other, OTHER_DOCUMENT, 0.0)


class _OneHotBias(torch.autograd.Function):
    """Relation bias of a static batch by matrix products: a look-up or a scatter would be serial on a TPU.

    Query one-hots times value times key one-hots, some pairs at a time, so that neither pass holds more than
    (B, PAIRS_AT_ONCE, H, S). The one-hot rows of a padded pair are 0.
    """

    @staticmethod
    def forward(ctx: Any, batch: Batch, relation_KH: Tensor, dtype: torch.dtype) -> Tensor:
        rows, size = batch.token.shape
        bias = torch.zeros(rows, relation_KH.shape[1], size, size, dtype=dtype, device=batch.token.device)
        for kind, query, key in _one_hots(batch, relation_KH.shape[0], dtype):
            value_BPH = kind @ relation_KH.to(dtype)
            spread = (value_BPH[..., None] * query[:, :, None]).flatten(2)
            bias += (spread.transpose(1, 2) @ key).view_as(bias)
        ctx.batch = batch
        ctx.kinds, ctx.table_dtype = relation_KH.shape[0], relation_KH.dtype
        return bias

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = gradients
        total = torch.zeros(ctx.kinds, grad.shape[1], dtype=ctx.table_dtype, device=grad.device)
        for kind, query, key in _one_hots(ctx.batch, ctx.kinds, grad.dtype):
            seen_BPHS = (key @ grad.flatten(1, 2).transpose(1, 2)).view(*key.shape[:2], grad.shape[1], grad.shape[2])
            value_BPH = (seen_BPHS * query[:, :, None]).sum(dim=-1)
            total += (kind.flatten(0, 1).T @ value_BPH.flatten(0, 1)).to(total.dtype)
        return None, total, None


def _one_hots(batch: Batch, kinds: int, dtype: torch.dtype) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Kind (B, P, K), query and key (B, P, S) of at most PAIRS_AT_ONCE pairs a row; those of padded pairs are 0."""
    rows, size = batch.token.shape
    place = torch.arange(size, device=batch.token.device)
    number = torch.arange(kinds, device=batch.token.device)
    parts = (batch.pair_kind, batch.pair_query, batch.pair_key)
    columns = [torch.split(part.view(rows, -1), PAIRS_AT_ONCE, 1) for part in parts]
    for kind, query, key in zip(*columns, strict=True):
        used = (kind > 0)[..., None]
        one_hot = (kind[..., None] == number) & used, (query[..., None] == place) & used, key[..., None] == place
        yield one_hot[0].to(dtype), one_hot[1].to(dtype), one_hot[2].to(dtype)


class _FusedBias(torch.autograd.Function):
    """Decay, relations and documents written into one tensor, head by head, so that what is in hand fits a cache."""

    @staticmethod
    def forward(
        ctx: Any,
        batch: Batch,
        offset_H: Tensor | None,
        relation_KH: Tensor | None,
        base: float,
        heads: int,
        dtype: torch.dtype,
    ) -> Tensor:
        rows, size = batch.token.shape
        bias = torch.empty(rows, heads, size, size, dtype=dtype, device=batch.token.device)
        mask = _document_mask(batch.document)[:, 0]
        root_hops = None
        if offset_H is None:
            bias.copy_(mask[:, None])
        else:
            root_hops = torch.sqrt(hops(batch.root, batch.slot, batch.leaf).to(torch.float32) + 1.0)
            for head in range(heads):
                bias[:, head] = torch.add(mask, F.gelu(root_hops - offset_H[head].float()), alpha=math.log(base))
        cell = None
        if relation_KH is not None:
            cell = _cells(batch, heads)
            bias.view(-1).index_add_(0, cell.reshape(-1), relation_KH[batch.pair_kind].to(dtype).reshape(-1))
        ctx.base, ctx.heads = base, heads
        ctx.save_for_backward(root_hops, offset_H, relation_KH, cell, batch.pair_kind)
        return bias

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (grad,) = gradients
        root_hops, offset_H, relation_KH, cell, kind = ctx.saved_tensors
        grad_offset = grad_relation = None
        if offset_H is not None:
            parts = []
            for head in range(ctx.heads):
                slope = torch.ops.aten.gelu_backward(grad[:, head].float(), root_hops - offset_H[head].float())
                parts.append(slope.sum())
            grad_offset = (-math.log(ctx.base) * torch.stack(parts)).to(offset_H.dtype)
        if relation_KH is not None:
            picked = grad.reshape(-1)[cell].to(relation_KH.dtype)
            grad_relation = torch.zeros_like(relation_KH).index_add_(0, kind, picked)
        return None, grad_offset, grad_relation, None, None, None


def _cells(batch: Batch, heads: int) -> Tensor:
    """(K, H) flat places of the joined pairs in a (B, H, S, S) bias: few of its cells, so no look-up over all."""
    size = batch.token.shape[1]
    plane = batch.pair_row[:, None] * heads + torch.arange(heads, device=batch.pair_row.device)
    return (plane * size + batch.pair_query[:, None]) * size + batch.pair_key[:, None]


def rotary(root_BS: Tensor, head_width: int, base: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine (B, S, 1, 1, head_width / 2) of rotary positions on the root position.

    Source: RoFormer (Su et al., 2021).
    """
    power = torch.arange(0, head_width, 2, device=root_BS.device, dtype=torch.float32) / head_width
    angle = root_BS[:, :, None, None, None].float() * base**-power
    return angle.cos().to(dtype), angle.sin().to(dtype)


class _Rotate(torch.autograd.Function):
    """A rotation, whose gradient is the rotation back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        cos, sin = ctx.saved_tensors
        return _rotated(gradients[0], cos, -sin), None, None


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, dim=-1)
    one = torch.addcmul(left * cos, right, sin, value=-1.0)
    return torch.cat([one, torch.addcmul(right * cos, left, sin)], dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (first half, second half) of a head's features (..., E) by its position's angle."""
    turned: Tensor = _Rotate.apply(x, cos, sin)  # type: ignore[no-untyped-call]
    return turned


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, factor: Tensor | None, backend: str) -> Tensor:
    """softmax(q k^T / sqrt(E) [* factor] + bias) v on (B, H, S, E); the softmax sums in fp32.

    backend: `eager` writes it out, `sdpa` is torch's. bias: (B, H or 1, S, S) in the dtype of the operands.
    Raises ValueError for sdpa with a factor, of which it knows nothing.
    """
    if backend == "sdpa":
        if factor is not None:
            raise ValueError("factor: the multiplicative decay needs the eager backend, sdpa has no place for it")
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    rows, heads, size, width = query.shape
    scale = width**-0.5
    if factor is not None:
        logits = (query @ key.transpose(-1, -2)) * scale * factor + bias
    else:
        flat = (part.reshape(rows * heads, size, width) for part in (query, key))
        one, other = flat
        shift = bias.expand(rows, heads, size, size).reshape(rows * heads, size, size)
        logits = torch.baddbmm(shift, one, other.transpose(1, 2), alpha=scale).view(rows, heads, size, size)
    return torch.softmax(logits, dim=-1) @ value


def backend_for(device_type: str, has_factor: bool) -> str:
    """`sdpa` on a GPU; written out elsewhere, and where a factor multiplies the logits, which sdpa has no place for.

    With a bias that needs a gradient, writing it out takes half of sdpa's time on a CPU (docs/log.md).
    """
    return "sdpa" if device_type == "cuda" and not has_factor else "eager"
