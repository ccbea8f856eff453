"""A training step as one CUDA graph: a GPU repeats it without waiting for its launches.

A step of a CTR model is some hundred kernels of a few microseconds each, which Python issues more
slowly than an H100 runs them. Captured once, they are one launch.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from secateur.model.inputs import Inputs

WARM_UP = 3  # steps before the capture, as torch's notes on CUDA graphs ask for

Step = Callable[[Inputs, Tensor], None]


class Captured:
    """`step` on batches of `size` rows, whose inputs are always of the same shapes.

    A batch of another size, as the last of an epoch is, is taken as `step` takes it, and so are
    the first few, on a stream of their own.
    """

    def __init__(self, step: Step, size: int) -> None:
        self.step, self.size = step, size
        self.taken = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: Inputs | None = None
        self.targets = torch.empty(0)

    def __call__(self, inputs: Inputs, targets: Tensor) -> None:
        """One step on a batch."""
        if len(targets) != self.size:
            self.step(inputs, targets)
        elif self.taken < WARM_UP:
            self._warm_up(inputs, targets)
        else:
            self._replay(inputs, targets)

    def _warm_up(self, inputs: Inputs, targets: Tensor) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.step(inputs, targets)
        torch.cuda.current_stream().wait_stream(stream)
        self.taken += 1

    def _replay(self, inputs: Inputs, targets: Tensor) -> None:
        if self.graph is None or self.inputs is None:
            self.inputs, self.targets = inputs.clone(), targets.clone()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.step(self.inputs, self.targets)
        self.inputs.copy_(inputs)
        self.targets.copy_(targets)
        self.graph.replay()
