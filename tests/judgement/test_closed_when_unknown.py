"""Claims that what is not known never passes: no number, no measure, no name of its own."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import ValidationError

from secateur.contracts.errors import ArtifactError
from secateur.contracts.judgement import (
    COPY,
    SHUFFLED,
    Accuracy,
    Difference,
    Latency,
    NightLevels,
    Scorecard,
    Verdict,
)
from secateur.contracts.models import Baseline, Baselines
from secateur.judgement import gates
from secateur.judgement.gating.references import References
from secateur.scenario import Judgement
from secateur.scenario.sections.features import SliceSpec
from secateur.scenario.sections.judgement import Margins, SliceRules
from secateur.scenario.sections.search import Target

MakeCard = Callable[..., Scorecard]
RULES = Judgement(margin=0.01)
BOTH = ("tune", "confirm")
NAN, SURE = math.nan, 0.001
ALONE = Judgement(
    margin=0.0,
    margins=Margins.model_validate(
        dict.fromkeys(("gauc", "log_loss", "calibration", "calibration_error"), "reported")
    ),
)


def judge(card: Scorecard, rules: Judgement = RULES, known: References | None = None) -> Verdict:
    return gates.judge(["a"], {"a": card}, rules, references=known)


@pytest.mark.parametrize("name", ["auc", "normalized_entropy"])
@pytest.mark.parametrize("level", [Difference(NAN, SURE), Difference(0.7, NAN)])
def test_a_dense_model_whose_level_is_no_number_lies_above_no_floor(
    card: MakeCard, name: str, level: Difference
) -> None:
    found = card("a")
    levels = {**found.dense_levels, name: dict.fromkeys(BOTH, level)}
    verdict = judge(replace(found, dense_levels=levels))
    assert not verdict.accepted
    assert "its AUC or normalised entropy on the tune days is no number" in verdict.reason


@pytest.mark.parametrize(
    ("dense", "error", "said"),
    [(NAN, SURE, "how sure"), (0.73, None, "how sure"), (0.73, NAN, "how sure"), (0.73, 0.0, "")],
)
def test_a_baseline_that_cannot_be_compared_is_no_baseline_that_was_beaten(
    card: MakeCard, dense: float, error: float | None, said: str
) -> None:
    measured = Baselines(9, 3, dense, (Baseline("popularity", "positives", 0.7, error),))
    verdict = judge(card("a"), known=References("latest", baselines=measured))
    assert verdict.accepted == (not said)
    assert said in verdict.reason
    assert "inf" not in verdict.reason.split("fit to serve")[-1].split()


def test_a_last_night_without_a_number_is_not_kept_up_with(card: MakeCard) -> None:
    last = NightLevels("2026-01-08", {"auc": {"tune": Difference(NAN, SURE)}})
    assert "accepted night of 2026-01-08" in judge(card("a"), known=References(last=last)).reason


def with_control(card: Scorecard, name: str, split: str, found: Difference) -> Scorecard:
    of_control = dict(card.controls[name])
    of_control["auc"] = {**of_control["auc"], split: found}
    return replace(card, controls={**card.controls, name: of_control})


@pytest.mark.parametrize("split", BOTH)
def test_a_control_is_asked_on_the_days_that_choose_and_on_those_that_confirm(
    card: MakeCard, split: str
) -> None:
    passes = judge(with_control(card("a"), SHUFFLED, split, Difference(0.0, SURE)))
    assert f"not trusted: one shuffled for half of the items passes: {split} AUC" in passes.reason
    fails = judge(with_control(card("a"), COPY, split, Difference(-0.1, SURE)))
    assert f"not trusted: a copy of the dense model does not pass: {split} AUC" in fails.reason


def test_a_control_that_was_not_measured_has_not_failed_as_it_should(card: MakeCard) -> None:
    found = card("a")
    verdict = judge(replace(found, controls={**found.controls, SHUFFLED: {}}))
    assert "one shuffled for half of the items was not measured: tune AUC" in verdict.reason


def test_a_margin_of_zero_has_its_control_too(card: MakeCard) -> None:
    better = Difference(0.02, SURE)
    good = card("a", tune=better, confirm=better)
    assert judge(good, ALONE).accepted
    shuffled = with_control(good, SHUFFLED, "tune", better)
    assert "shuffled for half of the items passes" in judge(shuffled, ALONE).reason


def test_latencies_that_are_no_numbers_keep_no_limit(card: MakeCard) -> None:
    good = card("a")
    slow = tuple(Latency(one.batch, NAN, NAN, NAN, NAN) for one in good.latency)
    broken = replace(good, latency=slow)
    (judged,) = judge(broken).candidates
    assert judged.outcome == "failed"
    assert any("us a request" in reason for reason in judged.reasons)
    limited = RULES.model_copy(update={"max_request_us": {"256": 1e9}})
    assert "p99 nan us" in " ".join(judge(broken, limited).candidates[0].reasons)
    fast = RULES.model_copy(update={"prefer": "latency"})
    assert "no saving" in " ".join(judge(broken, fast).candidates[0].reasons)
    target = Target(name="edge", max_us=1e9)
    (judged,) = gates.judge(["a"], {"a": broken}, RULES, target).candidates
    assert any("us a request are more than edge's" in reason for reason in judged.reasons)
    with pytest.raises(ArtifactError, match="no latency of 256 rows"):
        judge(replace(good, latency=()))


def with_slice(card: Scorecard, name: str, positives: int | None = 500) -> Scorecard:
    """The card with a slice that lost .2 of AUC on both splits."""
    found = Accuracy(1000, 500, 0, 0.7, 0.7, 0.5, 0.9, 1.0, positives)
    of_auc = dict(card.differences["auc"])
    accuracy = dict(card.accuracy)
    for split in BOTH:
        accuracy[f"{split}/{name}"] = found
        of_auc[f"{split}/{name}"] = Difference(-0.2, SURE)
    return replace(card, accuracy=accuracy, differences={**card.differences, "auc": of_auc})


@pytest.mark.parametrize("name", ["multitask users", "a/b", "new users"])
def test_no_name_of_a_slice_keeps_it_from_the_gate(card: MakeCard, name: str) -> None:
    verdict = judge(with_slice(card("a"), name))
    assert not verdict.accepted
    assert verdict.candidates[0].reasons[0].startswith(f"tune/{name} AUC -0.2000")


@pytest.mark.parametrize("name", ["task force", "new users", "tail items, 1-9 events"])
def test_a_slice_may_not_take_a_name_that_we_give_ourselves(name: str) -> None:
    with pytest.raises(ValidationError, match="what we call rows ourselves"):
        SliceSpec(name=name, column="tab", values=("1",))
    assert SliceSpec(name=f"my {name}", column="tab", values=("1",)).name


def test_a_slice_whose_positives_nobody_counted_is_judged(card: MakeCard) -> None:
    assert not judge(with_slice(card("a"), "new users", positives=None)).accepted
    assert judge(with_slice(card("a"), "new users", positives=299)).accepted


def test_a_slice_that_was_asked_for_and_has_no_row_is_said(card: MakeCard) -> None:
    rules = RULES.model_copy(update={"slices": SliceRules(margins={"new users": 0.05})})
    verdict = judge(card("a"), rules)
    assert "new users: no row of the tune days" in verdict.candidates[0].reasons
    assert "new users: no row of the confirm days" in verdict.reason


@pytest.mark.parametrize("value", [NAN, math.inf, -1.0, 0.0])
def test_a_limit_that_limits_nothing_is_no_limit(value: float) -> None:
    with pytest.raises(ValidationError):
        Judgement(margin=0.01, max_request_us={"256": value})
    with pytest.raises(ValidationError):
        Target(name="edge", max_us=value)
