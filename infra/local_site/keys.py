"""The site's own secrets, made once and readable by their owner alone.

`SECATEUR_ID_KEY` hashes user ids; `SECATEUR_SIGNING_KEY` signs releases; `SECATEUR_VERIFY_KEY` is
its public half, the only one of the three that a reader of releases needs to trust them.
"""

import secrets
from pathlib import Path

from secateur.identity import ID_KEY
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, new_seed


def make_keys(path: Path) -> dict[str, str]:
    """Read the keys from `path`, a file of NAME=VALUE lines; make them where it is absent."""
    if not path.exists():
        seed = new_seed()
        made = {
            ID_KEY: secrets.token_hex(32),
            SIGNING_KEY: seed,
            VERIFY_KEY: Signer.of(seed).public,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line)
