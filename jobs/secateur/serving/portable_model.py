"""A portable model (`secateur export`): raw values in, scores out, by stock ONNX Runtime.

Beside it lie its golden rows as JSON, for services in any language to check themselves by:

    {"inputs": {NAME: {"type": "string", "dims": [3], "data": [...]}}, "outputs": {NAME: [...]}}

Data is in row-major order, null for NaN; a uint64, which is more than JSON's numbers hold, is text.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from secateur.contracts.errors import CorruptArtifact, ReleaseError
from secateur.serving.files import layout

MODEL, GOLDEN = layout.MODEL, "golden.json"
CONFIG = "config.pbtxt"  # how Triton serves it
FILES = frozenset({MODEL, GOLDEN, CONFIG})
PORTABLE = "_portable"  # after a scenario's name: where its portable models lie
TOLERANCE = 1e-6

Feed = dict[str, NDArray[Any]]
Scores = Mapping[str, NDArray[np.float32]]

_DTYPES = {"string": np.object_, "uint64": np.uint64, "float64": np.float64, "float32": np.float32}


def is_portable(folder: Path) -> bool:
    """Whether a release's folder holds a portable model, and no package."""
    schema = folder / layout.SCHEMA
    has_schema = schema.exists() or schema.with_suffix("").exists()
    return not has_schema and (folder / GOLDEN).exists() and (folder / MODEL).exists()


def check_portable(folder: Path, model: str = MODEL) -> None:
    """Score the golden rows in `folder` with the model there.

    Raises ReleaseError where the scores differ, CorruptArtifact.
    """
    golden = folder / GOLDEN
    try:
        held = json.loads(golden.read_bytes())
        inputs = {name: _array(one) for name, one in held["inputs"].items()}
        expected = {name: np.array(one, np.float32) for name, one in held["outputs"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise CorruptArtifact(f"{golden} holds no golden rows: {error}") from error
    demand_alike(folder / model, inputs, expected)


def demand_alike(model: bytes | Path, inputs: Feed, expected: Scores) -> float:
    """The largest difference of the model's scores from the `expected` ones by output.

    Raises ReleaseError where it is more than 1e-6, CorruptArtifact where the model does not run.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    given = model if isinstance(model, bytes) else str(model)
    try:
        session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
        found = session.run([*expected], inputs)
    except Exception as error:  # onnxruntime raises classes of its own, without a public root
        raise CorruptArtifact(f"the portable model does not run: {error}") from error
    pairs = zip(found, expected.values(), strict=True)
    difference = max((float(np.abs(one - other).max()) for one, other in pairs), default=np.nan)
    if not difference <= TOLERANCE:
        raise ReleaseError(f"the portable model's scores of golden rows are {difference:.2g} off")
    return difference


def _array(held: dict[str, Any]) -> NDArray[Any]:
    kind, data = held["type"], held["data"]
    values = [int(value) for value in data] if kind == "uint64" else data
    return np.array(values, _DTYPES[kind]).reshape(held["dims"])
