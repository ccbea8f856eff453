"""Two models of one truth, whose errors hang on rows, on users, or on items."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secateur.auc import Scores
from secateur.contracts.judgement import METRICS
from secateur.judgement.metrics.scored_rows import JudgedRows

AUC = METRICS[:1]

Codes = NDArray[np.int64]
Incidence = Callable[[np.random.Generator], tuple[Codes, Codes]]


@dataclass(frozen=True)
class Setting:
    """Who meets what, and what the models' errors hang on; of two models the second errs by `shift`
    more.

    `level` is the mean logit: of -0.8 a third of the rows is positive, of -7 one in 500.
    """

    name: str
    incidence: Incidence
    by_user: float = 0.0
    by_item: float = 0.0
    shift: float = 0.0
    level: float = -0.8

    def simulate(self, seed: int, users: Codes, items: Codes) -> tuple[JudgedRows, Scores, Scores]:
        """Rows [n], then the dense model's and the candidate's scores."""
        rng = np.random.default_rng(seed)
        n = len(users)
        truth = 0.7 * (rng.normal(size=n) + rng.normal(size=users.max() + 1)[users])
        truth += 0.5 * rng.normal(size=items.max() + 1)[items]
        labels = (rng.random(n) < expit(truth + self.level)).astype(np.int8)
        scores = []
        for of_items, more in ((0.0, 0.0), (self.by_item, self.shift)):
            errors = (0.5 + more) * rng.normal(size=n)
            errors += self.by_user * rng.normal(size=users.max() + 1)[users]
            errors += of_items * rng.normal(size=items.max() + 1)[items]
            scores.append(expit(truth + self.level + errors).astype(np.float32))
        return JudgedRows(labels, users, items, users), scores[0], scores[1]


def simulate(
    seed: int,
    users: Codes,
    items: Codes,
    by_user: float = 0.0,
    by_item: float = 0.0,
    shift: float = 0.0,
) -> tuple[JudgedRows, Scores, Scores]:
    """The same of given users and items [n]."""
    setting = Setting("", lambda _: (users, items), by_user, by_item, shift)
    return setting.simulate(seed, users, items)


def candidate_scores(
    rng: np.random.Generator, rows: JudgedRows, dense: Scores, by_item: float
) -> Scores:
    """Scores [n] that err by item beside the dense model's."""
    logits = np.log(dense / (1 - dense))
    errors = by_item * rng.normal(size=rows.items.max() + 1)[rows.items]
    return expit(logits + errors).astype(np.float32)


def expit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function, of any shape."""
    return np.asarray(1 / (1 + np.exp(-x)), np.float64)


def zipf(rng: np.random.Generator, items: int, rows: int) -> NDArray[np.int64]:
    """Items [rows], the first the most popular."""
    shares = 1 / np.arange(1, items + 1)
    return rng.choice(items, rows, p=shares / shares.sum())


def popular_items(rng: np.random.Generator, items: int) -> tuple[Codes, Codes]:
    """3,000 users of three rows each, items by Zipf's law."""
    return np.repeat(np.arange(3000), 3), zipf(rng, items, 9000)
