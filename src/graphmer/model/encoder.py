"""The encoder: fused embeddings, pre-norm blocks, tied heads."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from graphmer.model.attention import AttentionBias, attend, backend_for, rotary, rotate
from graphmer.model.batch import Batch
from graphmer.model.config import BiasGradient, ModelParams, Vocabulary
from graphmer.model.norm import RMSNorm

MOST_GRAPHS = 32  # ours: eight widths, each with and without a gradient of the bias, of many rows and of one


class HGATFusion(nn.Module):
    """Fuses a leaf's tail tokens with its head's tokens, once, on token embeddings, for all leaves of a batch.

    e_ij = LeakyReLU(a_r . [W_r t_i || W_r h_j]), alpha = softmax_j e, t'_i = t_i + sum_j alpha_ij W_r h_j, with
    W_r = down_r up_r of rank `hgat_rank`. Source: GraphMERT (arXiv 2510.09580), H-GAT; low rank is ours.
    """

    def __init__(self, params: ModelParams, num_relations: int) -> None:
        super().__init__()
        width, rank = params.width, params.hgat_rank
        self.down_RDK = nn.Parameter(torch.randn(num_relations, width, rank) * width**-0.5)
        self.up_RKD = nn.Parameter(torch.randn(num_relations, rank, width) * rank**-0.5)
        self.attend_R2D = nn.Parameter(torch.randn(num_relations, 2, width) * width**-0.5)
        self.dropout = nn.Dropout(params.hgat_dropout)

    def forward(self, x_BSD: Tensor, batch: Batch) -> Tensor:
        """x_BSD with every leaf token fused; roots stay as they are."""
        flat = x_BSD.reshape(-1, x_BSD.shape[-1])
        relation = batch.leaf_relation
        down, up = self.dropout(self.down_RDK)[relation], self.dropout(self.up_RKD)[relation]
        tail = flat[batch.leaf_position] @ down @ up
        head = flat[batch.leaf_head] @ down @ up
        by_tail, by_head = self.dropout(self.attend_R2D)[relation].unbind(dim=1)
        score = (tail @ by_tail[:, :, None]) + (head @ by_head[:, :, None]).transpose(1, 2)
        score = F.leaky_relu(score.float(), 0.2).masked_fill(~batch.leaf_head_filled[:, None, :], float("-inf"))
        message = torch.softmax(score, dim=-1).to(head.dtype) @ head
        # Slots that are not filled point at some position and add nothing: picking the filled ones would give XLA a
        # shape that depends on data.
        message = (message * batch.leaf_filled[:, :, None]).to(flat.dtype)
        fused = flat.index_add(0, batch.leaf_position.reshape(-1), message.reshape(-1, flat.shape[-1]))
        fused_BSD: Tensor = fused.view_as(x_BSD)
        return fused_BSD


class Block(nn.Module):
    """Pre-norm attention and feed-forward; 4 D^2 + 2 D F matrix weights, no bias vectors."""

    def __init__(self, params: ModelParams) -> None:
        super().__init__()
        width = params.width
        self.heads = params.heads
        self.attention_norm = RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.ffn_norm = RMSNorm(width)
        self.ffn_up = nn.Linear(width, params.ffn, bias=False)
        self.ffn_down = nn.Linear(params.ffn, width, bias=False)
        self.dropout = nn.Dropout(params.dropout)

    def forward(self, x_BSD: Tensor, bias: Tensor, factor: Tensor | None, cos: Tensor, sin: Tensor) -> Tensor:
        """One block; bias is shared by all blocks."""
        rows, size, width = x_BSD.shape
        qkv = self.qkv(self.attention_norm(x_BSD)).view(rows, size, 3, self.heads, width // self.heads)
        turned = rotate(qkv[:, :, :2], cos, sin)
        query, key, value = (part.transpose(1, 2) for part in (turned[:, :, 0], turned[:, :, 1], qkv[:, :, 2]))
        backend = backend_for(x_BSD.device.type, factor is not None)
        mixed = attend(query, key, value, bias, factor, backend)
        x_BSD = torch.add(x_BSD, self.dropout(self.output(mixed.transpose(1, 2).reshape(rows, size, width))))
        return torch.add(x_BSD, self.dropout(self.ffn_down(F.gelu(self.ffn_up(self.ffn_norm(x_BSD))))))


class _Scaled(torch.autograd.Function):
    """Its input, with a gradient of `times` as much."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, times: int) -> Tensor:
        ctx.times = times
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return gradients[0] * ctx.times, None


