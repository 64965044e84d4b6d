"""How weights lie in a model's safetensors files: as training wrote them, or in fewer bits and several pieces.

A weight of 16 bits is rounded to half precision. A matrix of 8 or 4 bits is whole numbers, `GROUP` columns of a row at
a time with a scale of their own (symmetric round to nearest); 4-bit numbers lie two in a byte, the first in its lower
half. What is no matrix stays in half precision. config.json says which under `weights`.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

import torch
from torch import Tensor

Bits = Literal[16, 8, 4]
BITS: tuple[Bits, ...] = get_args(Bits)
GROUP = 64  # columns that share a scale
NUMBERS, SCALES = ".numbers", ".scales"


def fewer_bits(weights: Mapping[str, Tensor], bits: Bits) -> dict[str, Tensor]:
    """Weights as they are stored; `whole_weights` gives them back but for the rounding. A matrix of an odd number of
    columns stays in half precision.

    Raises ValueError where half precision cannot hold a weight.
    """
    stored: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if bits == 16 or weight.dim() != 2 or weight.shape[1] % 2:
            stored[name] = _half(name, weight)
        else:
            numbers, scales = _rounded(weight, bits)
            stored[name + NUMBERS] = _in_bytes(numbers, bits)
            stored[name + SCALES] = _half(name, scales)
    return stored


def whole_weights(stored: Mapping[str, Tensor], bits: Bits) -> dict[str, Tensor]:
    """float32 weights of what `fewer_bits` made.

    Raises KeyError where a matrix lacks its scales, RuntimeError or ValueError where the two are of shapes that do not
    belong together.
    """
    weights: dict[str, Tensor] = {}
    for name, value in stored.items():
        if name.endswith(NUMBERS):
            whole = name.removesuffix(NUMBERS)
            weights[whole] = _scaled(value, stored[whole + SCALES].float(), bits)
        elif not name.endswith(SCALES):
            weights[name] = value.float()
    return weights


def pieces(stored: Mapping[str, Tensor], most_bytes: int) -> Iterator[dict[str, Tensor]]:
    """The tensors in order, as many at a time as stay within `most_bytes`; a larger one is a piece of its own."""
    piece: dict[str, Tensor] = {}
    for name, value in stored.items():
        if piece and sum(other.nbytes for other in piece.values()) + value.nbytes > most_bytes:
            yield piece
            piece = {}
        piece[name] = value
    yield piece


def _half(name: str, weight: Tensor) -> Tensor:
    half = weight.half()
    if not half.isfinite().all():
        raise ValueError(f"{name}: a weight of {weight.abs().max():g} is beyond half precision")
    return half.contiguous()


def _rounded(weight_RC: Tensor, bits: Bits) -> tuple[Tensor, Tensor]:
    """(R, C) whole numbers of at most 2^(bits-1) - 1 either way, and (R, ceil(C / GROUP)) scales."""
    most = 2 ** (bits - 1) - 1
    rows, columns = weight_RC.shape
    padded = torch.nn.functional.pad(weight_RC.float(), (0, -columns % GROUP)).view(rows, -1, GROUP)
    scales = (padded.abs().amax(dim=2) / most).half().float()
    steps = torch.where(scales > 0, scales, 1.0)[:, :, None]
    numbers = (padded / steps).round().clamp(-most, most)
    return numbers.view(rows, -1)[:, :columns].to(torch.int8), scales


def _in_bytes(numbers_RC: Tensor, bits: Bits) -> Tensor:
    if bits == 8:
        return numbers_RC.contiguous()
    halves = numbers_RC.to(torch.uint8) & 15
    return (halves[:, ::2] | halves[:, 1::2] << 4).contiguous()


def _scaled(value: Tensor, scales: Tensor, bits: Bits) -> Tensor:
    if bits == 4:
        halves = torch.stack([value & 15, value >> 4], dim=2).view(len(value), -1).to(torch.int8)
        value = halves - 16 * (halves > 7)
    return value.float() * scales.repeat_interleave(GROUP, dim=1)[:, : value.shape[1]]
