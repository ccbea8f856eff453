"""Golden rows: raw values with the scores that the model gave them when the package was made.

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

TOLERANCE = 1e-4  # rows were chosen that no machine's sums round otherwise: see `packaging.skew`


class ScoresTasks(Protocol):
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


def golden_rows(
    columns: Mapping[str, Sequence[Any]], scores: NDArray[np.float64], tasks: Sequence[str]
) -> Golden:
    """Golden rows of raw `columns`; `scores` [rows, 1 + tasks] are the label's, then tasks'."""
    # A float32 is spelled in half the digits of a float that equals it.
    label, *others = (tuple(map(float, map(str, one))) for one in scores.astype(np.float32).T)
    held = {name: tuple(column) for name, column in columns.items()}
    return Golden(held, label, dict(zip(tasks, others, strict=True)))


def check_golden(scorer: ScoresTasks, folder: Path) -> None:
    """Re-score the golden rows. Raises ReleaseError if any score differs by more than 1e-4."""
    expected, where = (
        record.from_json(Golden, read_whole(folder, layout.GOLDEN)),
        folder / layout.GOLDEN,
    )
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
