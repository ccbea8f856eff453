"""Golden rows of a portable model as JSON, for services in other languages to check themselves by.

    {"inputs": {NAME: {"type": "string", "dims": [3], "data": [...]}}, "outputs": {NAME: [...]}}

Data is in row-major order, null for NaN; a uint64, which is more than JSON's numbers hold, is text.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.portable.scoring import Check, Feed

_KINDS = {"O": "string", "u": "uint64"}
_DTYPES = {"string": np.object_, "uint64": np.uint64, "float64": np.float64, "float32": np.float32}


def write_golden(check: Check, path: Path) -> None:
    """Write the inputs and scores of a check."""
    inputs = {
        name: {"type": kind_of(one), "dims": [*one.shape], "data": _plain_values(one)}
        for name, one in check.inputs.items()
    }
    outputs = {name: scores.tolist() for name, scores in check.scores.items()}
    path.write_text(json.dumps({"inputs": inputs, "outputs": outputs}, allow_nan=False) + "\n")


def read_golden(path: Path) -> tuple[Feed, dict[str, NDArray[np.float32]]]:
    """The inputs and the scores by output that `write_golden` wrote."""
    held = json.loads(path.read_text())
    inputs = {name: _array(one) for name, one in held["inputs"].items()}
    return inputs, {name: np.array(one, np.float32) for name, one in held["outputs"].items()}


def kind_of(values: NDArray[Any]) -> str:
    """What a tensor holds, as ONNX Runtime's bindings call it."""
    return _KINDS.get(values.dtype.kind, str(values.dtype))


def _plain_values(values: NDArray[Any]) -> list[Any]:
    flat = values.ravel()
    if flat.dtype.kind == "u":
        return [str(value) for value in flat.tolist()]
    is_float = flat.dtype.kind == "f"
    return [None if is_float and np.isnan(value) else value for value in flat.tolist()]


def _array(held: dict[str, Any]) -> NDArray[Any]:
    kind, data = held["type"], held["data"]
    values = [int(value) for value in data] if kind == "uint64" else data
    return np.array(values, _DTYPES[kind]).reshape(held["dims"])
