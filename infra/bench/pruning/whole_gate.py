"""What the gate's metrics say of a package on a test set, by the margins that are the default
and one for AUC of its own.

Users are the values of the first field, items those of the first field that items own, and a moment
is a user: these sets know no days. Where users have one class alone there is no GAUC.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from bench.data.splits import Splits
from secateur.auc import Scores
from secateur.contracts.judgement import METRICS, Difference
from secateur.judgement.gating.non_inferiority import decide, gain_of, scarcity
from secateur.judgement.intervals.bounds import bounds
from secateur.judgement.intervals.differences import differences
from secateur.judgement.metrics.scored_rows import JudgedRows
from secateur.scenario.sections.judgement import Margins

CONFIDENCE = 0.95
AUC_MARGIN = 0.001  # what the packages are claimed to lose at most
NAMES = {"auc": "AUC", "gauc": "GAUC", "log_loss": "log-loss", "calibration": "calibration"}
NAMES |= {"calibration_error": "calibration error"}


def judged_rows(splits: Splits) -> JudgedRows:
    """The rows of a test set."""
    ids: NDArray[np.int64] = splits.test.inputs.ids.numpy().astype(np.int64)
    owners = [field.owner for field in splits.schema.categories]
    users, items = ids[:, 0], ids[:, owners.index("item")]
    return JudgedRows(splits.test.labels.numpy().astype(np.int8), users, items, users)


def against_dense(rows: JudgedRows, dense: Scores, scores: Scores, seed: int) -> str:
    """Cells of a table: log-loss and calibration with their bounds, and what the gate says."""
    (found,) = differences(rows, dense, [scores], seed)
    told = [
        cell(found[name], share) for name, share in (("log_loss", True), ("calibration", False))
    ]
    missed = "; ".join(misses(found))
    return " | ".join([*told, missed or "passes"])


def cell(difference: Difference, share: bool) -> str:
    """An estimate and the bound on its worse side, more being worse."""
    high = bounds(difference, CONFIDENCE).high
    if share:
        return f"{difference.estimate:+.2%} (at most {high:+.2%})"
    return f"{difference.estimate:+.4f} (at most {high:+.4f})"


def misses(found: Mapping[str, Difference]) -> Iterator[str]:
    """The metrics that do not pass their margins."""
    margins = {"auc": AUC_MARGIN} | Margins().model_dump()
    for metric in METRICS:
        margin = margins[metric.name]
        if metric.name not in found or not isinstance(margin, float):
            continue
        difference = found[metric.name]
        gain = gain_of(metric, bounds(difference, CONFIDENCE))
        outcome = decide(gain.low, gain.high, margin)
        if outcome == "passed" and scarcity(difference):
            outcome = "inconclusive"
        if outcome != "passed":
            yield f"{NAMES.get(metric.name, metric.words)} {outcome}"
