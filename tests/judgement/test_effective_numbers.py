"""Claims about how much is behind a metric: of the rows that it hangs on, and of no others."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bench.judgement.simulated_rows import expit
from secateur.auc import Scores
from secateur.contracts.judgement import METRICS, Difference, Scorecard
from secateur.judgement import gates
from secateur.judgement.gating.non_inferiority import compare_with_margin
from secateur.judgement.intervals.bounds import bounds
from secateur.judgement.intervals.differences import differences, levels
from secateur.judgement.metrics import user_order
from secateur.judgement.metrics.scored_rows import JudgedRows
from secateur.scenario import Judgement

MakeCard = Callable[..., Scorecard]
BY_NAME = {metric.name: metric for metric in METRICS}
AUC = METRICS[:1]
RULES = Judgement(margin=0.01)


def rare(seed: int, intercept: float) -> tuple[JudgedRows, Scores, Scores]:
    """600 users of three rows, few of them positive, and two models that are equally good."""
    rng = np.random.default_rng(seed)
    users, items = np.repeat(np.arange(600), 3), rng.integers(0, 600, 1800)
    truth = rng.normal(size=1800) + 0.5 * rng.normal(size=600)[users] + intercept
    labels = (rng.random(1800) < expit(truth)).astype(np.int8)
    dense, other = (expit(truth + 0.5 * rng.normal(size=1800)).astype(np.float32) for _ in range(2))
    return JudgedRows(labels, users, items, users), dense, other


def effective(codes: np.ndarray, counted: np.ndarray) -> float:
    shares = np.bincount(codes[counted]) / counted.sum()
    return float(1 / np.sum(shares**2))


def test_each_metric_counts_the_users_and_items_of_its_own_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    users, items = np.sort(rng.integers(0, 40, 3000)), rng.integers(0, 30, 3000)
    labels = (rng.random(3000) < 0.02 + 0.5 * (users == 3)).astype(np.int8)
    labels[users > 30] = 0
    moments = 3 * users + rng.integers(0, 3, 3000)
    dense, other = (rng.random(3000, np.float32) for _ in range(2))
    found = differences(JudgedRows(labels, users, items, moments), dense, [other], 0, 20)[0]
    positive = labels == 1
    ranked = np.isin(moments, moments[positive]) & np.isin(moments, moments[~positive])
    listed = np.bincount(moments)[moments] > 10
    counted = {"auc": positive, "gauc": ranked, "log_loss": positive, "calibration": positive,
               "calibration_error": positive, "normalized_entropy": positive,
               "churn": np.ones(3000, np.bool_), "top_overlap": listed}  # fmt: skip
    for name, rows in counted.items():
        told = found[name].effective_users, found[name].effective_items
        assert told == pytest.approx((effective(users, rows), effective(items, rows))), name
    monkeypatch.setattr(user_order, "BLOCK_ROWS", 200)
    again = differences(JudgedRows(labels, users, items, moments), dense, [other], 0, 20)[0]
    assert again["auc"].effective_items == pytest.approx(found["auc"].effective_items)


def test_many_users_with_few_positives_pass_nothing(card: MakeCard) -> None:
    """Of six positives a bound of 95 % held in 86 % of logs, one of 99.5 % in 96 %."""
    rows, dense, other = rare(4, -6.5)
    assert 0 < rows.labels.sum() < 10
    difference = differences(rows, dense, [other], 0, 0, AUC)[0]["auc"]
    told = compare_with_margin(BY_NAME["auc"], card("a", tune=difference), "tune", 0.9, 0.95)
    assert told.outcome == "inconclusive"
    assert "users and" in told.words
    assert "among the rows that it hangs on" in told.words
    level = levels(rows, dense, 0, 0)
    floors = {name: dict.fromkeys(("tune", "confirm"), one) for name, one in level.items()}
    judged = gates.judge(["a"], {"a": replace(card("a"), dense_levels=floors)}, RULES)
    assert "its AUC on the tune days is not known: only" in judged.reason


def test_a_bound_of_rare_positives_holds_as_often_as_it_says() -> None:
    """Two equal models: the lower bound of their difference lies below 0, or is not believed."""
    believed, held = 0, [0, 0]
    for seed in range(150):
        rows, dense, other = rare(seed, -5.7)
        found = differences(rows, dense, [other], 0, 0, AUC)[0]["auc"]
        if min(found.effective_users or 0, found.effective_items or 0) >= 10:
            believed += 1
            for at, confidence in enumerate((0.95, 0.995)):
                held[at] += bounds(found, confidence).low <= 0
    assert believed > 50
    assert held[0] >= 0.91 * believed
    assert held[1] >= 0.98 * believed


def test_what_is_uncertain_is_told_by_the_bound_that_decides(card: MakeCard) -> None:
    """Of a metric that is better when lower the upper bound decides, by its own skewness."""
    skewed = Difference(0.009, 0.002, skewness=0.8, error_skewness=0.8)
    told = compare_with_margin(BY_NAME["log_loss"], card(log_loss=skewed), "tune", 0.01, 0.95)
    assert told.delta
    above = told.delta.high - skewed.estimate
    assert above > 1.5 * (skewed.estimate - told.delta.low)
    rows = card().accuracy["tune"].rows
    assert told.rows_to_decide == pytest.approx(rows * (above / 0.001) ** 2, abs=1)
    assert told.supported_margin == pytest.approx(above + 0.8416 * 0.002, rel=1e-3)
    failing = replace(skewed, estimate=0.011)
    told = compare_with_margin(BY_NAME["log_loss"], card(log_loss=failing), "tune", 0.01, 0.95)
    assert told.delta
    assert told.rows_to_decide == pytest.approx(
        rows * ((failing.estimate - told.delta.low) / 0.001) ** 2, abs=1
    )


@pytest.mark.parametrize(
    ("estimate", "error", "margin", "said"),
    [
        (-0.009, 0.00061, 0.01, "lower bound -0.010003 (95 %) is below -0.010000"),
        (0.0, 0.00003, 0.00005, "lower bound -0.000049 (95 %) clears -0.000050"),
        (0.002, 0.001, 0.0, "lower bound +0.0004 (95 %) clears +0.0000"),
        (-0.05, 0.001, 0.01, "lower bound -0.0516 (95 %) is below -0.0100"),
    ],
)
def test_a_bound_and_its_margin_are_told_apart(
    card: MakeCard, estimate: float, error: float, margin: float, said: str
) -> None:
    one = card("a", tune=Difference(estimate, error))
    words = compare_with_margin(BY_NAME["auc"], one, "tune", margin, 0.95).words
    assert said in words
