"""What a forger does to a store, and what the reader meets: one function an attack.

The forger can write every object of the store. He has a signing key of his own but not the
publisher's, except where an attack says that a *careless publisher* signed the thing. Before
each attack the reader has pulled release 2 of channel `latest`, and release 1 before it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts import record
from secateur.contracts.errors import ReleaseError, SecateurError, SignatureInvalid, StoreError
from secateur.contracts.manifest import FileEntry
from secateur.contracts.releases import ChannelPointer, SignedPointer
from secateur.releases import layout
from secateur.releases.signing import Signer, new_seed

POINTER = layout.pointer_key("latest")
FORGER = Signer.of(new_seed())


@dataclass(frozen=True)
class Attack:
    """Do `forge`; the reader's next pull must raise `kind` with a message like `says`."""

    forge: Callable[[Any], None]
    kind: type[SecateurError]
    says: str


ATTACKS: list[Attack] = []


def reader_sees(kind: type[SecateurError], says: str) -> Callable[[Any], Any]:
    def register(forge: Callable[[Any], None]) -> Callable[[Any], None]:
        ATTACKS.append(Attack(forge, kind, says))
        return forge

    return register


def served(shop: Any) -> ChannelPointer:
    pointer: ChannelPointer = shop.catalogue().pointer("latest").pointer
    return pointer


def put_pointer(shop: Any, pointer: ChannelPointer, signer: Signer) -> None:
    signed = SignedPointer(pointer, signer.sign(record.canonical_json(pointer)))
    shop.store.put(POINTER, record.dump(signed))


def put_manifest(shop: Any, signer: Signer, **changes: Any) -> None:
    """Replace release 2 by a signed variant, and let a well signed pointer name it."""
    manifest = replace(shop.catalogue().release(2).manifest, **changes)
    data = record.canonical_json(manifest)
    shop.store.put(layout.manifest_key(2), data)
    shop.store.put(layout.signature_key(2), signer.sign(data).encode())


def only_blob(shop: Any) -> tuple[str, bytes]:
    """The key and bytes of the blob that release 2 alone has."""
    entry = shop.catalogue().release(2).manifest.files[0]
    key = layout.blob_key(entry.sha256)
    return key, shop.store.get(key).data


@reader_sees(SignatureInvalid, "latest.json is not signed by any")
def points_at_an_older_release(shop: Any) -> None:
    """Edits the pointer's release number and leaves the signature."""
    signed = json.loads(shop.store.get(POINTER).data)
    signed["pointer"]["release"] = 1
    shop.store.put(POINTER, json.dumps(signed).encode())


@reader_sees(SignatureInvalid, "latest.json is not signed by any")
def signs_a_pointer_with_a_key_of_his_own(shop: Any) -> None:
    """Writes a flawless pointer with a higher epoch, signed by a stranger."""
    put_pointer(shop, replace(served(shop), epoch=99), FORGER)


@reader_sees(SignatureInvalid, "signature is not base64")
def signs_with_rubbish(shop: Any) -> None:
    """Replaces the signature by text."""
    shop.store.put(POINTER, record.dump(SignedPointer(served(shop), "trust me")))


@reader_sees(ReleaseError, "signed for short_video/beta")
def replays_another_channel(shop: Any) -> None:
    """Copies the pointer of channel `beta`, where untried releases go, over `latest`."""
    shop.publish("untried", channel="beta")
    shop.store.put(POINTER, shop.store.get(layout.pointer_key("beta")).data)


@reader_sees(ReleaseError, "signed for music/latest")
def replays_another_scenario(shop: Any) -> None:
    """Copies the pointer of another model, published with the same key, over this one's."""
    music = type(shop)(shop.root, shop.folder, "music", shop.seed)
    for name in "abc":
        music.publish(name)
    shop.store.put(POINTER, music.store.get(POINTER).data)


