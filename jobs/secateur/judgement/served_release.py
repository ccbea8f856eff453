"""The release that is served beside the candidate: scored by its own package, on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from secateur.auc import Scores
from secateur.contracts.errors import SecateurError, UsageError
from secateur.contracts.judgement import METRICS, ServedComparison
from secateur.judgement.compared_accuracy import (
    SLICE_ROUNDS,
    ScoredSplit,
    judged_rows,
    measure_rows,
)
from secateur.judgement.intervals.differences import differences
from secateur.judgement.scoring.client_scoring import (
    ClientScorer,
    HeldOutRows,
    count_broken,
    score_all,
)
from secateur.judgement.scoring.resident_memory import Load

HELD_TO = METRICS[:3]  # AUC, GAUC and log-loss


@dataclass(frozen=True)
class ServedRelease:
    """A release by its number and its package's digest, whose files lie in `folder`."""

    number: int
    package: str
    folder: Path


def compare_with_served(
    served: Mapping[str, ServedRelease | None],
    scored: Sequence[ScoredSplit],
    load: Load,
    seed: int,
) -> dict[str, ServedComparison | None]:
    """By channel the candidate beside what it serves; channels of one release share the work."""
    releases = {one.number: one for one in served.values() if one}
    compared = {number: _compare(one, scored, load, seed) for number, one in releases.items()}
    return {channel: compared[one.number] if one else None for channel, one in served.items()}


def _compare(
    release: ServedRelease, scored: Sequence[ScoredSplit], load: Load, seed: int
) -> ServedComparison:
    """Both models on the rows of every split; a release that cannot score them says why."""
    found = ServedComparison(release.number, release.package)
    try:
        scorer = load(release.folder)
        scores = {one.split: _score(scorer, one.rows) for one in scored}
    except SecateurError as error:
        return replace(found, why_unknown=str(error))
    for one in scored:
        of_release = scores[one.split]
        if count_broken(of_release):
            return replace(found, why_unknown="it gives scores that are no probability")
        rows = judged_rows(one.rows)
        found.accuracy[one.split] = measure_rows(rows, of_release)
        (more,) = differences(rows, of_release, [one.candidate], seed, SLICE_ROUNDS, HELD_TO)
        for metric, difference in more.items():
            found.differences.setdefault(metric, {})[one.split] = difference
    return found


def _score(scorer: ClientScorer, rows: HeldOutRows) -> Scores:
    """Scores [n] from the columns that the release reads: tonight's may be more.

    Raises UsageError where one is not there.
    """
    read = [one.name for one in scorer.schema.inputs]
    gone = sorted(set(read) - set(rows.values.names))
    if gone:
        raise UsageError(f"it reads {', '.join(gone)}, which tonight's features lack")
    return score_all(scorer, replace(rows, values=rows.values.select(read)))
