"""Faults planted into scores, each caught by the gate that is meant for it and by no other."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.judgement.simulated_rows import expit
from secateur.artifacts import Artifact
from secateur.auc import Scores
from secateur.contracts.errors import GateRefused
from secateur.contracts.judgement import METRICS, Difference, MetricTest, Scorecard
from secateur.contracts.manifest import MadeBy, Manifest
from secateur.judgement import gates
from secateur.judgement.compared_accuracy import measure_rows
from secateur.judgement.evaluation import demand_numbers
from secateur.judgement.intervals.differences import differences, levels
from secateur.judgement.metrics.scored_rows import JudgedRows
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import Margins, SliceRules

MakeCard = Callable[..., Scorecard]
Logits = NDArray[np.float64]
USERS, ROWS_A_USER, ITEMS = 2000, 12, 400
MARGINS = Margins(
    gauc=0.02, log_loss=0.01, calibration=0.1, calibration_error=0.02, churn=0.05, top_overlap=0.3
)
RULES = Judgement(margin=0.01, margins=MARGINS)
USERS_OF_ROWS = np.repeat(np.arange(USERS), ROWS_A_USER)
ITEMS_OF_ROWS = np.random.default_rng(0).integers(0, ITEMS, len(USERS_OF_ROWS))
# One user in twenty and an item in twenty.
SLICES = {"new users": USERS_OF_ROWS % 20 == 0, "tail items, 1-9 events": ITEMS_OF_ROWS % 20 == 0}


@cache
def planted() -> tuple[JudgedRows, Logits, Logits]:
    """Rows, the dense model's logits, and what of them is the user's own level."""
    rng = np.random.default_rng(0)
    users, items = USERS_OF_ROWS, ITEMS_OF_ROWS
    level = (1.2 * rng.normal(size=USERS) - 0.8)[users]
    logits = level + 0.6 * rng.normal(size=ITEMS)[items]
    labels = (rng.random(len(users)) < expit(logits)).astype(np.int8)
    return JudgedRows(labels, users, items, users), logits, level


def card_of(card: MakeCard, candidate: Logits, dense: Logits | None = None) -> Scorecard:
    """What a scorecard says of the candidate's logits [n]; the same on both splits."""
    rows, good, _ = planted()
    of_dense = scores_of(good if dense is None else dense)
    scores = scores_of(candidate)
    (found,) = differences(rows, of_dense, [scores], seed=1, rounds=60)
    both = ("tune", "confirm")
    return replace(
        card("a"),
        accuracy=dict.fromkeys(both, measure_rows(rows, scores)),
        dense_accuracy=dict.fromkeys(both, measure_rows(rows, of_dense)),
        differences={name: dict.fromkeys(both, one) for name, one in found.items()},
        dense_levels={
            name: dict.fromkeys(both, one)
            for name, one in levels(rows, of_dense, seed=1, rounds=60).items()
        },
    )


def add_slices(card: Scorecard, candidate: Logits) -> Scorecard:
    """The card with the AUC of new users' rows and of tail items' rows on both splits."""
    rows, logits, _ = planted()
    dense, scores = scores_of(logits), scores_of(candidate)
    accuracy, of_auc = dict(card.accuracy), dict(card.differences["auc"])
    for name, mask in SLICES.items():
        (found,) = differences(rows.take(mask), dense[mask], [scores[mask]], 1, 60, METRICS[:1])
        for split in ("tune", "confirm"):
            accuracy[f"{split}/{name}"] = measure_rows(rows.take(mask), scores[mask])
            of_auc[f"{split}/{name}"] = found["auc"]
    return replace(card, accuracy=accuracy, differences={**card.differences, "auc": of_auc})


def scores_of(logits: Logits) -> Scores:
    return expit(logits).astype(np.float32)


def caught(card: Scorecard, rules: Judgement = RULES) -> tuple[set[str], tuple[MetricTest, ...]]:
    """The metrics that the candidate does not pass, having been refused."""
    verdict = gates.judge(["a"], {"a": card}, rules)
    (judged,) = verdict.candidates
    assert not verdict.accepted
    return {test.metric for test in judged.tests if test.outcome != "passed"}, judged.tests


def test_a_copy_of_dense_passes(card: MakeCard) -> None:
    _, logits, _ = planted()
    assert gates.judge(["a"], {"a": card_of(card, logits)}, RULES).accepted


def test_a_spoilt_top_line_is_caught_by_auc(card: MakeCard) -> None:
    """Users' levels are blurred, which moves no row within a user; they shrink to stay honest."""
    _, logits, level = planted()
    blur = 0.45 * np.random.default_rng(1).normal(size=USERS)[planted()[0].users]
    loose = MARGINS.model_copy(update={"log_loss": 0.1, "churn": 0.2})
    blurred = (logits - level) + 0.9 * (level + 0.8 + blur) - 0.8
    assert caught(card_of(card, blurred), RULES.model_copy(update={"margins": loose}))[0] == {"auc"}


def test_a_spoilt_ranking_within_users_is_caught_by_gauc(card: MakeCard) -> None:
    _, logits, level = planted()
    loose = MARGINS.model_copy(update={"log_loss": 0.1, "top_overlap": 1.0, "churn": 0.2})
    rules = RULES.model_copy(update={"margin": 0.03, "margins": loose})
    noise = 0.25 * np.random.default_rng(2).normal(size=len(level))
    assert caught(card_of(card, level + 0.3 * (logits - level) + noise), rules)[0] == {"gauc"}


