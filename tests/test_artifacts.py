"""Sealed artifacts: whole or absent, the same digest for the same work, at both kinds of store."""

import json
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.artifacts import create, demand_receipt, open_artifact, sha256_file, verify_file
from secateur.contracts import record
from secateur.contracts.errors import ArtifactError, CorruptArtifact, StoreError, UsageError
from secateur.contracts.manifest import MANIFEST, FileEntry, MadeBy, Manifest
from secateur.storage import join, open_store

VERB = MadeBy("train_model", "0" * 64)
# printf abc | sha256sum
SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture(autouse=True)
def own_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()


def make(uri: str, *names: str) -> Manifest:
    with create(uri, "FeatureSet") as draft:
        for name in names:
            (draft.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (draft.folder / name).write_bytes(b"abc")
        return draft.seal(VERB, {"events": "e" * 64}, {"rows": 3})


def test_what_was_sealed_is_opened_with_every_byte(root: str) -> None:
    manifest = make(root, "a.bin", "day=1/part-00000")
    artifact = open_artifact(root, "FeatureSet")
    assert artifact.manifest == manifest
    assert artifact.file("day=1/part-00000").read_bytes() == b"abc"
    assert [(e.path, e.sha256, e.bytes) for e in manifest.files] == [
        ("a.bin", SHA256_OF_ABC, 3),
        ("day=1/part-00000", SHA256_OF_ABC, 3),
    ]
    assert manifest.facts == {"rows": 3}
    with pytest.raises(ArtifactError, match="holds no b"):
        artifact.file("b.bin")


def test_the_same_work_gives_the_same_digest_wherever_it_lies(root: str) -> None:
    here, there = make(join(root, "here"), "a", "b"), make(join(root, "there"), "a", "b")
    assert here.digest == there.digest
    assert make(join(root, "here"), "a", "c").digest != here.digest


def test_an_attempt_that_crashed_does_not_exist_and_leaves_nothing_behind(root: str) -> None:
    make(root, "old")
    with pytest.raises(RuntimeError), create(root, "FeatureSet") as draft:
        (draft.folder / "half").write_bytes(b"abc")
        raise RuntimeError
    assert not artifacts.is_sealed(root)
    with pytest.raises(ArtifactError, match="is not sealed"):
        open_artifact(root, "FeatureSet")
    assert [entry.path for entry in make(root, "new").files] == ["new"]
    assert sorted(open_store(root).keys()) == [MANIFEST, "new"]


def test_what_is_no_artifact_is_never_deleted(root: str) -> None:
    open_store(root).put("thesis.txt", b"years of work")
    with pytest.raises(UsageError, match="holds files that are no artifact"):
        make(root, "a")
    assert open_store(root).get("thesis.txt").data == b"years of work"


def test_neighbours_with_a_longer_name_are_left_alone(root: str) -> None:
    make(join(root, "run1"), "a")
    make(join(root, "run10"), "a")
    make(join(root, "run1"), "b")
    assert artifacts.is_sealed(join(root, "run10"))


@pytest.mark.parametrize("data", [b"abd", b"ab", b"abcd", None])
def test_a_byte_that_differs_is_found(root: str, data: bytes | None) -> None:
    make(root, "a")
    store = open_store(root)
    store.delete("a") if data is None else store.put("a", data)
    with pytest.raises((CorruptArtifact, StoreError)):
        open_artifact(root, "FeatureSet")


def test_a_damaged_local_copy_is_copied_again(
    object_store: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    uri = f"s3://models/{tmp_path.name}"
    make(uri, "a")
    copy = open_artifact(uri, "FeatureSet").file("a")
    assert copy.parents[1].stat().st_mode & 0o077 == 0, "nobody else writes there"
    copy.write_bytes(b"xyz")
    assert open_artifact(uri, "FeatureSet").file("a").read_bytes() == b"abc"


def test_another_kind_is_not_taken_for_it(root: str) -> None:
    make(root, "a")
    with pytest.raises(ArtifactError, match="is a FeatureSet, expected a Package"):
        open_artifact(root, "Package")


def test_a_receipt_names_its_subject(root: str) -> None:
    make(root, "a")
    artifact = open_artifact(root, "FeatureSet")
    demand_receipt(artifact.digest, artifact)
    with pytest.raises(ArtifactError, match="the receipt names 000000000000"):
        demand_receipt("0" * 64, artifact)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a\\b", ""])
def test_a_manifest_cannot_reach_outside_its_folder(root: str, path: str) -> None:
    make(root, "a")
    store = open_store(root)
    manifest = json.loads(store.get(MANIFEST).data)
    manifest["files"][0]["path"] = path
    store.put(MANIFEST, json.dumps(manifest).encode())
    with pytest.raises(CorruptArtifact, match="outside its folder"):
        open_artifact(root, "FeatureSet")


def test_links_are_neither_sealed_nor_believed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"abc")
    with (
        pytest.raises(UsageError, match="is a link"),
        create(str(tmp_path / "art"), "FeatureSet") as draft,
    ):
        (draft.folder / "a").symlink_to(tmp_path / "outside")
        draft.seal(VERB, {}, {})
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(CorruptArtifact):
        verify_file(tmp_path, FileEntry("link", SHA256_OF_ABC, 3))


def test_sha256_is_the_standard_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_file(tmp_path / "a") == SHA256_OF_ABC


def test_a_manifest_survives_its_wire_form(root: str) -> None:
    manifest = make(root, "a")
    assert record.from_json(Manifest, record.dump(manifest)) == manifest
    assert artifacts.read_manifest(root).digest == manifest.digest


def test_a_folder_of_links_alone_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "a").write_bytes(b"abc")
    (tmp_path / "art").mkdir()
    (tmp_path / "art" / "linked").symlink_to(tmp_path / "shared")
    with pytest.raises(UsageError, match="no artifact"), create(str(tmp_path / "art"), "EventSet"):
        pass
    assert (tmp_path / "art" / "linked").is_symlink()
