"""Of a large file only the chunks that changed are sent and fetched, and every byte is right."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts import record
from secateur.contracts.errors import NewerFormat, ReleaseError
from secateur.contracts.manifest import Chunk, FileEntry
from secateur.contracts.releases import ReleaseManifest
from secateur.releases import layout, publishing, pulling
from secateur.releases.sweeping import sweep
from secateur.releases.writing import blobs
from secateur.storage import Store, Tagged

OLD = -60.0  # a grace period in the future: everything is old


@pytest.fixture
def counting(between: type) -> Callable[[Store], Any]:
    """Makes a store that counts the bytes of blobs which are sent and read."""

    @dataclass
    class Counting(between):  # type: ignore[misc, valid-type]
        sent: list[int] = field(default_factory=list)
        fetched: list[int] = field(default_factory=list)

        def get(self, key: str, limit: int | None = None) -> Tagged:
            found: Tagged = self.inner.get(key, limit)
            if key.startswith(layout.BLOBS):
                self.fetched.append(len(found.data))
            return found

        def put_new(self, key: str, data: bytes) -> None:
            self.inner.put_new(key, data)
            if key.startswith(layout.BLOBS):
                self.sent.append(len(data))

        def renew(self, key: str, data: bytes, tag: str) -> None:
            self.inner.renew(key, data, tag)

    return Counting


def table_entry(shop: Any, number: int) -> FileEntry:
    files = shop.catalogue().release(number).manifest.files
    found: FileEntry = next(entry for entry in files if entry.path == "table.zst")
    return found


def new_bytes(shop: Any, number: int) -> int:
    """Of the table's chunks that the release before did not have."""
    before = set(table_entry(shop, number - 1).chunks)
    return sum(c.bytes for c in table_entry(shop, number).chunks if c not in before)


def pull_by(shop: Any, store: Any, cache: str = "cache") -> Path:
    return pulling.pull_from(shop.catalogue(store), shop.folder / cache).folder


def test_a_publish_sends_the_chunks_that_changed(cut_shop: Any, counting: Any) -> None:
    cut_shop.publish("a")
    watched = counting(cut_shop.store)
    assert cut_shop.publish("b", store=watched).served
    changed = new_bytes(cut_shop, 2)
    assert 0 < changed < table_entry(cut_shop, 2).bytes / 2
    assert sum(watched.sent) == changed + len(b"b" * 50)


def test_a_pull_fetches_the_chunks_that_changed(cut_shop: Any, counting: Any) -> None:
    cut_shop.publish("a")
    cut_shop.pull()
    cut_shop.publish("b")
    cut_shop.store.delete(layout.delta_key(2))
    watched = counting(cut_shop.store)
    folder = pull_by(cut_shop, watched)
    assert (folder / "table.zst").read_bytes() == cut_shop.table("b")
    small = len(b"b" * 50)
    assert sum(watched.fetched) == new_bytes(cut_shop, 2) + small, "nor the file that is the same"
    fresh = counting(cut_shop.store)
    pull_by(cut_shop, fresh, "empty")
    assert sum(fresh.fetched) > table_entry(cut_shop, 2).bytes


def test_what_lies_here_damaged_is_fetched(cut_shop: Any) -> None:
    cut_shop.publish("a")
    held = cut_shop.pull().folder
    cut_shop.publish("b")
    for name in ("table.zst", "tables/users.bin"):
        data = bytearray((held / name).read_bytes())
        data[3] ^= 1
        (held / name).write_bytes(data)
    folder = cut_shop.pull().folder
    assert (folder / "table.zst").read_bytes() == cut_shop.table("b")
    assert (folder / "tables" / "users.bin").read_bytes() == b"the same everywhere"


def test_a_release_that_is_gone_from_here_is_fetched(cut_shop: Any) -> None:
    cut_shop.publish("a")
    held = cut_shop.pull().folder
    cut_shop.publish("b")
    (held / "table.zst").unlink()
    (held / "tables" / "users.bin").unlink()
    assert (cut_shop.pull().folder / "table.zst").read_bytes() == cut_shop.table("b")


def test_a_release_without_large_files_is_as_readers_of_before_know_it(shop: Any) -> None:
    shop.publish("a")
    data = shop.store.get(layout.manifest_key(1)).data
    assert b"chunks" not in data
    assert b'"format":1' in data


@dataclass(frozen=True)
class OldEntry:
    """A file as clients knew it before there were chunks."""

    path: str
    sha256: str
    bytes: int


def test_a_reader_of_before_refuses_chunks_in_so_many_words(cut_shop: Any) -> None:
    cut_shop.publish("a")
    assert cut_shop.catalogue().release(1).manifest.format == 2
    with pytest.raises(NewerFormat, match="unknown keys \\['chunks'\\]"):
        record.from_plain(OldEntry, record.plain(table_entry(cut_shop, 1)), "files[0]")


