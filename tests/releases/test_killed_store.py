"""The object store is killed after each write that it acknowledged: nothing of it is lost."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_site.object_store import LocalStore
from local_site.service import ServiceError
from secateur.contracts.errors import ObjectMissing
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.releases.signing import new_seed
from secateur.releases.sweeping import sweep
from secateur.storage import Store, open_store

from .conftest import Between, Shop


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStore]:
    """A store of this test's own, which it may kill."""
    with LocalStore(tmp_path / "store") as started:
        for name, value in started.environment().items():
            monkeypatch.setenv(name, value)
        yield started


def kill_and_start(server: LocalStore) -> None:
    pid = server._service().pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while True:  # until the kernel has closed its sockets
        try:
            server.start()
            return
        except ServiceError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Killing(Between):
    """After each write the server dies and starts again; what it said it has must be there."""

    def __init__(self, inner: Store, server: LocalStore) -> None:
        super().__init__(inner)
        self.server, self.kills = server, 0
        self.acknowledged: dict[str, str | None] = {}

    def _die(self, key: str, data: bytes | None) -> None:
        self.acknowledged[key] = None if data is None else hashlib.sha256(data).hexdigest()
        kill_and_start(self.server)
        self.kills += 1
        for known, expected in self.acknowledged.items():
            assert self._digest(known) == expected, f"{known} after {key}, kill {self.kills}"

    def _digest(self, key: str) -> str | None:
        try:
            return hashlib.sha256(self.inner.get(key).data).hexdigest()
        except ObjectMissing:
            return None

    def put(self, key: str, data: bytes) -> None:
        self.inner.put(key, data)
        self._die(key, data)

    def put_new(self, key: str, data: bytes) -> None:
        self.inner.put_new(key, data)
        self._die(key, data)

    def swap(self, key: str, data: bytes, tag: str) -> None:
        self.inner.swap(key, data, tag)
        self._die(key, data)

    def delete(self, key: str) -> None:
        self.inner.delete(key)
        self._die(key, None)


def killing_shop(server: LocalStore, folder: Path) -> tuple[Shop, Any]:
    shop = Shop("s3://models", folder, seed=new_seed())
    return shop, Killing(open_store(shop.uri), server)


@pytest.mark.proof
def test_nothing_acknowledged_is_lost_when_the_store_is_killed(
    server: LocalStore, tmp_path: Path
) -> None:
    """Publishing, rolling back and sweeping, with the server killed after each of their writes."""
    shop, killing = killing_shop(server, tmp_path)
    for name in "abc":
        assert shop.publish(name, store=killing).served
        assert shop.pull(cache=name).manifest.recipe == name
    roll_back(shop.publisher(killing), "latest", 2, "worse")
    assert shop.pull().manifest.recipe == "b"
    assert sweep(shop.catalogue(killing), keep=1, grace_s=-60.0, dry_run=False).releases == (1,)
    assert shop.pull().manifest.recipe == "b"
    assert shop.pull(release=3).manifest.recipe == "c"
    print(f"{killing.kills} kills, {len(killing.acknowledged)} objects")  # noqa: T201
    assert killing.kills > 30


@pytest.mark.proof
def test_a_large_blob_is_whole_after_a_kill(server: LocalStore, tmp_path: Path) -> None:
    """Acknowledged as complete, in parts, and killed at once."""
    shop, killing = killing_shop(server, tmp_path)
    path = tmp_path / "large"
    path.write_bytes(os.urandom(40 << 20))
    wanted = hashlib.sha256(path.read_bytes()).hexdigest()
    for number in range(5):
        shop.store.put_file(f"large-{number}", path, new=True, sha256=wanted)
        kill_and_start(killing.server)
        found = hashlib.sha256()
        for part in shop.store.read_parts(f"large-{number}", 40 << 20):
            found.update(part)
        assert found.hexdigest() == wanted
