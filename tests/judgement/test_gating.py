"""Claims about the rule by metric, the floors of the dense model, and what is told of both."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from secateur.contracts.judgement import METRICS, Difference, Metric, Scorecard
from secateur.judgement import gates
from secateur.judgement.gating.floors import broken_floors
from secateur.judgement.gating.non_inferiority import compare_with_margin, decide
from secateur.judgement.gating.references import References
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import SliceRules

MakeCard = Callable[..., Scorecard]
RULES = Judgement(margin=0.01)
BY_NAME = {metric.name: metric for metric in METRICS}
SURE = 0.0001


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (-0.005, 0.02, "passed"),
        (-0.01, 0.02, "inconclusive"),  # the bound itself is not above the margin
        (-0.02, -0.005, "inconclusive"),
        (-0.02, -0.01, "failed"),
        (-0.03, -0.02, "failed"),
    ],
)
def test_the_rule_of_three_outcomes(low: float, high: float, outcome: str) -> None:
    assert decide(low, high, margin=0.01) == outcome


def test_bounds_that_are_no_numbers_decide_nothing() -> None:
    with pytest.raises(ValueError, match="decide nothing"):
        decide(float("nan"), 0.0, 0.01)


@pytest.mark.parametrize(
    ("name", "worse"), [("auc", -0.03), ("gauc", -0.03), ("log_loss", 0.03), ("calibration", 0.2),
                        ("calibration_error", 0.05)],
)  # fmt: skip
def test_a_metric_that_alone_is_worse_fails_alone(card: MakeCard, name: str, worse: float) -> None:
    for sign, outcome in ((1, "failed"), (-1, "passed")):
        bad = {"tune" if name == "auc" else name: Difference(sign * worse, SURE)}
        judged = gates.gate("a", card("a", **bad), RULES, 0.95)
        assert judged.outcome == outcome, judged.reasons
        assert [t.metric for t in judged.tests if t.outcome != "passed"] == (
            [name] if sign == 1 else []
        )


def test_a_lower_metric_is_told_with_its_upper_bound(card: MakeCard) -> None:
    found = compare_with_margin(
        BY_NAME["log_loss"], card(log_loss=Difference(0.02, 0.001)), "tune", 0.01, 0.95
    )
    assert (
        found.words
        == "tune log-loss, relative +0.0200, upper bound +0.0216 (95 %) is above +0.0100"
    )


def test_what_is_uncertain_says_how_many_rows_would_decide(card: MakeCard) -> None:
    one = card(gauc=Difference(-0.01, 0.01))
    found = compare_with_margin(BY_NAME["gauc"], one, "tune", 0.02, 0.95)
    assert found.outcome == "inconclusive"
    rows = one.accuracy["tune"].rows * (1.6449 * 0.01 / 0.01) ** 2
    assert found.rows_to_decide == pytest.approx(rows, abs=1)
    assert f"{found.rows_to_decide:,} rows would decide" in found.words
    assert gates.gate("a", one, RULES, 0.95).outcome == "inconclusive"


def test_few_users_in_effect_pass_nothing(card: MakeCard) -> None:
    few = Difference(0.0, SURE, effective_users=6.3, effective_items=500.0)
    judged = gates.gate("a", card(tune=few), RULES, 0.95)
    assert judged.outcome == "inconclusive"
    assert (
        "only 6.3 users in effect among the rows that it hangs on, of 10 at least"
        in judged.reasons[0]
    )
    rows = card().accuracy["tune"].rows
    assert judged.tests[0].rows_to_decide == pytest.approx(rows * 10 / 6.3, abs=1)
    assert "1,588 rows like these of further users would have them" in judged.reasons[0]
    scarce = gates.gate("a", card(tune=replace(few, effective_items=3.0)), RULES, 0.95)
    assert scarce.tests[0].rows_to_decide is None
    assert "further users" not in scarce.reasons[0]
    bad = gates.gate("a", card(tune=replace(few, estimate=-0.1)), RULES, 0.95)
    assert bad.outcome == "failed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"differences": {}}, "tune GAUC within user and day: not measured"),
        ({"one_class": None}, "the tune days hold one class only"),
        ({"distinct_scores": 1}, "every row has the same score"),
        ({"estimate": float("nan")}, "its difference is no number"),
        ({"accuracy": {}}, "no row of the tune days was measured"),
    ],
)
def test_what_was_not_measured_never_passes(
    card: MakeCard, change: dict[str, object], said: str
) -> None:
    one = card("a")
    measured = one.accuracy["tune"]
    if "estimate" in change:
        one = card("a", gauc=Difference(float("nan"), SURE))
    elif "distinct_scores" in change:
        one = replace(one, accuracy={**one.accuracy, "tune": replace(measured, distinct_scores=1)})
    elif "one_class" in change:
        of_one = {**one.accuracy, "tune": replace(measured, auc=None)}
        one = replace(one, accuracy=of_one, differences={})
    else:
        one = replace(one, **change)  # type: ignore[arg-type]
    judged = gates.gate("a", one, RULES, 0.95)
    assert judged.outcome == "failed"
    assert any(said in reason for reason in judged.reasons), judged.reasons
    assert not gates.judge(["a"], {"a": one}, RULES).accepted


def test_a_direction_that_nobody_declared_is_an_error(card: MakeCard) -> None:
    sideways = Metric("auc", "sideways", False, "AUC")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is 'sideways' better"):
        compare_with_margin(sideways, card(), "tune", 0.01, 0.95)


def test_a_metric_that_is_only_reported_is_not_judged(card: MakeCard) -> None:
    asked = {"margin": 0.01, "margins": {"gauc": "reported", "churn": 0.05}}
    rules = Judgement.model_validate(asked)
    assert list(rules.by_metric) == ["auc", "log_loss", "calibration", "calibration_error", "churn"]
    one = card("a", gauc=Difference(-0.5, SURE))
    assert gates.gate("a", one, rules, 0.95).outcome == "passed"
    assert gates.gate("a", one, RULES, 0.95).outcome == "failed"


def test_a_night_without_candidates_accepts_nothing() -> None:
    verdict = gates.judge([], {}, RULES)
    assert not verdict.accepted
    assert verdict.reason == "no candidate was planned, so none can be accepted"


def test_errors_that_disagree_by_a_third_are_told(card: MakeCard) -> None:
    apart = Difference(0.0, 0.0014, closed_form_error=0.001, resampled_error=0.0014)
    found = compare_with_margin(BY_NAME["auc"], card(tune=apart), "tune", 0.01, 0.95)
    assert "its error is 0.00100 in closed form, 0.00140 in resamples" in found.words
    near = replace(apart, resampled_error=0.0013)
    found = compare_with_margin(BY_NAME["auc"], card(tune=near), "tune", 0.01, 0.95)
    assert "closed form" not in found.words


def test_every_metric_is_confirmed_too(card: MakeCard) -> None:
    one = card("a")
    late = {
        **one.differences,
        "log_loss": {"tune": Difference(0, SURE), "confirm": Difference(0.1, SURE)},
    }
    verdict = gates.judge(["a"], {"a": replace(one, differences=late)}, RULES)
    assert (verdict.chosen, verdict.accepted) == ("a", False)
    assert [t.metric for t in verdict.tests if t.outcome != "passed"] == ["log_loss"]
    assert "not confirmed: confirm log-loss, relative +0.1000" in verdict.reason


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ({"auc": Difference(0.51, 0.01)}, "AUC on the tune days is 0.5100, lower bound 0.4936"),
        ({"normalized_entropy": Difference(0.99, 0.01)}, "normalised entropy on the tune days"),
        ({"auc": None}, "they hold one class only"),
    ],
)
def test_a_broken_dense_model_publishes_nothing(
    card: MakeCard, levels: dict[str, Difference | None], said: str
) -> None:
    one = card("a")
    found = {name: {**one.dense_levels[name], "tune": level} for name, level in levels.items()}
    kept = {name: {s: d for s, d in by.items() if d} for name, by in found.items()}
    broken = replace(one, dense_levels={**one.dense_levels, **kept})
    assert said in broken_floors(broken, RULES, References())[0]
    verdict = gates.judge(["a"], {"a": broken}, RULES)
    assert (verdict.accepted, verdict.package, verdict.chosen) == (False, None, None)
    assert verdict.reason.startswith("the dense model is not fit to serve: its")
    assert broken_floors(one, RULES, References()) == []


def test_bytes_and_time_have_margins_against_dense(card: MakeCard) -> None:
    big = gates.gate("a", card("a", size=1011), RULES, 0.95)
    slow = gates.gate("a", card("a", us=1600.0), RULES, 0.95)
    assert "1,011 bytes are +1.1% against dense, beyond +1.0%" in big.reasons
    assert "1,600 us a request are +60.0% against dense, beyond +50.0%" in slow.reasons
    assert {big.outcome, slow.outcome} == {"failed"}


def test_candidates_equal_to_dense_pass_whatever_the_seed(card: MakeCard) -> None:
    same = Difference(0.0, 0.0)
    others = {metric.name: same for metric in METRICS[1:]}
    assert gates.gate("a", card("a", tune=same, **others), RULES, 0.9999).outcome == "passed"
    assert np.isclose(RULES.by_metric["auc"], 0.01)


def of_slice(card: Scorecard, name: str, delta: Difference, positives: int = 400) -> Scorecard:
    """The scorecard with a slice on both splits, of 1,000 rows."""
    keys = [f"{split}/{name}" for split in ("tune", "confirm")]
    measured = replace(card.accuracy["tune"], positives=positives)
    auc = {**card.differences["auc"], **dict.fromkeys(keys, delta)}
    return replace(
        card,
        accuracy={**card.accuracy, **dict.fromkeys(keys, measured)},
        differences={**card.differences, "auc": auc},
    )


def test_a_prune_that_breaks_new_users_is_rejected_by_name(card: MakeCard) -> None:
    broken = of_slice(card("a"), "new users", Difference(-0.08, 0.005))
    judged = gates.gate("a", broken, RULES, 0.95)
    assert judged.outcome == "failed"
    assert judged.reasons[0] == (
        "tune/new users AUC -0.0800, lower bound -0.0882 (95 %) is below -0.0300"
    )
    wide = SliceRules(margins={"new users": 0.1})
    judged = gates.gate("a", broken, RULES.model_copy(update={"slices": wide}), 0.95)
    assert judged.outcome == "passed"
    assert "the AUC of 1 slices" in judged.reasons[1]
    unjudged = RULES.model_copy(update={"slices": SliceRules(margin="reported")})
    assert gates.gate("a", broken, unjudged, 0.95).outcome == "passed"


def test_a_slice_too_small_is_said_to_be_judged_with_the_rest(card: MakeCard) -> None:
    small = of_slice(card("a"), "new items", Difference(-0.5, 0.01), positives=299)
    judged = gates.gate("a", small, RULES, 0.95)
    assert judged.outcome == "passed"
    assert judged.reasons[-1].startswith("new items: fewer than 300 rows of a class")
    crowded = of_slice(card("a"), "new items", Difference(-0.5, 0.01), positives=701)
    assert gates.gate("a", crowded, RULES, 0.95).outcome == "passed"


def test_a_task_is_no_slice(card: MakeCard) -> None:
    of_task = of_slice(card("a"), "task saved", Difference(-0.5, 0.01))
    assert gates.gate("a", of_task, RULES, 0.95).outcome == "passed"


@pytest.mark.parametrize(
    ("control", "delta", "said"),
    [
        ("copy", -0.02, "a copy of the dense model does not pass: tune AUC -0.0200"),
        ("shuffled", 0.0, "one shuffled for half of the items passes: tune AUC +0.0000"),
        (None, 0.0, "a was measured without its controls, copy and shuffled"),
    ],
)
def test_a_gate_that_gets_a_control_wrong_publishes_nothing(
    card: MakeCard, control: str | None, delta: float, said: str
) -> None:
    one = card("a")
    wrong = {"tune": Difference(delta, SURE), "confirm": Difference(delta, SURE)}
    controls = {**one.controls, control: {**one.controls[control], "auc": wrong}} if control else {}
    verdict = gates.judge(["a"], {"a": replace(one, controls=controls)}, RULES)
    assert not verdict.accepted
    assert verdict.reason == f"the gate is not trusted: {said}" or said in verdict.reason
    assert verdict.package is None


def test_a_candidate_must_gain_where_a_gain_is_asked_and_no_copy_need_to(card: MakeCard) -> None:
    better = card("a", tune=Difference(0.03, SURE), confirm=Difference(0.03, SURE))
    asked = RULES.model_copy(update={"margin": -0.01})
    assert gates.judge(["a"], {"a": better}, asked).accepted
