"""A service of ours is started once, and ended without touching anybody else's process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_site.keys import make_keys
from local_site.service import Service, ServiceError, require_free_port

WITH_CHILD = "import subprocess; subprocess.run(['sleep', '60'])"


def service(folder: Path, code: str) -> Service:
    return Service("sample", [sys.executable, "-c", code], folder)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_second_start_leaves_the_running_one_alone(tmp_path: Path) -> None:
    one = service(tmp_path, "import time; time.sleep(60)")
    one.start()
    first = one.pid()
    one.start()
    assert one.pid() == first
    one.stop()
    assert one.pid() is None
    assert first is not None
    assert not alive(first)


def test_stopping_ends_the_children_too(tmp_path: Path) -> None:
    parent = service(tmp_path, WITH_CHILD)
    parent.start()
    pid = parent.pid()
    children = Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.monotonic() + 10
    while not children.read_text().split() and time.monotonic() < deadline:
        time.sleep(0.05)
    (child,) = map(int, children.read_text().split())
    parent.stop()
    while alive(child) and time.monotonic() < deadline:  # a busy machine is late to bury it
        time.sleep(0.05)
    assert not alive(child)


LEAVES_TWO = """
import subprocess, time
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
print(subprocess.Popen(["sleep", "60"], start_new_session=True).pid, flush=True)
open("made", "w").close()
time.sleep(60)
"""


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Service, list[int]]:
    """A service that was killed at once, and the two processes that it left."""
    monkeypatch.chdir(tmp_path)
    parent = service(tmp_path, LEAVES_TWO)
    parent.start()
    pid, deadline = parent.pid(), time.monotonic() + 10
    while not (tmp_path / "made").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while parent.pid() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    return parent, [int(line) for line in parent.log.read_text().split()]


@pytest.mark.parametrize("command", ["stop", "start"])
def test_what_a_killed_service_left_is_found_and_ended_and_nothing_else(
    killed: tuple[Service, list[int]], command: str
) -> None:
    parent, left = killed
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        assert parent.leftovers() == sorted(left)
        getattr(parent, command)()
        assert not any(alive(pid) for pid in left)
        assert alive(stranger.pid)
        stranger.kill()
    parent.stop()


def test_what_a_service_writes_is_its_owners_alone(killed: tuple[Service, list[int]]) -> None:
    killed[0].stop()
    assert {path.stat().st_mode & 0o077 for path in (Path("made"), killed[0].log)} == {0}


def test_a_pid_that_another_process_has_now_is_not_ours(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        stale = service(tmp_path, "")
        stale.record.write_text(json.dumps({"pid": stranger.pid, "started": "1"}))
        assert stale.pid() is None
        stale.stop()
        assert stranger.poll() is None
        stranger.send_signal(signal.SIGKILL)
    assert not stale.record.exists()


def test_a_service_that_ends_at_its_start_says_its_last_line(tmp_path: Path) -> None:
    broken = service(tmp_path, "raise SystemExit('no such flag')")
    broken.start()
    with pytest.raises(ServiceError, match="no such flag"):
        broken.wait(lambda: False, timeout_s=10)


def test_a_port_in_use_is_one_line_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"port {port} for Airflow is in use.*A_PORT=PORT"):
            require_free_port(port, "Airflow", "A_PORT")


def test_keys_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "site" / "keys.env"
    made = make_keys(path)
    assert make_keys(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(set(made.values())) == 3
