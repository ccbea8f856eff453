"""A night that ended early says why first: the reason stands in the page, not in a log alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from secateur import artifacts
from secateur.contracts.manifest import MadeBy
from secateur.contracts.releases import PublishReceipt
from secateur.report.night_artifacts import read_night
from secateur.report.page import render
from secateur.report.story import headline

Build = Callable[..., Path]


def fail(run: Path, task: str, candidate: str | None = None, **told: Any) -> None:
    """Record a task's failure as Airflow's side does."""
    (run / "failures").mkdir(parents=True, exist_ok=True)
    record = {"task": task, "candidate": candidate, "attempt": 1, "kind": "refused"}
    record |= {"message": f"{task} refused (exit 65): 3 < 4", "log_url": "http://ui/x"} | told
    (run / "failures" / f"{task}-{candidate}.json").write_text(json.dumps(record))


def test_the_reason_comes_first_where_nothing_was_sealed(tmp_path: Path) -> None:
    fail(tmp_path, "clean_events", message="clean_events refused (exit 65): no file of 2024-03-03")
    night = read_night(str(tmp_path))
    told = headline(night)
    assert told.status == "refused"
    assert told.sentence == (
        "clean_events refused at try 1: clean_events refused (exit 65): no file of 2024-03-03. "
        "The model that is served stays as it was."
    )
    page = render(night, "t")
    assert "no file of 2024-03-03" in page
    assert "http://" not in page


def test_a_skipped_night_says_so(tmp_path: Path) -> None:
    fail(tmp_path, "check_run", kind="skipped", message="the log has no 2024-03-07 yet")
    told = headline(read_night(str(tmp_path)))
    assert told.status == "skipped"
    assert told.sentence == (
        "the log has no 2024-03-07 yet. The model that is served stays as it was."
    )


def test_a_run_that_was_marked_by_hand_says_so_before_what_it_killed(tmp_path: Path) -> None:
    fail(tmp_path, "clean_events", kind="ended by hand", attempt=0, message="without a word")
    fail(tmp_path, "night", kind="ended by hand", attempt=0, message="the run was marked by hand")
    told = headline(read_night(str(tmp_path)))
    assert told.sentence.startswith("night ended by hand: the run was marked by hand.")
    assert "try 0" not in render(read_night(str(tmp_path)), "t")


def test_a_crash_is_no_refusal_and_its_words_are_escaped(tmp_path: Path) -> None:
    fail(tmp_path, "train_model", kind="crashed", attempt=4, message="<b>killed</b>")
    night = read_night(str(tmp_path))
    assert headline(night).status == "incomplete"
    assert "train_model crashed at try 4: <b>killed</b>." in headline(night).sentence
    assert "&lt;b&gt;killed" in render(night, "t")


def test_a_night_that_failed_while_publishing_claims_nothing_of_what_is_served(
    tmp_path: Path,
) -> None:
    fail(tmp_path, "publish_release", kind="crashed")
    assert "Its channel may have moved" in headline(read_night(str(tmp_path))).sentence


def test_a_failed_candidate_does_not_speak_for_the_night(complete_night: Build) -> None:
    run = complete_night()
    before = headline(read_night(str(run))).sentence
    fail(run, "candidate.prune_model", "int8")
    night = read_night(str(run))
    assert headline(night).sentence == before
    assert "candidate.prune_model[int8]" in render(night, "t")


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json"])
def test_a_damaged_record_is_said_to_be_unreadable(tmp_path: Path, text: str) -> None:
    (tmp_path / "failures").mkdir()
    (tmp_path / "failures" / "x.json").write_text(text)
    night = read_night(str(tmp_path))
    assert night.failures == ()
    assert list(night.unreadable) == ["failures/x.json"]


@pytest.mark.parametrize("served", [True, False])
def test_a_refused_night_says_that_its_snapshot_is_out(tmp_path: Path, served: bool) -> None:
    fail(tmp_path, "judge_candidates", message="none of 3 candidates is good enough")
    kept = "" if served else "ada holds it"
    receipt = PublishReceipt("s_snapshot", 4, "latest", 9, "c0ffee", 401, served, kept)
    with artifacts.create(str(tmp_path / "snapshot_release"), "Release") as draft:
        draft.write("receipt.json", receipt)
        draft.seal(MadeBy("publish_snapshot", "0"), {}, {})
    told = headline(read_night(str(tmp_path)))
    assert told.status == "refused"
    stays = "" if served else ", which stays at another one: ada holds it"
    assert told.sentence.endswith(
        "The model that is served stays as it was. "
        f"The feature snapshot is release 4 on channel latest{stays}."
    )


def test_a_release_that_a_person_refused_is_a_refusal_with_their_words(
    complete_night: Build,
) -> None:
    folder = complete_night()
    (folder / "release" / "manifest.json").unlink()
    assert headline(read_night(str(folder))).status == "accepted"
    fail(folder, "approve_release", message="ada said no: the campaign runs")
    told = headline(read_night(str(folder)))
    assert told.status == "refused"
    assert told.sentence == (
        "small_dense_distilled passed, but approve_release refused at try 1: "
        "ada said no: the campaign runs. The model that is served stays as it was."
    )
