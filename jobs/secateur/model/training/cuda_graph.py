"""A training step as one CUDA graph: a GPU repeats it without waiting for its launches.

A step of a CTR model is some hundred kernels of a few microseconds each, which Python issues more
slowly than an H100 runs them. Captured once, they are one launch.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from secateur.model.data.inputs import Inputs

WARM_UP = 3  # steps before the capture, as torch's notes on CUDA graphs ask for

Step = Callable[[Inputs, Tensor], None]


@dataclass(frozen=True)
class CapturedStep:
    """A captured step, and the tensors that it reads its batch from."""

    graph: torch.cuda.CUDAGraph
    inputs: Inputs
    targets: Tensor

    def replay(self, inputs: Inputs, targets: Tensor) -> None:
        """Take the step on a batch with `targets` float32 [rows, 1 + tasks]."""
        self.inputs.copy_(inputs)
        self.targets.copy_(targets)
        self.graph.replay()


class GraphedStep:
    """`step`, captured once for every number of rows a batch has.

    These are two: the full batch, and the last of an epoch. The first few steps of each run
    uncaptured, on a stream of their own.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.warm_ups: Counter[int] = Counter()
        self.captured: dict[int, CapturedStep] = {}

    def __call__(self, inputs: Inputs, targets: Tensor) -> None:
        """Take one step on a batch with `targets` float32 [rows, 1 + tasks]."""
        rows = len(targets)
        if self.warm_ups[rows] < WARM_UP:
            self._warm_up(inputs, targets)
            return
        if rows not in self.captured:
            self.captured[rows] = self._capture(inputs.clone(), targets.clone())
        self.captured[rows].replay(inputs, targets)

    def _warm_up(self, inputs: Inputs, targets: Tensor) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.step(inputs, targets)
        torch.cuda.current_stream().wait_stream(stream)
        self.warm_ups[len(targets)] += 1

    def _capture(self, inputs: Inputs, targets: Tensor) -> CapturedStep:
        """Capture the step, without taking it, over `targets` float32 [rows, 1 + tasks]."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(inputs, targets)
        return CapturedStep(graph, inputs, targets)
