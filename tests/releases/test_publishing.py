"""Publishing: what is accepted becomes a release once, in order, whoever races or dies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secateur import artifacts
from secateur.artifacts import sha256_file
from secateur.contracts import record
from secateur.contracts.errors import ArtifactError, ReleaseError, SignatureInvalid
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.contracts.releases import Override, ReleaseManifest
from secateur.releases import layout
from secateur.releases.publishing import publish
from secateur.releases.writing import blobs
from secateur.storage import open_store

RACERS = 16


def test_a_published_package_is_pulled_byte_for_byte(shop: Any) -> None:
    receipt = shop.publish("a")
    pulled = shop.pull()
    files = sorted(p for p in shop.package("a").folder.rglob("*") if p.is_file())
    sent = {p.relative_to(shop.package("a").folder).as_posix(): p.read_bytes() for p in files}
    sent.pop("manifest.json")
    got = {
        p.relative_to(pulled.folder).as_posix(): p.read_bytes()
        for p in pulled.folder.rglob("*")
        if p.is_file()
    }
    assert got == sent
    assert (receipt.number, receipt.epoch, receipt.served) == (1, 1, True)
    assert receipt.bytes == sum(map(len, sent.values()))
    assert pulled.manifest.package == shop.package("a").digest
    assert pulled.pointer.manifest_sha256 == receipt.manifest_sha256


def test_the_verdict_must_accept_exactly_this_package(shop: Any) -> None:
    def attempt(verdict: Any) -> None:
        publish(shop.publisher(), "latest", shop.package("a"), verdict)

    with pytest.raises(ArtifactError, match="accepts no package: too inaccurate"):
        attempt(shop.verdict("refused", accepted=False, package=shop.package("a").digest))
    with pytest.raises(ArtifactError, match="the receipt names"):
        attempt(shop.verdict("b"))
    assert not list(shop.store.entries())


def test_an_override_stays_with_its_release(shop: Any) -> None:
    override = Override(
        "a", shop.package("a").digest, "a sale", ("ada", "grace"), "2026-01-09", "no"
    )
    decision = shop.verdict("a").read("verdict.json", Verdict)
    uri = str(shop.folder / "overridden")
    with artifacts.create(uri, "Verdict") as draft:
        draft.write("verdict.json", replace(decision, override=override))
        draft.seal(MadeBy("judge_candidates", "0"), {}, {})
    verdict = artifacts.open_artifact(uri, "Verdict")
    publish(shop.publisher(), "latest", shop.package("a"), verdict)
    assert shop.pull().manifest.override == override
    assert shop.catalogue().release(1).manifest.override == override
    shop.publish("b")
    assert shop.pull().manifest.override is None


def test_the_same_verdict_again_is_the_same_release(shop: Any) -> None:
    first = shop.publish("a")
    shop.publish("b")
    again = shop.publish("a")
    assert (again.number, again.manifest_sha256) == (first.number, first.manifest_sha256)
    assert layout.numbers(shop.store) == [1, 2]
    assert shop.pull().manifest.number == 2, "an old task run again does not move the channel back"
    assert not again.served


def test_a_failing_canary_leaves_the_channel(shop: Any) -> None:
    shop.publish("a")

    def refuse(_: object) -> None:
        raise ReleaseError("scores differ")

    with pytest.raises(ReleaseError, match="scores differ"):
        publish(shop.publisher(try_out=refuse), "latest", shop.package("b"), shop.verdict("b"))
    assert shop.pull().manifest.number == 1


def test_a_publisher_whom_readers_do_not_trust_moves_nothing(shop: Any, tmp_path: Path) -> None:
    shop.publish("a")
    stranger = type(shop)(shop.root, tmp_path)
    with pytest.raises(SignatureInvalid):
        publisher = replace(shop.publisher(), signer=stranger.signer)
        publish(publisher, "latest", shop.package("b"), shop.verdict("b"))
    assert shop.pull().manifest.number == 1


def test_a_foreign_manifest_that_names_our_verdict_is_never_signed(shop: Any) -> None:
    """Whoever can write to the store, but not sign, prepares a manifest for us to finish."""
    shop.publish("a")
    genuine = shop.catalogue().release(1).manifest
    shop.publish("evil")
    evil = shop.catalogue().release(2).manifest
    planted = record.plain(genuine) | {"number": 3, "files": record.plain(evil.files)}
    planted["verdict"] = shop.verdict("b").digest
    planted["package"] = shop.package("b").digest
    shop.store.put(layout.manifest_key(3), record.canonical_json(planted))
    assert record.from_json(ReleaseManifest, record.canonical_json(planted)).number == 3

    assert shop.publish("b").number == 4
    with pytest.raises(ReleaseError, match="no signed release 3"):
        shop.catalogue().release(3)


def test_sixteen_publishers_get_sixteen_numbers_and_the_channel_only_grows(shop: Any) -> None:
    names = [f"n{i}" for i in range(RACERS)]
    for name in names:
        shop.verdict(name)
    stores = [open_store(shop.uri) for _ in names]
    seen, done = [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            pointed = shop.catalogue(watched).pointer("latest")
            if pointed:
                seen.append((pointed.pointer.epoch, pointed.pointer.release))

    watched = open_store(shop.uri)
    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(RACERS) as pool:
        receipts = list(
            pool.map(lambda a: shop.publish(a[0], store=a[1]), zip(names, stores, strict=True))
        )
    done.set()
    watcher.join()
    assert sorted(receipt.number for receipt in receipts) == list(range(1, RACERS + 1))
    assert seen == sorted(seen), "epoch and release grow together"
    assert shop.pull().manifest.number == RACERS


def test_racing_attempts_for_one_verdict_make_one_release(shop: Any) -> None:
    shop.verdict("a")
    stores = [open_store(shop.uri) for _ in range(8)]
    with ThreadPoolExecutor(len(stores)) as pool:
        receipts = list(pool.map(lambda store: shop.publish("a", store=store), stores))
    assert {receipt.number for receipt in receipts} == {1}
    assert {receipt.epoch for receipt in receipts} == {1}


def test_an_attempt_that_loses_its_number_to_the_same_verdict_takes_that_release(
    shop: Any, between: type
) -> None:
    """The other attempt, thought dead, creates the manifest just before we do."""

    class Racing(between):  # type: ignore[misc, valid-type]
        def put_new(self, key: str, data: bytes) -> None:
            if key == layout.manifest_key(1):
                assert shop.publish("a").number == 1
            self.inner.put_new(key, data)

    assert shop.publish("a", store=Racing(shop.store)).number == 1
    assert layout.numbers(shop.store) == [1]


def test_a_blob_taken_over_is_renewed_and_one_swept_meanwhile_is_written_again(
    shop: Any, between: type
) -> None:
    """A sweep may hold the shared blob for old and unnamed: it was, until this publish."""
    shop.publish("a")
    shared = shop.package("a").manifest.files[1]
    key = layout.blob_key(shared.sha256)
    swaps = []

    class Swept(between):  # type: ignore[misc, valid-type]
        def swap(self, key: str, data: bytes, tag: str) -> None:
            if key.startswith(layout.BLOBS):
                swaps.append(key)
                self.inner.delete(key)
            self.inner.swap(key, data, tag)

    assert shop.publish("b", store=Swept(shop.store)).served
    assert swaps == [key]
    assert shop.store.get(key).data == b"the same everywhere"


def test_a_blob_that_is_not_what_its_name_says_stops_the_publish(shop: Any) -> None:
    shop.publish("a")
    key = layout.blob_key(shop.package("a").manifest.files[1].sha256)
    shop.store.put(key, b"something else here")
    with pytest.raises(ReleaseError, match="other bytes than its name says"):
        shop.publish("b")
    assert layout.numbers(shop.store) == [1]


def test_a_large_file_that_the_store_has_is_not_sent_again(
    shop: Any, between: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read once more and dated anew, so that no sweep takes it for old."""
    monkeypatch.setattr(blobs, "WHOLE_BYTES", 10)
    shop.publish("a")
    sent, touched = [], []

    class Watching(between):  # type: ignore[misc, valid-type]
        def put_file(self, key: str, path: Path, **asked: Any) -> None:
            sent.extend([path.name] if key.startswith(layout.BLOBS) else [])
            self.inner.put_file(key, path, **asked)

        def touch(self, key: str, path: Path, sha256: str | None = None) -> None:
            touched.append(path.name)
            assert sha256 == sha256_file(path)
            self.inner.touch(key, path, sha256)

    assert shop.publish("b", store=Watching(shop.store)).served
    assert (sent, touched) == (["model.onnx"], ["users.bin"])
    key = layout.blob_key(sha256_file(shop.package("a").file("tables/users.bin")))
    shop.store.put(key, b"the same elsewhere.")
    with pytest.raises(ReleaseError, match="other bytes than its name says"):
        shop.publish("c")
