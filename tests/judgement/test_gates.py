"""Claims about the gate: what passes, what is chosen, what is confirmed, and what is told."""

from collections.abc import Callable

import numpy as np
import pytest

from secateur.contracts.judgement import Difference, Scorecard
from secateur.judgement import gates
from secateur.scenario import Judgement
from secateur.scenario.sections.search import Target

MakeCard = Callable[..., Scorecard]
RULES = Judgement(margin=0.01)
SURE, VAGUE = 0.0001, 0.02


@pytest.mark.parametrize(
    ("case", "tune", "size", "us", "rules", "outcome", "said"),
    [
        ("equal and small", Difference(0, SURE), 100, 100, {}, "passed", "10x smaller"),
        ("better", Difference(0.02, SURE), 100, 100, {}, "passed", "clears -0.0100"),
        ("a little worse", Difference(-0.009, SURE), 100, 100, {}, "passed", "clears"),
        ("too bad", Difference(-0.011, SURE), 100, 100, {}, "failed", "is below -0.0100"),
        ("unsure", Difference(0, VAGUE), 100, 100, {}, "inconclusive", "too uncertain"),
        ("mask only", Difference(0, SURE), 1000, 100, {}, "no_saving", "no saving: 1.00x"),
        ("a byte less", Difference(0, SURE), 999, 100, {}, "no_saving", "no saving"),
        ("mask and bad", Difference(-0.1, SURE), 1000, 100, {}, "failed", "no saving"),
        ("too big", Difference(0, SURE), 100, 9, {"max_package_bytes": 99}, "failed",
         "100 bytes exceed the limit of 99"),
        ("too slow", Difference(0, SURE), 100, 100, {"max_request_us": {"256": 149}}, "failed",
         "p99 150 us a request of 256 exceeds 149 us"),
        ("fast enough", Difference(0, SURE), 100, 100, {"max_request_us": {"1": 13}}, "passed", ""),
        ("faster, no smaller", Difference(0, SURE), 1000, 100, {"prefer": "latency"}, "passed",
         "10x faster"),
        ("smaller, no faster", Difference(0, SURE), 100, 1000, {"prefer": "latency"}, "no_saving",
         "no saving: 1.00x faster"),
        ("no gain where one is asked", Difference(0, SURE), 100, 100, {"margin": -0.01}, "failed",
         "is below +0.0100"),
        ("not there", None, 100, 100, {}, "failed", "tune AUC: not measured"),
    ],
)  # fmt: skip
def test_one_candidate(
    card: MakeCard, case: str, tune: Difference | None, size: int, us: float,
    rules: dict[str, object], outcome: str, said: str,
) -> None:  # fmt: skip
    settings = Judgement.model_validate({"margin": 0.01, **rules})
    judged = gates.gate("a", card(tune=tune, size=size, us=us), settings, 0.95)
    assert judged.outcome == outcome, case
    assert said in "; ".join(judged.reasons), case


def test_a_candidate_without_a_scorecard_has_crashed(card: MakeCard) -> None:
    verdict = gates.judge(["a", "b"], {"a": card("a")}, RULES)
    assert [one.outcome for one in verdict.candidates] == ["passed", "crashed"]
    assert "no sealed scorecard" in verdict.candidates[1].reasons[0]
    assert verdict.accepted


def test_the_smallest_that_passes_is_chosen_not_the_smallest(card: MakeCard) -> None:
    cards = {
        "big": card("big", size=500),
        "small": card("small", size=200),
        "tiny and bad": card("tiny and bad", tune=Difference(-0.1, SURE), size=10),
    }
    verdict = gates.judge(list(cards), cards, RULES)
    assert (verdict.chosen, verdict.package) == ("small", "digest of small")
    assert verdict.dense_bytes == 1000


def test_the_fastest_is_chosen_where_latency_is_preferred(card: MakeCard) -> None:
    cards = {"small": card("small", size=10, us=300), "fast": card("fast", size=500, us=30)}
    rules = Judgement(margin=0.01, prefer="latency")
    assert gates.judge(list(cards), cards, rules).chosen == "fast"


