"""Scores of a model whose negatives were drawn, as probabilities among what a service offers.

Drawing changes the share of positives, and so adds one number to every logit: the logarithm of
their odds among the rows, over those among the offers (King & Zeng 2001; Dal Pozzolo et al. 2015).
The order of the scores stays. It is exact where the offers that are not taken are chosen as the
negatives were drawn; where they are not, it sets the mean right and no more.
"""

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError

Scores = NDArray[np.float32]


def at_rate(scores: Scores, drawn_rate: float | None, rate: float) -> Scores:
    """Float32 probabilities [n] where the share `rate` of the offers is taken.

    `scores` [n] are those of a model that was trained on the share `drawn_rate` of positives.
    Raises UsageError where nothing was drawn, and for a rate that is no share between 0 and 1.
    """
    if drawn_rate is None:
        raise UsageError("no negatives were drawn for this model: its scores are probabilities")
    if not 0 < rate < 1:
        raise UsageError(f"{rate} is no share of offers that are taken, above 0 and below 1")
    given = np.asarray(scores, np.float64)
    factor = rate / (1 - rate) * (1 - drawn_rate) / drawn_rate
    return (given * factor / (given * factor + 1 - given)).astype(np.float32)
