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
        """Start it, detached from our terminal. A running one is left alone."""
        if self.pid() is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = _started_at(process.pid)
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
        """End its whole session: politely, then for good. Forgets it."""
        pid = self.pid()
        if pid is not None:
            _signal(pid, signal.SIGTERM)
            deadline = time.monotonic() + GRACE_S
            while time.monotonic() < deadline and self.pid() is not None:
                time.sleep(0.1)
            _signal(pid, signal.SIGKILL)
        self.record.unlink(missing_ok=True)

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


def _started_at(pid: int) -> str | None:
    """Start time of a live process in clock ticks since boot; None for a dead one or a zombie."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # reap it if it was ours
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else after_name[19]
