"""The newest pointer of each channel that a reader has believed: older ones are replays."""

import contextlib

from secateur.contracts import record
from secateur.contracts.errors import (
    CorruptArtifact,
    NewerFormat,
    ObjectMissing,
    PreconditionFailed,
    ReleaseError,
)
from secateur.contracts.releases import SignedPointer
from secateur.releases import layout
from secateur.storage import FileStore

ATTEMPTS = 10


class BelievedPointers:
    """One reader's memory of one scenario's channels, in a folder of its cache."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def last(self, channel: str) -> SignedPointer | None:
        """The newest believed pointer of a channel, None before the first."""
        seen = self._last_seen(layout.pointer_key(channel))
        return None if seen is None else seen[0]

    def releases(self) -> set[str]:
        """The sha256 of the manifests that channels served when they were last looked at."""
        found = set()
        for channel in layout.channels(self._store):
            with contextlib.suppress(ReleaseError):
                signed = self.last(channel)
                found |= {signed.pointer.manifest_sha256} if signed else set()
        return found

    def remember(self, signed: SignedPointer) -> None:
        """Believe this pointer, if it is not older than one believed before.

        Raises ReleaseError on a lower epoch, or on another pointer of the same epoch: somebody
        replays what was true once, or the store was replaced.
        """
        key = layout.pointer_key(signed.pointer.channel)
        where = str(self._store.root / key)
        for _ in range(ATTEMPTS):
            seen = self._last_seen(key)
            if seen is not None and _same_or_refused(seen[0], signed, where):
                return
            with contextlib.suppress(PreconditionFailed):
                if seen is None:
                    self._store.put_new(key, record.canonical_json(signed))
                else:
                    self._store.swap(key, record.canonical_json(signed), seen[1])
                return
        raise ReleaseError(f"{where} is being rewritten by {ATTEMPTS} others")

    def _last_seen(self, key: str) -> tuple[SignedPointer, str] | None:
        try:
            found = self._store.get(key)
            return record.from_json(SignedPointer, found.data), found.tag
        except ObjectMissing:
            return None
        except (CorruptArtifact, NewerFormat, RecursionError) as error:
            where = self._store.root / key
            raise ReleaseError(f"{where} is damaged ({error}); delete it") from error


def _same_or_refused(seen: SignedPointer, signed: SignedPointer, state: str) -> bool:
    """True for the same pointer again, False for a newer one; raises ReleaseError else."""
    old, new = seen.pointer, signed.pointer
    if new.epoch > old.epoch or new == old:
        return new == old
    raise ReleaseError(
        f"channel {new.channel} offers epoch {new.epoch} (release {new.release}), but epoch "
        f"{old.epoch} (release {old.release}) was seen before: an old pointer was replayed, or "
        f"the store was replaced; if you replaced it, delete {state}"
    )