def _run(block: nn.Module, *inputs: Tensor | None) -> Tensor:
    x_BSD: Tensor = block(*inputs)
    return x_BSD


def _fix_widths(*tensors: Tensor) -> None:
    """Tell a compiler that the number of rows varies and nothing else does: of a width that might vary it would pad
    copies of the bias in every block."""
    from torch import _dynamo  # not above: a second and more, which a search from a cold shell would wait for

    for tensor in tensors:
        _dynamo.maybe_mark_dynamic(tensor, 0)
        for axis in range(1, tensor.dim()):
            _dynamo.mark_static(tensor, axis)


class Encoder(nn.Module):
    """Tokens and leaves to hidden states."""

    def __init__(self, params: ModelParams, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.params, self.vocabulary = params, vocabulary
        # Facts of the machine: activations are computed again instead of kept; blocks are compiled for training.
        self.checkpoint_blocks = False
        self._compiled: Callable[..., Tensor] | None = None
        self.bias_gradient: BiasGradient = "every_layer"
        self.token = nn.Embedding(vocabulary.tokens, params.width)
        self.slot = nn.Embedding(vocabulary.name_slots + 1, params.width)
        self.fusion = HGATFusion(params, vocabulary.relations) if params.use_hgat else None
        self.bias = AttentionBias(params, vocabulary.relations)
        self.blocks = nn.ModuleList(Block(params) for _ in range(params.layers))
        self.norm = RMSNorm(params.width)
        self.dropout = nn.Dropout(params.dropout)
        self._initialise()

    def _initialise(self) -> None:
        """Normal(0, 0.02), and residual outputs scaled by the depth (GPT-2)."""
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2 and not name.startswith(("fusion", "bias")):
                residual = name.endswith(("output.weight", "ffn_down.weight"))
                nn.init.normal_(parameter, std=0.02 / (2 * self.params.layers) ** 0.5 if residual else 0.02)

    def embed(self, batch: Batch) -> Tensor:
        """(B, S, D) fused input embeddings."""
        x_BSD = self.token(batch.token) + self.slot(batch.slot)
        if self.fusion is not None and len(batch.leaf_relation):
            x_BSD = self.fusion(x_BSD, batch)
        embedded: Tensor = x_BSD
        return embedded

    def forward(self, batch: Batch) -> Tensor:
        """(B, S, D) hidden states after the final norm."""
        x_BSD = self.dropout(self.embed(batch))
        device = x_BSD.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x_BSD.dtype
        bias, factor = self.bias(batch, dtype)
        cos, sin = rotary(batch.root, self.params.width // self.params.heads, self.params.rope_base, dtype)
        run = self._compiled if self.training and self._compiled is not None else _run
        for block, shown in zip(self.blocks, self._shown_to_blocks(bias), strict=True):
            if run is not _run:
                _fix_widths(x_BSD, shown, cos, sin)
            if self.checkpoint_blocks and self.training:
                x_BSD = checkpoint(run, block, x_BSD, shown, factor, cos, sin, use_reentrant=False)
            else:
                x_BSD = run(block, x_BSD, shown, factor, cos, sin)
        hidden: Tensor = self.norm(x_BSD)
        return hidden

    def compile_blocks(self, backend: str | Callable[..., Any] = "inductor") -> None:
        """From here on train with compiled blocks: two graphs a width serve all of them, whatever the number of rows.

        Two, for a bias with and without a gradient; a step of one row is worth two more. Where a run meets more shapes
        than MOST_GRAPHS, torch raises instead of going on uncompiled.
        """
        from torch import _dynamo

        _dynamo.config.recompile_limit = MOST_GRAPHS
        _dynamo.config.fail_on_recompile_limit_hit = True
        self._compiled = torch.compile(_run, backend=backend)

    def _shown_to_blocks(self, bias: Tensor) -> list[Tensor]:
        """The bias for each block: the same values for all, its gradient from all or from one drawn at random.

        A gradient through every block has a GPU use attention kernels of half the speed. One block's, times their
        number, has the same mean; the few weights of the bias bear its noise (docs/log.md).
        """
        count = len(self.blocks)
        if self.bias_gradient == "every_layer" or not (self.training and bias.requires_grad):
            return [bias] * count
        chosen = int(torch.randint(count, ()))
        scaled: Tensor = _Scaled.apply(bias, count)  # type: ignore[no-untyped-call]
        return [scaled if number == chosen else bias.detach() for number in range(count)]

    def block_matrix_weights(self) -> int:
        """Number of matrix weights in the blocks, norms left out."""
        return sum(parameter.numel() for parameter in self.blocks.parameters() if parameter.dim() == 2)
