"""One alert a run: of tasks that fail at once one tells people, or the end where that one dies."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from secateur_airflow.signals import notices
from secateur_airflow.signals.alerts import Alert
from secateur_airflow.signals.claims import Claim
from secateur_airflow.signals.notices import tell_end

from .conftest import callback_context

REFUSED = AirflowFailException("judge_candidates refused (exit 65): none passed")
CRASHED = AirflowException("publish_snapshot crashed (exit 1): the store is away")
TASKS = [f"judge_{number}" for number in range(6)]
# A task that fails, in a process of its own.
FAILING = """
from plugins.conftest import callback_context
from secateur_airflow.signals.alerts import Alert
from airflow.sdk.exceptions import AirflowFailException
refused = AirflowFailException("judge_candidates refused (exit 65): none passed")
Alert().notify(callback_context("judge_candidates", refused))
"""


@pytest.fixture
def told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The night's end waits a second for a task that tells people."""
    monkeypatch.setattr(notices, "TELLING_S", 1.0)
    monkeypatch.setattr(notices, "LOOK_S", 0.05)


@pytest.fixture
def deaf() -> Iterator[tuple[str, threading.Event]]:
    """A webhook that is sent something and never answers; its connection, and whether it was."""
    asked, over = threading.Event(), threading.Event()

    class Chat(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            over.wait()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}"
    yield json.dumps({"conn_type": "http", "host": host}), asked
    over.set()
    server.shutdown()


def end(status: str = "refused") -> None:
    tell_end(callback_context("close_night"), {"status": status, "sentence": "It is."})


def first_lines(webhook: list[tuple[str, Any]]) -> list[str]:
    return [body["text"].splitlines()[0] for _, body in webhook]


def test_of_tasks_that_fail_at_once_one_tells_people(
    root: str, runs: Path, webhook: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SECATEUR__RUNS", root)
    barrier = threading.Barrier(len(TASKS))

    def fail(task: str) -> None:
        barrier.wait()
        Alert().notify(callback_context(task, REFUSED))

    with ThreadPoolExecutor(len(TASKS)) as pool:
        list(pool.map(fail, TASKS))
    assert len(webhook) == 1
    end()
    assert len(webhook) == 2
    assert all(task in first_lines(webhook)[1] for task in TASKS), "all are named at the end"


def test_what_a_killed_task_could_not_tell_is_told_at_the_end(
    runs: Path,
    webhook: list[tuple[str, Any]],
    deaf: tuple[str, threading.Event],
    told_in_time: None,
) -> None:
    connection, asked = deaf
    project = Path(__file__).parents[2]
    path = [str(project / name) for name in ("tests", "plugins", "jobs")]
    environment = {
        **os.environ,
        "AIRFLOW_CONN_SECATEUR_ALERTS": connection,
        "PYTHONPATH": os.pathsep.join(path),
    }
    with subprocess.Popen([sys.executable, "-c", FAILING], env=environment) as process:
        assert asked.wait(60), "it claimed, and posts"
        process.send_signal(signal.SIGKILL)
    Alert().notify(callback_context("publish_snapshot", CRASHED))
    assert webhook == [], "it was claimed by the one that is dead"
    end()
    assert first_lines(webhook) == [
        "secateur_x.judge_candidates refused in run r1, try 1: none passed"
    ]
    assert "failed, too: publish_snapshot crashed" in webhook[0][1]["text"]
    end()
    assert "Failed in all" in first_lines(webhook)[1], "the alert itself is told once"


def test_a_webhook_that_is_away_costs_no_record_and_is_asked_again_at_the_end(
    runs: Path,
    webhook: list[tuple[str, Any]],
    told_in_time: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = os.environ["AIRFLOW_CONN_SECATEUR_ALERTS"]
    monkeypatch.setenv(
        "AIRFLOW_CONN_SECATEUR_ALERTS", '{"conn_type": "http", "host": "127.0.0.1", "port": 9}'
    )
    with pytest.raises(Exception, match="refused"):
        Alert().notify(callback_context("judge_candidates", REFUSED))
    with pytest.raises(Exception, match="refused"):
        end()  # the task fails, and is tried again
    monkeypatch.setenv("AIRFLOW_CONN_SECATEUR_ALERTS", connection)
    end()
    assert first_lines(webhook)[0].startswith("secateur_x.judge_candidates refused in run r1")
    assert len(webhook) == 1


def test_the_end_waits_for_a_task_that_tells_people_just_now(
    runs: Path, webhook: list[tuple[str, Any]], told_in_time: None
) -> None:
    Alert().notify(callback_context("judge_candidates", REFUSED))
    claim = Claim.of(callback_context("judge_candidates"))
    claim.folder.below("told").delete()  # as if it were posting still
    threading.Timer(0.3, claim.keep).start()
    end()
    assert len(webhook) == 1


def test_where_no_claim_can_be_written_people_are_told(
    runs: Path, webhook: list[tuple[str, Any]]
) -> None:
    runs.parent.mkdir(parents=True)
    runs.write_text("a file stands where the folder of the runs should")
    with pytest.raises(OSError, match="runs"):
        Alert().notify(callback_context("judge_candidates", REFUSED))
    assert len(webhook) == 1