@reader_sees(ReleaseError, "offers epoch 1 .* but epoch 2 .* was seen before")
def replays_an_old_pointer(shop: Any) -> None:
    """Puts back yesterday's pointer, rightly signed, to serve a model known to be worse."""
    shop.store.put(POINTER, shop.yesterday)


@reader_sees(ReleaseError, "offers epoch 2 .* but epoch 2 .* was seen before")
def shows_two_readers_two_pointers(shop: Any) -> None:
    """A careless publisher signs a second pointer of one epoch (a store restored from a copy)."""
    release = shop.catalogue().release(1)
    other = replace(served(shop), release=1, manifest_sha256=release.sha256)
    put_pointer(shop, other, shop.signer)


@reader_sees(ReleaseError, "has no channel latest")
def deletes_the_pointer(shop: Any) -> None:
    """Removes the channel."""
    shop.store.delete(POINTER)


@reader_sees(ReleaseError, "was good until .* nobody has renewed it")
def freezes_the_store(shop: Any) -> None:
    """Withholds every newer pointer, and shows the last one until long after its time."""
    old = replace(served(shop), epoch=3, renewed_at="2024-03-01T00:00:00+00:00", valid_hours=168.0)
    put_pointer(shop, old, shop.signer)


@reader_sees(ReleaseError, "cannot be read: .*zone|cannot be read: .*isoformat")
def signs_a_time_that_is_none(shop: Any) -> None:
    """A careless publisher signs a pointer that was renewed at no moment anybody knows."""
    put_pointer(
        shop, replace(served(shop), epoch=3, renewed_at="soon", valid_hours=1.0), shop.signer
    )


@reader_sees(ReleaseError, "cannot be read: ")
def signs_a_time_beyond_all_calendars(shop: Any) -> None:
    """A careless publisher signs a pointer that is good for longer than there are years."""
    now = layout.now()
    put_pointer(
        shop, replace(served(shop), epoch=3, renewed_at=now, valid_hours=1e200), shop.signer
    )


@reader_sees(StoreError, "bytes where at most")
def sends_a_pointer_without_end(shop: Any) -> None:
    """Makes the reader swallow more than its memory."""
    shop.store.put(POINTER, b" " * (layout.POINTER_LIMIT + 1))


@reader_sees(ReleaseError, "cannot be read: SignedPointer: not JSON")
def writes_a_half_pointer(shop: Any) -> None:
    """Cuts the pointer in the middle."""
    shop.store.put(POINTER, shop.store.get(POINTER).data[:50])


@reader_sees(ReleaseError, "cannot be read")
def nests_a_pointer_too_deeply(shop: Any) -> None:
    """Sends the JSON parser down ten thousand brackets."""
    shop.store.put(POINTER, b"[" * 10_000)


@reader_sees(ReleaseError, "model.onnx: .*differ from its manifest")
def truncates_a_blob(shop: Any) -> None:
    """Cuts the last byte of the model."""
    key, data = only_blob(shop)
    shop.store.put(key, data[:-1])


@reader_sees(ReleaseError, "model.onnx: .*differ from its manifest")
def swaps_a_blob(shop: Any) -> None:
    """Replaces the model by another of the same size."""
    key, data = only_blob(shop)
    shop.store.put(key, bytes(reversed(data[:-1])) + b"!")


@reader_sees(StoreError, "bytes where at most")
def appends_to_a_blob(shop: Any) -> None:
    """Lets the model grow without end."""
    key, data = only_blob(shop)
    shop.store.put(key, data * 1000)


@reader_sees(ReleaseError, "model.onnx: .*no such object|NoSuchKey")
def deletes_a_blob(shop: Any) -> None:
    """Removes the model."""
    shop.store.delete(only_blob(shop)[0])


@reader_sees(SignatureInvalid, "releases/2/manifest.json is not signed")
def edits_the_manifest(shop: Any) -> None:
    """Names another blob in the manifest and leaves the signature."""
    one, two = (shop.catalogue().release(n).manifest for n in (1, 2))
    shop.store.put(layout.manifest_key(2), record.canonical_json(replace(two, files=one.files)))


