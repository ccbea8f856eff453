"""Golden rows: raw values with the scores they had when the package was made.

Whoever loads the package re-scores them first: a damaged weight, a runtime that computes
otherwise, or a changed encoder shows here, not in what a service serves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from secateur.contracts import record
from secateur.contracts.errors import ReleaseError
from secateur.serving.files import layout
from secateur.serving.files.package import read_whole

TOLERANCE = 1e-4


class Scores(Protocol):
    """What can score raw values."""

    def score_tasks(
        self, columns: Mapping[str, Any], *, hashed: bool = False
    ) -> dict[str, NDArray[np.float32]]:
        """Float32 probabilities [n] of the label, then of every task, by name."""


@dataclass(frozen=True)
class Golden:
    """Columns of raw values, user ids as keyed hashes, None where missing, and the scores [n].

    `tasks` are those of further tasks by name.
    """

    columns: dict[str, tuple[Any, ...]]
    scores: tuple[float, ...]
    tasks: dict[str, tuple[float, ...]] = field(default_factory=dict)


def make(scorer: Scores, columns: Mapping[str, Sequence[Any]]) -> Golden:
    """Score `columns` through the client that will be asked to repeat it."""
    found = scorer.score_tasks(columns, hashed=True).items()
    # A float32 is spelled in half the digits of a float that equals it.
    (_, scores), *tasks = ((name, tuple(map(float, map(str, one)))) for name, one in found)
    return Golden({name: tuple(v) for name, v in columns.items()}, scores, dict(tasks))


def check(scorer: Scores, folder: Path) -> None:
    """Re-score the golden rows. Raises ReleaseError if any score differs by more than 1e-4."""
    expected, where = record.load(Golden, read_whole(folder, layout.GOLDEN)), folder / layout.GOLDEN
    (_, found), *rest = scorer.score_tasks(expected.columns, hashed=True).items()
    _compare(found, expected.scores, where)
    if {name for name, _ in rest} != expected.tasks.keys():
        raise ReleaseError(f"{where} has scores of the tasks {sorted(expected.tasks)}")
    for name, scores in rest:
        _compare(scores, expected.tasks[name], where)


def _compare(found: NDArray[np.float32], expected: Sequence[float], where: Path) -> None:
    if found.shape != (len(expected),) or not len(found):
        raise ReleaseError(f"{where} has {len(expected)} scores for its rows")
    differences = np.abs(found - np.array(expected, np.float32))
    wrong = ~(differences <= TOLERANCE)
    if wrong.any():
        raise ReleaseError(
            f"{wrong.sum()} of {len(found)} golden scores differ by more than {TOLERANCE}, "
            f"at most by {differences.max():.2g}: {where}"
        )
