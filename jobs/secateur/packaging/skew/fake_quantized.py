"""The torch model with the very numbers that its package stores: what the package must score like.

Rows are those of the packed table, weights the integers' worth, and an activation that integers
read is rounded to one of 256 as the graph rounds it. All of it is computed in float64, so that what
differs is the package's alone. Without quantization it is the model itself.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from secateur.contracts.candidates import Recipe
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.inputs import Inputs
from secateur.packaging.arrangement import Arrangement
from secateur.packaging.graph.parts import Parts
from secateur.packaging.skew.stored_layers import (
    RoundedReLU,
    StoredLayers,
    wrong_activations,
)
from secateur.packaging.skew.stored_table import Doubles, StoredTable

SAMPLE = 1024  # rows whose activations are looked at


@dataclass(frozen=True, eq=False)
class FakeQuantized:
    """`twin` scores with the stored weights, of the rows of `model`, or of `table` if given.

    `wrong` counts, by what they are, the stored numbers that do not fit the model.
    """

    model: Recommender
    twin: Recommender
    table: StoredTable | None
    wrong: dict[str, int]

    def probabilities(self, inputs: Inputs) -> tuple[Doubles, Doubles]:
        """Float64 [rows, 1 + tasks] of the label and every task, and the rows' margins [rows].

        A margin is how many steps every activation is away from being rounded otherwise; without
        rounded activations it is infinite.
        """
        rows, places = torch.unique(self.model.rows(inputs), return_inverse=True)
        embedding = self.model.embedding.weight.detach()[rows].double()
        first_order = self.model.first_order.weight.detach()[rows].double()
        if self.table is not None:
            stored = int((rows < sum(self.model.spec.rows)).sum())
            values = torch.from_numpy(self.table.values(rows[:stored].numpy()))
            embedding[:stored] = values[:, :-1]
            if self.model.first_orders:
                norms = values[:, :-1].square().sum(1, keepdim=True)
                first_order[:stored] = values[:, -1:] + 0.5 * norms
        exact = replace(inputs, numbers=inputs.numbers.double(), vectors=inputs.vectors.double())
        with torch.no_grad(), self._margins(len(inputs)) as margins:
            embedded = self.twin.read(places, exact, embedding, first_order)
            probabilities: Doubles = torch.sigmoid(self.twin.score(embedded)).numpy()
        return probabilities, margins.numpy()

    @contextmanager
    def _margins(self, rows: int) -> Iterator[Tensor]:
        """Margins [rows] of what the twin scores next."""
        margins = torch.full((rows,), torch.inf, dtype=torch.float64)

        def note(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            if isinstance(module, RoundedReLU):
                torch.minimum(margins, module.margin(arguments[0]), out=margins)

        hooks = [one.register_forward_pre_hook(note) for one in self.twin.tower.activations]
        yield margins
        for hook in hooks:
            hook.remove()


def fake_quantized(
    model: Recommender, recipe: Recipe, parts: Parts, arrangement: Arrangement, calibration: Inputs
) -> FakeQuantized:
    """The reference for a package of these parts of a model, its rows as arranged.

    `calibration` [rows] are inputs that the ranges of activations were set by.
    """
    # The twin has no tables: they are as large as all else together, and few rows are read.
    tables = (model.embedding, model.first_order)
    twin = copy.deepcopy(model, {id(table): nn.Identity() for table in tables}).double().eval()
    table, wrong = None, {}
    if parts.table.rows.dtype == np.uint8:
        table = StoredTable(parts.table, arrangement)
        stored = slice(sum(model.spec.rows))
        embedding, first_order = (one.weight.detach()[stored].numpy() for one in tables)
        folded = model.first_orders > 0
        wrong["numbers of the table"] = table.wrong_numbers(
            embedding, first_order.sum(axis=1), folded=folded
        )
    if recipe.tower_bits != 32:
        places = torch.linspace(0, len(calibration) - 1, min(SAMPLE, len(calibration))).long()
        with torch.no_grad():
            read = model.tower_input(model.embed(calibration.take(places)))
        wrong |= wrong_activations(twin.tower, read.double(), parts)
        wrong |= StoredLayers(twin, parts, shared=recipe.tower_bits < 8).settle(table)
    return FakeQuantized(model, twin, table, {name: n for name, n in wrong.items() if n})
