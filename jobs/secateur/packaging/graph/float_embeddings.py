"""All embeddings of a candidate side by side, in float, for architectures that read them whole."""

import numpy as np

from secateur.onnx_graph.architecture_graph import EmbeddedValues
from secateur.onnx_graph.graph import Graph, Value
from secateur.packaging.graph.id_rows import IdRows, drop_first_order, units_in_float
from secateur.packaging.graph.non_id_inputs import NonIdValues
from secateur.packaging.graph.parts import Parts


def embed(graph: Graph, parts: Parts, ids: IdRows, non_ids: NonIdValues) -> EmbeddedValues:
    """Every input of a batch; the ids are those of all fields."""
    units, flat = parts.table.units[: parts.fields], units_in_float(graph, parts, ids.flat)
    if parts.table.rows.dtype == np.uint8:
        flat = graph.op("Mul", flat, graph.constant(units.reshape(-1)))
    columns = [_without_first_order(graph, flat, *units.shape)]
    if non_ids.rows is not None:
        columns.append(_without_first_order(graph, non_ids.rows, parts.non_ids.rows, parts.width))
    return EmbeddedValues(graph.op("Concat", *columns, axis=1), non_ids.numbers)


def _without_first_order(graph: Graph, flat: Value, rows: int, width: int) -> Value:
    """From rows (e_1 .. e_dim, w), flat [batch, rows * width], the e alone, [batch, rows * dim]."""
    cube = graph.op("Reshape", flat, graph.integers(-1, rows, width))
    return graph.op(
        "Reshape", drop_first_order(graph, cube), graph.integers(-1, rows * (width - 1))
    )
