"""Pulling: verified at every pull, copied once, the same for many at a time."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import secateur
from secateur.contracts import record
from secateur.contracts.errors import ReleaseError, StoreError, UsageError
from secateur.contracts.releases import SignedPointer
from secateur.releases import layout, pulling
from secateur.releases.reading import cache as caching
from secateur.releases.reading.cache import Cache, default_root
from secateur.storage import Tagged

from .conftest import Shop


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_a_second_pull_copies_nothing(shop: Any, between: type) -> None:
    shop.publish("a")
    first = shop.pull()
    written = (first.folder / "model.onnx").stat().st_mtime_ns

    class WithoutBlobs(between):  # type: ignore[misc, valid-type]
        def get(self, key: str, limit: int | None = None) -> Tagged:
            assert not key.startswith("blobs/")
            return self.inner.get(key, limit)  # type: ignore[no-any-return]

    catalogue = shop.catalogue(WithoutBlobs(shop.store))
    second = pulling.pull_from(catalogue, shop.folder / "cache")
    assert second == first
    assert (second.folder / "model.onnx").stat().st_mtime_ns == written


@pytest.mark.parametrize("damage", ["edit", "remove", "link", "add"])
def test_a_damaged_copy_is_found_and_copied_again(shop: Any, damage: str) -> None:
    shop.publish("a")
    folder = shop.pull().folder
    good = files_of(folder)
    model = folder / "model.onnx"
    aside = shop.folder / "elsewhere"
    aside.write_bytes(model.read_bytes())
    if damage == "edit":
        model.write_bytes(b"x" * model.stat().st_size)
    elif damage == "add":
        (folder / "sitecustomize.py").touch()
    else:
        model.unlink()
    if damage == "link":
        model.symlink_to(aside)
    again = shop.pull().folder
    assert again == folder
    assert files_of(again) == good
    assert not (again / "model.onnx").is_symlink()


def test_concurrent_pulls_into_one_cache_agree(shop: Any) -> None:
    shop.publish("a")
    with ThreadPoolExecutor(8) as pool:
        pulled = list(pool.map(lambda _: shop.pull(), range(8)))
    assert {p.folder for p in pulled} == {pulled[0].folder}
    assert files_of(pulled[0].folder) == files_of(shop.pull(cache="another").folder)
    assert not list((shop.folder / "cache").rglob(".tmp-*"))


def test_a_pointer_that_was_overtaken_between_read_and_check_is_read_again(
    shop: Any, between: type
) -> None:
    """Two pulls on one machine: the slower one read the pointer before a move, and checks after."""
    shop.publish("a")
    old = shop.store.get(layout.pointer_key("latest"))
    shop.publish("b")
    shop.pull()

    class Slow(between):  # type: ignore[misc, valid-type]
        late = True

        def get(self, key: str, limit: int | None = None) -> Tagged:
            if key.startswith("channels/") and self.late:
                self.late = False
                return old  # type: ignore[no-any-return]
            return self.inner.get(key, limit)  # type: ignore[no-any-return]

    pulled = pulling.pull_from(shop.catalogue(Slow(shop.store)), shop.folder / "cache")
    assert pulled.manifest.number == 2


def test_a_release_is_pulled_by_number_without_a_pointer(shop: Any) -> None:
    shop.publish("a")
    shop.publish("b")
    pulled = shop.pull(release=1)
    assert (pulled.manifest.recipe, pulled.pointer) == ("a", None)
    with pytest.raises(ReleaseError, match="no signed release 9"):
        shop.pull(release=9)
    with pytest.raises(ReleaseError, match="no signed release 0"):
        shop.pull(release=0)


def test_what_the_reader_asks_must_be_a_name(shop: Any) -> None:
    with pytest.raises(UsageError, match="is no channel"):
        shop.pull(channel="../latest")
    with pytest.raises(ReleaseError, match="no channel beta"):
        shop.pull(channel="beta")
    for uri in ("s3://models", "s3://models/Short Video"):
        with pytest.raises(UsageError):
            pulling.pull(uri, verify_keys=shop.keys)


def test_two_stores_of_one_name_do_not_share_memory(shop: Any, tmp_path: Path) -> None:
    """A store made anew starts at epoch 1; that is no attack on readers of another store."""
    shop.publish("a")
    shop.publish("b")
    shop.pull()
    other = type(shop)((tmp_path / "other").as_uri(), shop.folder, seed=shop.seed)
    other.publish("c")
    assert other.pull().pointer.epoch == 1


def test_memory_only_grows(shop: Any) -> None:
    shop.publish("a")
    cache = Cache(shop.folder / "cache", shop.store).pointers
    old = shop.catalogue().pointer("latest").signed
    cache.remember(old)
    cache.remember(old)
    shop.publish("b")
    cache.remember(shop.catalogue().pointer("latest").signed)
    with pytest.raises(ReleaseError, match=r"epoch 1 .* but epoch 2"):
        cache.remember(old)


def test_a_damaged_memory_is_an_error_that_names_its_file(shop: Any) -> None:
    shop.publish("a")
    shop.pull()
    (state,) = (shop.folder / "cache").glob("*/channels/latest.json")
    assert record.from_json(SignedPointer, state.read_bytes()).pointer.epoch == 1
    state.write_bytes(b"{")
    with pytest.raises(ReleaseError, match=f"{state} is damaged"):
        shop.pull()


def test_releases_unused_for_long_leave_the_cache(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish("a")
    old = shop.pull().folder
    shop.publish("b")
    new = shop.pull().folder
    assert old.exists()
    monkeypatch.setattr(caching, "KEPT_S", -1.0)
    shop.publish("c")
    assert shop.pull().folder.exists()
    assert not old.exists()
    assert not new.exists()


def test_of_many_releases_those_used_before_the_last_ones_leave_early(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what another channel serves: its service may start again while the store is away."""
    monkeypatch.setattr(caching, "MANY", 2)
    shop.publish("steady", channel="beta")
    folders = {"steady": shop.pull("beta").folder}
    for age, name in enumerate("abcd"):
        shop.publish(name)
        folders[name] = shop.pull().folder
        seconds = time.time() - 100_000 + age
        os.utime(folders[name], (seconds, seconds))
    os.utime(folders["steady"], (0.0, time.time() - 200_000))
    shop.publish("e")
    shop.pull()
    assert {name for name, folder in folders.items() if folder.exists()} == {"steady", "d"}


