"""What a store's faults become: the right bytes, or one line in time."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from faulty_proxy import FaultyProxy
from secateur.contracts.errors import (
    CorruptArtifact,
    ObjectMissing,
    SecateurError,
    StoreError,
    UsageError,
)
from secateur.storage import Store, deadlines, open_store
from secateur.storage import s3 as s3_module

DATA = bytes(range(256)) * 16


@pytest.fixture
def proxy(object_store: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    faulty = FaultyProxy(object_store["AWS_ENDPOINT_URL_S3"])
    with faulty.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        yield faulty


@pytest.fixture
def store(proxy: FaultyProxy) -> Store:
    found = open_store(f"s3://models/{uuid4().hex}")
    found.put("k", DATA)
    proxy.asked.clear()
    return found


def at(number: int, fault: str, method: str = "GET") -> Callable[[str, str], str | None]:
    """This fault at the first so many requests of a method."""
    left = [number]

    def choose(asked: str, _path: str) -> str | None:
        left[0] -= asked == method
        return fault if asked == method and left[0] >= 0 else None

    return choose


def test_a_body_that_breaks_is_asked_for_again(store: Store, proxy: FaultyProxy) -> None:
    proxy.choose = at(2, "cut")
    assert store.get("k").data == DATA
    assert len(proxy.asked) == 3


def test_a_body_that_breaks_goes_on_where_it_broke(store: Store, proxy: FaultyProxy) -> None:
    proxy.choose = at(3, "cut")
    assert b"".join(store.read_parts("k", len(DATA))) == DATA
    starts = [asked[2] for asked in proxy.asked]
    assert starts == ["", "bytes=2048-", "bytes=3072-", "bytes=3584-"]
    assert b"".join(store.read_parts("k", len(DATA), 4000)) == DATA[4000:]


def test_a_body_goes_on_only_while_the_object_is_the_same(store: Store, proxy: FaultyProxy) -> None:
    proxy.choose = at(1, "cut")
    parts = store.read_parts("k", len(DATA))
    next(parts)
    store.put("k", DATA[::-1])
    with pytest.raises(StoreError, match=r"PreconditionFailed|412"):
        list(parts)


def test_a_body_that_always_breaks_is_a_store_error(store: Store, proxy: FaultyProxy) -> None:
    proxy.choose = at(99, "cut")
    with pytest.raises(StoreError, match="the body broke"):
        store.get("k")


@pytest.mark.parametrize("fault", ["silent", "trickle", "head"])
def test_no_store_holds_a_reader_for_ever(
    store: Store, proxy: FaultyProxy, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "ANSWER_S", 0.6)
    monkeypatch.setattr(deadlines, "LEAST_BYTES_A_SECOND", 1 << 20)
    proxy.choose = at(99, fault)
    for read in (lambda: store.get("k", 4096), lambda: b"".join(store.read_parts("k", 4096))):
        began = time.monotonic()
        with pytest.raises(StoreError, match=r"s3://models/.*/k: (no answer|not done) within 1 s"):
            read()
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("endless", "bytes where at most 4,096 belong"),
        ("no etag", "gave no ETag"),
        ("bad date", "tomorrow"),
        ("redirect", "s3://models"),
    ],
)
def test_an_answer_that_no_s3_gives_is_one_line(
    store: Store, proxy: FaultyProxy, fault: str, says: str
) -> None:
    proxy.choose = at(99, fault)
    with pytest.raises(SecateurError, match=says) as caught:
        store.get("k", 4096) if fault != "bad date" else list(store.entries())
    assert "\n" not in str(caught.value)


def test_a_body_without_a_length_is_read_to_its_end_or_limit(
    store: Store, proxy: FaultyProxy
) -> None:
    proxy.choose = at(99, "no length")
    assert store.get("k", 4096).data == DATA
    with pytest.raises(StoreError, match="where at most 4,095 belong"):
        store.get("k", 4095)


@pytest.mark.parametrize(
    "changes",
    [
        {"AWS_SECRET_ACCESS_KEY": ""},
        {"AWS_ACCESS_KEY_ID": ""},
        {"AWS_SECRET_ACCESS_KEY": "guessed"},
        {"AWS_ACCESS_KEY_ID": "NOBODY"},
        {"AWS_PROFILE": "nobody"},
        {"AWS_ENDPOINT_URL_S3": "no url"},
        {"AWS_ENDPOINT_URL_S3": "127.0.0.1:80"},
        {"AWS_REGION": "us east!"},
    ],
    ids=str,
)
def test_wrong_variables_are_asked_wrongly_and_told_in_a_line(
    object_store: dict[str, str], monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]
) -> None:
    for name, value in (object_store | changes).items():
        if value:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.delenv(name, raising=False)
    for touch in (lambda s: s.get("k"), lambda s: list(s.entries()), lambda s: s.put("k", b"")):
        with pytest.raises(UsageError, match=r"^s3://models/x.*AWS_") as caught:
            touch(open_store("s3://models/x"))
        assert "\n" not in str(caught.value)


def test_a_bucket_that_is_none_is_asked_wrongly(
    object_store: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="NoSuchBucket"):
        list(open_store("s3://nothing-here/x").entries())


def test_a_file_is_sent_in_parts_and_only_once(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, path = open_store(root), tmp_path / "big"
    path.write_bytes(bytes(range(251)) * (6 << 12))
    monkeypatch.setattr(s3_module, "PART_BYTES", 1 << 20)
    monkeypatch.setattr("secateur.storage.multipart.PART_BYTES", 5 << 20)
    store.put_file("big", path, new=True)
    assert b"".join(store.read_parts("big", path.stat().st_size)) == path.read_bytes()
    with pytest.raises(StoreError, match="big"):
        store.put_file("big", tmp_path / "big", new=True)
    (tmp_path / "small").write_bytes(b"1")
    store.put_file("big", tmp_path / "small")
    assert store.get("big").data == b"1"
    with pytest.raises(ObjectMissing):
        list(store.read_parts("nothing", 5))
    with pytest.raises(StoreError, match="at most 0"):
        list(store.read_parts("big", 0))


def test_an_object_is_dated_anew_within_the_time_its_size_takes(
    store: Store, proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "k").write_bytes(DATA)
    monkeypatch.setattr(deadlines, "ANSWER_S", 0.6)
    monkeypatch.setattr(deadlines, "LEAST_BYTES_A_SECOND", 4096)
    proxy.choose = at(99, "silent", "PUT")
    with pytest.raises(StoreError, match="no answer within 2 s"):
        store.touch("k", tmp_path / "k")


def test_what_is_sent_to_date_it_anew_is_hashed(
    store: Store, proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_module, "COPIED_BYTES", len(DATA) - 1)
    (tmp_path / "k").write_bytes(DATA[::-1])
    with pytest.raises(CorruptArtifact):
        store.touch("k", tmp_path / "k", hashlib.sha256(DATA).hexdigest())
    assert [asked[0] for asked in proxy.asked if asked[0] == "PUT"] == []
    assert store.get("k").data == DATA
