"""Snapshots are releases of their own: verified, never older, and of one scenario."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from secateur import artifacts, client
from secateur.artifacts import Artifact
from secateur.contracts.errors import ArtifactError, CorruptArtifact, ReleaseError
from secateur.contracts.manifest import MadeBy
from secateur.contracts.releases import (
    FeatureSnapshot,
    PublishReceipt,
    SnapshotColumn,
    SnapshotTable,
)
from secateur.releases import layout
from secateur.releases.canary import open_snapshot
from secateur.releases.layout import snapshots_uri
from secateur.releases.pulling import pull_from
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY
from secateur.releases.snapshots import publish_snapshot, pull_snapshot
from secateur.snapshot.key_index import key_hash
from secateur.snapshot.keyed_tables import SNAPSHOT, StoredSnapshot, write_table
from secateur.storage import Store

from .conftest import SCENARIO, Shop
from .dying_store import Crash, DyingStore, every_death

BY = MadeBy("test", "0")
COLUMN = SnapshotColumn("events", "number", unseen=0.0)


@pytest.fixture
def shop(root: str, tmp_path: Path) -> Shop:
    return Shop(root, tmp_path, scenario=f"{SCENARIO}_snapshot")


def report_of_events(folder: Path, name: str) -> Artifact:
    with artifacts.create(str(folder / f"report {name}"), "ValidationReport") as draft:
        (draft.folder / "which").write_text(name)
        draft.seal(BY, {}, {})
    return artifacts.open_artifact(str(folder / f"report {name}"), "ValidationReport")


def snapshot_of(folder: Path, day: str, events: float, scenario: str = SCENARIO) -> Artifact:
    """A snapshot of one key, and of two folders."""
    uri, report = str(folder / f"snapshot {day} {events}"), report_of_events(folder, day)
    with artifacts.create(uri, "FeatureSnapshot") as draft:
        write_table(draft.folder / "table-0", ["a"], [(COLUMN, np.array([events]))])
        table = SnapshotTable(("uid",), 1, (COLUMN,))
        meaning = FeatureSnapshot(scenario, day, 0, "ab", "uid", "item", (), (table,))
        draft.write(SNAPSHOT, meaning)
        draft.seal(BY, {"validation": report.digest}, {})
    return artifacts.open_artifact(uri, "FeatureSnapshot")


def publish_day(shop: Shop, day: str, events: float = 1.0) -> PublishReceipt:
    snapshot = snapshot_of(shop.folder, day, events)
    report = report_of_events(shop.folder, day)
    return publish_snapshot(
        shop.publisher(try_out=open_snapshot), "latest", snapshot, report, [day]
    )


def events_in(shop: Shop) -> float:
    """What a reader finds for the only key."""
    uri = shop.uri.removesuffix("_snapshot")
    pulled = pull_snapshot(uri, cache=shop.folder / "cache", verify_keys=shop.keys)
    table = StoredSnapshot(pulled.folder).tables[("uid",)]
    return float(np.asarray(table.values("events", table.places(np.array([key_hash("a")]))))[0])


def test_a_reader_finds_the_newest_one_beside_the_models(shop: Shop) -> None:
    publish_day(shop, "2024-03-01", 1)
    assert events_in(shop) == 1
    receipt = publish_day(shop, "2024-03-02", 2)
    assert (receipt.number, receipt.served) == (2, True)
    assert events_in(shop) == 2


def test_the_same_snapshot_is_one_release(shop: Shop) -> None:
    assert publish_day(shop, "2024-03-01").number == publish_day(shop, "2024-03-01").number == 1


def test_a_channel_does_not_go_to_older_data(shop: Shop) -> None:
    publish_day(shop, "2024-03-02", 2)
    late = publish_day(shop, "2024-03-01", 1)
    assert not late.served
    assert late.kept
    assert events_in(shop) == 2


def test_one_of_another_scenario_moves_no_channel(shop: Shop) -> None:
    other = snapshot_of(shop.folder, "2024-03-01", 1, scenario="news")
    report = report_of_events(shop.folder, "2024-03-01")
    with pytest.raises(ReleaseError, match="is news's, not short_video_snapshot"):
        publish_snapshot(shop.publisher(try_out=open_snapshot), "latest", other, report, [])
    assert shop.catalogue().pointer("latest") is None


def test_a_report_of_other_events_is_refused(shop: Shop) -> None:
    snapshot = snapshot_of(shop.folder, "2024-03-01", 1)
    with pytest.raises(ArtifactError, match="the receipt names"):
        publish_snapshot(
            shop.publisher(), "latest", snapshot, report_of_events(shop.folder, "other"), []
        )


def test_a_torn_table_moves_no_channel(shop: Shop) -> None:
    whole = snapshot_of(shop.folder, "2024-03-01", 1)
    torn = tuple(one for one in whole.manifest.files if "numbers" not in one.path)
    broken = replace(whole, manifest=replace(whole.manifest, files=torn))
    with pytest.raises(CorruptArtifact, match="no whole snapshot"):
        publish_snapshot(
            shop.publisher(try_out=open_snapshot),
            "latest",
            broken,
            report_of_events(shop.folder, "2024-03-01"),
            [],
        )
    assert shop.catalogue().pointer("latest") is None


def test_a_model_is_no_snapshot(shop: Shop) -> None:
    publish_day(shop, "2024-03-01")
    pulled = pull_from(shop.catalogue(), shop.folder / "cache")
    (pulled.folder / SNAPSHOT).unlink()
    with pytest.raises(CorruptArtifact):
        open_snapshot(pulled)


def test_the_store_is_named_after_the_models() -> None:
    assert snapshots_uri("s3://models/short_video/") == "s3://models/short_video_snapshot"


def die_at_calls(shop: Shop, every: int) -> None:
    """Publish with the real canary, killed before and after calls to the store.

    Of the calls between the first and the last few, each of which is a whole publish, only each
    `every`-th.
    """

    def publish(store: Store, value: float) -> PublishReceipt:
        day = f"day {value:04.0f}"
        snapshot, report = snapshot_of(shop.folder, day, value), report_of_events(shop.folder, day)
        publisher = shop.publisher(store, open_snapshot)
        return publish_snapshot(publisher, "latest", snapshot, report, [day])

    publish(shop.store, 1)
    counting = DyingStore(shop.store)
    publish(counting, 2)
    served, deaths = 2.0, [*every_death(counting.calls)]
    for call, after in [*deaths[:6], *deaths[6:-10:every], *deaths[-10:]]:
        with pytest.raises(Crash):
            publish(DyingStore(shop.store, call, after), served + 1)
        assert events_in(shop) in (served, served + 1)
        assert publish(shop.store, served + 1).served
        served += 1
        assert events_in(shop) == served
    numbers = [release.manifest.number for release in shop.catalogue().releases()]
    assert numbers == list(range(len(numbers), 0, -1)), "no second release of one snapshot"


def test_a_publish_that_dies_shows_the_old_snapshot_or_the_new(shop: Shop) -> None:
    die_at_calls(shop, every=9)


@pytest.mark.proof
def test_a_publish_that_dies_at_any_call_shows_the_old_snapshot_or_the_new(shop: Shop) -> None:
    die_at_calls(shop, every=1)


def events_pulled_by(shop: Shop, store: Store, cache: Path) -> float:
    """What is found in the snapshot that a reader with this cache gets."""
    pulled = pull_from(shop.catalogue(store), cache)
    table = StoredSnapshot(pulled.folder).tables[("uid",)]
    return float(np.asarray(table.values("events", table.places(np.array([key_hash("a")]))))[0])


@pytest.mark.parametrize("by_delta", [False, True], ids=["blobs", "delta"])
def test_a_pull_that_dies_at_any_call_is_finished_by_the_next(shop: Shop, by_delta: bool) -> None:
    """Of a reader who holds the snapshot of the day before, too: it stays whole until then."""
    publish_day(shop, "2024-03-01", 1)
    held = pull_from(shop.catalogue(), shop.folder / "held").folder
    publish_day(shop, "2024-03-02", 2)
    assert shop.store.exists(layout.delta_key(2))
    if not by_delta:
        shop.store.delete(layout.delta_key(2))
    shutil.copytree(shop.folder / "held", shop.folder / "counted")
    counting = DyingStore(shop.store)
    assert events_pulled_by(shop, counting, shop.folder / "counted") == 2
    assert counting.calls >= 5, "pointer, manifest, signature, and halves of a delta or of blobs"
    for call, after in every_death(counting.calls):
        cache = shop.folder / f"cache-{call}-{after}"
        shutil.copytree(shop.folder / "held", cache)
        with pytest.raises(Crash):
            events_pulled_by(shop, DyingStore(shop.store, call, after), cache)
        old = StoredSnapshot(cache / held.relative_to(shop.folder / "held")).tables[("uid",)]
        assert float(np.asarray(old.values("events", np.array([0])))[0]) == 1
        assert events_pulled_by(shop, shop.store, cache) == 2
        assert not list(cache.glob("*/partial/*"))


def test_a_pull_into_an_empty_cache_that_dies_at_any_call_is_finished(shop: Shop) -> None:
    publish_day(shop, "2024-03-02", 2)
    counting = DyingStore(shop.store)
    assert events_pulled_by(shop, counting, shop.folder / "counted") == 2
    assert counting.calls >= 12, "pointer, manifest, signature, and halves of each of three blobs"
    for call, after in every_death(counting.calls):
        cache = shop.folder / f"cache-{call}-{after}"
        with pytest.raises(Crash):
            events_pulled_by(shop, DyingStore(shop.store, call, after), cache)
        assert events_pulled_by(shop, shop.store, cache) == 2
        assert not list(cache.glob("*/partial/*"))


def test_a_person_verifies_and_rolls_back_snapshots_by_the_same_commands(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish_day(shop, "2024-03-01", 1)
    publish_day(shop, "2024-03-02", 2)
    monkeypatch.setenv(SIGNING_KEY, shop.seed)
    monkeypatch.setenv(VERIFY_KEY, shop.signer.public)
    assert client.main(["verify", shop.uri, f"--cache={tmp_path / 'v'}"]) == 0
    assert client.main(["rollback", shop.uri, "--release=1", "--reason=wrong counts"]) == 0
    assert events_in(shop) == 1
