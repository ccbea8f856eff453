"""Sweeping: what nobody can reach goes, what anybody may reach stays."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts.errors import ReleaseError, SignatureInvalid, UsageError
from secateur.releases import layout
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.releases.sweeping import sweep
from secateur.storage import StoredObject, Tagged

from .conftest import SEED, Shop

NOW = -60.0  # a grace period in the future: everything is old
BYTES = 50  # of the one file that a package does not share


@pytest.fixture
def at_five(after: Any) -> Any:
    return after(5)


def blobs(shop: Any) -> set[str]:
    return set(shop.store.keys(layout.BLOBS))


def test_it_first_says_what_it_would_do(at_five: Any) -> None:
    before = list(at_five.store.keys())
    receipt = sweep(at_five.catalogue(), keep=2, grace_s=NOW)
    assert receipt.dry_run
    assert (receipt.releases, receipt.blobs, receipt.bytes) == ((1, 2, 3), 3, 3 * BYTES)
    assert list(at_five.store.keys()) == before


def test_it_keeps_the_newest_and_every_blob_they_name(at_five: Any) -> None:
    assert len(blobs(at_five)) == 6
    receipt = sweep(at_five.catalogue(), keep=2, grace_s=NOW, dry_run=False)
    assert receipt.bytes == 3 * BYTES
    assert layout.numbers(at_five.store) == [4, 5]
    assert len(blobs(at_five)) == 3
    assert [at_five.pull(release=n, cache="new").manifest.recipe for n in (4, 5)] == ["d", "e"]
    assert sweep(at_five.catalogue(), keep=2, grace_s=NOW, dry_run=False).releases == ()


def test_it_never_takes_what_a_channel_serves(at_five: Any) -> None:
    roll_back(at_five.publisher(), "latest", 2, "worse")
    at_five.publish("f", channel="beta")
    at_five.publish("g", channel="gamma")
    sweep(at_five.catalogue(), keep=1, grace_s=NOW, dry_run=False)
    assert layout.numbers(at_five.store) == [2, 6, 7]
    for channel, recipe in (("latest", "b"), ("beta", "f"), ("gamma", "g")):
        assert at_five.pull(channel=channel, cache="new").manifest.recipe == recipe


def test_a_number_is_never_given_twice(at_five: Any) -> None:
    sweep(at_five.catalogue(), keep=1, grace_s=NOW, dry_run=False)
    assert at_five.publish("f").number == 6


def test_what_is_young_stays_as_it_may_belong_to_a_release_in_the_making(at_five: Any) -> None:
    at_five.store.put(layout.blob_key("0" * 64), b"being published")
    receipt = sweep(at_five.catalogue(), keep=1, dry_run=False)
    assert (receipt.releases, receipt.blobs) == ((), 0)
    assert at_five.store.exists(layout.blob_key("0" * 64))


def test_leftovers_of_crashes_go(at_five: Any) -> None:
    at_five.store.put(layout.blob_key("0" * 64), b"1234")
    at_five.store.put(f"{layout.PROBES}abc", b"")
    at_five.store.delete(layout.signature_key(2))  # never signed
    receipt = sweep(at_five.catalogue(), keep=9, grace_s=NOW, dry_run=False)
    assert (receipt.releases, receipt.blobs, receipt.bytes) == ((2,), 2, 4 + BYTES)
    assert not list(at_five.store.keys(layout.PROBES))


def test_an_unsigned_manifest_above_all_keeps_its_blobs(at_five: Any) -> None:
    """Its publisher is between manifest and signature."""
    at_five.store.delete(layout.signature_key(5))
    at_five.store.delete(layout.pointer_key("latest"))
    before = blobs(at_five)
    sweep(at_five.catalogue(), keep=4, grace_s=NOW, dry_run=False)
    assert layout.numbers(at_five.store) == [1, 2, 3, 4, 5]
    assert blobs(at_five) == before


def test_a_blob_renewed_while_it_looks_is_spared(at_five: Any, between: type) -> None:
    """A publisher takes over an old blob after the listing: it must not lose it."""
    shared = layout.blob_key(at_five.catalogue().release(1).manifest.files[0].sha256)

    class Renewing(between):  # type: ignore[misc, valid-type]
        def entries(self, prefix: str = "") -> Any:
            for entry in self.inner.entries(prefix):
                renewed = prefix == shared
                yield StoredObject(entry.key, entry.bytes, 9e9 if renewed else entry.modified)

    catalogue = at_five.catalogue(Renewing(at_five.store))
    sweep(catalogue, keep=1, grace_s=NOW, dry_run=False)
    assert at_five.store.exists(shared)
    assert len(blobs(at_five)) == 3


def test_it_deletes_nothing_where_a_channel_cannot_be_read(at_five: Any) -> None:
    before = list(at_five.store.keys())
    at_five.store.put(layout.pointer_key("beta"), b"{}")
    with pytest.raises(ReleaseError):
        sweep(at_five.catalogue(), keep=1, grace_s=NOW, dry_run=False)
    stranger = type(at_five)(at_five.root, at_five.folder)
    at_five.store.delete(layout.pointer_key("beta"))
    with pytest.raises(SignatureInvalid):
        sweep(stranger.catalogue(), keep=1, grace_s=NOW, dry_run=False)
    assert list(at_five.store.keys()) == before


def test_it_keeps_at_least_one(at_five: Any) -> None:
    with pytest.raises(UsageError):
        sweep(at_five.catalogue(), keep=0)


def test_a_publisher_beside_a_sweep_does_not_disturb_it(at_five: Any, between: type) -> None:
    """A release appears between any two listings; what was there before is old."""
    before = {entry.key: entry.modified for entry in at_five.store.entries()}

    class Busy(between):  # type: ignore[misc, valid-type]
        listings = 0

        def entries(self, prefix: str = "") -> Any:
            for one in list(self.inner.entries(prefix)):
                is_old = before.get(one.key) == one.modified
                yield StoredObject(one.key, one.bytes, 0.0 if is_old else one.modified)
            self.listings += 1
            if self.listings < 6:
                at_five.publish(f"beside {self.listings}")

    sweep(at_five.catalogue(Busy(at_five.store)), keep=1, grace_s=3600, dry_run=False)
    assert at_five.pull(cache="afterwards").manifest.recipe.startswith("beside")


def test_a_late_task_does_not_serve_again_what_was_rolled_back_and_swept(at_five: Any) -> None:
    roll_back(at_five.publisher(), "latest", 4, "worse")
    at_five.publish("f", channel="beta")
    sweep(at_five.catalogue(), keep=1, grace_s=NOW, dry_run=False)
    assert layout.numbers(at_five.store) == [4, 6]
    again = at_five.publish("e")
    assert (again.number, again.served) == (5, False)
    assert again.kept
    assert layout.numbers(at_five.store) == [4, 6]
    assert at_five.pull(cache="afterwards").manifest.recipe == "d"
    # A channel that never served it may have it yet, as a new release.
    assert at_five.publish("e", channel="fresh").served
    assert at_five.pull(channel="fresh").manifest.recipe == "e"


def test_a_release_stays_for_the_time_of_grace_after_it_was_last_served(
    at_five: Any, between: type
) -> None:
    """Its files are old; but readers have it since yesterday, and pull it until now."""

    class Old(between):  # type: ignore[misc, valid-type]
        def entries(self, prefix: str = "") -> Any:
            for entry in self.inner.entries(prefix):
                is_old = not prefix.startswith(layout.PROBES)
                yield StoredObject(entry.key, entry.bytes, 0.0 if is_old else entry.modified)

    catalogue = at_five.catalogue(Old(at_five.store))
    receipt = sweep(catalogue, keep=1, grace_s=3600)
    assert receipt.releases == (), "all were served within the hour"
    assert sweep(catalogue, keep=1, grace_s=NOW).releases == (1, 2, 3, 4)


def test_ages_are_told_by_the_clock_of_the_store(at_five: Any, between: type) -> None:
    """The sweeper's own clock may be days ahead."""

    class Behind(between):  # type: ignore[misc, valid-type]
        def entries(self, prefix: str = "") -> Any:
            for entry in self.inner.entries(prefix):
                yield StoredObject(entry.key, entry.bytes, entry.modified - 10 * 86400)

    at_five.store.put(layout.blob_key("0" * 64), b"being published")
    catalogue = at_five.catalogue(Behind(at_five.store))
    assert sweep(catalogue, keep=1, grace_s=3600).blobs == 0


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_sweep_killed_at_any_write_takes_nothing_that_is_served(
    nights: list[dict[str, bytes]], tmp_path: Path, between: type, is_done: bool
) -> None:
    """The next sweep completes it, and a late task still finds what became of its release."""

    class Killed(BaseException):
        pass

    class Dying(between):  # type: ignore[misc, valid-type]
        left = 0

        def _write(self, do: Callable[[], None]) -> None:
            self.left -= 1
            if is_done or self.left:
                do()
            if not self.left:
                raise Killed

        def put(self, key: str, data: bytes) -> None:
            self._write(lambda: self.inner.put(key, data))

        def delete(self, key: str) -> None:
            self._write(lambda: self.inner.delete(key))

    def at_five(name: str) -> Any:
        shop = Shop((tmp_path / name).as_uri(), tmp_path, seed=SEED)
        for key, data in nights[5].items():
            shop.store.put(key, data)
        return shop

    shop = at_five("counted")
    counting = Dying(shop.store)
    counting.left = 10**6
    sweep(shop.catalogue(counting), keep=2, grace_s=NOW, dry_run=False)
    writes = 10**6 - counting.left
    assert writes > 10
    for write in range(1, writes + 1):
        shop = at_five(f"{write}")
        dying = Dying(shop.store)
        dying.left = write
        with pytest.raises(Killed):
            sweep(shop.catalogue(dying), keep=2, grace_s=NOW, dry_run=False)
        assert shop.pull(cache=f"{write}").manifest.recipe == "e"
        assert shop.pull(release=4, cache=f"{write}").manifest.recipe == "d"
        sweep(shop.catalogue(), keep=2, grace_s=NOW, dry_run=False)
        assert layout.numbers(shop.store) == [4, 5]
        assert len(blobs(shop)) == 3
        assert not shop.publish("a").served
        assert layout.numbers(shop.store) == [4, 5]


@pytest.mark.parametrize("read", [1, 2, 3])
@pytest.mark.parametrize("whole", [False, True], ids=["cut", "another digest"])
def test_what_comes_wrong_once_costs_no_release_its_blobs(
    at_five: Any, between: type, read: int, whole: bool
) -> None:
    """Each manifest, at its first, second or third read, before it comes as it is again."""
    reads = Counter[str]()

    class Flipping(between):  # type: ignore[misc, valid-type]
        def get(self, key: str, limit: int | None = None) -> Tagged:
            found: Tagged = self.inner.get(key, limit)
            reads[key] += key.endswith("manifest.json")
            if reads[key] != read:
                return found
            other = re.sub(rb'("sha256": ?")[0-9a-f]', rb"\1x", found.data)
            assert other != found.data
            return Tagged(other if whole else found.data[:-1], found.tag)

    sweep(at_five.catalogue(Flipping(at_five.store)), keep=2, grace_s=NOW, dry_run=False)
    assert [at_five.pull(release=n, cache="new").manifest.recipe for n in (4, 5)] == ["d", "e"]
