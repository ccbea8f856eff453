"""Who may write into a scenario's store: what publishing and roll back need besides a release."""

from dataclasses import dataclass

from secateur.releases import canary
from secateur.releases.catalogue import Catalogue
from secateur.releases.signing import Signer
from secateur.storage import Store


@dataclass(frozen=True)
class Publisher:
    """A scenario's releases and channels, the key that signs them, and the canary before a move.

    A pointer is signed for `valid_hours`, or for as long as the one before it where they are None.
    """

    catalogue: Catalogue
    signer: Signer
    try_out: canary.Canary = canary.rescore
    valid_hours: float | None = None

    @classmethod
    def at(cls, uri: str, try_out: canary.Canary = canary.rescore) -> "Publisher":
        """Open `<root>/<scenario>` with the keys of the environment. Raises UsageError."""
        signer = Signer.of()
        return cls(Catalogue.at(uri, signer.trust()), signer, try_out)

    @property
    def store(self) -> Store:
        """Where the releases lie."""
        return self.catalogue.store
