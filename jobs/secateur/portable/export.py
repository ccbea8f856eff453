"""A package as one ONNX file: raw values in, probabilities out, tables and vocabularies inside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from secateur.contracts.errors import UsageError
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.onnx_graph.graph import Value
from secateur.onnx_graph.raw_graph import RawGraph, input_names, model_bytes
from secateur.portable import raw_fields
from secateur.portable.check import Check, check
from secateur.serving.files import layout
from secateur.serving.files.package import Contents, read_package
from secateur.serving.runtime import id_places

MOST_BYTES = 2**31 - 1  # of a protobuf message


@dataclass(frozen=True)
class PortableModel:
    """The bytes of the file, and what its check found."""

    model: bytes
    check: Check


def export_onnx(folder: Path, facts: Mapping[str, str]) -> PortableModel:
    """The portable form of the package in `folder`, which tells `facts` of itself.

    Raises ReleaseError where it scores the golden rows otherwise than the client, UsageError where
    one file cannot hold it, and what `read_package` does.
    """
    contents = read_package(folder)
    if contents.table.nbytes + len(contents.model) > MOST_BYTES:
        raise UsageError(f"a table of {contents.table.nbytes:,} bytes is more than ONNX holds")
    graph = RawGraph()
    inputs = _model_inputs(graph, contents)
    names = [field.name for field in contents.schema.inputs]
    outputs = [layout.PROBABILITY, *map(layout.task_output, contents.schema.tasks)]
    raw_fields.demand_names(names, outputs)
    whole = graph.put_before(contents.model, inputs, {layout.TABLE_WEIGHTS: contents.table})
    told = {"id_key": contents.schema.id_key, "scenario": contents.schema.scenario, **facts}
    model = model_bytes(whole, told)
    return PortableModel(model, check(model, folder))


def _model_inputs(graph: RawGraph, contents: Contents) -> dict[str, Value]:
    """The inputs of the package's model (see `layout`), made of raw ones."""
    schema, words, missing = contents.schema, contents.vocabulary, contents.schema.missing
    given: dict[str, Value] = {}
    columns: dict[str, Value] = {}
    for field in schema.fields:
        if isinstance(field, CategoryField):
            pair = raw_fields.category_inputs(graph, field, words[field.name])
        else:
            pair = raw_fields.bucket_inputs(graph, field, missing.get(field.name, ()))
        given[field.name], columns[field.name] = pair
    for number in schema.numbers:
        pair = raw_fields.number_inputs(graph, number, missing.get(number.name, ()))
        given[number.name], columns[number.name] = pair
    inputs: dict[str, Value] = {}
    for one in schema.lists:
        known = words[one.shares or one.name]
        pair = raw_fields.list_inputs(graph, one, known, missing.get(one.name, ()))
        given[one.name], inputs[layout.list_input(one.name)] = pair
    vectors: list[Value] = []
    for vector in schema.vectors:
        given[vector.name], rows = raw_fields.vector_inputs(graph, vector)
        vectors.append(rows)
    return inputs | _matrices(graph, schema, input_names(contents.model), given, columns, vectors)


def _matrices(
    graph: RawGraph,
    schema: FeatureSchema,
    own: Collection[str],
    given: Mapping[str, Value],
    columns: Mapping[str, Value],
    vectors: Sequence[Value],
) -> dict[str, Value]:
    """The inputs with a column a field: those of ids, of numbers, and of vectors.

    `own` are the names of the model's inputs.
    """
    rows = _longest(graph, list(given.values()))
    inputs: dict[str, Value] = {}
    for name, places in id_places(schema, apart=layout.REQUEST_IDS in own).items():
        named = [schema.fields[place].name for place in places]
        once = name == layout.REQUEST_IDS
        count = _longest(graph, [given[one] for one in named]) if once else rows
        inputs[name] = _side_by_side(graph, [columns[one] for one in named], count)
    if schema.numbers:
        numbers = [columns[field.name] for field in schema.numbers]
        inputs[layout.NUMBERS] = _side_by_side(graph, numbers, rows)
    if vectors:
        wide = [
            graph.op("Expand", one, graph.op("Concat", rows, graph.integers(1), axis=0))
            for one in vectors
        ]
        inputs[layout.VECTORS] = graph.op("Concat", *wide, axis=1)
    return inputs


def _longest(graph: RawGraph, values: Sequence[Value]) -> Value:
    """Int64 [1]: the largest first dimension."""
    lengths = [graph.op("Shape", value, start=0, end=1) for value in values]
    return lengths[0] if len(lengths) == 1 else graph.op("Max", *lengths)


def _side_by_side(graph: RawGraph, columns: Sequence[Value], rows: Value) -> Value:
    """[rows, columns] of columns [rows or 1]."""
    tall = [
        graph.op("Unsqueeze", graph.op("Expand", column, rows), graph.integers(1))
        for column in columns
    ]
    return graph.op("Concat", *tall, axis=1)
