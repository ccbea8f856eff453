"""Every release carries a bundle that OpenSSF's own `model_signing verify` accepts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from secateur import client
from secateur.contracts.errors import SignatureInvalid, StoreError
from secateur.releases import layout
from secateur.releases.signatures import p256
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, new_seed
from secateur.releases.sweeping import sweep


def stock_verify(folder: Path, bundle: Path, pem: Path) -> "subprocess.CompletedProcess[str]":
    """The stock command, as its guide has it."""
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder)]
    files = ["--signature", str(bundle), "--public_key", str(pem)]
    return subprocess.run([*command, *files], capture_output=True, text=True, check=False)


@pytest.fixture
def signed(
    shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Path, Path, Path]:
    """A pulled release, its bundle and the publisher's key, all by the command line."""
    shop.publish("a")
    monkeypatch.setenv(SIGNING_KEY, shop.seed)
    monkeypatch.setenv(VERIFY_KEY, shop.signer.public)
    bundle, pem = tmp_path / "model.sig", tmp_path / "publisher.pem"
    capsys.readouterr()
    pull = ["pull", shop.uri, f"--cache={tmp_path / 'c'}", f"--bundle={bundle}"]
    assert client.main(pull) == 0
    folder = Path(capsys.readouterr().out.strip())
    assert client.main(["pem"]) == 0
    pem.write_text(capsys.readouterr().out)
    return folder, bundle, pem


def test_the_stock_command_accepts_a_mirror_but_for_our_own_seal(
    shop: Any, signed: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    mirrors = tmp_path / "mirrors"
    assert client.main(["mirror", shop.uri, f"--output={mirrors}"]) == 0
    (folder,) = mirrors.iterdir()
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder)]
    files = ["--signature", str(folder / "model.sig"), "--public_key", str(signed[2])]
    ours = [f"--ignore-paths={folder / name}" for name in ("manifest.json", "manifest.sig")]
    done = subprocess.run([*command, *files, *ours], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_stock_command_accepts_a_release(signed: tuple[Path, Path, Path]) -> None:
    done = stock_verify(*signed)
    assert done.returncode == 0, done.stderr
    assert "Verification succeeded" in done.stdout + done.stderr


@pytest.mark.parametrize("change", ["a byte", "a file more", "a file less", "the statement"])
def test_the_stock_command_refuses_what_was_changed(
    signed: tuple[Path, Path, Path], change: str
) -> None:
    folder, bundle, _ = signed
    if change == "a byte":
        (folder / "model.onnx").write_bytes(b"b" * 50)
    elif change == "a file more":
        (folder / "more").write_bytes(b"")
    elif change == "a file less":
        (folder / "model.onnx").unlink()
    else:
        held = json.loads(bundle.read_text())
        envelope = held["dsseEnvelope"]
        envelope["payload"] = envelope["payload"][:40] + "A" + envelope["payload"][41:]
        bundle.write_text(json.dumps(held))
    assert stock_verify(*signed).returncode != 0


def test_the_stock_command_refuses_another_publisher(
    signed: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    folder, bundle, _ = signed
    other = tmp_path / "other.pem"
    other.write_bytes(p256.public_pem(Signer.of(new_seed())))
    assert stock_verify(folder, bundle, other).returncode != 0


def test_one_seed_makes_one_key_and_another_seed_another() -> None:
    seeds = [new_seed() for _ in range(20)]
    pems = {p256.public_pem(Signer.of(seed)) for seed in seeds}
    assert len(pems) == 20
    assert {p256.public_pem(Signer.of(seed)) for seed in seeds} == pems


def test_a_bundle_that_another_put_there_is_not_taken_for_ours(shop: Any, between: type) -> None:
    shop.store.put(layout.bundle_key(1), b'{"dsseEnvelope": {"payload": "e30=", "signatures": []}}')
    with pytest.raises(SignatureInvalid, match="another's bundle"):
        shop.publish("a")
    assert not shop.store.exists(layout.signature_key(1)), "it is not visible"


def test_a_bundle_whose_answer_was_lost_is_read_back(shop: Any, between: type) -> None:
    class Deaf(between):  # type: ignore[misc, valid-type]
        def put_new(self, key: str, data: bytes) -> None:
            self.inner.put_new(key, data)
            if key == layout.bundle_key(1):
                raise StoreError("no answer")

    assert shop.publish("a", store=Deaf(shop.store)).served


def test_a_sweep_takes_the_bundle_too(shop: Any) -> None:
    for name in "abc":
        shop.publish(name)
    assert shop.store.exists(layout.bundle_key(1))
    sweep(shop.catalogue(), keep=1, grace_s=-3600.0, dry_run=False)
    assert not shop.store.exists(layout.bundle_key(1))
    assert shop.store.exists(layout.bundle_key(3))