def test_a_candidate_that_confirms_badly_refuses_the_night_though_others_passed(
    card: MakeCard,
) -> None:
    cards = {
        "good": card("good", size=500),
        "lucky": card("lucky", size=100, confirm=Difference(-0.02, SURE)),
    }
    verdict = gates.judge(list(cards), cards, RULES)
    assert not verdict.accepted
    assert (verdict.chosen, verdict.package) == ("lucky", None)
    assert "not confirmed" in verdict.reason
    assert verdict.confirmed is not None
    assert verdict.confirmed.low < -0.01


def test_the_confirm_days_choose_nothing(card: MakeCard) -> None:
    def chosen(confirm: Difference) -> str | None:
        cards = {"a": card("a", size=100, confirm=confirm), "b": card("b", size=200)}
        return gates.judge(["a", "b"], cards, RULES).chosen

    assert chosen(Difference(0.05, SURE)) == chosen(Difference(-0.05, SURE)) == "a"


def test_the_confirming_test_is_not_corrected_and_the_choosing_one_is(card: MakeCard) -> None:
    cards = {name: card(name) for name in "abcde"}
    verdict = gates.judge(list(cards), cards, RULES)
    assert verdict.confirmed is not None
    assert verdict.confirmed.confidence == 0.95
    assert {one.delta_auc.confidence for one in verdict.candidates if one.delta_auc} == {0.99}


def test_nothing_measured_is_a_refusal_that_says_so() -> None:
    verdict = gates.judge(["a", "b"], {}, RULES)
    assert not verdict.accepted
    assert verdict.reason.endswith(
        "0 failed a gate, 0 could not be told, 0 saved nothing, 2 crashed"
    )
    assert verdict.supported_margin is None


def test_a_refused_night_says_which_margin_its_rows_support(card: MakeCard) -> None:
    cards = {name: card(name, tune=Difference(0, error))
             for name, error in (("a", 0.01), ("b", 0.02), ("c", 0.03))}  # fmt: skip
    verdict = gates.judge(list(cards), cards, RULES)
    assert verdict.supported_margin == pytest.approx((2.1280 + 0.8416) * 0.02, abs=1e-4)


def test_candidates_just_too_bad_are_accepted_no_oftener_than_the_confidence_allows(
    card: MakeCard,
) -> None:
    rng, error, nights, n = np.random.default_rng(0), 0.002, 2000, 20
    tune = -0.01 + error * rng.normal(size=(nights, n))
    confirm = -0.01 + error * rng.normal(size=(nights, n))
    passed = accepted = 0
    for of_tune, of_confirm in zip(tune, confirm, strict=True):
        names = [f"c{i:02}" for i in range(n)]
        cards = {
            name: card(name, tune=Difference(t, error), confirm=Difference(c, error))
            for name, t, c in zip(names, of_tune.tolist(), of_confirm.tolist(), strict=True)
        }
        verdict = gates.judge(names, cards, RULES)
        passed += verdict.chosen is not None
        accepted += verdict.accepted
    point_estimates = (tune >= -0.01).any(axis=1).mean()
    assert point_estimates > 0.99  # what a gate on point estimates would let through
    assert passed / nights <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / nights)
    assert accepted / nights <= 0.05 * 0.05 + 0.003


def target(**limits: float) -> Target:
    return Target.model_validate({"name": "edge", **limits})


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_bytes": 99}, "100 bytes are more than edge's 99"),
        ({"max_us": 99.0}, "100 us a request are more than edge's 99"),
    ],
)
def test_a_package_beyond_a_target_fails_for_that_target_alone(
    card: MakeCard, limits: dict[str, float], said: str
) -> None:
    verdict = gates.judge(["a"], {"a": card("a")}, RULES, target(**limits))
    assert not verdict.accepted
    assert said in verdict.candidates[0].reasons
    assert gates.judge(["a"], {"a": card("a")}, RULES).accepted


def test_for_a_target_the_most_accurate_within_it_is_chosen(card: MakeCard) -> None:
    cards = {
        "small": card("small", Difference(-0.002, SURE), size=50),
        "better": card("better", Difference(-0.001, SURE), size=90),
        "best": card("best", Difference(0, SURE), size=200),
    }
    assert gates.judge([*cards], cards, RULES).chosen == "small"
    assert gates.judge([*cards], cards, RULES, target(max_bytes=100)).chosen == "better"
