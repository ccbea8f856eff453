"""One metric against its margin: passed, failed, or not to be told from these rows.

With the gain of a candidate over dense, in the direction that its metric calls better, a test
passes iff the lower bound of the gain is above -margin, and fails iff the upper bound is at or
below it. What lies between is inconclusive, and an inconclusive package is not published.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from secateur.contracts.judgement import (
    METRICS,
    Accuracy,
    Difference,
    Interval,
    Metric,
    MetricOutcome,
    MetricTest,
    Scorecard,
)
from secateur.judgement.intervals.bounds import FEWEST_GROUPS, bounds, reach, supported_margin

DECLARED = {metric.name: metric for metric in METRICS}
FEWEST_DIGITS, MOST_DIGITS = 4, 8  # decimals of what is told
DISAGREEMENT = 4 / 3  # of two standard errors, beyond which the scorecard says so


class _Gain(NamedTuple):
    """A difference in the direction that is better."""

    estimate: float
    low: float
    high: float


def compare_with_margins(
    card: Scorecard, split: str, margins: Mapping[str, float], confidence: float
) -> list[MetricTest]:
    """Test every metric that has a margin on one split."""
    return [
        compare_with_margin(DECLARED[name], card, split, margin, confidence)
        for name, margin in margins.items()
    ]


def compare_with_margin(
    metric: Metric, card: Scorecard, split: str, margin: float, confidence: float
) -> MetricTest:
    """Test one metric on one split. Raises ValueError for a direction that nobody declared."""
    difference = card.of_metric(metric.name).get(split)
    why = _why_untested(difference, card, split)
    if difference is None or why:
        words = f"{split} {metric.words}: {why}"
        return MetricTest(metric.name, split, "missing", margin, words)
    delta = bounds(difference, confidence)
    gain = gain_of(metric, delta)
    outcome = decide(gain.low, gain.high, margin)
    few = scarcity(difference)
    if outcome == "passed" and few:
        outcome = "inconclusive"
    worse_above = metric.better == "lower"
    passes = gain.estimate > -margin
    reached = reach(difference, confidence, upper=passes == worse_above)
    measured = card.accuracy[split].rows
    rows = _rows_to_decide(measured, reached * difference.standard_error, gain.estimate + margin)
    if few:
        rows = _rows_of_enough_users(measured, difference)
        few += f"; {rows:,} rows like these of further users would have them" if rows else ""
    supported = supported_margin(difference, confidence, upper=worse_above)
    notes = [_comparison(metric, split, delta, gain, margin)]
    if outcome == "inconclusive":
        notes.append(few or _uncertainty(supported, rows))
    if _disagree(difference):
        notes.append(
            f"its error is {difference.closed_form_error:#.3g} in closed form, "
            f"{difference.resampled_error:#.3g} in resamples"
        )
    return MetricTest(
        metric=metric.name,
        split=split,
        outcome=outcome,
        margin=margin,
        words=", ".join(notes),
        delta=delta,
        supported_margin=supported,
        rows_to_decide=rows if outcome == "inconclusive" else None,
    )


def decide(low: float, high: float, margin: float) -> MetricOutcome:
    """The rule, on the bounds of a gain. Raises ValueError on bounds that are no numbers."""
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"bounds {low}, {high} decide nothing")
    if low > -margin:
        return "passed"
    return "failed" if high <= -margin else "inconclusive"


def gain_of(metric: Metric, delta: Interval) -> _Gain:
    """The gain of a difference. Raises ValueError for a direction that nobody declared."""
    if metric.better == "higher":
        return _Gain(delta.estimate, delta.low, delta.high)
    if metric.better == "lower":
        return _Gain(-delta.estimate, -delta.high, -delta.low)
    raise ValueError(f"{metric.name}: is {metric.better!r} better?")


def constant(accuracy: Accuracy | None) -> bool:
    """Whether one score was given to every row, which ranks nothing."""
    return accuracy is not None and accuracy.distinct_scores == 1


def _why_untested(difference: Difference | None, card: Scorecard, split: str) -> str:
    found = card.accuracy.get(split)
    if found is None:
        return f"no row of the {split} days was measured"
    if constant(found):
        return "every row has the same score"
    if difference is None:
        why = f"the {split} days hold one class only" if found.auc is None else "not measured"
        return f'{why}, so there is nothing to compare; a margin of "reported" would not ask for it'
    numbers = difference.estimate, difference.standard_error
    return "" if all(map(math.isfinite, numbers)) else "its difference is no number"


def scarcity(difference: Difference) -> str:
    """What there is too little of for any bound to be believed."""
    found = {"users": difference.effective_users, "items": difference.effective_items}
    few = [f"{n:.1f} {what}" for what, n in found.items() if n is not None and n < FEWEST_GROUPS]
    least = f"in effect among the rows that it hangs on, of {FEWEST_GROUPS} at least"
    return f"only {' and '.join(few)} {least}" if few else ""


def _rows_to_decide(rows: int, reached: float, away: float) -> int | None:
    """Rows like these at which the estimate, if true, would be told from the margin.

    It lies `away` from the margin, and the bound that decides lies so far from it.
    """
    return math.ceil(rows * max(reached / abs(away), 1) ** 2) if away else None


def _rows_of_enough_users(rows: int, difference: Difference) -> int | None:
    """Rows like these that would have users enough; of more rows items are no more."""
    users, items = difference.effective_users, difference.effective_items
    if not users or (items is not None and items < FEWEST_GROUPS):
        return None
    return math.ceil(rows * FEWEST_GROUPS / users)


def _comparison(metric: Metric, split: str, delta: Interval, gain: _Gain, margin: float) -> str:
    """The estimate, and the bound on the worse side against the margin."""
    higher = metric.better == "higher"
    name, bound, limit = (
        ("lower bound", delta.low, 0 - margin) if higher else ("upper bound", delta.high, margin)
    )
    digits = _digits(bound, limit)
    beyond = "is below" if higher else "is above"
    relation = "clears" if gain.low > -margin else beyond
    return (
        f"{split} {metric.words} {delta.estimate:+.4f}, {name} {bound:+.{digits}f} "
        f"({100 * delta.confidence:.4g} %) {relation} {limit:+.{digits}f}"
    )


def _digits(bound: float, limit: float) -> int:
    """As many decimals as tell the two apart, and the limit from what it is rounded to."""
    for digits in range(FEWEST_DIGITS, MOST_DIGITS):
        apart = bound == limit or f"{bound:.{digits}f}" != f"{limit:.{digits}f}"
        if apart and math.isclose(round(limit, digits), limit, rel_tol=1e-3):
            return digits
    return MOST_DIGITS


def _uncertainty(supported: float, rows: int | None) -> str:
    told = f"{rows:,} rows would decide" if rows else "no number of rows would decide"
    return f"too uncertain: these rows support a margin of {supported:.4f}, {told}"


def _disagree(difference: Difference) -> bool:
    errors = difference.closed_form_error, difference.resampled_error
    if errors[0] is None or errors[1] is None or min(errors[0], errors[1]) <= 0:
        return False
    return max(errors[0], errors[1]) > DISAGREEMENT * min(errors[0], errors[1])


def sentences(tests: Sequence[MetricTest]) -> list[str]:
    """What did not pass, in full; or AUC in full, and which others passed too."""
    bad = [one.words for one in tests if one.outcome != "passed"]
    if bad or not tests:
        return bad
    others = [
        f"{_words(one)} {one.delta.estimate:+.4f} of {one.margin:g}"
        for one in tests[1:]
        if one.delta and one.split == tests[0].split
    ]
    slices = sum(one.split != tests[0].split for one in tests)
    others += [f"the AUC of {slices} slices"] if slices else []
    return [tests[0].words, *([f"within their margins: {', '.join(others)}"] if others else [])]


def _words(test: MetricTest) -> str:
    words = DECLARED[test.metric].words
    return words if test.against == "dense" else f"{words} against {test.against}"
