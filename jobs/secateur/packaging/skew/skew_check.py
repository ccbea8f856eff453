"""The check that `write_package` ends with: the client must score held-out rows as the model does.

`EXACT` is what float32 sums in another order may change. Where integers read a hidden layer, a sum
halfway between two steps of its activation may be rounded up by one and down by the other. Within
`MARGIN` steps of there, ten times what float32 loses of 255 steps, a row may differ by `TIPPED`.

Measured over all recipes of the four scenarios, quantized or not: 3e-7 apart at most, but for one
row of short_video_click's int8 package that was tipped, by 6e-5. One activation that is a step off
moves a score by 4.8e-4 at most in short_video's int8 package, by 1.7e-3 in ecommerce's. Of 992
packages of random weights, of every architecture, 61 of 149,000 rows were tipped, by 4.7e-3 at
most. Of quantization itself nothing is tolerated: the model has the stored numbers.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import SkewRefused, UsageError
from secateur.packaging.arrangement import Arrangement
from secateur.packaging.skew.encoded_inputs import (
    Rows,
    as_texts,
    differing_inputs,
    taken_for_known,
)
from secateur.packaging.skew.fake_quantized import FakeQuantized
from secateur.packaging.skew.stored_table import Doubles
from secateur.packaging.source import HeldOut, Source
from secateur.serving.files.package import Contents
from secateur.serving.scorer import Scorer

log = logging.getLogger(__name__)

EXACT = 1e-5
TIPPED = 1e-2
MARGIN = 1e-3


@dataclass(frozen=True, eq=False)
class ScoredHeldOut:
    """Held-out rows, and the model's probabilities float64 [rows, 1 + tasks] of them.

    `safe` bool [rows] are those in which no machine's float32 sums tip an activation.
    """

    rows: HeldOut
    probabilities: Doubles
    safe: Rows


def demand_no_skew(
    contents: Contents, reference: FakeQuantized, arrangement: Arrangement, source: Source
) -> ScoredHeldOut:
    """The held-out rows with the model's scores, once the package's files were seen to give these.

    Raises SkewRefused where a score, an encoded input or a stored number is another one.
    """
    scorer, held_out = Scorer(contents), source.held_out
    false_matches = taken_for_known(contents, held_out)
    if false_matches.any():
        log.info("%d unknown ids are taken for known ones by their bits", false_matches.sum())
        held_out = held_out.take(np.flatnonzero(~false_matches))
    expected, margins = reference.probabilities(held_out.inputs)
    tolerance = np.where(margins < MARGIN, TIPPED, EXACT)[:, None]
    try:
        found = np.stack([*scorer.score_tasks(held_out.columns, hashed=True).values()], axis=1)
        spelled = replace(held_out, columns=as_texts(held_out.columns, source.schema))
        inputs = differing_inputs(scorer, spelled, reference.model.spec, arrangement)
    except UsageError as error:
        raise SkewRefused(f"the client does not read what features read: {error}") from error
    complaints = [
        *_of_scores(found, expected, tolerance),
        *(_encoded_otherwise(name, rows, held_out) for name, rows in inputs.items()),
        *(f"{n} {name} do not fit the model" for name, n in reference.wrong.items()),
    ]
    if complaints:
        raise SkewRefused(f"the package scores otherwise than its model: {'; '.join(complaints)}")
    apart = np.abs(found - expected).max(axis=1)
    log.info(
        "client and model score %d held-out rows alike: %.1g apart at most, %d rows beyond %.0e",
        len(held_out),
        apart.max(),
        (apart > EXACT).sum(),
        EXACT,
    )
    return ScoredHeldOut(held_out, expected, margins >= min(MARGIN, float(np.median(margins))))


def _of_scores(found: NDArray[np.float32], expected: Doubles, tolerance: Doubles) -> Iterator[str]:
    """How many rows of scores [rows, 1 + tasks] differ by more than their `tolerance` [rows, 1]."""
    apart = np.abs(found - expected)
    wrong = ~(apart <= tolerance)
    if wrong.any():
        row, output = np.unravel_index(np.where(wrong, apart, -1).argmax(), apart.shape)
        yield (
            f"{wrong.any(axis=1).sum()} of {len(apart)} held-out rows differ, row {row} by "
            f"{apart[row, output]:.2g}, where {tolerance[row, 0]:.0e} is tolerated "
            f"({found[row, output]:.6f} instead of {expected[row, output]:.6f})"
        )


def _encoded_otherwise(name: str, rows: Rows, held_out: HeldOut) -> str:
    """Say that the client encodes an input otherwise in these `rows` bool [rows]; an example."""
    value = held_out.columns[name][int(rows.argmax())]
    return f"the client encodes {name} otherwise in {rows.sum()} rows, as in {value!r:.60}"
