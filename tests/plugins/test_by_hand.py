"""A night that a person ended is told and red; one that ended by itself is left alone."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from secateur.contracts.errors import TaskFailure
from secateur.contracts.record import from_json
from secateur_airflow.signals.by_hand import TellEndedByHand, demand_finished, left_undone

from .conftest import manual_run

PUBLISHED = {
    "check_run": "success",
    "clean_events": "success",
    "candidate.prune_model_0": "failed",
    "judge_candidates": "success",
    "publishing_wanted": "success",
    "publish_release": "success",
    "accept_night": "success",
    "report_night": "running",
    "close_night": None,
}
LATER = ("judge_candidates", "publishing_wanted", "publish_release", "accept_night")
MARKED = PUBLISHED | {"clean_events": "failed"} | dict.fromkeys(LATER, "skipped")
REFUSED = PUBLISHED | {"judge_candidates": "failed"} | dict.fromkeys(LATER[1:], "upstream_failed")
DRY = PUBLISHED | dict.fromkeys(LATER[2:], "skipped")
NOT_DELIVERED = PUBLISHED | dict.fromkeys(["check_run", "clean_events", *LATER], "skipped")


@pytest.mark.parametrize(
    ("states", "dry_run", "undone"),
    [
        (PUBLISHED, False, False),
        (MARKED, False, True),
        (MARKED, True, True),
        (REFUSED, False, False),
        (DRY, True, False),
        (DRY, False, True),
        (NOT_DELIVERED, False, False),
    ],
)
def test_a_night_is_left_undone_where_its_last_step_was_skipped_unasked(
    states: dict[str, str | None], dry_run: bool, undone: bool
) -> None:
    assert left_undone(states, dry_run) == undone


def context(states: dict[str, str | None]) -> Any:
    """What Airflow hands to the callback of the report."""
    run = manual_run()
    ti = SimpleNamespace(
        dag_id="secateur_x",
        task_id="report_night",
        map_index=-1,
        task=SimpleNamespace(inputs={}),
        get_task_states=lambda dag, run_ids: {run_ids[0]: states},
    )
    return {"ti": ti, "run_id": "r1", "dag_run": run, "params": {"channel": "latest"}}


def kept(runs: Path) -> dict[str, TaskFailure]:
    """The records of the only run, by file name."""
    return {
        path.stem: from_json(TaskFailure, path.read_bytes())
        for path in runs.glob("*/failures/*.json")
    }


def test_a_run_that_was_marked_failed_is_told_once_with_what_it_killed(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    states = MARKED | {"candidate.prune_model_0": "skipped"}
    TellEndedByHand().notify(context(states))
    TellEndedByHand().notify(context(states))
    ((_, body),) = webhook
    first, served, advice, _ = body["text"].splitlines()
    assert first == (
        "secateur_x.night ended by hand in run r1: "
        "the run was marked by hand: what had not begun was skipped"
    )
    assert served.startswith("served: nothing, ")
    assert advice.startswith("what to do: nothing, if it was meant; else clear what was ended")
    assert set(kept(runs)) == {"night", "clean_events"}
    assert kept(runs)["clean_events"].message.startswith("it failed without a word")
    with pytest.raises(AirflowFailException, match="nothing was accepted"):
        demand_finished(context(states))


def test_a_task_that_failed_without_a_word_is_told_and_one_with_its_record_is_not(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    TellEndedByHand().notify(context(REFUSED | {"candidate.prune_model_0": "success"}))
    assert set(kept(runs)) == {"judge_candidates"}
    assert len(webhook) == 1
    told = next(runs.glob("*/failures/*.json"))
    told.rename(told.with_name("candidate.prune_model-0.json"))
    TellEndedByHand().notify(context(PUBLISHED))
    demand_finished(context(PUBLISHED))
    assert len(webhook) == 1


def test_what_is_told_of_a_run_goes_once_the_run_was_finished(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    TellEndedByHand().notify(context(MARKED | {"clean_events": "success"}))
    assert "night" in kept(runs)
    TellEndedByHand().notify(context(PUBLISHED | {"candidate.prune_model_0": "success"}))
    assert "night" not in kept(runs)
