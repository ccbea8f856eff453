"""A follower takes the newest feature snapshot beside the newest model."""

import numpy as np
import pytest

import secateur
from secateur import artifacts
from secateur.contracts.manifest import MadeBy
from secateur.contracts.releases import FeatureSnapshot, SnapshotColumn, SnapshotTable
from secateur.identity import fingerprint
from secateur.releases import layout
from secateur.releases.canary import open_snapshot
from secateur.releases.catalogue import Catalogue
from secateur.releases.following import Reader
from secateur.releases.layout import snapshots_uri
from secateur.releases.publisher import Publisher
from secateur.releases.signing import Signer
from secateur.releases.snapshots import publish_snapshot
from secateur.serving.scorer import load
from secateur.serving.snapshot_columns import SnapshotColumns
from secateur.snapshot.keyed_tables import SNAPSHOT, write_table
from small_package import KEY

from .conftest import Site


def publish_snapshot_of(site: Site, day: str, durations: list[float]) -> None:
    """Videos 1, 5 and 8 with these durations, as of a day."""
    column, by = SnapshotColumn("duration_ms", "number"), MadeBy("test", "0")
    report, uri = str(site.folder / f"report {day}"), str(site.folder / f"snapshot {day}")
    with artifacts.create(report, "ValidationReport") as draft:
        draft.seal(by, {}, {})
    sealed_report = artifacts.open_artifact(report, "ValidationReport")
    with artifacts.create(uri, "FeatureSnapshot") as draft:
        values = [(column, np.array(durations))]
        write_table(draft.folder / "table-0", ["1", "5", "8"], values)
        table = SnapshotTable(("video_id",), 3, (column,))
        key = fingerprint(KEY.encode())
        named = ("user_id", "video_id")
        draft.write(SNAPSHOT, FeatureSnapshot("short_video", day, 0, key, *named, (), (table,)))
        draft.seal(by, {"validation": sealed_report.digest}, {})
    signer = Signer.of(site.seed)
    catalogue = Catalogue(*layout.open_scenario(snapshots_uri(site.uri)), signer.trust())
    made = artifacts.open_artifact(uri, "FeatureSnapshot")
    publish_snapshot(
        Publisher(catalogue, signer, open_snapshot), "latest", made, sealed_report, [day]
    )


def test_it_follows_the_snapshots_beside_the_models(site: Site) -> None:
    publish_snapshot_of(site, "2024-03-01", [500.0, 5000.0, 50_000.0])
    keys = [Signer.of(site.seed).public]
    reader = Reader(site.folder / "cache", keys, KEY, snapshot=True)
    follower = secateur.follow(site.uri, reader=reader, every_s=0)
    ids = {"user_id": 3, "video_id": [1, 5, 8]}

    def by_hand(seed: int, durations: list[float]) -> list[float]:
        scorer = load(site.packages[seed][0].folder, id_key=KEY)
        return scorer.score({**ids, "duration_ms": durations}).tolist()  # type: ignore[no-any-return]

    first, second = [500.0, 5000.0, 50_000.0], [50_000.0, 500.0, 5000.0]
    assert follower.score(ids).tolist() == by_hand(1, first)
    publish_snapshot_of(site, "2024-03-02", second)
    assert not follower.look(), "the model is the same"
    assert follower.score(ids).tolist() == by_hand(1, second) != by_hand(1, first)
    site.publish(2)
    assert follower.look()
    assert follower.score(ids).tolist() == by_hand(2, second)


def test_a_model_that_did_not_fit_the_last_snapshot_is_tried_with_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ages = {"2024-03-01": 1.0, "2024-03-02": 1.0}
    monkeypatch.setattr(
        SnapshotColumns, "age_hours", property(lambda one: ages[one.meaning.last_day])
    )
    durations, keys = [500.0, 5000.0, 50_000.0], [Signer.of(site.seed).public]
    publish_snapshot_of(site, "2024-03-01", durations)
    reader = Reader(site.folder / "cache", keys, KEY, snapshot=True, max_age_hours=36)
    follower = secateur.follow(site.uri, reader=reader, every_s=0)
    ages["2024-03-01"] = 40.0
    site.publish(2)
    assert not follower.look()
    assert "40.0 hours old" in follower.status.error
    publish_snapshot_of(site, "2024-03-02", durations)
    assert follower.look()
    assert (follower.status.release, follower.status.error) == (2, "")
    assert len(follower.score({"user_id": 3, "video_id": [1, 5, 8]})) == 3
