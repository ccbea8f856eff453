"""A pull survives faults, kills and stores that are slow or away; others do not wait for it."""

import errno
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from faulty_proxy import FaultyProxy
from secateur.contracts.errors import ReleaseError, SignatureInvalid, StoreError
from secateur.releases import layout, pulling
from secateur.releases.signing import Signer, new_seed
from secateur.storage import Tagged

from .conftest import table_of_night

Parts = Callable[[str, int, int], Iterator[bytes]]


class Killed(BaseException):
    """What a process does not survive."""


def store_that_reads(between: type, inner: Any, read: Parts) -> Any:
    class Reading(between):  # type: ignore[misc, valid-type]
        def read_parts(self, key: str, size: int, start: int = 0) -> Iterator[bytes]:
            return read(key, size, start)

    return Reading(inner)


def pull_through(shop: Any, store: Any, **asked: Any) -> pulling.PulledRelease:
    return pulling.pull_from(shop.catalogue(store), shop.folder / "cache", **asked)


def test_a_killed_pull_goes_on_where_it_was(shop: Any, between: type) -> None:
    shop.publish("a")
    starts = []

    def dies(key: str, size: int, start: int) -> Iterator[bytes]:
        yield shop.store.get(key).data[: size // 2]
        raise Killed

    def counts(key: str, size: int, start: int) -> Iterator[bytes]:
        starts.append((size, start))
        return shop.store.read_parts(key, size, start)  # type: ignore[no-any-return]

    with pytest.raises(Killed):
        pull_through(shop, store_that_reads(between, shop.store, dies))
    pulled = pull_through(shop, store_that_reads(between, shop.store, counts))
    assert starts[0] == (50, 25)
    assert {start for _, start in starts[1:]} == {0}
    assert (pulled.folder / "model.onnx").read_bytes() == b"a" * 50
    assert not list((shop.folder / "cache").glob("*/partial/*"))


def test_what_a_killed_pull_left_is_no_part_of_a_release(shop: Any, between: type) -> None:
    """Links, strangers and wrong bytes in an unfinished folder do not reach a reader."""
    shop.publish("a")

    def dies(key: str, size: int, start: int) -> Iterator[bytes]:
        yield b"x" * (size // 2)
        raise Killed

    with pytest.raises(Killed):
        pull_through(shop, store_that_reads(between, shop.store, dies))
    (unfinished,) = (shop.folder / "cache").glob("*/partial/*")
    (unfinished / "sitecustomize.py").touch()
    (unfinished / "tables").mkdir(exist_ok=True)
    (unfinished / "tables" / "users.bin").symlink_to("/etc/hostname")
    folder = shop.pull().folder
    assert (folder / "model.onnx").read_bytes() == b"a" * 50
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["model.onnx", "users.bin"]
    assert not (folder / "tables" / "users.bin").is_symlink()


def test_a_killed_pull_leaves_nothing_once_another_release_is_pulled(
    shop: Any, between: type
) -> None:
    shop.publish("a")
    shop.publish("b")
    shop.pull(release=1)

    def dies(key: str, size: int, start: int) -> Iterator[bytes]:
        raise Killed
        yield b""

    with pytest.raises(Killed):
        pull_through(shop, store_that_reads(between, shop.store, dies))
    assert list((shop.folder / "cache").glob("*/partial/*"))
    shop.pull(release=1)
    assert not list((shop.folder / "cache").glob("*/partial/*"))


def test_a_slow_pull_does_not_hold_up_a_release_that_is_there(shop: Any, between: type) -> None:
    shop.publish("a")
    shop.publish("b")
    shop.pull(release=1)
    started, go_on = Event(), Event()

    def waits(key: str, size: int, start: int) -> Iterator[bytes]:
        started.set()
        go_on.wait(10)
        return shop.store.read_parts(key, size, start)  # type: ignore[no-any-return]

    slow = store_that_reads(between, shop.store, waits)
    with ThreadPoolExecutor(1) as pool:
        pulled = pool.submit(pull_through, shop, slow)
        assert started.wait(10)
        try:
            assert shop.pull(release=1).manifest.recipe == "a"
            assert not pulled.done()
            assert list((shop.folder / "cache").glob("*/partial/*")), "its part is not taken away"
        finally:
            go_on.set()
        assert pulled.result().manifest.recipe == "b"


def test_a_full_disk_leaves_nothing_behind(shop: Any, between: type) -> None:
    shop.publish("a")

    def full(key: str, size: int, start: int) -> Iterator[bytes]:
        yield b"a"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        pull_through(shop, store_that_reads(between, shop.store, full))
    assert not list((shop.folder / "cache").glob("*/partial/*"))


def away(between: type, inner: Any) -> Any:
    class Away(between):  # type: ignore[misc, valid-type]
        def get(self, key: str, limit: int | None = None) -> Tagged:
            raise StoreError(f"{key}: connection refused")

    return Away(inner)


def test_offline_by_choice_a_reader_has_what_was_served_last(shop: Any, between: type) -> None:
    shop.publish("a")
    with pytest.raises(StoreError, match="refused"):
        pull_through(shop, away(between, shop.store), offline=True)
    shop.publish("b")
    last = shop.pull()
    assert not last.offline
    gone = away(between, shop.store)
    with pytest.raises(StoreError, match="refused"):
        pull_through(shop, gone)
    with pytest.raises(StoreError, match="refused"):
        pull_through(shop, gone, release=2, offline=True)
    found = pull_through(shop, gone, offline=True)
    assert (found.folder, found.manifest, found.pointer) == (
        last.folder,
        last.manifest,
        last.pointer,
    )
    assert found.offline
    (last.folder / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(StoreError, match="refused"):
        pull_through(shop, gone, offline=True)


def test_offline_nothing_is_believed_that_is_not_signed(shop: Any, between: type) -> None:
    shop.publish("a")
    shop.pull()
    shop.seed = new_seed()
    with pytest.raises(SignatureInvalid):
        pull_through(shop, away(between, shop.store), offline=True)


def test_a_missing_object_is_no_store_that_is_away(shop: Any) -> None:
    shop.publish("a")
    shop.pull()
    shop.store.delete(layout.pointer_key("latest"))
    with pytest.raises(ReleaseError, match="no channel"):
        pull_through(shop, shop.store, offline=True)


@pytest.fixture
def proxied(
    object_store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, FaultyProxy]]:
    """A shop whose every request goes through a faulty proxy."""
    from .conftest import Shop

    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    proxy = FaultyProxy(object_store["AWS_ENDPOINT_URL_S3"])
    with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        yield (
            Shop(f"s3://models/{tmp_path.name}-{random.random()}", tmp_path, seed=new_seed()),
            proxy,
        )


def test_a_bit_that_flips_on_the_wire_is_fetched_again(proxied: tuple[Any, FaultyProxy]) -> None:
    shop, proxy = proxied
    shop.publish("a")
    flips = iter(["flip"])
    proxy.choose = lambda method, path: (
        next(flips, None) if method == "GET" and "/blobs/" in path else None
    )
    assert (shop.pull().folder / "model.onnx").read_bytes() == b"a" * 50
    assert next(flips, None) is None


def test_publishers_and_pullers_get_through_a_bad_network(proxied: tuple[Any, FaultyProxy]) -> None:
    """One answer in eight is cut, lost or an error: what arrives is right all the same."""
    shop, proxy = proxied
    dice = random.Random(3)
    proxy.choose = lambda _method, _path: (
        dice.choice(["cut", "lost", "error"]) if dice.random() < 0.125 else None
    )
    for name in "abc":
        assert shop.publish(name).served
        assert (shop.pull(cache=name).folder / "model.onnx").read_bytes() == name.encode() * 50
    assert layout.numbers(shop.store) == [1, 2, 3]
    assert Signer.of(shop.seed).public in shop.keys


def test_chunks_and_deltas_get_through_a_bad_network(
    proxied: tuple[Any, FaultyProxy], small_chunks: None
) -> None:
    """One answer in eight is cut, lost, an error, or has a bit that flipped."""
    shop, proxy = proxied
    shop.table = table_of_night
    dice = random.Random(4)
    proxy.choose = lambda _method, path: (
        dice.choice(["cut", "lost", "error", *(["flip"] if "/blobs/" in path else [])])
        if dice.random() < 0.125
        else None
    )
    for name in "abc":
        assert shop.publish(name).served
        for cache in ("follows", name):
            assert (shop.pull(cache=cache).folder / "table.zst").read_bytes() == shop.table(name)
