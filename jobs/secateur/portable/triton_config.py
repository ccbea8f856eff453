"""How Triton Inference Server serves a portable model: its `config.pbtxt`.

Source: Triton, "Model Configuration". Without it Triton would take the first dimension of every
tensor for one batch, where an input of ours may stand once for all candidates.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.portable.check import Check

_TYPES = {"O": "TYPE_STRING", "u": "TYPE_UINT64"}
_FLOATS = {4: "TYPE_FP32", 8: "TYPE_FP64"}


def triton_config(check: Check) -> str:
    """The configuration of a model with the inputs and outputs of this check."""
    parts = [
        'backend: "onnxruntime"',
        "max_batch_size: 0  # dims are whole shapes: an input may stand once for all candidates",
        *(_block("input", name, values) for name, values in check.inputs.items()),
        *(_block("output", name, scores) for name, scores in check.scores.items()),
    ]
    return "\n".join(parts) + "\n"


def _block(kind: str, name: str, values: NDArray[Any]) -> str:
    dims = [-1, *(_width(values) for _ in values.shape[1:])]
    datatype = _TYPES.get(values.dtype.kind) or _FLOATS[values.dtype.itemsize]
    quoted = json.dumps(name, ensure_ascii=False)
    return f"{kind} {{ name: {quoted} data_type: {datatype} dims: {dims} }}"


def _width(values: NDArray[Any]) -> int:
    """The second dimension: a vector's length; lists are as long as the longest of a request."""
    return -1 if values.dtype == np.object_ else values.shape[1]
