"""The four promises of a store, kept alike by a folder and by a real S3 server."""

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from secateur.contracts.errors import (
    CorruptArtifact,
    ObjectMissing,
    PreconditionFailed,
    StoreError,
    UsageError,
)
from secateur.storage import FileStore, Store, join, local_path, open_store

WRITERS = 16


@pytest.fixture
def store(root: str) -> Store:
    return open_store(root)


def test_a_get_sees_the_last_write(store: Store) -> None:
    store.put("a/b", b"one")
    store.put("a/b", b"two")
    assert store.get("a/b").data == b"two"


def test_what_was_never_written_is_missing(store: Store) -> None:
    store.put("a/b", b"")
    for key in ("a", "a/c", "a/b/c"):
        with pytest.raises(ObjectMissing):
            store.get(key)
        assert not store.exists(key)
    assert store.exists("a/b")


def test_put_new_never_replaces(store: Store) -> None:
    store.put_new("k", b"first")
    with pytest.raises(PreconditionFailed):
        store.put_new("k", b"second")
    assert store.get("k").data == b"first"


def test_renew_dates_an_object_anew_and_leaves_its_bytes(store: Store) -> None:
    store.put("a/b", b"bytes")
    (before,) = store.entries("a/b")
    tag = store.get("a/b").tag
    time.sleep(1.1)  # S3 tells whole seconds
    store.renew("a/b", b"bytes", tag)
    (after,) = store.entries("a/b")
    assert after.modified > before.modified
    assert store.get("a/b").data == b"bytes"
    with pytest.raises((ObjectMissing, PreconditionFailed)):
        store.renew("absent", b"bytes", tag)


def test_swap_demands_the_tag_of_the_present_bytes(store: Store) -> None:
    store.put("k", b"1")
    tag = store.get("k").tag
    store.swap("k", b"2", tag)
    with pytest.raises(PreconditionFailed):
        store.swap("k", b"3", tag)
    with pytest.raises(PreconditionFailed):
        store.swap("absent", b"3", tag)
    assert store.get("k").data == b"2"


def test_one_of_sixteen_creators_wins(store: Store) -> None:
    barrier = threading.Barrier(WRITERS)

    def create(i: int) -> bool:
        barrier.wait()
        try:
            store.put_new("race", str(i).encode())
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        won = list(pool.map(create, range(WRITERS)))
    assert won.count(True) == 1
    assert store.get("race").data == str(won.index(True)).encode()


def test_no_increment_by_swap_is_lost(store: Store) -> None:
    store.put("counter", b"0")

    def add_three(_: int) -> None:
        done = 0
        while done < 3:
            now = store.get("counter")
            try:
                store.swap("counter", str(int(now.data) + 1).encode(), now.tag)
                done += 1
            except PreconditionFailed:
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_three, range(4)))
    assert store.get("counter").data == b"12"


def test_a_listing_is_sorted_and_knows_sizes_and_ages(store: Store) -> None:
    store.put("z", b"")
    store.put("d/2", b"22")
    store.put("d/1", b"1")
    store.put("d1", b"")
    assert [entry.key for entry in store.entries()] == ["d/1", "d/2", "d1", "z"]
    assert [(entry.key, entry.bytes) for entry in store.entries("d/")] == [("d/1", 1), ("d/2", 2)]
    assert list(store.keys("d/1")) == ["d/1"]
    written = [entry.modified for entry in store.entries("d")]
    assert max(written) - min(written) < 60
    assert not list(store.entries("nothing/here"))


def test_a_deleted_object_is_gone_and_a_second_delete_is_no_error(store: Store) -> None:
    store.put("k", b"1")
    store.delete("k")
    store.delete("k")
    assert not store.exists("k")


def test_an_object_larger_than_expected_is_not_read(store: Store) -> None:
    store.put("k", b"12345")
    assert store.get("k", limit=5).data == b"12345"
    with pytest.raises(StoreError, match="5 bytes where at most 4"):
        store.get("k", limit=4)


