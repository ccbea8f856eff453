"""What accepted nights leave to later ones: `<state>/<shelf>/<day>`, one artifact a day.

Of two nights with one day, the later acceptance replaces the earlier.
"""

from dataclasses import dataclass

from secateur.artifacts import Artifact, open_artifact
from secateur.contracts.manifest import MANIFEST
from secateur.storage import join, open_store


@dataclass(frozen=True)
class Shelf:
    """One thing that nights leave: the folder of all, and the kind of each."""

    folder: str
    kind: str

    def place(self, state: str, day: str) -> str:
        """Where that of this day lies."""
        return join(state, self.folder, day)

    def before(self, state: str | None, day: str) -> tuple[str, Artifact] | None:
        """The greatest day strictly before `day` that left one, and what it left.

        So a night run again finds what it found, and a backfill meets its own past. Raises
        CorruptArtifact where it is not what was sealed: it is not passed over.
        """
        if not state:
            return None
        parts = [key.split("/") for key in open_store(state).keys(f"{self.folder}/")]
        days = {part[1] for part in parts if part[2:] == [MANIFEST]}
        earlier = max((found for found in days if found < day), default=None)
        if earlier is None:
            return None
        return earlier, open_artifact(self.place(state, earlier), self.kind)


EVENTS = Shelf("accepted", "AcceptedNight")  # a profile, by the last day of the night's events
MASTERS = Shelf("masters", "DenseMaster")  # a dense model, by the last day it was trained on
MASTER, TENSORS, VOCABULARY = MASTER_FILES = (
    "master.json",
    "master.safetensors",
    "vocabulary.parquet",
)
