"""Silence is alarmed: where no night has ended for too long, once, and again after as long."""

import http.server
import json
import os
import runpy
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.contracts.manifest import MANIFEST, MadeBy

VERB = Path(artifacts.__file__).parents[1] / "check_heartbeat.py"
HOUR = 3600


@pytest.fixture
def chat() -> Iterator[tuple[str, list[str]]]:
    """A webhook's address, and what was posted to it."""
    posted: list[str] = []

    class Chat(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/services/T1", posted
    server.shutdown()


@pytest.fixture
def check(
    tmp_path: Path, chat: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], int]:
    """Run the verb on the runs below the test's folder; its exit code."""

    def run_verb() -> int:
        line = ["check_heartbeat", "--scenario", "short_video", "--runs", str(tmp_path / "runs")]
        line += ["--webhook", chat[0], "--output", str(tmp_path / "heartbeat")]
        monkeypatch.setattr("sys.argv", line)
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(VERB), run_name="__main__")
        return int(left.value.code or 0)

    return run_verb


def seal(runs: Path, run: str, artifact: str, hours_ago: float) -> None:
    uri = runs / run / artifact
    with artifacts.create(str(uri), "Report") as draft:
        draft.seal(MadeBy("test", "0"), {}, {})
    then = time.time() - hours_ago * HOUR
    os.utime(uri / MANIFEST, (then, then))


def test_a_night_that_ended_lately_is_a_heartbeat_however_it_went(
    tmp_path: Path, check: Callable[[], int], chat: tuple[str, list[str]]
) -> None:
    seal(tmp_path / "runs", "20260507T190000-aaaaaa", "report", 80)
    seal(tmp_path / "runs", "20260508T190000-bbbbbb", "report", 29)
    assert (check(), chat[1]) == (0, [])


def test_silence_is_told_once_and_again_after_as_long(
    tmp_path: Path,
    check: Callable[[], int],
    chat: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seal(tmp_path / "runs", "20260507T190000-aaaaaa", "report", 31)
    seal(tmp_path / "runs", "20260508T190000-bbbbbb", "events", 1)  # it began, and never ended
    assert [check(), check()] == [65, 65]
    (told,) = chat[1]
    assert "20260507T190000-aaaaaa, did so 31.0 h ago: it should be at most 30" in told
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 31 * HOUR)
    assert (check(), len(chat[1])) == (65, 2)


def test_a_silence_that_ended_is_forgotten(
    tmp_path: Path, check: Callable[[], int], chat: tuple[str, list[str]]
) -> None:
    assert check() == 65, "no night has ever ended"
    seal(tmp_path / "runs", "20260508T190000-bbbbbb", "report", 1)
    assert check() == 0
    seal(tmp_path / "runs", "20260508T190000-bbbbbb", "report", 40)
    assert (check(), len(chat[1])) == (65, 2)
