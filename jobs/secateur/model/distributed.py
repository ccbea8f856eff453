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
    """Which of how many processes this one is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that speaks and seals."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """This rank's part of `rows`; the parts differ in length by one at most."""
        return torch.tensor_split(rows, self.size)[self.rank]

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Sum each tensor over all ranks, in place; every rank gets the same bits."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def join(self, part: Tensor) -> list[Tensor]:
        """Every rank's `part`, whose lengths may differ and whose other sizes do not."""
        if self.size == 1:
            return [part]
        lengths = [torch.zeros_like(_length(part)) for _ in range(self.size)]
        dist.all_gather(lengths, _length(part))
        longest = int(max(lengths))
        padded = part.new_zeros(longest, *part.shape[1:])
        padded[: len(part)] = part
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded)
        return [found[: int(length)] for found, length in zip(parts, lengths, strict=True)]

    def agreed(self, opinion: bool) -> bool:
        """What the first rank thinks."""
        return bool(self.told(opinion)[0])

    def told(self, word: object) -> list[Any]:
        """What every rank says, by rank."""
        words = [word] * self.size
        if self.size > 1:
            dist.all_gather_object(words, word)
        return words

    def wait(self) -> None:
        """Go on when every rank has come here."""
        if self.size > 1:
            dist.barrier()


@contextlib.contextmanager
def joined() -> Iterator[World]:
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


def _length(part: Tensor) -> Tensor:
    return torch.tensor([len(part)], device=part.device)
