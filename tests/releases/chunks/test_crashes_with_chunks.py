"""Killed before and after every call to the store while chunks are sent and fetched."""

import errno
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts.errors import StoreError
from secateur.releases import layout, pulling
from secateur.releases.sweeping import sweep
from secateur.storage import ahead

from ..dying_store import Crash, DyingStore, every_death

OLD = -60.0


@pytest.fixture(autouse=True)
def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what was done before the n-th call is the same every time."""
    monkeypatch.setattr(ahead, "AT_A_TIME", 1)


def pull_by(shop: Any, store: Any, cache: Path) -> pulling.PulledRelease:
    return pulling.pull_from(shop.catalogue(store), cache)


def table_of(pulled: pulling.PulledRelease) -> bytes:
    return (pulled.folder / "table.zst").read_bytes()


EVERY = pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.proof)])


@EVERY
def test_a_publish_that_dies_at_any_call_shows_the_old_or_the_new(cut_shop: Any, step: int) -> None:
    cut_shop.publish("first")
    counting = DyingStore(cut_shop.store)
    cut_shop.publish("a", store=counting)
    assert counting.calls > 30, "probe, chunks, manifest, bundle, signature, canary, pointer"
    served = "a"
    deaths = list(every_death(counting.calls))[::step]
    for number, (call, after) in enumerate(deaths):
        new = f"b{number}"
        try:
            cut_shop.publish(new, store=DyingStore(cut_shop.store, call, after))
        except Crash:
            recipe = cut_shop.pull().manifest.recipe
            assert recipe == served or (after and recipe == new)
        cut_shop.publish(new)
        pulled = cut_shop.pull()
        assert pulled.manifest.recipe == new
        assert table_of(pulled) == cut_shop.table(new)
        served = new
    recipes = [release.manifest.recipe for release in cut_shop.catalogue().releases()]
    assert len(recipes) == len(set(recipes)) == len(deaths) + 2


def test_a_pull_that_dies_at_any_call_is_finished_by_the_next(cut_shop: Any) -> None:
    """With and without an earlier release in the cache."""
    cut_shop.publish("a")
    cut_shop.publish("b")
    for held in (False, True):
        counting = DyingStore(cut_shop.store)
        cache = cut_shop.folder / f"counted-{held}"
        cut_shop.pull(release=1, cache=cache.name) if held else None
        pull_by(cut_shop, counting, cache)
        for call, after in every_death(counting.calls):
            cache = cut_shop.folder / f"cache-{held}-{call}-{after}"
            cut_shop.pull(release=1, cache=cache.name) if held else None
            with pytest.raises(Crash):
                pull_by(cut_shop, DyingStore(cut_shop.store, call, after), cache)
            assert table_of(pull_by(cut_shop, cut_shop.store, cache)) == cut_shop.table("b")
            assert not list(cache.glob("*/partial/*"))


FOURTH_CHUNK = 3 + 3 + 4  # calls: pointer, manifest and signature, the small file's, three chunks


def test_a_killed_pull_goes_on_after_the_chunks_that_it_has(cut_shop: Any) -> None:
    cut_shop.publish("a")
    entry = next(e for e in cut_shop.catalogue().release(1).manifest.files if e.chunks)
    cache, counting = cut_shop.folder / "cache", DyingStore(cut_shop.store)
    pull_by(cut_shop, counting, cut_shop.folder / "whole")
    with pytest.raises(Crash):
        pull_by(cut_shop, DyingStore(cut_shop.store, FOURTH_CHUNK), cache)
    (unfinished,) = cache.glob("*/partial/*/table.zst")
    assert unfinished.stat().st_size == sum(chunk.bytes for chunk in entry.chunks[:3])
    unfinished.write_bytes(unfinished.read_bytes() + b"half a chunk")
    again = DyingStore(cut_shop.store)
    assert table_of(pull_by(cut_shop, again, cache)) == cut_shop.table("a")
    assert again.calls == counting.calls - 3 - 2, "and of the small file only whether it is whole"


def test_wrong_bytes_of_a_killed_pull_are_no_part_of_a_release(cut_shop: Any) -> None:
    cut_shop.publish("a")
    cache = cut_shop.folder / "cache"
    with pytest.raises(Crash):
        pull_by(cut_shop, DyingStore(cut_shop.store, FOURTH_CHUNK), cache)
    (unfinished,) = cache.glob("*/partial/*/table.zst")
    unfinished.write_bytes(bytes(9) + unfinished.read_bytes()[9:] + bytes(10_000))
    assert table_of(pull_by(cut_shop, cut_shop.store, cache)) == cut_shop.table("a")


@EVERY
def test_a_sweep_that_dies_at_any_call_leaves_what_is_served_whole(
    cut_shop: Any, step: int
) -> None:
    def three_nights(round_: str) -> None:
        for name in "xyz":
            cut_shop.publish(f"{name}{round_}")

    three_nights("first")
    counting = DyingStore(cut_shop.store)
    sweep(cut_shop.catalogue(counting), keep=1, grace_s=OLD, dry_run=False)
    for call, after in list(every_death(counting.calls))[::step]:
        name = f"{call}-{after}"
        three_nights(name)
        try:
            dying = DyingStore(cut_shop.store, call, after)
            sweep(cut_shop.catalogue(dying), keep=1, grace_s=OLD, dry_run=False)
        except Crash:
            pass
        assert table_of(cut_shop.pull(cache=f"now-{name}")) == cut_shop.table(f"z{name}")
        sweep(cut_shop.catalogue(), keep=1, grace_s=OLD, dry_run=False)
        assert table_of(cut_shop.pull(cache=f"then-{name}")) == cut_shop.table(f"z{name}")
    newest = cut_shop.catalogue().release(max(layout.numbers(cut_shop.store))).manifest
    named = {layout.blob_key(blob.sha256) for entry in newest.files for blob in entry.blobs}
    assert set(cut_shop.store.keys(layout.BLOBS)) == named


def test_a_full_disk_leaves_nothing_behind(cut_shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_shop.publish("a")
    real = Path.open

    class Full:
        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None: ...

    def opens(path: Path, mode: str = "r", *args: Any, **more: Any) -> Any:
        is_table = path.name == "table.zst" and mode == "ab"
        return Full() if is_table else real(path, mode, *args, **more)

    monkeypatch.setattr(Path, "open", opens)
    with pytest.raises(StoreError, match="No space left"):
        pull_by(cut_shop, cut_shop.store, cut_shop.folder / "cache")
    assert not list((cut_shop.folder / "cache").glob("*/partial/*"))
