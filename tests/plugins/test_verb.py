"""What an exit code becomes, and what command line a run's parameters become."""

import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)

from secateur_airflow.verb import Verb, overrides, raise_for_exit

RUN = SimpleNamespace(
    run_id="scheduled__2026-01-02T03:00:00+00:00",
    dag_id="secateur_short_video",
    run_after=datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC),
    run_type="manual",
    data_interval_end=None,
    conf=None,
)


def test_success_is_silent() -> None:
    raise_for_exit("train_model", 0, "")


@pytest.mark.parametrize("code", [64, 65])
def test_a_refusal_fails_without_retry_and_repeats_the_last_line(code: int) -> None:
    with pytest.raises(AirflowFailException, match="no candidate passed"):
        raise_for_exit("judge_candidates", code, "no candidate passed")


def test_the_reason_is_told_once() -> None:
    line = "03:00:02 E secateur: judge_candidates REFUSED after 0.1 s: none of 2 candidates\n  x: y"
    with pytest.raises(AirflowFailException) as raised:
        raise_for_exit("judge_candidates", 65, line)
    told = "judge_candidates refused (exit 65): none of 2 candidates\n  x: y"
    assert str(raised.value) == told


def test_a_day_that_was_not_delivered_skips_the_night() -> None:
    with pytest.raises(AirflowSkipException, match="has no 2024-03-07 yet"):
        raise_for_exit("check_run", 75, "the log has no 2024-03-07 yet")


def test_a_night_behind_a_fence_looks_again_later_and_loses_no_try() -> None:
    with pytest.raises(AirflowRescheduleException) as raised:
        raise_for_exit("check_run", 85, "another night holds the state")
    assert raised.value.reschedule_date > datetime.datetime.now(datetime.UTC)


def test_an_input_with_a_dot_overrides_that_key_unless_it_is_empty() -> None:
    context: Any = {"dag_run": RUN, "params": {"last_day": None}}

    def flags(day: str) -> list[str]:
        return Verb("clean_events", "s.toml").arguments(context, {"logs.last_day": day}, ["events"])

    assert flags("2024-03-05")[1] == '--set=logs.last_day="2024-03-05"'
    assert flags("")[1] == "--output"


def test_an_input_that_nothing_answered_is_told_by_its_name_and_not_retried() -> None:
    context: Any = {"dag_run": RUN, "params": {}}
    inputs = {"verdict": None, "store": "s3://models", "logs.last_day": ""}
    with pytest.raises(AirflowFailException, match=r"it has no --verdict, .* marked a success"):
        Verb("publish_release", "s.toml").arguments(context, inputs, ["release"])


@pytest.mark.parametrize(
    ("code", "how"), [(1, "exit 1"), (-9, "SIGKILL"), (-15, "SIGTERM"), (137, "SIGKILL")]
)
def test_a_crash_may_be_retried(code: int, how: str) -> None:
    with pytest.raises(AirflowException, match=how) as raised:
        raise_for_exit("train_model", code, "")
    assert not isinstance(raised.value, AirflowFailException)


def test_a_killed_process_is_told_by_its_memory_and_not_by_its_last_line_alone() -> None:
    words = r"SIGKILL\), most likely out of memory; it held up to 3.0 GiB. Its last words: done"
    with pytest.raises(AirflowException, match=words):
        raise_for_exit("train_model", -9, "done", 3 * 2**30)


def test_parameters_that_were_given_become_overrides() -> None:
    params = {"margin": 0.02, "candidates": ["int8", "small"], "first_day": None, "dry_run": True}
    assert overrides(params) == [
        '--set=only_candidates=["int8", "small"]',
        "--set=judgement.margin=0.02",
    ]


def test_run_folders_hold_no_colon_and_differ_by_run() -> None:
    def output(run_id: str) -> str:
        run = SimpleNamespace(**{**vars(RUN), "run_id": run_id})
        context: Any = {"dag_run": run, "params": {}}
        return Verb("train_model", "s.toml").arguments(context, {}, ["dense"])[-1]

    one, two = output("manual__a"), output("manual__b")
    assert one != two
    assert "20260102T030000-" in one
    assert ":" not in one.removeprefix("s3://")
    assert one.endswith("/dense")


def test_inputs_become_flags_and_know_the_run_folder() -> None:
    context: Any = {"dag_run": RUN, "params": {"margin": 0.5}}
    flags = Verb("judge_candidates", "s.toml").arguments(
        context, {"plan": "/x/plan", "scorecards": "{run}/scorecards"}, ["verdict"]
    )
    folder = flags[-1].removesuffix("/verdict")
    assert flags == [
        "--scenario=s.toml",
        "--set=judgement.margin=0.5",
        "--plan=/x/plan",
        f"--scorecards={folder}/scorecards",
        "--output",
        f"{folder}/verdict",
    ]
