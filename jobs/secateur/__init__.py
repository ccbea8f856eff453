"""Secateur: pull a published recommender model and score with it.

    import secateur

    release = secateur.pull("s3://models/short_video", channel="latest")
    snapshot = secateur.pull_snapshot("s3://models/short_video")
    scorer = secateur.load(release, snapshot=snapshot)
    scores = scorer.score({"user_id": 712, "video_id": [...], "tab": 1})

    scorer = secateur.follow("s3://models/short_video")  # and changes itself when the channel moves

Nothing heavy is imported before it is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secateur.releases.following import Reader, follow
    from secateur.releases.pulling import pull
    from secateur.releases.snapshots import pull_snapshot
    from secateur.serving.scorer import load

__all__ = ["Reader", "follow", "load", "pull", "pull_snapshot"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name == "pull":
        from secateur.releases.pulling import pull

        return pull
    if name == "pull_snapshot":
        from secateur.releases.snapshots import pull_snapshot

        return pull_snapshot
    if name == "load":
        from secateur.serving.scorer import load

        return load
    if name == "follow":
        from secateur.releases.following import follow

        return follow
    if name == "Reader":
        from secateur.releases.following import Reader

        return Reader
    raise AttributeError(name)
