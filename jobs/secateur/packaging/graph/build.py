"""The whole model as one ONNX graph, from feature ids to probabilities, in standard operators.

    mixed = rows of ids @ [first layer | field sums]  one product for the whole first stage, or one
                                                      an input of ids (see `first_stage`)
    tower = ... relu(mixed[:hidden]) ...              integer layers: see `integer_products`
    logit = tower + |sums|^2 + first order            sums / sqrt(2): see `table_quantization`

Lists, vectors and numbers add to `mixed`: see `non_id_inputs` and `fm_self_interactions`. What an
architecture has of its own is added to the logit, or takes the place of the first stage: see its
`package.py`. Without a tower there is its bias alone. Further tasks read the same last hidden
layer, each with weights and an output of its own.

The matrix of the first product is assembled from its parts by nodes that a runtime folds when it
loads the graph, so that no structural zero is stored. The table is an external initializer: the
client unpacks `table.zst` and injects it; a large one lies beside the graph, as ONNX has it.
Activations between integer layers have fixed scales, so that a candidate's score does not depend on
its neighbours in the batch.
"""

from collections.abc import Sequence

from secateur.onnx_graph.graph import Graph, Place, Value
from secateur.onnx_graph.integer_products import integer_layer
from secateur.onnx_graph.linear_layers import IntegerLinear, linear
from secateur.packaging.graph.first_stage import first_stage
from secateur.packaging.graph.float_embeddings import embed
from secateur.packaging.graph.fm_self_interactions import self_interactions
from secateur.packaging.graph.id_rows import IdRows, look_up
from secateur.packaging.graph.non_id_inputs import NonIdValues, read_non_ids
from secateur.packaging.graph.parts import Parts
from secateur.serving.files import layout
from secateur.serving.files.tables import is_mapped, mapped_start


def build_graph(parts: Parts) -> bytes:
    """Serialize the graph of `parts`; equal parts give equal bytes."""
    graph = Graph()
    rows = parts.table.rows
    lies = Place(layout.MAPPED_TABLE, mapped_start(rows)) if is_mapped(rows) else None
    table = graph.external(layout.TABLE_WEIGHTS, rows.dtype, *rows.shape, place=lies)
    ids = look_up(graph, parts, table)
    non_ids = read_non_ids(graph, parts, table, ids)
    last_hidden: Value | None
    if parts.own.computes_first_layer:
        first = parts.own.first_layer(graph, embed(graph, parts, ids[0], non_ids), parts.hidden[0])
        last_hidden = _last_hidden(graph, parts, first)
        logit = _output(graph, parts, last_hidden, 0)
    else:
        last_hidden, logit = _logit(graph, parts, ids, non_ids)
    outputs = {layout.PROBABILITY: _probability(graph, logit)}
    for place, name in enumerate(parts.tasks, start=1):
        outputs[layout.task_output(name)] = _probability(
            graph, _output(graph, parts, last_hidden, place)
        )
    return graph.serialize(parts.architecture, outputs)


def _logit(
    graph: Graph, parts: Parts, ids: Sequence[IdRows], non_ids: NonIdValues
) -> tuple[Value | None, Value]:
    """The tower's last hidden layer [batch, width], if there is a tower, and the label's logit
    [batch, 1]."""
    stage = first_stage(graph, parts, ids, non_ids)
    last_hidden = None if stage.hidden is None else _last_hidden(graph, parts, stage.hidden)
    terms = [_output(graph, parts, last_hidden, 0)]
    if stage.field_sums is not None:
        pairs = graph.op("ReduceSumSquare", stage.field_sums, graph.integers(1))
        if parts.non_ids.inputs:
            pairs = graph.op("Sub", pairs, self_interactions(graph, parts, non_ids))
        terms.append(pairs)
    terms += [] if stage.first_order is None else [stage.first_order]
    if parts.own.reads_whole:
        terms.append(parts.own.logit_term(graph, embed(graph, parts, ids[0], non_ids), last_hidden))
    return last_hidden, graph.op("Sum", *terms)


def _last_hidden(graph: Graph, parts: Parts, x: Value) -> Value:
    """The tower's last activations [batch, width], from its first pre-activations."""
    for i, layer in enumerate(parts.hidden[1:]):
        if isinstance(layer, IntegerLinear) and not layer.small:
            x = integer_layer(graph, x, layer, parts.steps[i])
        else:
            x = linear(graph, graph.op("Relu", x), layer)
    return graph.op("Relu", x)


def _output(graph: Graph, parts: Parts, last_hidden: Value | None, place: int) -> Value:
    """The tower's output for the label (0) or a task, [batch, 1]; without a tower its bias [1]."""
    if last_hidden is None:
        return graph.constant(parts.output.bias)
    column = slice(place, place + 1)
    weight, bias = parts.output.weight[:, column], parts.output.bias[column]
    return graph.op("Gemm", last_hidden, graph.constant(weight), graph.constant(bias))


def _probability(graph: Graph, logit: Value) -> Value:
    """The probability [batch] of a logit [batch, 1]."""
    return graph.op("Reshape", graph.op("Sigmoid", logit), graph.integers(-1))
