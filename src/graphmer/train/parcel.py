"""A micro-batch as one block of memory: it crosses to another process, and onto a GPU, in one piece.

Each tensor by itself costs a shared file and a copy of its own, more than the step for which it is built.
"""

import io
import pickle
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphmer.train.micro_batch import MicroBatch

ALIGNED = 16  # bytes: a tensor of any type may begin there

Place = tuple[int, torch.dtype, tuple[int, ...]]  # first byte, type, shape


@dataclass(frozen=True)
class Parcel:
    """form: the micro-batch pickled, with a place in `data` for each tensor. data: (bytes,) uint8. occupied: as its."""

    form: bytes
    data: Tensor
    occupied: int

    def pin_memory(self) -> "Parcel":
        """The same parcel in memory that a GPU reads by itself."""
        return Parcel(self.form, self.data.pin_memory(), self.occupied)

    def to(self, device: torch.device) -> MicroBatch:
        """The micro-batch on a device; on a GPU and on the host its tensors are views of one block.

        Under XLA each view would be an operation of the recorded graph, and another graph for another place.
        """
        if device.type == "cuda":
            return self._read(self.data.to(device, non_blocking=True))
        return self._read(self.data).to(device)

    def _read(self, data: Tensor) -> MicroBatch:
        micro: MicroBatch = _Reader(self.form, data).load()
        return micro


def parcel(micro: MicroBatch) -> Parcel:
    """The parcel that a micro-batch on the host makes."""
    stream = io.BytesIO()
    writer = _Writer(stream)
    writer.dump(micro)
    data = torch.zeros(writer.size, dtype=torch.uint8)
    for (first, _, _), tensor in writer.tensors:
        data[first : first + tensor.nbytes] = tensor.contiguous().view(-1).view(torch.uint8)
    return Parcel(stream.getvalue(), data, micro.occupied)


class _Writer(pickle.Pickler):
    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self.size, self.tensors = 0, list[tuple[Place, Tensor]]()

    def persistent_id(self, obj: Any) -> Place | None:
        """A tensor's place; everything else is pickled as it is."""
        if not isinstance(obj, Tensor):
            return None
        place = (self.size, obj.dtype, tuple(obj.shape))
        self.tensors.append((place, obj))
        self.size += -(-obj.nbytes // ALIGNED) * ALIGNED
        return place


class _Reader(pickle.Unpickler):
    def __init__(self, form: bytes, data: Tensor) -> None:
        super().__init__(io.BytesIO(form))
        self.data = data

    def persistent_load(self, pid: Place) -> Tensor:
        """The view of the block that a place means."""
        first, dtype, shape = pid
        size = dtype.itemsize * torch.Size(shape).numel()
        return self.data[first : first + size].view(dtype).view(shape)
