"""What accepted nights left for later ones: `<state>/accepted/<last day>`, one artifact a day.

Of two nights with one last day, the later acceptance replaces the earlier.
"""

from secateur.artifacts import Artifact, open_artifact
from secateur.contracts.data import Profile
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.manifest import MANIFEST
from secateur.storage import join, open_store

ACCEPTED = "accepted"
KIND = "AcceptedNight"
PROFILE = "profile.json"


def place(state: str, last_day: str) -> str:
    """Where the accepted night of this last day lies."""
    return join(state, ACCEPTED, last_day)


def before(state: str | None, last_day: str) -> Artifact | None:
    """The accepted night with the greatest last day strictly before `last_day`, if any.

    So a night run again finds what it found, and a backfill compares with its own past. Raises
    CorruptArtifact where that night is not what was sealed: it is not passed over.
    """
    if not state:
        return None
    parts = [key.split("/") for key in open_store(state).keys(f"{ACCEPTED}/")]
    days = {part[1] for part in parts if part[2:] == [MANIFEST]}
    earlier = max((day for day in days if day < last_day), default=None)
    if earlier is None:
        return None
    reference = open_artifact(place(state, earlier), KIND)
    found = reference.read(PROFILE, Profile).last_day
    if found != earlier:
        raise CorruptArtifact(f"{reference.uri} holds the night of {found}")
    return reference