@pytest.mark.parametrize("key", ["", "/a", "a//b", "../a", "a/../../b", "./a", "a\\b", "a/", "a\0"])
def test_a_key_cannot_leave_its_store(store: Store, key: str) -> None:
    for touch in (store.get, store.delete, lambda k: store.put(k, b""), store.exists):
        if touch == store.exists and not isinstance(store, FileStore):
            continue  # a listing by prefix reaches nothing outside the prefix
        with pytest.raises(UsageError):
            touch(key)


def test_an_interrupted_write_of_a_file_is_neither_seen_nor_listed(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put("a", b"1")
    (tmp_path / ".tmp-0123456789abcdef").write_bytes(b"half")
    assert [entry.key for entry in store.entries()] == ["a"]


def test_a_file_written_can_be_read_by_others_as_the_umask_says(tmp_path: Path) -> None:
    FileStore(tmp_path).put("a", b"1")
    (tmp_path / "by_hand").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "by_hand").stat().st_mode


def test_an_operating_system_error_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file/below"):
        FileStore(tmp_path).put("file/below", b"1")


def test_a_dead_endpoint_is_a_store_error(
    object_store: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with pytest.raises(StoreError, match="s3://models/x/k"):
        open_store("s3://models/x").get("k")


def test_uris(tmp_path: Path) -> None:
    assert local_path("file:///a%20b/c") == Path("/a b/c")
    assert local_path("/a b/c%20") == Path("/a b/c%20")
    assert local_path("s3://bucket/x") is None
    assert join("s3://bucket/", "a", "/b/") == "s3://bucket/a/b"
    assert open_store(str(tmp_path / "a b")).uri == (tmp_path / "a b").as_uri()
    for uri in ("ftp://x/y", "s3:///x", "file://host/x", "http://x"):
        with pytest.raises(UsageError, match="s3://bucket/ or file:///"):
            open_store(uri)


@pytest.mark.parametrize("size", [100, 20 << 20], ids=["small", "in parts"])
def test_a_file_with_other_bytes_than_promised_is_not_written(
    store: Store, tmp_path: Path, size: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * size)
    for new in (True, False):
        with pytest.raises(CorruptArtifact, match="differ from its manifest"):
            store.put_file("k", path, new=new, sha256="0" * 64)
        assert not store.exists("k")
    store.put_file("k", path, new=True, sha256=hashlib.sha256(b"x" * size).hexdigest())
    assert store.get("k").data == path.read_bytes()
    assert [entry.key for entry in store.entries()] == ["k"], "nothing half there"


def test_a_touched_object_is_as_new_and_the_same(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"same")
    with pytest.raises(ObjectMissing):
        store.touch("k", path)
    store.put_file("k", path)
    (before,) = store.entries()
    time.sleep(1.1)  # S3 tells whole seconds
    store.touch("k", path)
    (after,) = store.entries()
    assert after.modified > before.modified
    assert store.get("k").data == b"same"


def test_a_reader_reaches_what_lies_behind_links(tmp_path: Path) -> None:
    """Not without end where a link leads back; and what cannot be read, so that it is missed."""
    folder, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    for place in (folder / "a", elsewhere / "b"):
        place.mkdir(parents=True)
        (place / "object").write_bytes(b"1")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "a" / "back").symlink_to(folder)
    (elsewhere / "b" / "aside").symlink_to(folder / "a")
    (folder / "gone").symlink_to("nothing")
    store = FileStore(folder)
    reached = [one.key for one in store.reachable()]
    assert reached == ["a/object", "gone", "linked/b/aside/object", "linked/b/object"]
    with pytest.raises(ObjectMissing):
        store.get("gone")


def test_a_folder_lists_and_deletes_its_own_alone(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "object").write_bytes(b"1")
    store = FileStore(folder)
    store.put("object", b"1")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "gone").symlink_to("nothing")
    os.mkfifo(folder / "pipe")
    assert [*store.keys()] == ["object"]
    assert [one.key for one in store.reachable()] == ["gone", "linked/object", "object"]
    with pytest.raises(StoreError, match="behind a link"):
        store.delete("linked/object")
    assert (elsewhere / "object").exists()
    with pytest.raises(ObjectMissing):  # and not waited for
        store.get("pipe")
    with pytest.raises(ObjectMissing):
        list(store.read_parts("pipe", 1))
