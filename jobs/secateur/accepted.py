"""What accepted nights leave to later ones: `<state>/<shelf>/<day>`, one artifact a day.

Of two nights with one day, the later acceptance replaces the earlier.
"""

from dataclasses import dataclass
from pathlib import Path

from secateur.artifacts import Artifact, open_artifact
from secateur.contracts import artifact_files
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MANIFEST
from secateur.contracts.models import Master
from secateur.contracts.pruning import PruningMemory
from secateur.storage import join, open_store


@dataclass(frozen=True)
class Shelf:
    """Artifacts of one kind that accepted nights leave, in one folder of the state."""

    folder: str
    kind: str

    def uri(self, state: str, day: str) -> str:
        """URI of the artifact of this day, or of what else its folder is kept by."""
        return join(state, self.folder, day)

    def before(self, state: str | None, day: str) -> tuple[str, Artifact] | None:
        """The newest day strictly before `day` that left an artifact, and the artifact.

        A night run again finds what it found, and a backfill meets its own past. Raises
        CorruptArtifact where a byte is not what was sealed; an older artifact does not step in.
        """
        if not state:
            return None
        parts = [key.split("/") for key in open_store(state).keys(f"{self.folder}/")]
        days = {part[1] for part in parts if part[2:] == [MANIFEST]}
        earlier = max((found for found in days if found < day), default=None)
        if earlier is None:
            return None
        return earlier, open_artifact(self.uri(state, earlier), self.kind)


# A profile, by the last day of the night's events.
NIGHTS = Shelf(artifact_files.ACCEPTED, "AcceptedNight")
MASTERS = Shelf("masters", "DenseMaster")  # a dense model, by the last day it was trained on
LEVELS = Shelf("levels", "AcceptedLevels")  # how good it was, by the last day it was judged on
# The same, by the digest of the package that was accepted: what is served is known by that.
LOSSES = Shelf("losses", "AcceptedLevels")
PRUNINGS = Shelf("prunings", "AcceptedPrunings")  # cuts of recipes, by the same day
MASTER, TENSORS, VOCABULARY = MASTER_FILES = (
    "master.json",
    "master.safetensors",
    artifact_files.VOCABULARY,
)
# In a candidate's bundle.
CUTS, CUT_TENSORS, CUT_VALUES = CUTS_FILES = ("cuts.json", "cuts.safetensors", "cuts.parquet")


@dataclass(frozen=True)
class Left:
    """Files that the night which ended with `day` leaves on a shelf, by their names there."""

    shelf: Shelf
    day: str
    files: dict[str, Path]


def uris_of_levels(state: str, verdict: Verdict) -> list[str]:
    """Where the levels of an accepted night go: by its day, and by what it accepted."""
    if not (verdict.levels and verdict.levels.last_day):
        return []
    by_package = [LOSSES.uri(state, verdict.package)] if verdict.package else []
    return [LEVELS.uri(state, verdict.levels.last_day), *by_package]


def left_by_model(dense: Artifact) -> Left | None:
    """What a dense model leaves to later nights; None where it leaves nothing."""
    if MASTER not in {entry.path for entry in dense.manifest.files}:
        return None
    day = dense.read(MASTER, Master).last_day
    return Left(MASTERS, day, {name: dense.file(name) for name in MASTER_FILES})


def left_by_cuts(candidates: str, dense: str, vocabulary: Path) -> Left | None:
    """What the candidates below a folder leave of their cuts; None where they leave nothing.

    Candidates cut from another model than `dense`, a digest, are of an earlier attempt and left
    out. The `vocabulary` goes with the cuts, so that a later night finds their rows again.
    """
    store, left = open_store(candidates), None
    folders = dict.fromkeys(key.rpartition("/")[0] for key in sorted(store.keys("")))
    for folder in folders:
        if not folder.endswith("/bundle") or not store.exists(f"{folder}/{MANIFEST}"):
            continue
        bundle = open_artifact(join(candidates, folder), "ModelBundle")
        files = {entry.path for entry in bundle.manifest.files}
        if CUTS in files and bundle.manifest.facts["dense"] == dense:
            cuts = bundle.read(CUTS, PruningMemory)
            left = left or Left(PRUNINGS, cuts.last_day, {VOCABULARY: vocabulary})
            for name in CUTS_FILES:
                left.files[f"{cuts.recipe.name}{Path(name).suffix}"] = bundle.file(name)
    return left
