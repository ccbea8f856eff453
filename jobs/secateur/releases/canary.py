"""Before anybody else gets a release: pull it as a reader would, and let it score."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from secateur.contracts.errors import ReleaseError
from secateur.releases.catalogue import Catalogue
from secateur.releases.layout import SNAPSHOTS
from secateur.releases.pulling import PulledRelease, pull_from
from secateur.snapshot.keyed_tables import SNAPSHOT, StoredSnapshot

Canary = Callable[[PulledRelease], None]


def rescore(release: PulledRelease) -> None:
    """Try a release as its readers would: score golden rows, or open a snapshot.

    Raises ReleaseError when a score differs or the snapshot is another scenario's, CorruptArtifact.
    """
    from secateur.serving import portable_model, scorer
    from secateur.serving.files import golden

    if (release.folder / SNAPSHOT).exists():
        open_snapshot(release)
    elif portable_model.is_portable(release.folder):
        portable_model.check_portable(release.folder)
    else:
        golden.check_golden(scorer.load(release), release.folder)


def open_snapshot(release: PulledRelease) -> None:
    """Open a pulled snapshot as a service would. Raises CorruptArtifact, ReleaseError."""
    meaning = StoredSnapshot(release.folder).meaning
    if meaning.scenario + SNAPSHOTS != release.manifest.scenario:
        raise ReleaseError(f"the snapshot is {meaning.scenario}'s, not {release.manifest.scenario}")


def send(catalogue: Catalogue, number: int, canary: Canary = rescore) -> None:
    """Pull a release by its number into an empty cache, and have `canary` try it."""
    with tempfile.TemporaryDirectory(prefix="secateur-canary-") as cache:
        canary(pull_from(catalogue, Path(cache), release=number))
