"""User ids leave the cleaning room only as keyed hashes: HMAC-SHA256, cut to 64 bits, as hex.

The key comes from the environment (`SECATEUR_ID_KEY`) and is never stored; its fingerprint is,
so that data, model and caller can be seen to use the same one. Spark computes the same value
with built-in functions in `events/`; `tests/test_identity.py` holds the two equal.
"""

import hashlib
import hmac
import os

from secateur.contracts.errors import UsageError

ID_KEY = "SECATEUR_ID_KEY"
MINIMUM_KEY_BYTES = 16
HEX_DIGITS = 16


def id_key() -> bytes:
    """The key from the environment.

    Raises UsageError when it is missing or shorter than 16 bytes.
    """
    key = os.environ.get(ID_KEY, "").encode()
    if len(key) < MINIMUM_KEY_BYTES:
        raise UsageError(
            f"set {ID_KEY} to the secret of at least {MINIMUM_KEY_BYTES} bytes that hashes user ids"
        )
    return key


def fingerprint(key: bytes) -> str:
    """A name for the key that tells nothing about it: 16 hex digits."""
    return hmac.new(key, b"secateur id key fingerprint", hashlib.sha256).hexdigest()[:HEX_DIGITS]


def hash_id(key: bytes, value: str) -> str:
    """The keyed hash of one user id: 16 hex digits."""
    text = value.encode(errors="replace")  # half a surrogate pair as Java does it
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:HEX_DIGITS]
