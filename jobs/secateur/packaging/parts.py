"""The parts of a package's graph, taken from a model and quantized as the recipe says."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from secateur.contracts.candidates import Recipe
from secateur.model.deepfm import DeepFM
from secateur.packaging.quantization import (
    FloatLinear,
    Floats,
    IntegerLinear,
    PackedTable,
    float_table,
    integer_linear,
    integer_table,
)

ACTIVATION_LEVELS = 255


@dataclass(frozen=True)
class Parts:
    """What the graph is made of.

    `heights` are rows a field; `hidden` the tower's hidden layers, the first one reading stored
    units; `steps` the worth of one unit of each integer activation but the last, which stays
    float; `output` the last layer, with the model's bias.
    """

    heights: tuple[int, ...]
    table: PackedTable
    hidden: tuple[FloatLinear | IntegerLinear, ...]
    steps: tuple[float, ...]
    output: FloatLinear


def parts_of(model: DeepFM, recipe: Recipe, calibration: NDArray[np.int32]) -> Parts:
    """Take a model apart. `calibration` ids [n, fields] set the scales of integer activations."""
    embedding, first_order = _array(model.embedding.weight), _array(model.first_order.weight)[:, 0]
    *hidden, output = [_linear(layer) for layer in model.tower.layers]
    output = replace(output, bias=output.bias + _array(model.bias))
    heights = model.spec.rows
    if recipe.embedding_bits == 32:
        table = float_table(embedding, first_order, heights)
    else:
        table = integer_table(embedding, first_order, heights, recipe.embedding_bits)
    steps = _steps(embedding[_rows(calibration, heights)], hidden)
    # The first layer reads stored units, so what one of them is worth goes into its weights.
    worth = table.units[:, :-1].reshape(-1, 1)
    hidden[0] = replace(hidden[0], weight=hidden[0].weight * worth)
    if recipe.tower_bits == 32:
        return Parts(heights, table, tuple(hidden), (), output)
    integer = tuple(integer_linear(layer.weight, layer.bias) for layer in hidden)
    return Parts(heights, table, integer, steps[:-1], output)


def weight_counts(model: DeepFM) -> dict[str, int]:
    """How many numbers the model's tables and tower hold, and how many of them are not zero."""
    values = list(model.parameters())
    return {
        "parameters": sum(value.numel() for value in values),
        "nonzero": sum(int(value.count_nonzero()) for value in values),
    }


def _linear(layer: nn.Module) -> FloatLinear:
    parameters = dict(layer.named_parameters())
    return FloatLinear(_array(parameters["weight"]).T, _array(parameters["bias"]))


def _array(tensor: Tensor) -> Floats:
    values: Floats = tensor.detach().numpy().astype(np.float32)
    return values


def _rows(ids: NDArray[np.int32], heights: tuple[int, ...]) -> NDArray[np.int64]:
    height = np.array(heights)
    rows: NDArray[np.int64] = np.minimum(ids, height - 1) + np.cumsum(height) - height
    return rows


def _steps(embedded: Floats, hidden: list[FloatLinear]) -> tuple[float, ...]:
    """Worth of one of 255 units of each hidden activation over embeddings [n, fields, dim]."""
    x, steps = embedded.reshape(len(embedded), -1), []
    for layer in hidden:
        x = np.maximum(x @ layer.weight + layer.bias, 0)
        steps.append(float(x.max()) / ACTIVATION_LEVELS or 1.0)
    return tuple(steps)
