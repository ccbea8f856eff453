"""The site's own secrets, made once and readable by their owner alone.

`SECATEUR_ID_KEY` hashes user ids; `SECATEUR_SIGNING_KEY` signs releases; `SECATEUR_VERIFY_KEY` is
its public half, the only one of the three that a reader of releases needs to trust them.
"""

import base64
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def make_keys(path: Path) -> dict[str, str]:
    """Read the keys from `path`, a file of NAME=VALUE lines; make them where it is absent."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in _new_keys().items()))
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line)


def _new_keys() -> dict[str, str]:
    signing = Ed25519PrivateKey.generate()
    return {
        "SECATEUR_ID_KEY": secrets.token_hex(32),
        "SECATEUR_SIGNING_KEY": base64.b64encode(signing.private_bytes_raw()).decode(),
        "SECATEUR_VERIFY_KEY": base64.b64encode(signing.public_key().public_bytes_raw()).decode(),
    }
