"""Claims about privacy in the gate: told of every package, refused where a limit asks."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from secateur.contracts.judgement import Difference, Scorecard
from secateur.judgement import gates
from secateur.scenario import Judgement

MakeCard = Callable[..., Scorecard]
RULES = Judgement(margin=0.01)
LIMITED = Judgement.model_validate({"margin": 0.01, "privacy": {"leak": 0.02}})


def attacked(card: Scorecard, loss: float, error: float = 0.001) -> Scorecard:
    """The attack by loss learns this, the one by confidence nothing, and dense's .03."""

    def parts(leak: float) -> dict[str, Difference]:
        values = {"members": 0.51 + leak, "days": 0.51, "leak": leak}
        return {part: Difference(value, error) for part, value in values.items()}

    of_package = {"confidence": parts(0.0), "loss": parts(loss)}
    return replace(card, privacy=of_package, dense_privacy={"loss": parts(0.03)})


def test_the_attack_that_learns_most_is_told_of_candidates_and_of_the_night(card: MakeCard) -> None:
    verdict = gates.judge(["a"], {"a": attacked(card(), 0.015)}, RULES)
    said = (
        "an attack by loss tells train rows from others of the same users with an AUC of 0.5250, "
        "of which the days alone give 0.5100: a leak of +0.0150, upper bound +0.0166 (95 %), "
        "dense's +0.0300"
    )
    assert verdict.accepted
    assert said in verdict.reason
    assert said in verdict.candidates[0].reasons


@pytest.mark.parametrize(
    ("leak", "error", "outcome"),
    [(0.015, 0.001, "passed"), (0.0195, 0.001, "failed"), (0.015, 0.01, "failed")],
)
def test_a_leak_is_held_to_the_limit_by_its_upper_bound(
    card: MakeCard, leak: float, error: float, outcome: str
) -> None:
    judged = gates.gate("a", attacked(card(), leak, error), LIMITED, 0.95)
    assert judged.outcome == outcome
    told = "of AUC, not below judgement.privacy.leak 0.02" in "; ".join(judged.reasons)
    assert told == (outcome == "failed")
    assert gates.gate("a", attacked(card(), leak, error), RULES, 0.95).outcome == "passed"


def test_an_attack_that_was_left_out_or_hangs_on_few_users_never_passes_a_limit(
    card: MakeCard,
) -> None:
    known = attacked(card(), 0.0)
    one = replace(known, privacy={"confidence": known.privacy["confidence"]})
    said = "; ".join(gates.gate("a", one, LIMITED, 0.95).reasons)
    assert "an attack by loss found no rows to compare" in said
    few = {name: replace(part, effective_users=2.0) for name, part in known.privacy["loss"].items()}
    hangs = replace(known, privacy=known.privacy | {"loss": few})
    judged = gates.gate("a", hangs, LIMITED, 0.95)
    assert judged.outcome == "failed"
    assert "what an attack by loss leaks is not known" in "; ".join(judged.reasons)
    assert gates.gate("a", hangs, RULES, 0.95).outcome == "passed"


def test_what_was_not_attacked_never_passes_a_limit(card: MakeCard) -> None:
    judged = gates.gate("a", card(), LIMITED, 0.95)
    assert judged.outcome == "failed"
    assert "no attack on its privacy was made" in "; ".join(judged.reasons)
    assert "attack" not in "; ".join(gates.gate("a", card(), RULES, 0.95).reasons)
