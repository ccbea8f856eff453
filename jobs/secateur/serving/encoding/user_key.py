"""The key that hashes raw user ids on their way into the model."""

import os

from secateur.contracts.errors import UsageError
from secateur.identity import ID_KEY, fingerprint


class UserKey:
    """The caller's key, or the environment's, seen to be the one of the training."""

    def __init__(self, given: bytes | str | None, trained_with: str) -> None:
        self._given = given.encode() if isinstance(given, str) else given
        self._trained_with = trained_with
        self._seen = b""

    def get(self) -> bytes:
        """The key. Raises UsageError where there is none, or another than the training's."""
        key = self._given or os.environ.get(ID_KEY, "").encode()
        if key and key == self._seen:
            return key
        if not key:
            raise UsageError(f"raw user ids need the key that hashed them: give id_key or {ID_KEY}")
        if fingerprint(key) != self._trained_with:
            raise UsageError(
                f"the id key's fingerprint is {fingerprint(key)}, "
                f"this model was trained with {self._trained_with}"
            )
        self._seen = key
        return key
