"""The embedded store: private, on loopback, ended by its pid, and clear about what is wrong."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_site import object_store
from local_site.object_store import LocalStore
from local_site.service import ServiceError
from secateur.storage import open_store

INFRA = Path(__file__).parents[2] / "infra"


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStore]:
    store = LocalStore(tmp_path / "store")
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)
    yield store
    store.stop()


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "local_site.object_store", command, "--folder", str(folder)]
    return subprocess.run(line, cwd=INFRA, capture_output=True, text=True, timeout=60, check=False)


def test_data_and_address_outlive_a_stop_and_a_kill(stopped: LocalStore) -> None:
    stopped.start()
    open_store("s3://models/x").put("k", b"kept")
    environment = stopped.environment()
    stopped.stop()
    assert "stopped" in stopped.status()
    assert LocalStore(stopped.folder).start().environment() == environment
    assert open_store("s3://models/x").get("k").data == b"kept"
    pid = stopped._service().pid()
    assert pid is not None
    os.kill(pid, 9)
    wait_until_free(environment)
    stopped.start()
    assert open_store("s3://models/x").get("k").data == b"kept"


def wait_until_free(environment: dict[str, str]) -> None:
    """A killed process leaves its port a moment later."""
    port = int(environment["AWS_ENDPOINT_URL_S3"].rpartition(":")[2])
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)


def test_the_shell_starts_once_tells_and_stops(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    first, second = shell("start", folder), shell("start", folder)
    try:
        assert first.stdout == second.stdout == f"{folder / 'store.env'}\n", first.stderr
        assert "running at http://127.0.0.1:" in shell("status", folder).stdout
    finally:
        assert shell("stop", folder).returncode == 0
    assert "stopped" in shell("status", folder).stdout
    assert shell("stop", folder).returncode == 0


def test_secrets_are_private_and_everything_listens_on_loopback(local_store: LocalStore) -> None:
    for name in ("store.env", "s3.json", "ports.json"):
        assert (local_store.folder / name).stat().st_mode & 0o077 == 0, name
    pid = local_store._service().pid()
    assert listening_addresses(pid) == {"0100007F"}, "127.0.0.1, as the kernel writes it"
    command = Path(f"/proc/{pid}/cmdline").read_text()
    assert local_store.environment()["AWS_SECRET_ACCESS_KEY"] not in command


def listening_addresses(pid: int | None) -> set[str]:
    """Addresses of the TCP sockets on which a process listens (Linux: /proc/net/tcp, state 0A)."""
    links = (str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir())
    inodes = {link[8:-1] for link in links if link.startswith("socket:[")}
    tables = (Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


def test_the_filer_behind_it_lets_nobody_read_around_s3(
    local_store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in local_store.environment().items():
        monkeypatch.setenv(name, value)
    open_store("s3://models/x").put("k", b"secret")
    ports = json.loads((local_store.folder / "ports.json").read_text())
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{ports['filer.port']}/buckets/models/x/k")
    assert caught.value.code == 401


def test_a_port_in_use_is_one_line(stopped: LocalStore) -> None:
    port = int(stopped.environment()["AWS_ENDPOINT_URL_S3"].rpartition(":")[2])
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        told = shell("start", stopped.folder)
    assert told.returncode == 1
    assert told.stderr.count("\n") == 1
    assert f"port {port} for the object store is in use" in told.stderr
    assert "SECATEUR_STORE_PORT" in told.stderr


def test_a_port_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path / "store")
    store.environment()
    monkeypatch.setenv("SECATEUR_STORE_PORT", "18333")
    assert store.environment()["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:18333"
    asked = LocalStore(tmp_path / "store", 18334).environment()
    assert asked["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:18334"


def test_a_full_disk_is_one_line(stopped: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 5 << 20})
    monkeypatch.setattr(object_store.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ServiceError, match="5 MiB free, the object store needs 1,024 MiB"):
        stopped.start()


def test_stop_leaves_a_process_that_took_over_the_pid(stopped: LocalStore) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        stopped.folder.joinpath("store.pid").write_text(f'{{"pid": {other.pid}, "started": "1"}}')
        stopped.stop()
        assert other.poll() is None
    finally:
        other.communicate(b"\n", timeout=30)
    assert other.returncode == 0
