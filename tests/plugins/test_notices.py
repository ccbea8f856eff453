"""One alert a night: the first failure is told, the end names all, and a good night is a notice."""

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from secateur_airflow.signals.alerts import Alert
from secateur_airflow.signals.claims import Forget
from secateur_airflow.signals.failures import Record
from secateur_airflow.signals.notices import tell_end

from .conftest import callback_context

REFUSED = AirflowFailException("judge_candidates refused (exit 65): none passed")
CRASHED = AirflowException("publish_snapshot crashed (exit 1): the store is away")


def end(status: str, dry_run: bool = False) -> None:
    """What the night's last task does."""
    last = callback_context("close_night")
    last["params"]["dry_run"] = dry_run
    tell_end(last, {"uri": "u", "status": status, "sentence": "It is."})


def test_the_first_failure_is_posted_and_the_end_names_all(
    runs: Path, webhook: list[tuple[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    Alert().notify(callback_context("judge_candidates", REFUSED))
    Alert().notify(callback_context("publish_snapshot", CRASHED))
    assert len(webhook) == 1
    assert "ALERT secateur_x.publish_snapshot crashed" in caplog.text, "it stands in its log"
    end("refused")
    assert len(webhook) == 2
    first = webhook[1][1]["text"].splitlines()[0]
    assert first.endswith("Failed in all: judge_candidates refused, publish_snapshot crashed")


def test_one_failure_is_told_once_and_again_when_it_fails_anew(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    failed = callback_context("judge_candidates", REFUSED)
    Alert().notify(failed)
    end("refused")
    assert len(webhook) == 1
    Forget().notify(failed)
    Alert().notify(failed)
    assert len(webhook) == 2


def test_a_candidate_that_failed_before_keeps_nobody_from_being_told(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    Record().notify(
        callback_context("prune_model", CRASHED, map_index=1, rendered_map_index="int8")
    )
    Alert().notify(callback_context("judge_candidates", REFUSED))
    assert len(webhook) == 1


@pytest.mark.parametrize(
    ("status", "dry_run", "notices", "told"),
    [
        ("published", False, "on", 1),
        ("published", False, "off", 0),
        ("accepted", True, "on", 1),
        ("accepted", False, "on", 0),  # its channel stayed, and `TellKept` has said so
    ],
)
def test_a_good_night_is_a_notice_unless_that_is_switched_off(
    runs: Path,
    webhook: list[tuple[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    dry_run: bool,
    notices: str,
    told: int,
) -> None:
    monkeypatch.setenv("AIRFLOW__SECATEUR__NOTICES", notices)
    end(status, dry_run)
    assert len(webhook) == told
    if told:
        first, served = webhook[0][1]["text"].splitlines()
        assert first == f"secateur_x in run r1 {status}: It is."
        assert served.startswith("served: nothing, ")
