"""Drawn negatives that tell their label by age, by day or by what was left out are refused."""

from dataclasses import replace

import pytest

from secateur.contracts.data import DrawnCounts, RowCounts
from secateur.scenario import Negatives
from secateur.validation.suite_runner import report, run_suites
from secateur.validation.suites.negative_suites import negative_suites

DEFAULT = Negatives()
FAIR = DrawnCounts(
    positives=1000,
    history_only={"none_drawn": 10, "not_live": 50},
    days={"2024-03-01": RowCounts(2300, 460), "2024-03-02": RowCounts(2400, 480)},
    ages={"under 1 h": RowCounts(1000, 300), "1 to 6 h": RowCounts(3700, 640)},
)


def broken(counts: DrawnCounts, rule: Negatives = DEFAULT) -> list[tuple[str, object]]:
    found = report("subject", 4700, run_suites(negative_suites(counts, rule)))
    return [(one.suite, one.observed) for one in found.expectations if not one.success]


def test_fair_draws_pass() -> None:
    assert broken(FAIR) == []


def test_a_share_of_undrawable_positives_beyond_the_budget_is_refused() -> None:
    assert broken(FAIR, Negatives(max_undrawable=0.05)) == [("drawn negatives", 0.06)]


@pytest.mark.parametrize("positives", [0, 10, 996, 1000])
def test_an_age_that_tells_the_label_is_refused(positives: int) -> None:
    ages = FAIR.ages | {"under 1 h": RowCounts(1000, positives)}
    ((suite, observed),) = broken(replace(FAIR, ages=ages))
    assert suite == "label rate by item age"
    assert f"under 1 h: {positives / 1000:.4f} of 1,000" in str(observed)


def test_a_day_without_negatives_is_refused() -> None:
    days = FAIR.days | {"2024-03-02": RowCounts(480, 480)}
    ((suite, observed),) = broken(replace(FAIR, days=days))
    assert suite == "label rate by day"
    assert "2024-03-02" in str(observed)


def test_a_handful_of_rows_is_no_evidence() -> None:
    ages = FAIR.ages | {"over 7 days": RowCounts(40, 40)}
    assert broken(replace(FAIR, ages=ages)) == []


def test_nothing_drawn_at_all_passes_no_suite_by_being_empty() -> None:
    nothing = DrawnCounts(1000, {"not_live": 1000}, {}, {})
    assert ("drawn negatives", 1.0) in broken(nothing)
