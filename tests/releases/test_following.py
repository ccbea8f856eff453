"""A follower serves what the channel serves, whatever happens in between, and fails no request."""

import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import secateur
from secateur import artifacts
from secateur.contracts.errors import ReleaseError, StoreError
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.contracts.releases import FeatureSnapshot, SnapshotColumn, SnapshotTable
from secateur.identity import fingerprint
from secateur.releases import layout
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.releases.catalogue import Catalogue
from secateur.releases.following import FollowingScorer, Reader
from secateur.releases.layout import snapshots_uri
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from secateur.releases.snapshots import publish_snapshot, try_out
from secateur.serving.scorer import load
from secateur.snapshot.keyed_tables import SNAPSHOT, write_table
from secateur.storage import join, open_store
from small_package import KEY, sealed

PATIENCE_S = 300.0  # a hundred moves take a while on two cores
REQUEST = {"user_id": 3, "video_id": [1, 5, 8], "duration_ms": [12_000, None, 500]}
Scores = tuple[float, ...]


@dataclass
class Site:
    """A store, its publisher, and what each of its packages says of REQUEST."""

    uri: str
    folder: Path
    seed: str
    packages: dict[int, tuple[Any, Any]]

    @property
    def publisher(self) -> Publisher:
        signer = Signer.of(self.seed)
        catalogue = Catalogue(*layout.open_scenario(self.uri), signer.trust())
        return Publisher(catalogue, signer, lambda _: None)

    def publish(self, seed: int) -> int:
        return publish(self.publisher, "latest", *self.packages[seed]).number

    def roll_back(self, number: int) -> None:
        roll_back(self.publisher, "latest", number, "worse")

    def follow(self, **asked: Any) -> FollowingScorer:
        keys = [Signer.of(self.seed).public]
        reader = Reader(self.folder / "cache", keys, KEY)
        return secateur.follow(self.uri, reader=reader, **({"every_s": 0} | asked))

    def says(self, seed: int) -> Scores:
        return answer(load(self.packages[seed][0].folder, id_key=KEY))


def answer(scorer: Any) -> Scores:
    return tuple(scorer.score(REQUEST).tolist())


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Any, Any]]:
    folder = tmp_path_factory.mktemp("packages")
    return {seed: sealed(folder, seed) for seed in (1, 2, 3)}


