"""Golden rows of a portable model as JSON; see `serving/portable_model.py`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.portable.check import Check

_KINDS = {"O": "string", "u": "uint64"}


def write_golden(check: Check, path: Path) -> None:
    """Write the inputs and scores of a check."""
    inputs = {
        name: {"type": kind_of(one), "dims": [*one.shape], "data": _plain_values(one)}
        for name, one in check.inputs.items()
    }
    outputs = {name: scores.tolist() for name, scores in check.scores.items()}
    path.write_text(json.dumps({"inputs": inputs, "outputs": outputs}, allow_nan=False) + "\n")


def kind_of(values: NDArray[Any]) -> str:
    """What a tensor holds, as ONNX Runtime's bindings call it."""
    return _KINDS.get(values.dtype.kind, str(values.dtype))


def _plain_values(values: NDArray[Any]) -> list[Any]:
    flat = values.ravel()
    if flat.dtype.kind == "u":
        return [str(value) for value in flat.tolist()]
    is_float = flat.dtype.kind == "f"
    return [None if is_float and np.isnan(value) else value for value in flat.tolist()]
