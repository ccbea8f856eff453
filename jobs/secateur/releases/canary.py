"""Before anybody else gets a release: pull it as a reader would, and let it score."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from secateur.releases.catalogue import Catalogue
from secateur.releases.pulling import PulledRelease, pull_from

Canary = Callable[[PulledRelease], None]


def rescore(release: PulledRelease) -> None:
    """Load the release and score its golden inputs. Raises ReleaseError when a score differs."""
    from secateur.serving import scorer
    from secateur.serving.files import golden

    golden.check_golden(scorer.load(release), release.folder)


def send(catalogue: Catalogue, number: int, canary: Canary = rescore) -> None:
    """Pull a release by its number into an empty cache, and have `canary` try it."""
    with tempfile.TemporaryDirectory(prefix="secateur-canary-") as cache:
        canary(pull_from(catalogue, Path(cache), release=number))