def test_the_default_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_root() == tmp_path / "secateur"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert default_root() == tmp_path / "home/.cache/secateur"


def test_the_package_offers_pull_with_the_environment(
    shop: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shop.publish("a")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", shop.signer.public)
    pulled = secateur.pull(shop.uri)
    assert pulled.manifest.number == 1
    assert pulled.folder.is_relative_to(tmp_path / "xdg" / "secateur")
    monkeypatch.delenv("SECATEUR_VERIFY_KEY")
    with pytest.raises(UsageError, match="SECATEUR_VERIFY_KEY"):
        secateur.pull(shop.uri)


def test_a_store_in_a_folder_may_be_named_by_its_path(tmp_path: Path) -> None:
    shop = Shop(str(tmp_path / "root"), tmp_path)
    shop.publish("a")
    folder, cache = tmp_path / "root" / "short_video", tmp_path / "cache"
    assert secateur.pull(folder, cache=cache, verify_keys=shop.keys).manifest.number == 1
    for odd in (None, 3, b"/short_video"):
        with pytest.raises(UsageError, match="is no URI"):
            secateur.pull(odd, cache=cache, verify_keys=shop.keys)  # type: ignore[arg-type]
    for odd in ("s3://[::1/short_video", "file://[bad/short_video"):
        with pytest.raises(UsageError, match="Invalid IPv6"):
            secateur.pull(odd, cache=cache, verify_keys=shop.keys)


def test_keys_may_stand_in_one_text_as_in_the_environment(shop: Any) -> None:
    shop.publish("a")
    for keys in (shop.keys[0], f"{Shop('', Path()).signer.public}, {shop.keys[0]},"):
        pulled = secateur.pull(shop.uri, cache=shop.folder / "cache", verify_keys=keys)
        assert pulled.manifest.number == 1


def test_what_the_disk_refuses_is_a_store_error(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that catches our errors goes on with what it has."""
    shop.publish("a")
    (shop.folder / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"the cache .*file: .*Not a directory"):
        shop.pull(cache="file")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching, "fetch_files", full)
    with pytest.raises(StoreError, match="No space left on device"):
        shop.pull()


def test_a_remembered_pointer_that_is_nested_without_end_is_named(shop: Any) -> None:
    shop.publish("a")
    shop.pull()
    (remembered,) = (shop.folder / "cache").glob("*/channels/latest.json")
    remembered.write_text("[" * 100_000)
    with pytest.raises(ReleaseError, match=r"latest\.json is damaged .*; delete it"):
        shop.pull()