def test_a_shift_of_all_scores_is_caught_by_calibration(card: MakeCard) -> None:
    _, logits, _ = planted()
    loose = MARGINS.model_copy(update={"calibration_error": 0.1, "log_loss": 0.1, "churn": 0.2})
    rules = RULES.model_copy(update={"margins": loose})
    assert caught(card_of(card, logits + 0.25), rules)[0] == {"calibration"}


def test_scores_too_sure_of_themselves_are_caught_by_their_error_by_tenths(card: MakeCard) -> None:
    _, logits, _ = planted()
    loose = MARGINS.model_copy(update={"log_loss": 0.1, "churn": 0.2})
    rules = RULES.model_copy(update={"margins": loose})
    sure = 1.6 * (logits + 0.8) - 0.95
    assert caught(card_of(card, sure), rules)[0] == {"calibration_error"}


def test_a_few_scores_that_are_grossly_wrong_are_caught_by_log_loss(card: MakeCard) -> None:
    _, logits, _ = planted()
    wrong = logits.copy()
    wrong[:: len(wrong) // 60] = -14.0
    assert caught(card_of(card, wrong))[0] == {"log_loss"}


def test_another_model_as_good_is_caught_by_churn(card: MakeCard) -> None:
    rows, logits, _ = planted()
    one, other = (
        logits + 0.35 * np.random.default_rng(seed).normal(size=USERS)[rows.users]
        for seed in (3, 4)
    )
    assert caught(card_of(card, other, dense=one))[0] == {"churn"}


@pytest.mark.parametrize("broken", ["new users", "tail items, 1-9 events"])
def test_a_prune_that_keeps_the_top_line_and_breaks_a_slice_is_caught_by_the_slices_name(
    card: MakeCard, broken: str
) -> None:
    """The slice's scores are dealt out anew among its rows."""
    _, logits, _ = planted()
    shuffled = logits.copy()
    hit = np.flatnonzero(SLICES[broken])
    shuffled[hit] = logits[np.random.default_rng(6).permutation(hit)]
    loose = MARGINS.model_copy(update={"log_loss": 0.1, "churn": 0.2, "gauc": 0.03})
    coarse = SliceRules(margin=0.06)
    rules = RULES.model_copy(update={"margin": 0.03, "margins": loose, "slices": coarse})
    found = add_slices(card_of(card, shuffled), shuffled)
    _, tests = caught(found, rules)
    bad = [test for test in tests if test.outcome != "passed"]
    assert [(test.metric, test.split) for test in bad] == [("auc", f"tune/{broken}")]
    assert bad[0].words.startswith(f"tune/{broken} AUC -0.")
    copy = add_slices(card_of(card, logits), logits)
    assert gates.judge(["a"], {"a": copy}, rules).accepted


def test_numbers_that_are_none_are_refused_before_anything_is_compared() -> None:
    """Where a package is scored, its place and the count are told; no scorecard is made of it."""
    _, logits, _ = planted()
    scores = scores_of(logits)
    scores[:5] = np.array([np.nan, np.inf, -np.inf, 1.1, -0.1])
    scores[5:7] = np.array([0, 1])
    with pytest.raises(
        GateRefused, match=r"5 of 24,000 scores on the tune days are no probability: p"
    ):
        demand_numbers(
            Artifact("p", Manifest("Package", MadeBy("v", "0"), {}, ()), Path()), "tune", scores
        )


def test_a_scorecard_whose_difference_is_no_number_passes_nothing(card: MakeCard) -> None:
    found = card("a", log_loss=Difference(math.nan, 0.001))
    assert caught(found)[0] == {"log_loss"}
    assert "its difference is no number" in found_words(found)


def found_words(found: Scorecard) -> str:
    return " ".join(test.words for test in caught(found)[1])


@pytest.mark.parametrize(
    ("size", "us", "said"), [(1200, 100, "bytes"), (100, 1700, "us a request")]
)
def test_a_package_larger_or_slower_is_caught_by_what_it_costs(
    card: MakeCard, size: int, us: float, said: str
) -> None:
    verdict = gates.judge(["a"], {"a": card("a", size=size, us=us)}, RULES)
    (judged,) = verdict.candidates
    assert judged.outcome == "failed"
    (told,) = [r for r in judged.reasons if "against dense, beyond" in r and said in r]
    assert "timed while" not in told
    busy = replace(card("a", size=size, us=us), load=0.9)
    (told,) = [
        r
        for r in gates.judge(["a"], {"a": busy}, RULES).candidates[0].reasons
        if "against dense, beyond" in r
    ]
    assert ("timed while others used 90% of the machine" in told) == (said == "us a request")
    assert {test.outcome for test in judged.tests} == {"passed"}


def test_a_dense_model_of_chance_is_caught_though_its_candidate_is_equal(card: MakeCard) -> None:
    noise = np.random.default_rng(5).normal(size=USERS * ROWS_A_USER) - 0.8
    found = card_of(card, noise, dense=noise)
    verdict = gates.judge(["a"], {"a": found}, RULES)
    assert not verdict.accepted
    assert verdict.candidates[0].outcome == "passed"
    assert "which is not above chance" in verdict.reason
