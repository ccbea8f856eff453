"""Fake quantization: embeddings are read as they will be stored, rounded, and learned exactly.

A looked-up value v becomes s * clip(round(v / s), -L, L). The gradient passes the rounding as if
nothing had happened (the straight-through estimator, Bengio et al. 2013, arXiv:1308.3432), and so
reaches v, unless that rounds to more than L, and the step s, which is learned too (Esser et al.,
ICLR 2020). A block's frequent rows have one, its rare ones another: at first that with the least
squared error over them. What numbers and vectors read is stored as floats, and is not rounded.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from secateur.contracts.models import ModelSpec
from secateur.model.data.inputs import Inputs

TRIES = 64  # steps tried, the largest of which clips nothing
SAMPLE = 1 << 14  # values that a step is chosen by


class FakeQuantization(nn.Module):
    """Rounds the values of a table [rows, dim], by steps that are learned.

    Of block `b` the first `frequent[b]` rows, and OOV, have `levels[0]` whole numbers on either
    side of 0, all others `levels[1]`.
    """

    frequent: Tensor
    last: Tensor
    levels: Tensor

    def __init__(
        self, spec: ModelSpec, table: Tensor, frequent: Sequence[int], levels: tuple[int, int]
    ) -> None:
        super().__init__()
        self.lists = [one.block for one in spec.lists]
        blocks = torch.split(table.detach()[: sum(spec.rows)], list(spec.rows))
        steps = [
            (
                best_step(torch.cat([rows[:few], rows[-1:]]), levels[0]),
                best_step(rows[few:-1], levels[1]),
            )
            for rows, few in zip(blocks, frequent, strict=True)
        ]
        self.register_buffer("frequent", torch.tensor(list(frequent)), persistent=False)
        self.register_buffer("last", torch.tensor(spec.rows) - 1, persistent=False)
        # Learned as logarithms: a learning rate is a share of a step then, whatever its size.
        self.steps = nn.Parameter(torch.tensor(steps).log().flatten())
        self.register_buffer("levels", torch.tensor(levels), persistent=False)

    def forward(self, found: Tensor, inputs: Inputs) -> Tensor:
        """Round what `inputs` looked up, [total, dim] in the order of `Recommender.rows`."""
        sizes = [
            inputs.ids.numel(),
            inputs.numbers.shape[1],
            *(len(r.values) for r in inputs.lists),
        ]
        of_ids, of_numbers, *of_lists, rest = torch.split(found, [*sizes, len(found) - sum(sizes)])
        fields = torch.arange(inputs.ids.shape[1], device=found.device).expand_as(inputs.ids)
        lists = [
            self._fake_quantize(values, ragged.values, torch.full_like(ragged.values, block))
            for values, ragged, block in zip(of_lists, inputs.lists, self.lists, strict=True)
        ]
        ids = self._fake_quantize(of_ids, inputs.ids.flatten(), fields.flatten())
        return torch.cat([ids, of_numbers, *lists, rest])

    def quantize_table(self, table: Tensor) -> None:
        """Round every stored row of `table` float32 [rows, dim] in place."""
        heights = (self.last + 1).tolist()
        ids = torch.cat([torch.arange(height) for height in heights])
        blocks = torch.repeat_interleave(torch.arange(len(heights)), torch.tensor(heights))
        with torch.no_grad():
            table[: len(ids)] = self._fake_quantize(table[: len(ids)], ids, blocks)

    def _fake_quantize(self, values: Tensor, ids: Tensor, blocks: Tensor) -> Tensor:
        blocks = blocks.long()
        rare = ((ids >= self.frequent[blocks]) & (ids < self.last[blocks])).long()
        steps = self.steps.exp()[2 * blocks + rare, None]
        return fake_quantize(values, steps, self.levels[rare, None])


def fake_quantize(values: Tensor, step: Tensor | float, levels: Tensor | int) -> Tensor:
    """`values` [n, dim] at the nearest of `levels` multiples of `step` on either side of 0.

    Step and levels are one for all, or [n, 1]. The gradient is that of a clip.
    """
    most = torch.as_tensor(levels, dtype=values.dtype, device=values.device)
    places = values / step
    return step * (places + (places.round() - places).detach()).clamp(-most, most)


def best_step(values: Tensor, levels: int) -> float:
    """The step that rounds `values` [n, dim] with the least squared error; 1 where all are 0."""
    sample = values.flatten()[:: max(1, values.numel() // SAMPLE)]
    largest = float(sample.abs().max()) if len(sample) else 0.0
    if not largest:
        return 1.0
    steps = [largest / levels * tried / TRIES for tried in range(1, TRIES + 1)]
    return min(
        steps, key=lambda step: float((fake_quantize(sample, step, levels) - sample).square().sum())
    )
