"""A reader in Node, written by the release format: it pulls and verifies a portable model."""

import functools
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secateur import client
from secateur.contracts.errors import CorruptArtifact, ReleaseError
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, new_seed
from secateur.releases.writing import chunking
from secateur.serving import portable_model
from secateur.storage import FileStore
from small_package import sealed
from source_tree import PROJECT

PULL = PROJECT / "infra" / "node_example" / "pull.mjs"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no Node")


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Signer:
    seed = new_seed()
    monkeypatch.setenv(SIGNING_KEY, seed)
    monkeypatch.setenv(VERIFY_KEY, Signer.of(seed).public)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Signer.of(seed)


def export(tmp_path: Path, signer: Signer, seed: int) -> Any:
    """Publish a package, then its portable form, as a person does."""
    uri = (tmp_path / "store" / "short_video").as_uri()
    publisher = Publisher(
        Catalogue(*layout.open_scenario(uri), signer.trust()), signer, lambda _: None
    )
    publish(publisher, "latest", *sealed(tmp_path / str(seed), seed))
    assert client.main(["export", uri, "--publish"]) == 0


@pytest.fixture
def store(signer: Signer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder of a store with one portable release."""
    export(tmp_path, signer, 1)
    told = json.loads(capsys.readouterr().out)
    assert told["published"]["served"]
    return tmp_path / "store" / "short_video_portable"


def pull(store: Path | str, folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["node", str(PULL), str(store), "latest", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **more},
    )


@pytest.fixture
def over_http(store: Path) -> Iterator[str]:
    """The same store behind a plain web server."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=store.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{store.name}"
        server.shutdown()
        thread.join()


def test_it_pulls_from_a_folder_and_over_http(store: Path, over_http: str, tmp_path: Path) -> None:
    for number, place in enumerate((store, over_http)):
        folder = tmp_path / "pulled" / str(number)
        done = pull(place, folder)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["release"] == 1
        found = {path.name for path in folder.iterdir()}
        assert found == {"model.onnx", "golden.json", "config.pbtxt", "epoch"}
        ours = client.main(["pull", store.as_uri(), f"--cache={tmp_path / 'ours'}"])
        assert ours == 0
        (theirs,) = (tmp_path / "ours").glob("*/releases/*/model.onnx")
        assert (folder / "model.onnx").read_bytes() == theirs.read_bytes()


def test_it_joins_the_chunks_of_a_large_file(
    signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "NORMAL_BYTES", 128)
    export(tmp_path, signer, 1)
    store, folder = tmp_path / "store" / "short_video_portable", tmp_path / "pulled"
    manifest = json.loads((store / "releases" / "1" / "manifest.json").read_bytes())
    model = next(entry for entry in manifest["files"] if entry["path"] == "model.onnx")
    assert len(model["chunks"]) > 2
    done = pull(store, folder)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest() == model["sha256"]
    chunk = store / "blobs" / "sha256" / model["chunks"][1]["sha256"]
    chunk.write_bytes(bytes(chunk.stat().st_size))
    done = pull(store, tmp_path / "again")
    assert (done.returncode, done.stderr) == (1, "pull: model.onnx has other bytes\n")


def test_it_follows_the_channel_and_refuses_an_old_pointer(
    store: Path, signer: Signer, tmp_path: Path
) -> None:
    pointer = store / "channels" / "latest.json"
    old, folder = pointer.read_bytes(), tmp_path / "pulled"
    assert pull(store, folder).returncode == 0
    export(tmp_path, signer, 2)
    assert json.loads(pull(store, folder).stdout)["release"] == 2
    pointer.write_bytes(old)
    done = pull(store, folder)
    assert (done.returncode, done.stderr) == (1, "pull: an old pointer was replayed\n")
    assert (folder / "epoch").read_text() == "2", "what was pulled stays"


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        ("another key", "the pointer is not signed by any of the 1 keys"),
        ("no key", "set SECATEUR_VERIFY_KEY"),
        ("pointer", "the pointer is not signed"),
        ("manifest", "the manifest is not signed"),
        ("signature", "the manifest is not signed"),
        ("blob", "other bytes"),
        ("long blob", "more than"),
        ("other channel", "signed for another channel"),
        ("expired", "the channel has expired"),
        ("endless pointer", "more than 65536 bytes"),
    ],
)
def test_what_was_altered_is_refused(
    store: Path, signer: Signer, tmp_path: Path, attack: str, says: str
) -> None:
    environment = {}
    pointer, manifest = store / "channels" / "latest.json", store / "releases" / "1"
    if attack in ("another key", "no key"):
        environment[VERIFY_KEY] = Signer.of(new_seed()).public if attack == "another key" else ""
    elif attack == "pointer":
        pointer.write_bytes(pointer.read_bytes().replace(b'"epoch": 1', b'"epoch": 9'))
    elif attack == "manifest":
        path = manifest / "manifest.json"
        path.write_bytes(path.read_bytes().replace(b"recipe_1", b"recipe_2"))
    elif attack == "signature":
        (manifest / "manifest.sig").write_text(Signer.of(new_seed()).sign(b"x"))
    elif attack in ("blob", "long blob"):
        blob = max((store / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
        data = blob.read_bytes()
        blob.write_bytes(data + b"x" if attack == "long blob" else data[:-1] + b"x")
    elif attack == "endless pointer":
        pointer.write_bytes(b" " * 70_000)
    else:
        forge(store, signer, attack)
    done = pull(store, tmp_path / "pulled", **environment)
    assert done.returncode == 1
    assert says in done.stderr
    assert not (tmp_path / "pulled").exists()
    assert not list(tmp_path.glob("pulled.tmp-*"))


def forge(store: Path, signer: Signer, attack: str) -> None:
    """A pointer that a careless publisher signed for another channel, or long ago."""
    from secateur.contracts import record
    from secateur.contracts.releases import SignedPointer

    files = FileStore(store)
    held = record.from_json(SignedPointer, files.get("channels/latest.json").data).pointer
    if attack == "other channel":
        changed = replace(held, channel="beta", reason="für é 😀")
    else:
        changed = replace(held, renewed_at="2020-01-01T00:00:00+00:00", valid_hours=1.0)
    signed = SignedPointer(changed, signer.sign(record.canonical_json(changed)))
    files.put("channels/latest.json", record.canonical_json(signed))


def test_the_same_package_is_published_once(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = (tmp_path / "store" / "short_video").as_uri()
    assert client.main(["export", uri, "--publish"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["published"]["release"] == 1
    assert layout.numbers(FileStore(store)) == [1]


def test_a_person_verifies_portable_models_by_the_same_command(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.main(["verify", store.as_uri(), f"--cache={tmp_path / 'v'}"]) == 0
    assert "golden scores hold" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["score", "row", "model"])
def test_a_portable_model_that_scores_otherwise_is_found(
    store: Path, tmp_path: Path, wrong: str
) -> None:
    assert client.main(["pull", store.as_uri(), f"--cache={tmp_path / 'v'}"]) == 0
    (folder,) = (tmp_path / "v").glob("*/releases/*")
    portable_model.check_portable(folder)
    golden = folder / "golden.json"
    held = json.loads(golden.read_text())
    if wrong == "score":
        held["outputs"]["probability"][0] += 1e-3
    elif wrong == "row":
        held["inputs"]["video_id"]["data"][0] = "9"
    else:
        (folder / "model.onnx").write_bytes(b"no model")
    golden.write_text(json.dumps(held))
    with pytest.raises((ReleaseError, CorruptArtifact)):
        portable_model.check_portable(folder)
