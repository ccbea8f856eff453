"""Feature snapshots in the store: releases of their own, beside the models'.

The snapshots of `<root>/<scenario>` lie in `<root>/<scenario>_snapshot`, with numbers, signatures,
channels and a sweep of their own. So all that holds for a model's release holds for them: nothing
is used before it was verified, an older pointer is refused, and a channel can be held and rolled
back.
"""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from secateur.artifacts import Artifact, demand_receipt
from secateur.contracts.releases import PublishReceipt, ReleaseManifest
from secateur.releases.layout import snapshots_uri, uri_of
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish_files
from secateur.releases.pulling import PulledRelease, pull

RECIPE = "snapshot"


def publish_snapshot(
    publisher: Publisher,
    channel: str,
    snapshot: Artifact,
    report: Artifact,
    days: Sequence[str],
    older_data: bool = False,
) -> PublishReceipt:
    """Make a snapshot of these `days` a release and let `channel` serve it.

    Raises ArtifactError where the report is not of the events that it was made of, and what
    `publishing.publish_files` does.
    """
    demand_receipt(snapshot.manifest.made_from["validation"], report)
    draft = ReleaseManifest(
        scenario=publisher.catalogue.scenario,
        number=0,
        package=snapshot.digest,
        verdict=report.digest,
        recipe=RECIPE,
        published_at="",
        files=snapshot.manifest.files,
        dense_bytes=snapshot.manifest.bytes,
        days=tuple(days),
    )
    return publish_files(publisher, channel, draft, snapshot.folder, older_data)


def pull_snapshot(
    uri: str | PathLike[str],
    channel: str = "latest",
    cache: str | Path | None = None,
    verify_keys: Sequence[str] | None = None,
    *,
    offline: bool = False,
) -> PulledRelease:
    """Copy the snapshot that `channel` serves for the models at `uri`; see `pulling.pull`."""
    return pull(snapshots_uri(uri_of(uri)), channel, None, cache, verify_keys, offline=offline)
