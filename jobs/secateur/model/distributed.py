"""Several processes that train one model, as `torchrun` starts them; alone without it.

    torchrun --nproc-per-node=2 jobs/train_model.py --scenario ... --output URI

The environment that torchrun sets is all the configuration, on one machine or on many. Every rank
reads the ids of the whole batch and trains on its share; gradients are summed, so that the step is
that of one process with the whole batch. Tower gradients travel in one piece after the backward
pass: they are a megabyte or two, too little for DistributedDataParallel's buckets to hide.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class World:
    """Which of how many processes this one is. Alone, every collective is the identity."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that reports progress and seals."""
        return self.rank == 0

    def shard(self, rows: Tensor) -> Tensor:
        """This rank's part [n / size] of `rows` [n, ..]; parts differ in length by one at most."""
        return torch.tensor_split(rows, self.size)[self.rank]

    def all_reduce(self, tensors: Sequence[Tensor]) -> None:
        """Sum each tensor, of any shape and one dtype, over all ranks in place.

        Every rank gets the same bits.
        """
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def all_gather(self, part: Tensor) -> list[Tensor]:
        """Every rank's `part` [n, ..], by rank; only n may differ between ranks."""
        if self.size == 1:
            return [part]
        length = torch.tensor([len(part)], device=part.device)
        lengths = [torch.zeros_like(length) for _ in range(self.size)]
        dist.all_gather(lengths, length)
        padded = part.new_zeros(int(max(lengths)), *part.shape[1:])
        padded[: len(part)] = part
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded)
        return [found[: int(length)] for found, length in zip(parts, lengths, strict=True)]

    def all_gather_object(self, value: object) -> list[Any]:
        """Every rank's `value`, by rank."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return values

    def main_decides(self, decision: bool) -> bool:
        """The decision of the main process, which all ranks then follow."""
        return bool(self.all_gather_object(decision)[0])

    def barrier(self) -> None:
        """Wait until every rank has come here."""
        if self.size > 1:
            dist.barrier()


SINGLE_PROCESS = World()


@contextlib.contextmanager
def process_group() -> Iterator[World]:
    """Meet the other ranks that torchrun started: over nccl where there are GPUs, else gloo."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World()
        return
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
