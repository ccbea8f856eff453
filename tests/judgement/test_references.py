"""Claims about what a night is held against besides its own dense model."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from secateur.artifacts import Artifact
from secateur.auc import Scores
from secateur.contracts.features import FeatureSchema
from secateur.contracts.judgement import (
    Accuracy,
    Difference,
    NightLevels,
    Scorecard,
    ServedComparison,
    Verdict,
)
from secateur.contracts.models import Baseline, Baselines
from secateur.judgement import gates
from secateur.judgement.compared_accuracy import ScoredSplit
from secateur.judgement.gating.references import References
from secateur.judgement.scoring.client_scoring import read_rows
from secateur.judgement.served_release import ServedRelease, compare_with_served
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import DenseRules, ServedRules

MakeCard = Callable[..., Scorecard]
RULES = Judgement(margin=0.01)
LATEST = References("latest")
SURE = 0.0001
BOTH = ("tune", "confirm")


def with_served(card: Scorecard, auc: float, log_loss: float = 0.0, why: str = "") -> Scorecard:
    """The card, measured beside release 7, from which it differs so much on both splits."""
    found = {"auc": auc, "log_loss": log_loss}
    served = ServedComparison(
        release=7,
        package="p7",
        accuracy={} if why else dict.fromkeys(BOTH, Accuracy(1000, 500, 0, 0.7, 0.7, 0.6, 1, 1)),
        differences={}
        if why
        else {name: dict.fromkeys(BOTH, Difference(d, SURE)) for name, d in found.items()},
        why_unknown=why,
    )
    return replace(card, served={"latest": served, "edge": None}, last_day="2026-01-09")


def judge(card: Scorecard, rules: Judgement = RULES, references: References = LATEST) -> Verdict:
    return gates.judge(["a"], {"a": card}, rules, references=references)


def test_a_package_as_good_as_what_is_served_is_published_and_says_what_that_was(
    card: MakeCard,
) -> None:
    verdict = judge(with_served(card("a"), auc=0.004))
    assert verdict.accepted
    assert verdict.reference == "release 7"
    assert "AUC against release 7 +0.0040 of 0.02" in verdict.reason
    assert {test.against for test in verdict.tests} == {"dense", "release 7"}


@pytest.mark.parametrize(("auc", "log_loss"), [(-0.03, 0.0), (0.0, 0.03)])
def test_a_package_worse_than_what_is_served_is_refused_though_it_equals_dense(
    card: MakeCard, auc: float, log_loss: float
) -> None:
    verdict = judge(with_served(card("a"), auc, log_loss))
    (judged,) = verdict.candidates
    assert not verdict.accepted
    bad = [test for test in judged.tests if test.outcome != "passed"]
    assert [test.against for test in bad] == ["release 7"]
    assert "against release 7" in judged.reasons[0]
    loose = ServedRules(margin="reported", log_loss="reported", loss_budget="reported")
    assert judge(
        with_served(card("a"), auc, log_loss), RULES.model_copy(update={"served": loose})
    ).accepted


def test_the_first_night_of_a_channel_is_a_bootstrap_and_says_so(card: MakeCard) -> None:
    verdict = judge(with_served(card("a"), auc=-0.5), references=References("edge"))
    assert verdict.accepted
    assert verdict.reference == "bootstrap"
    assert "a bootstrap: edge serves nothing yet to compare with" in verdict.reason


def test_a_release_that_cannot_score_tonights_rows_refuses_until_somebody_says_otherwise(
    card: MakeCard,
) -> None:
    blind = with_served(card("a"), 0.0, why="the column tag is missing")
    verdict = judge(blind)
    assert not verdict.accepted
    assert "cannot score these rows (the column tag is missing)" in verdict.candidates[0].reasons[0]
    unasked = ServedRules(margin="reported", log_loss="reported")
    assert judge(blind, RULES.model_copy(update={"served": unasked})).accepted


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"min_auc": 0.72}, "is 0.7300, lower bound 0.7136, which is not above judgement.dense"),
        ({"max_auc": 0.73}, "too good to be true beyond 0.73"),
        ({"max_normalized_entropy": 0.91}, "upper bound 0.9164, not below judgement.dense"),
        ({"min_auc": 0.7, "max_auc": 0.74, "max_normalized_entropy": 0.92}, ""),
    ],
)
def test_floors_and_the_ceiling_of_the_dense_model(
    card: MakeCard, rules: dict[str, float], said: str
) -> None:
    found = RULES.model_copy(update={"dense": DenseRules.model_validate(rules)})
    verdict = judge(card("a"), found)
    assert said in verdict.reason
    assert verdict.accepted == (not said)


@pytest.mark.parametrize(
    ("theirs", "error", "accepted"), [(0.70, 0.004, True), (0.731, 0.004, True),
                                      (0.736, 0.004, False), (0.70, None, False)],
)  # fmt: skip
def test_a_dense_model_below_a_baseline_publishes_nothing(
    card: MakeCard, theirs: float, error: float | None, accepted: bool
) -> None:
    measured = Baselines(
        9, 3, 0.73, (Baseline("list order", "position in the list shown", theirs, error),)
    )
    verdict = judge(card("a"), references=References("latest", baselines=measured))
    assert verdict.accepted == accepted
    assert accepted or f"that of list order (position in the list shown) {theirs:.4f}" in (
        verdict.reason
    )


@pytest.mark.parametrize(("then", "accepted"), [(0.75, True), (0.79, False)])
def test_a_dense_model_that_fell_since_the_last_accepted_night_publishes_nothing(
    card: MakeCard, then: float, accepted: bool
) -> None:
    last = NightLevels("2026-01-08", {"auc": {"tune": Difference(then, 0.01)}})
    verdict = judge(card("a"), references=References("latest", last=last))
    assert verdict.accepted == accepted
    assert accepted or "that of the accepted night of 2026-01-08 was 0.7900" in verdict.reason


def nights(card: Scorecard, gains: list[float], rules: Judgement = RULES) -> tuple[list[bool], str]:
    """Whether each night of a gain over the release before it is accepted, and the last reason."""
    last, accepted, reason = None, [], ""
    for gain in gains:
        verdict = judge(with_served(card, gain), rules, References("latest", last=last))
        accepted.append(verdict.accepted)
        last, reason = verdict.levels or last, verdict.reason
    return accepted, reason


def test_small_losses_add_up_to_a_budget(card: MakeCard) -> None:
    accepted, reason = nights(card("a"), [-0.009] * 8)
    assert accepted == [True] * 5 + [False] * 3
    assert "releases would have lost 0.0540 of AUC in all" in reason


def test_losses_are_those_of_what_is_served_and_not_of_who_was_accepted_last(
    card: MakeCard,
) -> None:
    """A night run again meets its own release; a held channel is not moved by what it refuses."""
    last = NightLevels("2026-01-08", {}, lost=0.0)
    again = References("latest", last=last, served=NightLevels("2026-01-09", {}, lost=0.045))
    verdict = judge(with_served(card("a"), 0.0), references=again)
    assert verdict.levels
    assert verdict.levels.lost == 0.045
    assert not judge(with_served(card("a"), -0.009), references=again).accepted
    held = References("latest", last=replace(last, lost=0.049), served=replace(last, lost=0.001))
    assert judge(with_served(card("a"), -0.009), references=held).accepted


def test_gains_are_paid_back_and_no_credit_is_kept(card: MakeCard) -> None:
    assert nights(card("a"), [-0.009, 0.009] * 10)[0] == [True] * 20
    assert nights(card("a"), [0.1] + [-0.009] * 6)[0] == [True] * 6 + [False]


def test_who_accepts_the_quality_that_is_served_counts_anew(card: MakeCard) -> None:
    spent = NightLevels("2026-01-08", {}, lost=0.049)
    rules = RULES.model_copy(update={"served": ServedRules(counted_from="2026-01-09")})
    worse = with_served(card("a"), -0.009)
    assert not judge(worse, RULES, References("latest", last=spent)).accepted
    verdict = judge(worse, rules, References("latest", last=spent))
    assert verdict.levels == NightLevels(
        "2026-01-09", card("a").dense_levels, pytest.approx(0.009), "2026-01-09"
    )


def test_a_prune_better_than_its_own_dense_model_is_a_warning(card: MakeCard) -> None:
    verdict = judge(card("a", tune=Difference(0.045, 0.003)))
    assert verdict.accepted
    assert verdict.candidates[0].warnings == (
        "better than dense by AUC +0.0450, lower bound +0.0401 (95 %): dense is overfit or broken, "
        "look at its training",
    )
    assert "a: warning: better than dense" in gates.explain(verdict)
    assert judge(card("a")).candidates[0].warnings == ()


class OfFewer:
    """A release that reads the video alone, and fails where it is not given."""

    def __init__(self, inner: object, name: str) -> None:
        self.inner, self.name = inner, name
        fields = [type("Field", (), {"name": name})()]
        self.schema = type("Schema", (), {"inputs": fields})()

    def score(self, columns: Mapping[str, object], *, hashed: bool = False) -> Scores:
        assert list(columns) == [self.name]
        return self.inner.score(columns, hashed=hashed)  # type: ignore[attr-defined,no-any-return]


def test_a_release_scores_tonights_rows_by_the_columns_that_it_knows(
    features: Artifact, by_video: Callable[[], object], tmp_path: Path
) -> None:
    schema = features.read("schema.json", FeatureSchema)
    rows = {split: read_rows(features.folder / split, schema) for split in BOTH}
    of_row = np.linspace(0.1, 0.9, len(rows["tune"]), dtype=np.float32)
    scored = [ScoredSplit(split, r, of_row, of_row) for split, r in rows.items()]
    release = ServedRelease(7, "p7", tmp_path)
    served = {"latest": release, "edge": release, "new": None}
    found = compare_with_served(served, scored, lambda _: OfFewer(by_video(), "video_id"), 1)
    assert found["latest"] is found["edge"]
    assert found["new"] is None
    beside = found["latest"]
    assert beside
    assert set(beside.differences) == {"auc", "gauc", "log_loss"}
    assert beside.accuracy["tune"].auc
    gone = compare_with_served(served, scored, lambda _: OfFewer(by_video(), "tag"), 1)["latest"]
    assert gone
    assert (gone.why_unknown, gone.differences) == (
        "it reads tag, which tonight's features lack",
        {},
    )
