"""What a machine could do at best: rates of its products and copies, and what a sample needs."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from bench.data.splits import Splits
from secateur.scenario import Training

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Rates:
    """Measured rates: matrix products [flop/s] by precision, copies [bytes/s, read + written]."""

    flops: dict[str, float]
    copied: float


def device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def measured_rates() -> Rates:
    """The rates of this machine's device."""
    return Rates({name: matmul_rate(dtype) for name, dtype in DTYPES.items()}, copy_rate())


def matmul_rate(dtype: torch.dtype) -> float:
    """Rate [flop/s] of a product of two square matrices."""
    size = 8192 if torch.cuda.is_available() else 1024
    one, other = (torch.randn(size, size, device=device(), dtype=dtype) for _ in range(2))
    return 2 * size**3 / seconds_of(lambda: one @ other)


def copy_rate() -> float:
    """Rate [bytes/s, read + written] of a copy larger than any cache."""
    size = (2**31 if torch.cuda.is_available() else 2**27) // 4
    one = torch.zeros(size, device=device())
    other = torch.empty_like(one)
    return 2 * one.nbytes / seconds_of(lambda: other.copy_(one))


def seconds_of(call: Callable[[], object], times: int = 10) -> float:
    """Seconds a call takes, the mean of `times` after as many to warm up."""
    for _ in range(times):
        call()
    synchronize()
    started = time.monotonic()
    for _ in range(times):
        call()
    synchronize()
    return (time.monotonic() - started) / times


def synchronize() -> None:
    """Wait until the GPU has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def flops_a_sample(splits: Splits, training: Training) -> float:
    """Flops of the tower's products: forward, and backward to inputs and to weights."""
    widths = [len(splits.schema.fields) * training.embedding_dim, *training.hidden, 1]
    return 3 * 2 * sum(a * b for a, b in itertools.pairwise(widths))


def bytes_a_sample(splits: Splits, training: Training) -> float:
    """Bytes that a sample moves at the least.

    Its ids; its embeddings read, their gradients written and read; each hidden layer's outputs
    written and read, forward and backward; and its share of the step in which Adam moves whole
    tables, 4 float32 read and 3 written a weight.
    """
    fields, item = len(splits.schema.fields), 2 if training.precision == "bf16" else 4
    width = training.embedding_dim + 1
    embeddings = 3 * 4 * fields * width
    layers = 4 * item * sum(training.hidden)
    table_rows = sum(field.size for field in splits.schema.fields)
    return 4 * fields + embeddings + layers + 7 * 4 * table_rows * width / training.batch_size
