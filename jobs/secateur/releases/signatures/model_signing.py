"""The OpenSSF model-signing bundle of a release, which `model_signing verify key` accepts.

A Sigstore bundle (v0.3) around a DSSE envelope (v1) around an in-toto statement (v1) whose
predicate names every file with its sha256. Written from the release's manifest alone: no file is
read again.

Source: OpenSSF model-signing specification v1.0, https://github.com/ossf/model-signing-spec
"""

import base64
import hashlib
import json
from typing import Any

from secateur.contracts.errors import SignatureInvalid, StoreError
from secateur.contracts.releases import ReleaseManifest
from secateur.releases import layout
from secateur.releases.signatures import p256
from secateur.releases.signing import Signer
from secateur.storage import Store

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_PAYLOAD = "application/vnd.in-toto+json"


def bundle_of(manifest: ReleaseManifest, signer: Signer) -> bytes:
    """The bundle over the files of a release, as JSON."""
    payload = _statement(manifest)
    signature = p256.sign(signer, _signed_bytes(payload))
    envelope = {
        "payload": _text(payload),
        "payloadType": _PAYLOAD,
        "signatures": [{"sig": _text(signature), "keyid": ""}],
    }
    material = {"publicKey": {"hint": p256.key_hint(signer)}, "tlogEntries": []}
    bundle = {"mediaType": _BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}
    return json.dumps(bundle).encode()


def put_bundle(store: Store, signer: Signer, manifest: ReleaseManifest) -> None:
    """Write the bundle of a release, or find that it is there.

    Raises SignatureInvalid where another one lies there.
    """
    key = layout.bundle_key(manifest.number)
    try:
        store.put_new(key, bundle_of(manifest, signer))
    except StoreError as error:
        try:  # it may be written, and its answer lost
            found = store.get(key, layout.BUNDLE_LIMIT).data
        except StoreError:
            raise error from None
        if not _is_ours(found, manifest, signer):
            raise SignatureInvalid(f"{store.uri}/{key} holds another's bundle") from error


def _is_ours(bundle: bytes, manifest: ReleaseManifest, signer: Signer) -> bool:
    try:
        envelope = json.loads(bundle)["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"])
        signature = base64.b64decode(envelope["signatures"][0]["sig"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return False
    is_same = payload == _statement(manifest)
    return is_same and p256.has_signed(signer, _signed_bytes(payload), signature)


def _statement(manifest: ReleaseManifest) -> bytes:
    """The in-toto statement: the files in the order of their names, and the sha256 of theirs."""
    files = sorted(manifest.files, key=lambda entry: entry.path)
    whole = hashlib.sha256(b"".join(bytes.fromhex(entry.sha256) for entry in files)).hexdigest()
    resources = [
        {"name": entry.path, "algorithm": "sha256", "digest": entry.sha256} for entry in files
    ]
    means: dict[str, Any] = {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
    statement = {
        "_type": _STATEMENT,
        "subject": [
            {"name": f"{manifest.scenario}-{manifest.number}", "digest": {"sha256": whole}}
        ],
        "predicateType": _PREDICATE,
        "predicate": {"serialization": {**means, "ignore_paths": []}, "resources": resources},
    }
    return json.dumps(statement, sort_keys=True).encode()


def _signed_bytes(payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    return f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(payload)} ".encode() + payload


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
