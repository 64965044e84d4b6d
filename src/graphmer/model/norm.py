"""Root-mean-square normalisation in few passes over memory."""

from typing import Any

import torch
from torch import Tensor, nn

EPSILON = 1e-6


class RMSNorm(nn.Module):
    """x / rms(x) * weight, given out in the precision that the matrices after it want.

    torch's own is put together from seven passes on a CPU, and twice as many back. Source: Zhang and Sennrich (2019).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(..., D); float32 statistics whatever the precision of x."""
        device = x.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
        normed: Tensor = _Normalise.apply(x, self.weight, dtype)  # type: ignore[no-untyped-call]
        return normed


class _Normalise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, dtype: torch.dtype) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        inverse = (norm.square() / x.shape[-1] + EPSILON).rsqrt()
        unit = x * inverse
        ctx.save_for_backward(unit, inverse, weight)
        out: Tensor = (unit * weight).to(dtype)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        unit, inverse, weight = ctx.saved_tensors
        grad = gradients[0].to(unit.dtype)
        product = grad * unit
        grad_weight = product.reshape(-1, product.shape[-1]).sum(dim=0)
        # d unit is orthogonal to unit: the part of the gradient along it goes.
        along = (product @ weight.to(unit.dtype))[..., None] / unit.shape[-1]
        grad_x = torch.addcmul(grad * weight, unit, along, value=-1.0).mul_(inverse)
        return grad_x, grad_weight.to(weight.dtype), None
