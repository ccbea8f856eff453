"""A mirror is a release as plain files: what a platform copies is verified without the store."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from secateur.contracts.errors import ReleaseError, SignatureInvalid, StoreError, UsageError
from secateur.releases import signing
from secateur.releases.mirrors.read_mirror import mirror_folder, open_mirror
from secateur.releases.mirrors.write_mirror import MirrorReceipt, write_mirror
from secateur.releases.pulling import PulledRelease
from secateur.storage import open_store

from ..conftest import Between, Shop

Mirror = Callable[[str], MirrorReceipt]
Copy = Callable[[str], Path]


@pytest.fixture
def opened(shop: Shop) -> Callable[..., PulledRelease]:
    return lambda folder, pin="": open_mirror(folder, signing.Trust.of(shop.keys), pin)


def test_a_copy_is_the_release_byte_for_byte_and_needs_no_store(
    shop: Shop, mirror: Mirror, served_copy: Copy, opened: Callable[..., PulledRelease]
) -> None:
    receipt = mirror("a")
    assert receipt.uri.endswith(f"/mirrors/1-{receipt.manifest_sha256[:12]}/")
    folder = served_copy(receipt.uri)
    for entry in shop.store.entries():
        shop.store.delete(entry.key)
    found = opened(folder)
    assert (found.manifest.number, found.pointer) == (1, None)
    for path in ("model.onnx", "tables/users.bin"):
        assert (folder / path).read_bytes() == (shop.package("a").folder / path).read_bytes()
    assert {path.name for path in folder.iterdir()} == {
        *("manifest.json", "manifest.sig", "model.sig", "model.onnx", "tables")
    }


@pytest.mark.parametrize("root", ["file"], indirect=True)
def test_a_large_file_that_the_store_has_in_chunks_is_one_plain_file(
    shop: Shop, mirror: Mirror, served_copy: Copy, opened: Callable[..., PulledRelease]
) -> None:
    table = random.Random(1).randbytes(3 << 20)
    shop.table = lambda _: table
    folder = served_copy(mirror("a").uri)
    (entry,) = (one for one in opened(folder).manifest.files if one.path == "table.zst")
    assert len(entry.chunks) > 1
    assert (folder / "table.zst").read_bytes() == table


def test_the_same_again_writes_nothing(shop: Shop, mirror: Mirror, root: str) -> None:
    first = mirror("a")
    assert (first.files, first.written) == (2, 5)
    again = write_mirror(shop.catalogue(), shop.pull(), f"{root}/mirrors")
    assert (again.uri, again.written) == (first.uri, 0)


def test_an_unset_variable_is_no_place_for_it(shop: Shop, mirror: Mirror) -> None:
    """Below an empty name it would lie in the root of this machine."""
    mirror("a")
    with pytest.raises(UsageError, match="a URI is empty"):
        write_mirror(shop.catalogue(), shop.pull(), "")


def test_no_storage_uri_begins_another_even_without_its_slash(
    shop: Shop, mirror: Mirror, served_copy: Copy, opened: Callable[..., PulledRelease]
) -> None:
    """KServe copies all keys that begin so: with `.../1` it would copy `.../10` and `.../11`."""
    uris = [mirror(name).uri.rstrip("/") for name in "abcdefghijk"]
    assert not [(a, b) for a in uris for b in uris if a != b and b.startswith(a)]
    assert opened(served_copy(uris[0])).manifest.number == 1


def test_half_a_mirror_has_no_model_and_is_refused_and_the_same_again_finishes_it(
    shop: Shop,
    root: str,
    between: type[Between],
    served_copy: Copy,
    opened: Callable[..., PulledRelease],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop.publish("a")
    pulled, output = shop.pull(), f"{root}/mirrors"

    class Dying(between):  # type: ignore[valid-type,misc]
        left = 0

        def put_new(self, key: str, data: bytes) -> None:
            if not Dying.left:
                raise StoreError("the network is gone")
            Dying.left -= 1
            super().put_new(key, data)

    module = "secateur.releases.mirrors.write_mirror.open_store"
    for count in range(5):
        Dying.left = count
        with monkeypatch.context() as patch:
            patch.setattr(module, lambda uri: Dying(open_store(uri)))
            with pytest.raises(StoreError, match="the network is gone"):
                write_mirror(shop.catalogue(), pulled, output)
        if count:
            (name,) = {key.split("/")[0] for key in open_store(output).keys()}  # noqa: SIM118
            folder = served_copy(f"{output}/{name}/")
            assert not (folder / "model.onnx").exists()
            with pytest.raises(ReleaseError, match="whole"):
                opened(folder)
    receipt = write_mirror(shop.catalogue(), pulled, output)
    assert receipt.written == 1, "the model alone was left"
    assert opened(served_copy(receipt.uri)).manifest.number == 1


@pytest.mark.parametrize("key", ["manifest.json", "tables/users.bin"])
def test_other_bytes_are_never_overwritten(shop: Shop, mirror: Mirror, root: str, key: str) -> None:
    store = open_store(mirror("a").uri)
    other = store.get(key).data[:-1] + b"?"
    store.put(key, other)
    with pytest.raises(ReleaseError, match="other bytes: choose another --output"):
        write_mirror(shop.catalogue(), shop.pull(), f"{root}/mirrors")
    assert store.get(key).data == other


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("changed", "is damaged"),
        ("shorter", "is damaged"),
        ("absent", "is not whole: 1 files are missing, 'tables/users.bin'"),
        ("stranger", "holds 1 files that are not its own: 'feature_schema.json'"),
        ("link", "is damaged"),
        ("no manifest", "neither a store nor a whole mirror"),
        ("no signature", "neither a store nor a whole mirror"),
    ],
)
def test_what_is_not_the_release_is_refused(
    mirror: Mirror,
    served_copy: Copy,
    opened: Callable[..., PulledRelease],
    damage: str,
    says: str,
) -> None:
    folder = served_copy(mirror("a").uri)
    victim = folder / "tables" / "users.bin"
    data = victim.read_bytes()
    if damage in ("changed", "shorter"):
        victim.write_bytes(data[:-1] + (b"?" if damage == "changed" else b""))
    elif damage == "absent":
        victim.unlink()
    elif damage == "stranger":
        (folder / "feature_schema.json").write_bytes(b"{}")
    elif damage == "link":
        elsewhere = folder.with_name("elsewhere")
        elsewhere.write_bytes(data)
        victim.unlink()
        victim.symlink_to(elsewhere)
    else:
        (folder / {"no manifest": "manifest.json"}.get(damage, "manifest.sig")).unlink()
    with pytest.raises(ReleaseError, match=says):
        opened(folder)


def test_a_manifest_of_somebody_else_is_refused(
    mirror: Mirror, served_copy: Copy, opened: Callable[..., PulledRelease]
) -> None:
    folder = served_copy(mirror("a").uri)
    with pytest.raises(SignatureInvalid):
        open_mirror(folder, signing.Trust.of([signing.Signer.of(signing.new_seed()).public]))
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"number":1', b'"number":2'))
    with pytest.raises(SignatureInvalid):
        opened(folder)


def test_an_older_release_is_told_by_a_pinned_manifest(
    mirror: Mirror, served_copy: Copy, opened: Callable[..., PulledRelease]
) -> None:
    old, new = mirror("a"), mirror("b")
    folder = served_copy(old.uri)
    for pin in (old.manifest_sha256, old.manifest_sha256[:12].upper(), ""):
        assert opened(folder, pin).manifest.number == 1
    with pytest.raises(ReleaseError, match="holds release 1, whose manifest is"):
        opened(folder, new.manifest_sha256)


def test_a_folder_with_channels_is_a_store(shop: Shop, mirror: Mirror, served_copy: Copy) -> None:
    receipt = mirror("a")
    assert mirror_folder(shop.uri) is None
    assert mirror_folder("s3://models/short_video") is None
    assert mirror_folder("/nowhere") is None
    folder = served_copy(receipt.uri)
    assert mirror_folder(str(folder)) == folder
    link = folder.with_name("link")
    link.symlink_to(folder)
    assert mirror_folder(link.as_uri()) == folder, "a mounted volume may be a link"
