"""Faults planted into scores, each caught by the gate that is meant for it and by no other."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.judgement.simulated_rows import expit
from secateur.auc import Scores
from secateur.contracts.judgement import MetricTest, Scorecard
from secateur.judgement import gates
from secateur.judgement.compared_accuracy import measure_rows
from secateur.judgement.intervals.differences import differences, levels
from secateur.judgement.metrics.scored_rows import JudgedRows
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import Margins

MakeCard = Callable[..., Scorecard]
Logits = NDArray[np.float64]
USERS, ROWS_A_USER = 2000, 12
MARGINS = Margins(
    gauc=0.02, log_loss=0.01, calibration=0.1, calibration_error=0.02, churn=0.05, top_overlap=0.3
)
RULES = Judgement(margin=0.01, margins=MARGINS)


@cache
def planted() -> tuple[JudgedRows, Logits, Logits]:
    """Rows, the dense model's logits, and what of them is the user's own level."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(USERS), ROWS_A_USER)
    items = rng.integers(0, 400, len(users))
    level = (1.2 * rng.normal(size=USERS) - 0.8)[users]
    logits = level + 0.6 * rng.normal(size=400)[items]
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


@pytest.mark.parametrize(
    ("size", "us", "said"), [(1200, 100, "bytes"), (100, 1700, "us a request")]
)
def test_a_package_larger_or_slower_is_caught_by_what_it_costs(
    card: MakeCard, size: int, us: float, said: str
) -> None:
    verdict = gates.judge(["a"], {"a": card("a", size=size, us=us)}, RULES)
    (judged,) = verdict.candidates
    assert judged.outcome == "failed"
    assert [r for r in judged.reasons if "against dense, beyond" in r and said in r]
    assert {test.outcome for test in judged.tests} == {"passed"}


def test_a_dense_model_of_chance_is_caught_though_its_candidate_is_equal(card: MakeCard) -> None:
    noise = np.random.default_rng(5).normal(size=USERS * ROWS_A_USER) - 0.8
    found = card_of(card, noise, dense=noise)
    verdict = gates.judge(["a"], {"a": found}, RULES)
    assert not verdict.accepted
    assert verdict.candidates[0].outcome == "passed"
    assert "which is not above chance" in verdict.reason
