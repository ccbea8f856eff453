"""Take a model apart into what its package's graph is made of."""

from dataclasses import replace

import numpy as np
from torch import no_grad

from secateur.contracts.candidates import Recipe
from secateur.model.architectures.linear_weights import array_of, hidden_and_output
from secateur.model.architectures.packages import graph_of
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.inputs import Inputs
from secateur.onnx_graph.linear_layers import FloatLinear, Floats, at_bits
from secateur.packaging.arrangement import Arrangement
from secateur.packaging.graph.parts import ListPart, NonIdParts, Parts
from secateur.packaging.quantization.table_quantization import (
    PackedTable,
    float_table,
    integer_table,
)

ACTIVATION_LEVELS = 255


def parts_of(
    model: Recommender,
    recipe: Recipe,
    calibration: Inputs,
    arrangement: Arrangement | None = None,
    request: tuple[int, ...] = (),
) -> Parts:
    """Take a model apart, its table [rows, dim] in the order of `arrangement`.

    `calibration` rows [n, ..] set the scales of integer activations. `request`: see `Parts`.
    """
    spec = model.spec
    read = len(spec.fields) * spec.embedding_dim
    hidden, output = hidden_and_output(model.tower, array_of(model.bias))
    table, dense = _tables(model, recipe, arrangement or Arrangement.as_is(spec.rows))
    with no_grad():
        steps = _steps(array_of(model.tower_input(model.embed(calibration))), hidden)
    first = hidden[0].weight if hidden else np.zeros((spec.flat_inputs, 0), np.float32)
    own = graph_of(model, recipe.tower_bits)
    if hidden and not own.computes_first_layer:
        # The first layer reads stored units, so what one of them is worth goes into its weights.
        worth = table.units[: len(spec.fields), :-1].reshape(-1, 1)
        hidden[0] = replace(hidden[0], weight=first[:read] * worth)
    return Parts(
        architecture=spec.architecture,
        fields=len(spec.fields),
        heights=spec.rows,
        table=table,
        hidden=at_bits(hidden, recipe.tower_bits),
        steps=steps[:-1] if recipe.tower_bits != 32 else (),
        output=output,
        non_ids=_non_ids(model, dense, first[read:], table.units),
        own=own,
        folded=model.first_orders > 0,
        tasks=spec.tasks,
        request=request,
    )


def _tables(
    model: Recommender, recipe: Recipe, arrangement: Arrangement
) -> tuple[PackedTable, Floats]:
    """The stored table, and the rows (e_1 .. e_dim, w) [dense, dim + 1] of numbers and vectors."""
    embedding, first_order = array_of(model.embedding.weight), array_of(model.first_order.weight)
    weights, stored = first_order.sum(axis=1), sum(model.spec.rows)
    dense = np.column_stack([embedding[stored:], weights[stored:]])
    pairs = model.first_orders > 0
    rows, orders = embedding[arrangement.order], weights[arrangement.order]
    if recipe.embedding_bits == 32:
        return float_table(rows, orders, model.spec.rows, pairs), dense
    return integer_table(rows, orders, arrangement, recipe, pairs), dense


def _non_ids(model: Recommender, dense: Floats, first: Floats, units: Floats) -> NonIdParts:
    """Part the rows `dense` [dense, dim + 1] of numbers and vectors, and place the lists.

    `first` [.., hidden] are the first layer's weights for all of them, `units` [blocks, dim + 1]
    what a stored unit is worth.
    """
    spec = model.spec
    starts = np.cumsum((0, *spec.rows))
    lists = tuple(
        ListPart(one.name, int(starts[one.block]), spec.rows[one.block], units[one.block])
        for one in spec.lists
    )
    ends = np.cumsum([len(spec.numbers), *(vector.length for vector in spec.vectors)])
    numbers, *vectors, _ = np.split(dense, ends)
    return NonIdParts(lists, tuple(vectors), numbers, first)


def _steps(x: Floats, hidden: list[FloatLinear]) -> tuple[float, ...]:
    """Worth of one of 255 units of each hidden activation over what the tower reads [n, inputs]."""
    steps = []
    for layer in hidden:
        x = np.maximum(x @ layer.weight + layer.bias, 0)
        steps.append(float(x.max()) / ACTIVATION_LEVELS or 1.0)
    return tuple(steps)