@reader_sees(SignatureInvalid, "releases/2/manifest.json is not signed")
def signs_the_manifest_with_a_key_of_his_own(shop: Any) -> None:
    """Edits the manifest and signs it."""
    put_manifest(shop, FORGER, recipe="mine")


@reader_sees(ReleaseError, "there is no signed release 2")
def removes_the_signature(shop: Any) -> None:
    """Hopes that a reader does without."""
    shop.store.delete(layout.signature_key(2))


@reader_sees(ReleaseError, "was signed as short_video/1")
def renames_an_old_release(shop: Any) -> None:
    """Copies release 1, manifest and signature, to the number that the channel serves."""
    for key in (layout.manifest_key, layout.signature_key):
        shop.store.put(key(2), shop.store.get(key(1)).data)


@reader_sees(ReleaseError, "means a release 2 with manifest .* but finds")
def replaces_a_release_by_another_of_its_number(shop: Any) -> None:
    """A careless publisher signed two manifests of one number (a store restored from a copy)."""
    put_manifest(shop, shop.signer, recipe="other")


@reader_sees(ReleaseError, "outside its folder")
def writes_beside_the_cache(shop: Any) -> None:
    """A careless publisher signs a manifest with a path that climbs out of the folder."""
    resign_with_path(shop, "../../../escaped")


@reader_sees(ReleaseError, "outside its folder")
def writes_anywhere(shop: Any) -> None:
    """A careless publisher signs a manifest with an absolute path."""
    resign_with_path(shop, str(shop.folder / "escaped"))


@reader_sees(ReleaseError, "has no sha256 or size")
def reads_another_object_as_a_blob(shop: Any) -> None:
    """A careless publisher signs a manifest whose hash is a path in the store."""
    entry = FileEntry("model.onnx", "../../channels/latest.json", 10)
    resign_with(shop, (entry,))


@reader_sees(ReleaseError, "names a file twice")
def names_a_file_twice(shop: Any) -> None:
    """A careless publisher signs two contents for one path: which one was verified?"""
    resign_with(shop, shop.catalogue().release(2).manifest.files * 2)


@reader_sees(ReleaseError, "format")
def speaks_a_later_format(shop: Any) -> None:
    """A publisher is newer than this reader, which must not guess."""
    plain = record.plain(shop.catalogue().release(2).manifest) | {"format": 2}
    data = record.canonical_json(plain)
    shop.store.put(layout.manifest_key(2), data)
    shop.store.put(layout.signature_key(2), shop.signer.sign(data).encode())


def resign_with_path(shop: Any, path: str) -> None:
    first, *rest = shop.catalogue().release(2).manifest.files
    resign_with(shop, (replace(first, path=path), *rest))


def resign_with(shop: Any, files: tuple[FileEntry, ...]) -> None:
    put_manifest(shop, shop.signer, files=files)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.forge.__name__)
def test_the_reader_refuses(after: Any, attack: Attack) -> None:
    shop = after(1)
    shop.pull()
    shop.yesterday = shop.store.get(POINTER).data
    before = after(2).pull()
    kept = {path: path.read_bytes() for path in before.folder.rglob("*") if path.is_file()}

    attack.forge(shop)
    with pytest.raises(attack.kind, match=attack.says):
        pull_afresh(shop)

    assert {path: path.read_bytes() for path in kept} == kept, "what was pulled stays as it was"
    assert not list(Path(shop.folder).rglob("escaped"))


def pull_afresh(shop: Any) -> None:
    """Pull into the reader's cache, whose memory of pointers counts, without its old copies."""
    for folder in (shop.folder / "cache").glob("*/releases"):
        folder.rename(folder.with_name("aside"))
    try:
        shop.pull()
    finally:
        for folder in (shop.folder / "cache").glob("*/aside"):
            for new in folder.with_name("releases").glob("*"):
                raise AssertionError(f"{new} was placed")
            folder.rename(folder.with_name("releases"))
