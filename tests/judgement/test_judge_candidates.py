"""Claims about the verb that judges: what it seals, what it refuses, what its log says."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.contracts.candidates import CandidatePlan, Recipe
from secateur.contracts.errors import ArtifactError
from secateur.contracts.judgement import (
    Difference,
    NightLevels,
    Refusal,
    Scorecard,
    ServedComparison,
    Verdict,
)
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import Baseline, Baselines
from secateur.judgement.scorecards import open_scorecards, read_scorecards

MakeCard = Callable[..., Scorecard]
JOBS = Path(__file__).parents[2] / "jobs"
BAD = Difference(-0.05, 0.001)


def seal(place: Path, kind: str, name: str, noun: object, dense: str = "d") -> None:
    with artifacts.create(str(place), kind) as draft:
        draft.write(name, noun)
        draft.seal(MadeBy("test", "0"), {"dense-package": dense, "features": "f"}, {})


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*given: Scorecard | str, target: str = "") -> subprocess.CompletedProcess[str]:
        cards = [one for one in given if isinstance(one, Scorecard)]
        plan = CandidatePlan("dense", (Recipe("dense"), Recipe("a"), Recipe("b")))
        seal(tmp_path / "plan", "CandidatePlan", "plan.json", plan)
        for card in cards:
            seal(tmp_path / "scorecards" / card.recipe, "Scorecard", "scorecard.json", card)
        command = [sys.executable, "judge_candidates.py", "--scenario", "short_video"]
        command += [one for one in given if isinstance(one, str)]
        command += [f"--target={target}"] if target else []
        for flag in ("plan", "scorecards"):
            command += [f"--{flag}", str(tmp_path / flag)]
        return subprocess.run(
            [*command, "--output", str(tmp_path / "verdict")],
            cwd=JOBS, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def verdict(folder: Path) -> Verdict:
    return artifacts.open_artifact(str(folder / "verdict"), "Verdict").read("verdict.json", Verdict)


def test_a_night_with_a_crashed_candidate_is_accepted_on_the_other(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    done = judge(card("b"))
    assert done.returncode == 0, done.stderr
    found = verdict(tmp_path)
    assert (found.accepted, found.package) == (True, "digest of b")
    assert [(one.recipe, one.outcome) for one in found.candidates] == [
        ("a", "crashed"),
        ("b", "passed"),
    ]


def test_a_refused_package_is_told_from_a_crash_by_its_reason(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    for recipe in ("a", "b"):
        refusal = Refusal("the client encodes age otherwise")
        seal(tmp_path / f"candidates/{recipe}/refusal", "Refusal", "refusal.json", refusal)
    seal(tmp_path / "candidates/b/package", "Package", "made_since", refusal)
    candidates = f"--candidates={tmp_path / 'candidates'}"
    assert judge(card("b"), candidates).returncode == 0
    of_a, of_b = verdict(tmp_path).candidates
    assert (of_a.outcome, of_a.reasons) == ("refused", ("the client encodes age otherwise",))
    assert of_b.outcome == "passed"
    done = judge(card("b", tune=BAD), candidates)
    assert "0 saved nothing, 1 refused as packages, 0 crashed" in done.stderr
    assert "a: refused: the client encodes age otherwise" in done.stderr


def test_a_refusal_is_sealed_and_its_log_ends_with_one_line_a_candidate(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    done = judge(card("a", tune=BAD))
    assert done.returncode == 65
    assert not verdict(tmp_path).accepted
    *_, head, of_a, of_b, evidence = done.stderr.strip().splitlines()
    assert "REFUSED" in head
    assert "a: failed: tune AUC -0.0500, lower bound -0.0516" in of_a
    assert "below -0.0100" in of_a
    assert "b: crashed" in of_b
    assert str(tmp_path / "verdict") in evidence


def test_the_same_scorecards_give_the_same_verdict(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    digests = []
    for _ in range(2):
        judge(card("a"), card("b"))
        digests.append(artifacts.read_manifest(str(tmp_path / "verdict")).digest)
    assert digests[0] == digests[1]


def test_scorecards_against_two_dense_packages_are_not_compared(
    card: MakeCard, tmp_path: Path
) -> None:
    for name, dense in (("a", "d1"), ("b", "d2")):
        seal(tmp_path / name, "Scorecard", "scorecard.json", card(name), dense)
    with pytest.raises(ArtifactError, match="different dense-package"):
        open_scorecards(str(tmp_path), ["a", "b"])


def test_a_target_that_no_search_has_is_asked_wrongly(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard
) -> None:
    done = judge(card("a"), target="edge")
    assert done.returncode == 64
    assert "no target 'edge', it has []" in done.stderr


def test_a_night_is_judged_for_a_target_of_its_search(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    wanted = '--set=search.targets=[{name="edge",max_bytes=99}]'
    assert judge(card("a"), card("b", size=50), wanted, target="edge").returncode == 0
    assert verdict(tmp_path).chosen == "b"


def test_held_out_days_answer_as_many_questions_as_the_budget_allows(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    state = f"--state={tmp_path / 'state'}"
    outcomes = []
    for margin in (0.01, 0.02, 0.01, 0.03):
        rules = (f"--set=judgement.margin={margin}", "--set=judgement.holdout_uses=2")
        outcomes.append(judge(card("a"), state, *rules).returncode)
    assert outcomes == [0, 0, 0, 65]  # the third was asked before
    found = verdict(tmp_path)
    assert "these held-out days were asked 2 other questions, of 2 in all" in found.reason
    assert (found.chosen, found.package, found.confirmed, found.tests) == (None, None, None, ())


def test_the_dense_bundle_and_the_state_hold_what_the_dense_model_must_beat(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    baselines = Baselines(9, 3, 0.73, (Baseline("popularity", "positives", 0.75, 0.001),))
    seal(tmp_path / "dense", "ModelBundle", "baselines.json", baselines)
    for day, auc in (("2026-01-08", 0.79), ("2026-01-09", 0.99)):  # the second is tonight's own
        levels = NightLevels(day, {"auc": {"tune": Difference(auc, 0.01)}})
        seal(tmp_path / "state/levels" / day, "AcceptedLevels", "levels.json", levels)
    tonight = replace(card("a"), last_day="2026-01-09")
    done = judge(tonight, f"--dense={tmp_path / 'dense'}", f"--state={tmp_path / 'state'}")
    assert done.returncode == 65
    assert "that of popularity (positives) 0.7500" in verdict(tmp_path).reason
    assert "the accepted night of 2026-01-08 was 0.7900" in verdict(tmp_path).reason
    assert "2026-01-09 was" not in verdict(tmp_path).reason


def test_losses_are_looked_up_by_what_the_channel_serves(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    both = dict.fromkeys(("tune", "confirm"), Difference(-0.009, 0.0001))
    same = dict.fromkeys(("tune", "confirm"), Difference(0.0, 0.0001))
    served = ServedComparison(7, "p7", card().accuracy, {"auc": both, "log_loss": same})
    tonight = replace(card("a"), served={"latest": served}, last_day="2026-01-09")
    state = f"--state={tmp_path / 'state'}"
    assert judge(tonight, state).returncode == 0
    spent = NightLevels("2026-01-09", {}, lost=0.045)
    seal(tmp_path / "state/losses/p7", "AcceptedLevels", "levels.json", spent)
    assert judge(tonight, state).returncode == 65
    assert "releases would have lost 0.0540 of AUC in all" in verdict(tmp_path).reason
    (tmp_path / "state/losses/p7/levels.json").write_text("{}")
    assert judge(tonight, state).returncode == 1


def test_two_approvals_in_a_file_accept_what_is_refused(
    judge: Callable[..., subprocess.CompletedProcess[str]], card: MakeCard, tmp_path: Path
) -> None:
    file = tmp_path / "override.json"
    given = {"recipe": "a", "package": "digest of a", "reason": "the sale starts at midnight",
             "approvals": ["ada", "grace"], "expires": "2026-01-09"}  # fmt: skip
    file.write_text(json.dumps(given))
    tonight = replace(card("a", tune=BAD), last_day="2026-01-09")
    done = judge(tonight, f"--override={file}")
    assert done.returncode == 0, done.stderr
    assert "a is published by the word of ada and grace" in done.stderr
    assert verdict(tmp_path).accepted
    file.write_text(json.dumps(given | {"approvals": ["ada"]}))
    assert judge(tonight, f"--override={file}").returncode == 64


def test_a_scorecard_in_the_folder_of_another_recipe_is_not_believed(
    card: MakeCard, tmp_path: Path
) -> None:
    for recipe in ("a", "b"):
        seal(tmp_path / recipe, "Scorecard", "scorecard.json", card("a"))
    sealed = open_scorecards(str(tmp_path), ["a", "b"])
    with pytest.raises(ArtifactError, match="b is a scorecard of a, not of b"):
        read_scorecards(sealed)
    assert list(read_scorecards({"a": sealed["a"]})) == ["a"]
