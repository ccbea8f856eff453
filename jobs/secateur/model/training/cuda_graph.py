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
class Recording:
    """A captured step, and the places it reads its batch from."""

    graph: torch.cuda.CUDAGraph
    inputs: Inputs
    targets: Tensor

    def play(self, inputs: Inputs, targets: Tensor) -> None:
        """The step, on this batch."""
        self.inputs.copy_(inputs)
        self.targets.copy_(targets)
        self.graph.replay()


class Captured:
    """`step`, captured once for every number of rows a batch has.

    These are two: the full batch, and the last of an epoch. The first few steps of each are taken
    as `step` takes them, on a stream of their own.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.taken: Counter[int] = Counter()
        self.recordings: dict[int, Recording] = {}

    def __call__(self, inputs: Inputs, targets: Tensor) -> None:
        """One step on a batch."""
        rows = len(targets)
        if self.taken[rows] < WARM_UP:
            self._warm_up(inputs, targets)
            return
        if rows not in self.recordings:
            self.recordings[rows] = self._record(inputs.clone(), targets.clone())
        self.recordings[rows].play(inputs, targets)

    def _warm_up(self, inputs: Inputs, targets: Tensor) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.step(inputs, targets)
        torch.cuda.current_stream().wait_stream(stream)
        self.taken[len(targets)] += 1

    def _record(self, inputs: Inputs, targets: Tensor) -> Recording:
        """Capture the step, which does not take it."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(inputs, targets)
        return Recording(graph, inputs, targets)
