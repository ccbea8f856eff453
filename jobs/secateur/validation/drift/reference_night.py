"""The accepted night whose events later ones are held against."""

from secateur.accepted import NIGHTS
from secateur.artifacts import Artifact
from secateur.contracts.artifact_files import PROFILE
from secateur.contracts.data import Profile
from secateur.contracts.errors import CorruptArtifact


def before(state: str | None, last_day: str) -> Artifact | None:
    """The accepted night with the greatest last day strictly before `last_day`, if any.

    Raises CorruptArtifact as `Shelf.before` does, and where it is the night of another day.
    """
    known = NIGHTS.before(state, last_day)
    if known is None:
        return None
    day, reference = known
    found = reference.read(PROFILE, Profile).last_day
    if found != day:
        raise CorruptArtifact(f"{reference.uri} holds the night of {found}")
    return reference