def test_a_release_that_was_published_whole_stays_as_it_is(
    cut_shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task of the night before an update is run again after it."""
    with monkeypatch.context() as before:
        before.setattr("secateur.releases.writing.blobs.is_large", lambda _entry: False)
        cut_shop.publish("a")
    assert table_entry(cut_shop, 1).chunks == ()
    receipt = cut_shop.publish("a", channel="beta")
    assert (receipt.number, receipt.served) == (1, True)
    assert (cut_shop.pull("beta").folder / "table.zst").read_bytes() == cut_shop.table("a")


def test_a_draft_is_cut_whatever_number_its_maker_gave_it(cut_shop: Any) -> None:
    package, verdict = cut_shop.package("a"), cut_shop.verdict("a")
    draft = publishing._draft_manifest(cut_shop.scenario, package, verdict, publishing.BY_HAND)
    publishing.publish_files(
        cut_shop.publisher(), "latest", replace(draft, number=7), package.folder
    )
    assert table_entry(cut_shop, 1).chunks


def sign_anew(shop: Any, change: Callable[[FileEntry], FileEntry], **others: Any) -> None:
    """A careless publisher signs release 1 once more, with another entry for its table."""
    manifest = shop.catalogue().release(1).manifest
    files = tuple(change(one) if one.path == "table.zst" else one for one in manifest.files)
    data = record.canonical_json(replace(manifest, files=files, **others))
    shop.store.put(layout.manifest_key(1), data)
    shop.store.put(layout.signature_key(1), shop.signer.sign(data).encode())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: replace(one, chunks=one.chunks[1:]), "chunks of table.zst do not make it"),
        (lambda one: replace(one, bytes=one.bytes + 1), "chunks of table.zst do not make it"),
        (
            lambda one: replace(one, chunks=(Chunk("../x", 1), *one.chunks)),
            "chunks of table.zst do not make it",
        ),
        (
            lambda one: replace(one, bytes=1 << 30, chunks=(Chunk("0" * 64, 1 << 30),)),
            "chunks of table.zst do not make it",
        ),
        (lambda one: replace(one, chunks=one.chunks[::-1]), "chunks do not make the file"),
        (lambda one: replace(one, chunks=()), "format 2 is not that of its files"),
    ],
    ids=["one missing", "too short", "no sha256", "larger than memory", "another order", "none"],
)
def test_chunks_that_are_not_the_file_are_refused(
    cut_shop: Any, change: Callable[[FileEntry], FileEntry], says: str
) -> None:
    cut_shop.publish("a")
    sign_anew(cut_shop, change)
    with pytest.raises(ReleaseError, match=says):
        cut_shop.pull(release=1)


def test_a_chunk_of_other_bytes_stops_the_publish_and_the_pull(cut_shop: Any) -> None:
    cut_shop.publish("a")
    chunk = table_entry(cut_shop, 1).chunks[-2]  # night b has it too
    key = layout.blob_key(chunk.sha256)
    cut_shop.store.put(key, b"x" * chunk.bytes)
    with pytest.raises(ReleaseError, match="differ from its name"):
        cut_shop.pull(cache="new")
    with pytest.raises(ReleaseError, match="other bytes than its name says"):
        cut_shop.publish("b")
    assert layout.numbers(cut_shop.store) == [1]


def test_a_chunk_swept_while_it_is_renewed_is_sent_again(cut_shop: Any, between: type) -> None:
    cut_shop.publish("a")
    swept: list[str] = []

    class Swept(between):  # type: ignore[misc, valid-type]
        def renew(self, key: str, data: bytes, tag: str) -> None:
            if not swept:
                swept.append(key)
                self.inner.delete(key)
            self.inner.renew(key, data, tag)

    assert cut_shop.publish("b", store=Swept(cut_shop.store)).served
    assert swept
    assert (cut_shop.pull(cache="new").folder / "table.zst").read_bytes() == cut_shop.table("b")


def test_a_file_that_changes_while_it_is_sent_is_no_release(
    cut_shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cut_shop.package("a").file("table.zst")

    def rewrite(*asked: Any, is_new: bool) -> Any:
        path.write_bytes(bytes(path.stat().st_size))
        return blobs.put_blobs(*asked, is_new=is_new)

    monkeypatch.setattr("secateur.releases.publishing.put_blobs", rewrite)
    with pytest.raises(Exception, match="differ from its manifest"):
        cut_shop.publish("a")
    assert layout.numbers(cut_shop.store) == []


def test_a_sweep_keeps_every_chunk_of_what_is_kept(cut_shop: Any) -> None:
    for name in "abc":
        cut_shop.publish(name)
    cut_shop.store.delete(layout.signature_key(3))  # its publisher is about to sign it
    cut_shop.store.delete(layout.pointer_key("latest"))
    kept = {c for n in (2, 3) for c in table_entry_of(cut_shop, n).chunks}
    gone = {c for c in table_entry(cut_shop, 1).chunks if c not in kept}
    receipt = sweep(cut_shop.catalogue(), keep=1, grace_s=OLD, dry_run=False)
    assert receipt.releases == (1,)
    left = set(cut_shop.store.keys(layout.BLOBS))
    assert {layout.blob_key(c.sha256) for c in kept} <= left
    assert gone
    assert not {layout.blob_key(c.sha256) for c in gone} & left
    pulled = cut_shop.pull(release=2, cache="new").folder
    assert (pulled / "table.zst").read_bytes() == cut_shop.table("b")


def table_entry_of(shop: Any, number: int) -> FileEntry:
    """The same of a release that is not signed."""
    data = shop.store.get(layout.manifest_key(number)).data
    manifest: ReleaseManifest = record.from_json(ReleaseManifest, data)
    return next(entry for entry in manifest.files if entry.path == "table.zst")
