"""A long-running process of ours: started in its own session, ended by its pid and no other."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

GRACE_S = 15.0
MARK = "SECATEUR_SERVICE"  # in the environment of all that a service starts


class ServiceError(RuntimeError):
    """A service did not start, or is not where it should be; the message is for a person."""


@dataclass(frozen=True)
class Service:
    """One process with its log and its pid file in `folder`."""

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / f"{self.name}.log"

    @property
    def record(self) -> Path:
        """Its pid and the start time that proves the pid is still ours."""
        return self.folder / f"{self.name}.pid"

    def start(self) -> None:
        """Start it, detached from our terminal; what it writes is its owner's alone.

        A running one is left alone. What one that was killed left behind is ended first.
        """
        if self.pid() is not None:
            return
        self.end_leftovers()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment, MARK: str(self.record)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        started = _started_at(process.pid)
        self.record.touch(mode=0o600)
        self.record.write_text(json.dumps({"pid": process.pid, "started": started}))

    def pid(self) -> int | None:
        """Its pid while it runs; None when it ended or another process has its number now."""
        try:
            record = json.loads(self.record.read_text())
        except (FileNotFoundError, ValueError):
            return None
        pid = int(record["pid"])
        return pid if record["started"] and _started_at(pid) == record["started"] else None

    def wait(self, healthy: Callable[[], bool], timeout_s: float) -> None:
        """Wait until it is healthy. Raises ServiceError with the end of its log."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.pid() is None:
                raise ServiceError(f"{self.name} ended at its start: {self._last_words()}")
            if healthy():
                return
            time.sleep(0.2)
        raise ServiceError(f"{self.name} is not healthy after {timeout_s:.0f} s, see {self.log}")

    def stop(self) -> None:
        """End its whole session: politely, then for good; then what it left. Forgets it."""
        pid = self.pid()
        if pid is not None:
            _signal(pid, signal.SIGTERM)
            deadline = time.monotonic() + GRACE_S
            while time.monotonic() < deadline and self.pid() is not None:
                time.sleep(0.1)
            _signal(pid, signal.SIGKILL)
        self.end_leftovers()
        self.record.unlink(missing_ok=True)

    def leftovers(self) -> list[int]:
        """Processes that outlived it, such as the workers of a scheduler that was killed.

        They are in its session, whose number nobody else gets while one of them lives, or have its
        mark in their environment. None while it runs.
        """
        if self.pid() is not None:
            return []
        session = None
        with contextlib.suppress(FileNotFoundError, ValueError):
            session = int(json.loads(self.record.read_text())["pid"])
        if session is not None and _started_at(session) is not None:
            session = None  # a stranger's by now
        mark = f"{MARK}={self.record}".encode()
        return sorted(pid for pid in _our_processes() if _belongs(pid, session, mark))

    def end_leftovers(self) -> None:
        """End them: politely, stopped ones too, then for good."""
        for number in (signal.SIGTERM, signal.SIGCONT):
            for pid in self.leftovers():
                _signal_one(pid, number)
        deadline = time.monotonic() + GRACE_S
        while self.leftovers() and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in self.leftovers():
            _signal_one(pid, signal.SIGKILL)

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n") if self.log.exists() else []
        said = [line for line in lines if line.strip()] or ["it said nothing"]
        return f"{said[-1][-300:]} (log: {self.log})"


def require_free_port(port: int, what: str, variable: str) -> None:
    """Insist that nobody listens on loopback at `port`. Raises ServiceError naming the remedy."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ServiceError(
                f"port {port} for {what} is in use; choose another with {variable}=PORT"
            ) from error


def free_port() -> int:
    """Ask the system for a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _signal_one(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _our_processes() -> list[int]:
    """Live processes of this user, without this one."""
    pids = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if pid != os.getpid() and _owner(pid) == os.getuid()]


def _owner(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}").stat().st_uid
    return None


def _belongs(pid: int, session: int | None, mark: bytes) -> bool:
    if _started_at(pid) is None:
        return False
    with contextlib.suppress(OSError):
        if session is not None and os.getsid(pid) == session:
            return True
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def _started_at(pid: int) -> str | None:
    """Start time of a live process in clock ticks since boot; None for a dead one or a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # reap it if it was ours
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else after_name[19]
