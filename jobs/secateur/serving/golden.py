"""Golden rows: raw values with the scores they had when the package was made.

Whoever loads the package re-scores them first: a damaged weight, a runtime that computes
otherwise, or a changed encoder shows here, not in what a service serves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from secateur.contracts import record
from secateur.contracts.errors import ReleaseError
from secateur.serving import layout
from secateur.serving.package import read_whole

TOLERANCE = 1e-4


class Scores(Protocol):
    """What can score raw values."""

    def score(self, columns: Mapping[str, Any], *, hashed: bool = False) -> NDArray[np.float32]:
        """Float32 probabilities [n]."""


@dataclass(frozen=True)
class Golden:
    """Columns of raw values, user ids as keyed hashes, None where missing, and the scores [n]."""

    columns: dict[str, tuple[Any, ...]]
    scores: tuple[float, ...]


def make(scorer: Scores, columns: Mapping[str, Sequence[Any]]) -> Golden:
    """Score `columns` through the client that will be asked to repeat it."""
    scores = scorer.score(columns, hashed=True)
    return Golden({name: tuple(v) for name, v in columns.items()}, tuple(map(float, scores)))


def check(scorer: Scores, folder: Path) -> None:
    """Re-score the golden rows. Raises ReleaseError if any score differs by more than 1e-4."""
    expected = record.load(Golden, read_whole(folder, layout.GOLDEN))
    found = scorer.score(expected.columns, hashed=True)
    if found.shape != (len(expected.scores),) or not len(found):
        raise ReleaseError(
            f"{folder / layout.GOLDEN} has {len(expected.scores)} scores for its rows"
        )
    differences = np.abs(found - np.array(expected.scores, np.float32))
    wrong = ~(differences <= TOLERANCE)
    if wrong.any():
        raise ReleaseError(
            f"{wrong.sum()} of {len(found)} golden scores differ by more than {TOLERANCE}, "
            f"at most by {differences.max():.2g}: {folder / layout.GOLDEN}"
        )
