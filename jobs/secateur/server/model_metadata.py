"""What the protocol tells of a server and of its model: names, types and shapes."""

from typing import Any

from secateur.contracts.features import FeatureSchema
from secateur.server.tensors import BYTES
from secateur.serving.files import layout

Metadata = dict[str, Any]

ITEM = "item"  # of a ranked answer, beside the probabilities


def server_metadata(version: str) -> Metadata:
    """The answer of /v2."""
    return {"name": "secateur", "version": version, "extensions": ["binary_tensor_data"]}


def model_metadata(name: str, version: str, schema: FeatureSchema) -> Metadata:
    """The answer of /v2/models/NAME: a dimension that varies is -1.

    Datatypes are those that always fit: numbers of another are read too, and texts of numbers.
    """
    inputs = [
        *(_tensor(field.name, BYTES, -1) for field in schema.categories),
        *(_tensor(field.name, "FP64", -1) for field in schema.buckets),
        *(_tensor(field.name, "FP64", -1) for field in schema.numbers),
        *(_tensor(field.name, BYTES, -1, -1) for field in schema.lists),
        *(_tensor(field.name, "FP32", -1, field.length) for field in schema.vectors),
    ]
    return {
        "name": name,
        "versions": [version],
        "platform": "secateur_onnx",
        "inputs": inputs,
        "outputs": [_tensor(output, "FP32", -1) for output in output_names(schema).values()],
    }


def output_names(schema: FeatureSchema) -> dict[str, str]:
    """The outputs by what they predict: the label, then every task."""
    tasks = {task: layout.task_output(task) for task in schema.tasks}
    return {schema.label: layout.PROBABILITY, **tasks}


def _tensor(name: str, datatype: str, *shape: int) -> Metadata:
    return {"name": name, "datatype": datatype, "shape": [*shape]}
