"""Secateur: pull a published recommender model and score with it.

    import secateur

    release = secateur.pull("s3://models/short_video", channel="latest")
    scorer = secateur.load(release)
    scores = scorer.score({"user_id": [...], "video_id": [...]})

Nothing heavy is imported before it is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secateur.releases.pulling import pull
    from secateur.serving.scorer import load

__all__ = ["load", "pull"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name == "pull":
        from secateur.releases.pulling import pull

        return pull
    if name == "load":
        from secateur.serving.scorer import load

        return load
    raise AttributeError(name)
