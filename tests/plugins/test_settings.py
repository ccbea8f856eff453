"""The same task runs as a process, by spark-submit, or in a pod: by configuration alone."""

import json
import logging
import signal
import time
from functools import reduce
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import AssetAlias
from airflow.sdk.exceptions import (
    AirflowConfigException,
    AirflowException,
    AirflowFailException,
    AirflowTaskTimeout,
)

from secateur_airflow import settings
from secateur_airflow.night import Night
from secateur_airflow.places.last_words import last_error, level_of
from secateur_airflow.places.process import VerbProcess
from secateur_airflow.verb import Verb

CONTEXT: Any = {
    "dag_run": SimpleNamespace(
        run_id="r",
        dag_id="secateur_x",
        run_after=__import__("datetime").datetime(2026, 1, 1),
        run_type="manual",
        data_interval_end=None,
        conf=None,
    ),
    "params": {},
    "ti": SimpleNamespace(xcom_push=lambda _key, _value: None),
}

SCRIPT = """
import json, os, signal, sys
open(os.environ["SECATEUR_ANSWER"], "w").write(json.dumps(sys.argv[1:]))
print("the last line")
{end}
"""


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__SECATEUR__JOBS", str(tmp_path))
    return tmp_path


def process(jobs: Path, end: str) -> VerbProcess:
    (jobs / "train_model.py").write_text(SCRIPT.format(end=end))
    verb = Verb("train_model", "s.toml")
    return VerbProcess(task_id="t", verb=verb, inputs={"features": "/f"}, output_path=["dense"])


def test_a_process_answers_what_its_verb_wrote(jobs: Path) -> None:
    answer: Any = process(jobs, "").execute(CONTEXT)
    assert answer[:2] == ["--scenario=s.toml", "--features=/f"]
    assert answer[-1].endswith("/dense")


def test_a_channel_that_moved_is_an_event_of_its_own_asset(jobs: Path) -> None:
    events: dict[Any, Any] = {}
    moved = {"channel": "canary", "release": 4, "package": "ab", "bytes": 9, "last_day": "d"}
    for answer, told in (({"moved": moved}, [moved]), ({"moved": None}, []), ("/uri", [])):
        task = process(jobs, "")
        alias = AssetAlias("s3://models/x")
        task.outlets = [alias]
        seen: list[Any] = []
        add = lambda asset, extra, seen=seen: seen.append((asset.uri, extra))  # noqa: E731
        events[alias] = SimpleNamespace(add=add)
        task.finish({"outlet_events": events}, answer)
        assert seen == [("s3://models/x/channels/canary.json", one) for one in told]


def test_a_refusal_is_told_by_its_last_line(jobs: Path) -> None:
    with pytest.raises(AirflowFailException, match="the last line"):
        process(jobs, "sys.exit(65)").execute(CONTEXT)


def test_the_last_error_is_told_with_the_lines_that_belong_to_it() -> None:
    lines = [
        "03:00:01 I secateur: sealed Verdict",
        "03:00:02 E secateur: judge_candidates REFUSED: none of 2 candidates",
        "  int8: failed: lower bound below -0.0100",
        "  evidence: /runs/verdict",
        "03:00:03 I py4j: closing",
    ]
    assert reduce(last_error, lines, ["it said nothing"]) == lines[1:4]


NOTHING = ["it said nothing"]


def test_a_crash_is_told_by_its_exception_whatever_stands_below_it() -> None:
    exception = ["Traceback (most recent call last):", "KeyError: 'x'"]
    first = ["Traceback (most recent call last):", "OSError: y", "", "During handling:", ""]
    frames = ["  File one", "    line"]
    java = ["", "JVM stacktrace:", "\tat org.apache.spark", "\t... 1 more", "", ""]
    lines = [*first, exception[0], *frames, exception[1], *java]
    assert reduce(last_error, lines, NOTHING) == exception