@pytest.fixture
def site(
    root: str,
    tmp_path: Path,
    packages: dict[int, tuple[Any, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    monkeypatch.delenv("SECATEUR_VERIFY_KEY", raising=False)
    found = Site(join(root, "short_video"), tmp_path, new_seed(), packages)
    found.publish(1)
    return found


def test_it_goes_forward_and_back_with_the_channel(site: Site) -> None:
    swaps = []
    follower = site.follow(on_swap=lambda _, release: swaps.append(release.manifest.number))
    assert answer(follower) == site.says(1)
    assert not follower.look()
    site.publish(2)
    assert answer(follower) == site.says(1), "until it looks"
    assert follower.look()
    assert answer(follower) == site.says(2) != site.says(1)
    site.roll_back(1)
    assert follower.look()
    assert answer(follower) == site.says(1)
    assert swaps == [2, 1]
    status = follower.status
    assert (status.release, status.epoch, status.swaps, status.failures) == (1, 3, 2, 0)
    assert status.confirmed_s < 60
    assert not status.error


def test_a_pointer_that_did_not_change_is_not_sent_again(site: Site) -> None:
    store = open_store(site.uri)
    key = layout.pointer_key("latest")
    first = store.get_unless(key, "")
    assert first is not None
    assert store.get_unless(key, first.tag) is None
    site.publish(2)
    second = store.get_unless(key, first.tag)
    assert second is not None
    assert second.tag != first.tag


def test_a_release_that_cannot_be_had_leaves_the_old_one(site: Site) -> None:
    follower = site.follow()
    site.publish(2)
    store = open_store(site.uri)
    entry = max(site.packages[2][0].manifest.files, key=lambda one: one.bytes)
    blob = layout.blob_key(entry.sha256)
    data = store.get(blob).data
    store.put(blob, data[::-1])
    assert not follower.look()
    assert answer(follower) == site.says(1)
    assert "differ from its manifest" in follower.status.error
    store.put(blob, data)
    assert not follower.look(), "not before the channel moves again"
    site.roll_back(1)
    site.roll_back(2)
    assert follower.look()
    assert answer(follower) == site.says(2)
    assert not follower.status.error


def test_a_release_whose_golden_rows_score_otherwise_never_takes_over(
    site: Site, tmp_path: Path
) -> None:
    """Every byte is as it was signed; but this machine computes something else."""
    package, verdict = site.packages[3]
    swapped = str(tmp_path / "swapped")
    with artifacts.create(swapped, "Package") as draft:
        for entry in package.manifest.files:
            source = site.packages[2][0] if entry.path.startswith("golden") else package
            shutil.copy(source.folder / entry.path, draft.folder / entry.path)
        draft.seal(MadeBy("test", "0"), {}, {})
    made = artifacts.open_artifact(swapped, "Package")
    decision = verdict.read("verdict.json", Verdict)
    with artifacts.create(str(tmp_path / "verdict"), "Verdict") as draft:
        draft.write("verdict.json", replace(decision, package=made.digest))
        draft.seal(MadeBy("test", "0"), {}, {})
    accepts = artifacts.open_artifact(str(tmp_path / "verdict"), "Verdict")
    follower = site.follow()
    publish(site.publisher, "latest", made, accepts)
    assert not follower.look()
    assert follower.status.failures == 1
    assert "golden" in follower.status.error
    assert answer(follower) == site.says(1)


def test_what_its_hook_raises_keeps_the_old_one(site: Site) -> None:
    def refuse(_scorer: object, _release: object) -> None:
        raise ValueError("the catalogue cannot be prepared")

    follower = site.follow(on_swap=refuse)
    site.publish(2)
    assert not follower.look()
    assert answer(follower) == site.says(1)
    assert "catalogue" in follower.status.error


def test_it_starts_and_goes_on_without_the_store(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.follow().close()
    if site.uri.startswith("s3"):
        follower = site.follow()
        monkeypatch.setattr(follower._catalogues["models"].store, "get_unless", _refuse)
    else:
        Path(site.uri.removeprefix("file://")).rename(site.folder / "away")
        with pytest.raises(ReleaseError):
            site.follow()  # a folder that is gone says so, and is no store that is away
        return
    monkeypatch.setattr("secateur.storage.s3.S3Store._open", _refuse)
    assert answer(site.follow()) == site.says(1)
    assert not follower.look()
    assert answer(follower) == site.says(1)
    assert follower.status.error


def _refuse(*_: object, **__: object) -> None:
    raise StoreError("connection refused")


@dataclass
class Load:
    """Threads that ask without a pause, and what they were told."""

    follower: FollowingScorer
    allowed: set[Scores]
    wrong: list[object]
    asked: int = 0
    longest_s: float = 0.0
    over: threading.Event = None  # type: ignore[assignment]

    def run(self, threads: int) -> list[threading.Thread]:
        self.over = threading.Event()
        started = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in started:
            thread.start()
        return started

    def _ask(self) -> None:
        while not self.over.is_set():
            began = time.monotonic()
            try:
                found = answer(self.follower)
                if found not in self.allowed:
                    self.wrong.append(found)
            except Exception as error:  # the test fails by it
                self.wrong.append(error)
            self.asked += 1
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            time.sleep(0.001)


def _worker(follower: FollowingScorer, allowed: set[Scores], last: Scores, told: Any) -> None:
    load_ = Load(follower, allowed, [])
    threads = load_.run(1)
    deadline = time.monotonic() + PATIENCE_S
    while answer(follower) != last and time.monotonic() < deadline:
        time.sleep(0.02)
    load_.over.set()
    for thread in threads:
        thread.join()
    told.put((os.getpid(), load_.asked, [str(one) for one in load_.wrong], answer(follower)))


@pytest.fixture
def followed(site: Site) -> Iterator[Callable[[float], FollowingScorer]]:
    opened: list[FollowingScorer] = []

    def open_one(every_s: float) -> FollowingScorer:
        opened.append(site.follow(every_s=every_s))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def under_load(site: Site, follower: FollowingScorer, moves: int, workers: int) -> Load:
    """Move the channel so often while threads and forked workers ask; give the threads' load."""
    allowed = {site.says(seed) for seed in (1, 2, 3)}
    last = site.says(3)
    forked = multiprocessing.get_context("fork")
    told = forked.Queue()
    processes = [
        forked.Process(target=_worker, args=(follower, allowed, last, told)) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    load_ = Load(follower, allowed, [])
    threads = load_.run(4)
    site.publish(2)
    for move in range(moves):
        site.roll_back(1 + move % 2)
    site.roll_back(2)
    publish(site.publisher, "latest", *site.packages[3])
    deadline = time.monotonic() + PATIENCE_S
    while answer(follower) != last and time.monotonic() < deadline:
        time.sleep(0.02)
    answers = [told.get(timeout=PATIENCE_S) for _ in processes]
    load_.over.set()
    for thread in (*threads, *processes):
        thread.join()
    assert answer(follower) == last
    assert not load_.wrong
    for pid, asked, wrong, final in answers:
        assert pid != os.getpid()
        assert asked > 0
        assert not wrong
        assert final == last
    return load_


def test_no_request_fails_while_the_channel_moves(
    site: Site, followed: Callable[[float], FollowingScorer]
) -> None:
    """Four threads and two forked workers, each of which follows for itself."""
    load_ = under_load(site, followed(0.05), moves=4, workers=2)
    assert load_.asked > 50


@pytest.mark.proof
def test_a_hundred_moves_pass_without_a_failed_request(
    site: Site, followed: Callable[[float], FollowingScorer]
) -> None:
    follower = followed(0.02)
    load_ = under_load(site, follower, moves=110, workers=4)
    assert follower.status.swaps >= 20
    assert load_.asked > 1000


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
    publish_snapshot(Publisher(catalogue, signer, try_out), "latest", made, sealed_report, [day])


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
