"""The graph's first stage: one product for the first layer, the field sums and the first order.

    mixed = sum over inputs of ids of flat(rows) @ [first layer | field sums]

The columns that a request gives once are multiplied once and then added to every candidate's.
Where all embeddings of a sample must meet again later (a cross network, dot products, a second
tower) there is one input, the ids of all fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from secateur.onnx_graph.graph import Graph, Value
from secateur.onnx_graph.integer_products import few_integers_product, integer_product
from secateur.onnx_graph.linear_layers import IntegerLinear
from secateur.packaging.graph.first_matrix import Matrix, first_matrix
from secateur.packaging.graph.id_rows import IdRows, stored_units, units_in_float
from secateur.packaging.graph.non_id_inputs import NonIdValues, add_non_ids
from secateur.packaging.graph.parts import Parts


@dataclass(frozen=True)
class FirstStage:
    """What the first product gives; None where a model has no such part.

    First pre-activations [batch, hidden], field sums over the root of 2 [batch, dim], first order
    [batch, 1].
    """

    hidden: Value | None
    field_sums: Value | None
    first_order: Value | None


def first_stage(
    graph: Graph, parts: Parts, ids: Sequence[IdRows], non_ids: NonIdValues
) -> FirstStage:
    """Multiply the rows of all inputs, and part what comes out of it."""
    width = parts.width if parts.folded else 0
    bias = parts.hidden[0].bias if parts.hidden else np.zeros(0, np.float32)
    mixed = graph.constant(np.append(bias, np.zeros(width, np.float32)))
    for rows in ids:
        mixed = _add_product(graph, parts, rows, mixed)
    if parts.non_ids.inputs:
        mixed = add_non_ids(graph, parts, non_ids, mixed)
    sizes = {"hidden": parts.hidden[0].bias.size} if parts.hidden else {}
    sizes |= {"field_sums": width - 1} if parts.pairs else {}
    sizes |= {"first_order": 1} if parts.folded else {}
    found = dict(zip(sizes, graph.split(mixed, [*sizes.values()]), strict=True))
    return FirstStage(*(found.get(name) for name in ("hidden", "field_sums", "first_order")))


def _add_product(graph: Graph, parts: Parts, ids: IdRows, mixed: Value) -> Value:
    """The product of one input's rows, added to what is `mixed` of others."""
    table, places, width = parts.table, list(ids.fields), parts.width
    first = parts.hidden[0] if parts.hidden else None
    weight: Matrix | None = None
    if first is not None:
        cube = first.weight.reshape(parts.fields, width - 1, -1)
        weight = cube[places].reshape(len(places) * (width - 1), -1)
    if isinstance(first, IntegerLinear):
        sums = table.multipliers[places] if parts.folded else None
        matrix = first_matrix(graph, len(places), width, weight, sums)
        of_sums = table.steps * parts.mixture if parts.folded else parts.mixture
        scale = np.concatenate([first.scale, of_sums])
        product = few_integers_product if ids.once else integer_product
        # Not Add, which onnxruntime draws into a Gemm before it sees the integers.
        return graph.op("Sum", product(graph, stored_units(graph, ids.flat), matrix, scale), mixed)
    units = table.units[places] * parts.mixture if parts.folded else None
    matrix = first_matrix(graph, len(places), width, weight, units)
    return graph.op("Gemm", units_in_float(graph, parts, ids.flat), matrix, mixed)
