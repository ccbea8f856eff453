"""What a server serves: the release of a channel that it follows, or a mirror that stays."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from secateur.contracts.errors import UsageError
from secateur.releases.following import FollowStatus
from secateur.releases.mirrors.mirror_layout import holds_portable, model_name
from secateur.releases.mirrors.read_mirror import open_mirror
from secateur.releases.pulling import PulledRelease
from secateur.releases.signing import Trust
from secateur.serving.scorer import Scorer, load


class ReleaseScorer(Protocol):
    """A scorer with the release that it is of, until it is closed."""

    @property
    def scorer_and_release(self) -> tuple[Scorer, PulledRelease]:
        """Both, of one moment."""

    @property
    def status(self) -> FollowStatus:
        """What it serves, and how it goes."""

    def close(self) -> None:
        """Let go of what it holds."""


@dataclass(frozen=True)
class MirrorScorer:
    """The scorer of a mirror: it never changes, and asks nobody."""

    scorer: Scorer
    release: PulledRelease

    @property
    def scorer_and_release(self) -> tuple[Scorer, PulledRelease]:
        """Both, as they were opened."""
        return self.scorer, self.release

    @property
    def status(self) -> FollowStatus:
        """Its release; no channel is followed, so no look is ever old or has failed."""
        return FollowStatus(self.release.manifest.number, 0, 0, 0, 0.0, "")

    def close(self) -> None:
        """Nothing is held."""


def scorer_of_mirror(folder: Path, manifest_sha256: str) -> MirrorScorer:
    """Open a mirror and load its package.

    Raises UsageError for a portable model, which is for other runtimes, and what `open_mirror` and
    `load` do.
    """
    release = open_mirror(folder, Trust.of(), manifest_sha256)
    manifest = release.manifest
    if holds_portable(manifest):
        raise UsageError(
            f"{folder} is a model repository for Triton: serve a mirror of "
            f"{model_name(manifest)}, not of {manifest.scenario}"
        )
    return MirrorScorer(load(release), release)
