"""Where every chunk changed a little, a reader of the release before fetches what changed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts.errors import CorruptArtifact, StoreError
from secateur.contracts.manifest import Chunk, FileEntry
from secateur.releases import layout, pulling
from secateur.releases.deltas import patches
from secateur.releases.signing import Signer
from secateur.releases.sweeping import sweep
from secateur.releases.writing import delta_writer
from secateur.releases.writing.delta_writer import _Alignment
from secateur.storage import Tagged

from ..conftest import Shop

OLD = -60.0
DELTA = layout.delta_key(2)


def table_of_rows(name: str) -> bytes:
    """A table of 40 kB: the rows of a night differ in a byte of every 300, one in 40 is new."""
    same = bytearray(random.Random(7).randbytes(40_000))
    for place in range(0, len(same), 300):
        same[place + 7] = ord(name[0])
    return bytes(same[:10_000]) + name.encode() * 20 + bytes(same[10_000:])


@dataclass
class Reads:
    """Bytes that were read, by the first part of their keys."""

    blobs: int = 0
    delta: int = 0


@pytest.fixture
def rows_shop(cut_shop: Shop) -> Shop:
    """Its reader holds release a; b is served."""
    cut_shop.table = table_of_rows
    cut_shop.publish("a")
    cut_shop.pull()
    cut_shop.publish("b")
    return cut_shop


@pytest.fixture
def pull_and_count(rows_shop: Shop, between: type) -> Callable[..., tuple[bytes, Reads]]:
    @dataclass
    class Counting(between):  # type: ignore[misc, valid-type]
        reads: Reads = field(default_factory=Reads)

        def get(self, key: str, limit: int | None = None) -> Tagged:
            found: Tagged = self.inner.get(key, limit)
            self.reads.blobs += len(found.data) if key.startswith(layout.BLOBS) else 0
            return found

        def read_parts(self, key: str, size: int, start: int = 0) -> Iterator[bytes]:
            for part in self.inner.read_parts(key, size, start):
                self.reads.delta += len(part) if key == DELTA else 0
                yield part

    def pull(cache: str = "cache") -> tuple[bytes, Reads]:
        store = Counting(rows_shop.store)
        folder = pulling.pull_from(rows_shop.catalogue(store), rows_shop.folder / cache).folder
        return (folder / "table.zst").read_bytes(), store.reads

    return pull


def test_a_reader_of_the_release_before_fetches_what_changed(
    rows_shop: Shop, pull_and_count: Any
) -> None:
    files = rows_shop.catalogue().release(2).manifest.files
    old = rows_shop.catalogue().release(1).manifest.files
    known = {blob for entry in old for blob in entry.blobs}
    chunks = next(entry.chunks for entry in files if entry.chunks)
    assert sum(chunk in known for chunk in chunks) < len(chunks) / 10, "nearly all are new"
    table, reads = pull_and_count()
    assert table == table_of_rows("b")
    assert reads.blobs == 0
    assert 0 < reads.delta < len(table) / 4


def test_chunks_and_deltas_lie_in_any_store(shop: Shop, small_chunks: None) -> None:
    shop.table = table_of_rows
    for name in "abc":
        shop.publish(name)
        assert (shop.pull().folder / "table.zst").read_bytes() == table_of_rows(name)
    assert shop.store.exists(DELTA)
    assert any(entry.chunks for entry in shop.catalogue().release(2).manifest.files)


def test_who_holds_another_release_fetches_the_chunks(rows_shop: Shop, pull_and_count: Any) -> None:
    rows_shop.publish("c", channel="beta")
    rows_shop.pull("beta", cache="of c")
    for cache in ("of c", "empty"):
        table, reads = pull_and_count(cache)
        assert table == table_of_rows("b")
        assert reads.blobs > len(table) / 2


def damage(data: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(data))
    kinds = [
        data[:start],
        data[:start] + bytes([data[start] ^ 1 << dice.randrange(8)]) + data[start + 1 :],
        data[:start] + dice.randbytes(3) + data[start:],
        dice.randbytes(start),
        data + dice.randbytes(100_000),
    ]
    return dice.choice(kinds)


def test_a_delta_that_is_damaged_gives_no_wrong_byte(rows_shop: Shop, pull_and_count: Any) -> None:
    """Nobody signed it: a forger may write anything there."""
    good, dice = rows_shop.store.get(DELTA).data, random.Random(5)
    of_no_use = 0
    for number in range(60):
        rows_shop.store.put(DELTA, damage(good, dice))
        rows_shop.pull(release=1, cache=str(number))
        table, reads = pull_and_count(str(number))
        assert table == table_of_rows("b")
        of_no_use += reads.blobs > 0
    assert of_no_use > 30


def header(*numbers: int, base: str) -> bytes:
    return patches.head_of(base, [patches.Patch(*numbers)]) + b"x" * 50


@pytest.mark.parametrize(
    "numbers",
    [(10**9, 0, 1, 50), (0, 10**9, 1, 50), (0, 0, 10**9, 50), (0, 0, 1, 1 << 40), (-1, 0, 1, 9)],
)
def test_a_forged_header_is_of_no_use(
    rows_shop: Shop, pull_and_count: Any, numbers: tuple[int, ...]
) -> None:
    base = rows_shop.catalogue().release(1).sha256
    rows_shop.store.put(DELTA, header(*numbers, base=base))
    assert pull_and_count()[0] == table_of_rows("b")


def test_a_patch_makes_no_more_bytes_than_its_blob_has() -> None:
    patch = patches.make_patch(bytes(100_000), b"base" * 100)
    with pytest.raises(CorruptArtifact, match="another size"):
        patches.apply_patch(patch, b"base" * 100, 5)
    with pytest.raises(CorruptArtifact):
        patches.apply_patch(b"no frame", b"base" * 100, 5)


def test_a_release_is_published_where_its_delta_cannot_be_written(
    cut_shop: Shop, between: type
) -> None:
    cut_shop.table = table_of_rows
    cut_shop.publish("a")

    class Refusing(between):  # type: ignore[misc, valid-type]
        def put_file(self, key: str, path: Path, **asked: Any) -> None:
            if key == DELTA:
                raise StoreError("no")
            self.inner.put_file(key, path, **asked)

    assert cut_shop.publish("b", store=Refusing(cut_shop.store)).served
    assert not cut_shop.store.exists(DELTA)


def test_there_is_none_where_nothing_would_be_saved(cut_shop: Shop) -> None:
    cut_shop.table = lambda name: random.Random(name).randbytes(9000)
    cut_shop.publish("a")
    cut_shop.publish("b")
    assert not cut_shop.store.exists(DELTA)
    assert (cut_shop.pull().folder / "table.zst").read_bytes() == cut_shop.table("b")


def test_a_file_that_changed_all_over_is_not_tried_to_its_end(
    cut_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def counted(data: bytes, base: bytes) -> bytes:
        made.append(len(data))
        return patches.make_patch(data, base)

    monkeypatch.setattr("secateur.releases.writing.delta_writer.make_patch", counted)
    cut_shop.table = lambda name: random.Random(name).randbytes(60_000)
    cut_shop.publish("a")
    release = cut_shop.catalogue().release(cut_shop.publish("b").number).manifest
    assert sum(len(entry.chunks) for entry in release.files) > 4 * delta_writer.SAMPLE
    assert 0 < len(made) <= delta_writer.SAMPLE + 2, "and two files that are not cut"


@pytest.mark.parametrize("mib", [0.0625, 4])
def test_a_patch_of_a_large_chunk_finds_what_stayed(mib: float) -> None:
    base = bytearray(random.Random(1).randbytes(int(3 * mib * 2**20)))
    data = base[len(base) // 3 : 2 * len(base) // 3]
    for place in range(0, len(data), 6400):
        data[place : place + 64] = random.Random(place).randbytes(64)
    assert len(patches.make_patch(bytes(data), bytes(base))) < 0.02 * len(data)


def test_a_file_that_is_not_cut_has_a_patch_too(cut_shop: Shop) -> None:
    cut_shop.table = lambda name: random.Random(1).randbytes(1500) + name.encode()
    cut_shop.publish("a")
    cut_shop.publish("b")
    assert len(cut_shop.store.get(DELTA).data) < 500


def test_a_delta_goes_with_its_release(rows_shop: Shop) -> None:
    rows_shop.publish("c")
    receipt = sweep(rows_shop.catalogue(), keep=1, grace_s=OLD, dry_run=False)
    assert receipt.releases == (1, 2)
    assert set(rows_shop.store.keys(layout.RELEASES)) == {
        layout.manifest_key(3),
        layout.signature_key(3),
        layout.bundle_key(3),
        layout.delta_key(3),
    }


def test_two_readers_of_one_key_agree(rows_shop: Shop) -> None:
    """What is pulled with a delta is what is pulled without."""
    fresh = rows_shop.pull(cache="empty").folder
    patched = rows_shop.pull().folder
    names = sorted(path.name for path in fresh.rglob("*") if path.is_file())
    assert names == sorted(path.name for path in patched.rglob("*") if path.is_file())
    assert (fresh / "table.zst").read_bytes() == (patched / "table.zst").read_bytes()
    assert Signer.of(rows_shop.seed).public in rows_shop.keys


def test_blobs_are_patched_from_where_their_bytes_were() -> None:
    """Between two that stayed, from what was between them; in a file that changed all over, from
    as far on."""
    old = [Chunk(str(number), 1 << 20) for number in range(20)]
    was = FileEntry("t", "", 20 << 20, tuple(old))
    new = [Chunk(f"new {number}", 1 << 20) for number in range(20)]
    middle = (*new[:3], *old[9:11], new[4], old[12])
    assert [list(bases) for _, bases in _Alignment(was).bases(FileEntry("t", "", 7 << 20, middle))][
        3:
    ] == [[], [], [10, 11, 12], []], "a blob on either side"
    half = FileEntry("t", "", 10 << 20, tuple(new[:10]))
    last = list(_Alignment(was).bases(half))[-1][1]
    assert 18 in last
    assert 19 in last
    assert len(last) <= patches.MOST_BASES