def test_a_blank_last_line_does_not_make_an_alert_empty() -> None:
    assert reduce(last_error, ["out of memory", "", "  "], NOTHING) == ["out of memory"]
    assert reduce(last_error, ["", "\t"], NOTHING) == NOTHING
    error = ["01:00:00 E secateur: it failed", "because"]
    assert reduce(last_error, [*error, "", ""], NOTHING) == error


def test_a_killed_process_is_a_crash(jobs: Path) -> None:
    with pytest.raises(AirflowException, match="SIGKILL"):
        process(jobs, "os.kill(os.getpid(), signal.SIGKILL)").execute(CONTEXT)


def is_running(pid: str) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def time_out(*_: object) -> None:
    raise AirflowTaskTimeout("timed out")


def test_a_verb_that_hangs_is_ended_with_all_that_it_started(
    jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secateur_airflow.places.process.GRACE_S", 0.5)
    hanging = (
        "import subprocess\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "print('pids', os.getpid(), child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)"
    )
    pids: list[str] = []

    def strike_once_it_hangs(line: str) -> int:
        if line.startswith("pids"):
            pids.extend(line.split()[1:])
            signal.setitimer(signal.ITIMER_REAL, 0.3)
        return logging.INFO

    monkeypatch.setattr("secateur_airflow.places.process.level_of", strike_once_it_hangs)
    before = signal.signal(signal.SIGALRM, time_out)
    try:
        with pytest.raises(AirflowTaskTimeout):
            process(jobs, hanging).execute(CONTEXT)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert len(pids) == 2
    deadline = time.monotonic() + 20  # a child that its parent left is ended a moment later
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in pids)


def test_a_verbs_lines_keep_their_level() -> None:
    assert level_of("03:00:01 W secateur: slow") == logging.WARNING
    assert level_of("03:00:02 E secateur: judge_candidates REFUSED") == logging.ERROR
    assert level_of("Traceback") == logging.INFO


KINDS = ("cpu", "measure", "spark", "gpu")


@pytest.mark.parametrize(
    ("on", "place", "kind"),
    [
        *((on, "process", "VerbProcess") for on in KINDS),
        *((on, "pod", "VerbInPod") for on in KINDS),
        ("spark", "submit", "VerbOnSpark"),
    ],
)
def test_where_a_task_runs_is_configuration(
    monkeypatch: pytest.MonkeyPatch, on: str, place: str, kind: str
) -> None:
    monkeypatch.setenv(f"AIRFLOW__SECATEUR__{on.upper()}", place)
    xcom = Night("s.toml").task("train_model", {"features": "/f"}, on=on)
    assert type(xcom.operator).__name__ == kind
    assert xcom.operator.pool == ("default_pool" if on == "cpu" else on)


@pytest.mark.parametrize(("on", "place"), [("gpu", "submit"), ("cpu", "kubernetes")])
def test_a_place_that_a_kind_of_task_has_not_is_refused_when_the_dag_is_read(
    monkeypatch: pytest.MonkeyPatch, on: str, place: str
) -> None:
    monkeypatch.setenv(f"AIRFLOW__SECATEUR__{on.upper()}", place)
    with pytest.raises(AirflowConfigException, match=place):
        Night("s.toml").task("train_model", on=on)


def test_what_nights_keep_lies_with_the_runs_unless_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__SECATEUR__RUNS", "s3://bucket/runs")
    assert settings.state("news") == "s3://bucket/runs/state/news"
    monkeypatch.setenv("AIRFLOW__SECATEUR__STATE", "file:///shared/state")
    assert settings.state("news") == "file:///shared/state/news"


def test_on_one_machine_nothing_heavy_runs_while_a_package_is_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pools = json.loads((settings.PROJECT / "infra" / "pools.json").read_text())
    kinds = ("cpu", "spark", "gpu", "measure")
    assert [settings.pool_of(on) for on in kinds] == ["default_pool", "spark", "gpu", "measure"]
    monkeypatch.setenv("AIRFLOW__SECATEUR__ONE_MACHINE", "on")
    assert [settings.pool_of(on) for on in kinds] == ["default_pool"] + 3 * ["machine"]
    assert pools["machine"]["slots"] == 1
