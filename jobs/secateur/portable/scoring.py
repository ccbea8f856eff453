"""A portable model run by stock ONNX Runtime, and how far its scores are from the client's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from secateur.contracts.errors import CorruptArtifact, ReleaseError

TOLERANCE = 1e-6

Feed = dict[str, NDArray[Any]]
Scores = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Check:
    """The golden rows as the portable model's inputs, the client's scores, and how far its own are.

    `scores` are by output; `difference` is the largest of all.
    """

    inputs: Feed
    scores: dict[str, NDArray[np.float32]]
    difference: float


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
    difference = max(float(np.abs(one - other).max()) for one, other in pairs)
    if not difference <= TOLERANCE:
        raise ReleaseError(f"the portable model's scores of golden rows are {difference:.2g} off")
    return difference
