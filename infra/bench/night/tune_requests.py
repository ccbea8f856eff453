"""Requests made of the tune days' rows: one user with as many of the following rows' items."""

from pathlib import Path
from typing import Any

import numpy as np

from secateur import artifacts
from secateur.contracts.features import FeatureSchema
from secateur.judgement.scoring.client_scoring import read_rows, request
from secateur.judgement.scoring.latency import REQUESTS

Requests = list[dict[str, Any]]


def requests_of(folder: Path, batch: int) -> Requests:
    """Requests of `batch` candidates each, spread over the tune days."""
    features = artifacts.open_artifact((folder / "features").as_uri(), "FeatureSet")
    rows = read_rows(folder / "features" / "tune", features.read("schema.json", FeatureSchema))
    starts = np.linspace(0, len(rows), REQUESTS, endpoint=False, dtype=int)
    return [request(rows, int(start), batch) for start in starts]
