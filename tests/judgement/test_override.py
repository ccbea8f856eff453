"""Claims about publishing what the gate refused: by two, of one package, for so long, on record."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from secateur.contracts.errors import UsageError
from secateur.contracts.judgement import Difference, NightLevels, Scorecard, Verdict
from secateur.contracts.releases import Override
from secateur.judgement import gates
from secateur.judgement.gating.references import References
from secateur.judgement.override import override_verdict, read_override
from secateur.scenario import Judgement

MakeCard = Callable[..., Scorecard]
RULES = Judgement(margin=0.01)
BAD = Difference(-0.02, 0.001)
GIVEN = {
    "recipe": "a",
    "package": "digest of a",
    "reason": "the sale starts at midnight",
    "approvals": ["ada@example.com", "grace@example.com"],
    "expires": "2026-01-09",
}


def read(folder: Path, **changed: object) -> Override:
    (folder / "override.json").write_text(json.dumps(GIVEN | changed))
    return read_override(str(folder / "override.json"))


def test_it_may_be_the_text_itself() -> None:
    assert read_override(json.dumps(GIVEN)).approvals == tuple(GIVEN["approvals"])
    with pytest.raises(UsageError, match="two approvals by name"):
        read_override(json.dumps(GIVEN | {"approvals": ["ada", "ADA "]}))


def overridden(card: Scorecard, given: Override, last: NightLevels | None = None) -> Verdict:
    references = References("latest", last=last)
    cards = {"a": card}
    verdict = gates.judge(["a"], cards, RULES, references=references)
    return override_verdict(verdict, given, cards, RULES, references)


def test_two_people_publish_what_was_refused_and_all_of_it_is_on_record(
    card: MakeCard, tmp_path: Path
) -> None:
    bad = replace(card("a", tune=BAD, confirm=BAD), last_day="2026-01-09")
    verdict = overridden(bad, read(tmp_path))
    assert (verdict.accepted, verdict.chosen, verdict.package) == (True, "a", "digest of a")
    assert verdict.override
    assert verdict.override.approvals == ("ada@example.com", "grace@example.com")
    assert "none of 1 candidates is small and good enough" in verdict.override.refusal
    assert verdict.reason.startswith("a is published by the word of ada@example.com and grace@")
    assert verdict.confirmed
    assert verdict.confirmed.estimate == BAD.estimate


def test_later_nights_are_held_to_the_last_night_that_the_gate_accepted(
    card: MakeCard, tmp_path: Path
) -> None:
    last = NightLevels("2026-01-08", {"auc": {"tune": Difference(0.74, 0.01)}}, lost=0.02)
    bad = replace(card("a", tune=BAD), last_day="2026-01-09")
    verdict = overridden(bad, read(tmp_path), last)
    assert verdict.levels == NightLevels("2026-01-09", last.dense, lost=0.02)


def test_an_accepted_verdict_needs_no_override_and_holds_none(
    card: MakeCard, tmp_path: Path
) -> None:
    good = replace(card("a"), last_day="2026-01-09")
    assert overridden(good, read(tmp_path)).override is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"approvals": ["ada@example.com"]}, "needs two approvals by name"),
        ({"approvals": ["ada@example.com", " Ada@Example.com"]}, "needs two approvals by name"),
        (
            {"approvals": ["ada@example.com", "ada\u200b@example.com"]},
            "needs two approvals by name",
        ),
        (
            {"approvals": ["ada@example.com", "\uff41da@example.com\t"]},
            "needs two approvals by name",
        ),
        ({"approvals": ["ada@example.com", "\u200b\n"]}, "needs two approvals by name"),
        ({"reason": "  because "}, "needs a reason"),
        ({"reason": 12 * "\u200b"}, "needs a reason"),
        ({"expires": "tomorrow"}, "which is no day"),
        ({"expires": "9999-99-99"}, "which is no day"),
        ({"expires": "20260109"}, "which is no day"),
        ({"approvals": "ada"}, "cannot be read"),
        ({"extra": 1}, "cannot be read"),
    ],
)
def test_a_file_that_does_not_hold_together_is_asked_wrongly(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        read(tmp_path, **changed)
    with pytest.raises(UsageError, match="cannot be read"):
        read_override(str(tmp_path / "nothing.json"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"package": "another digest"}, "this night made digest of a of it"),
        ({"recipe": "b"}, "this night measured no such candidate"),
        ({"expires": "2026-01-08"}, "expired on 2026-01-08, the night is 2026-01-09"),
    ],
)
def test_it_is_for_one_package_and_not_for_later_nights(
    card: MakeCard, tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    bad = replace(card("a", tune=BAD), last_day="2026-01-09")
    with pytest.raises(UsageError, match=said):
        overridden(bad, read(tmp_path, **changed))
