"""Ed25519 signatures (RFC 8032): who may publish, and whom a reader trusts.

The publisher holds a seed of 32 bytes in SECATEUR_SIGNING_KEY; readers hold public keys in
SECATEUR_VERIFY_KEY. All are base64; several public keys are separated by commas, so that a key
can be replaced while both are trusted.
"""

import base64
import contextlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from secateur.contracts.errors import SignatureInvalid, UsageError

SIGNING_KEY = "SECATEUR_SIGNING_KEY"
VERIFY_KEY = "SECATEUR_VERIFY_KEY"
KEY_BYTES = 32


@dataclass(frozen=True)
class Trust:
    """The public keys of publishers that a reader believes."""

    keys: tuple[Ed25519PublicKey, ...]

    @classmethod
    def of(cls, keys: Sequence[str] | None = None) -> "Trust":
        """Trust the given base64 keys, or those of the environment; in one text they stand between
        commas. Raises UsageError."""
        keys = os.environ.get(VERIFY_KEY, "") if keys is None else keys
        if isinstance(keys, str):
            keys = [key for key in keys.split(",") if key.strip()]
        if not keys:
            raise UsageError(f"set {VERIFY_KEY} to the publisher's public key (base64, 32 bytes)")
        raw = (_decode(key, VERIFY_KEY) for key in keys)
        return cls(tuple(Ed25519PublicKey.from_public_bytes(key) for key in raw))

    def verify(self, data: bytes, signature: str, what: str) -> None:
        """Insist that one of the keys signed `data`. Raises SignatureInvalid naming `what`."""
        try:
            raw = base64.b64decode(signature.strip(), validate=True)
        except ValueError as error:
            raise SignatureInvalid(f"{what}: its signature is not base64") from error
        for key in self.keys:
            with contextlib.suppress(InvalidSignature):
                key.verify(raw, data)
                return
        raise SignatureInvalid(
            f"{what} is not signed by any of the {len(self.keys)} keys in {VERIFY_KEY}"
        )


@dataclass(frozen=True)
class Signer:
    """The publisher's private key."""

    key: Ed25519PrivateKey

    @classmethod
    def of(cls, seed: str | None = None) -> "Signer":
        """Sign with this base64 seed, or that of the environment. Raises UsageError."""
        seed = seed or os.environ.get(SIGNING_KEY, "")
        if not seed:
            raise UsageError(f"set {SIGNING_KEY} to the base64 of a secret seed of 32 bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(_decode(seed, SIGNING_KEY)))

    def sign(self, data: bytes) -> str:
        """Base64 signature of `data`."""
        return base64.b64encode(self.key.sign(data)).decode()

    @property
    def public(self) -> str:
        """The base64 key that readers put into SECATEUR_VERIFY_KEY."""
        return base64.b64encode(self.key.public_key().public_bytes_raw()).decode()

    def trust(self) -> Trust:
        """The keys of the environment, which must include this one; if there are none, this one."""
        return Trust.of() if os.environ.get(VERIFY_KEY) else Trust.of([self.public])


def new_seed() -> str:
    """A fresh secret for SECATEUR_SIGNING_KEY."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _decode(key: str, variable: str) -> bytes:
    try:
        raw = base64.b64decode(key.strip(), validate=True)
    except ValueError as error:
        raise UsageError(f"{variable} is not base64") from error
    if len(raw) != KEY_BYTES:
        raise UsageError(f"{variable} holds {len(raw)} bytes, an Ed25519 key has {KEY_BYTES}")
    return raw
