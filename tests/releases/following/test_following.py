"""A follower serves what the channel serves, whatever happens in between, and fails no request."""

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.contracts.errors import ReleaseError, StoreError, UsageError
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.releases import layout
from secateur.releases.publishing import publish
from secateur.storage import open_store

from .conftest import Site, answer


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
    store.delete(layout.delta_key(2))  # by which it would be had all the same
    entry = max(site.packages[2][0].manifest.files, key=lambda one: one.bytes)
    blob = layout.blob_key(entry.sha256)
    data = store.get(blob).data
    store.put(blob, data[::-1])
    assert not follower.look()
    assert answer(follower) == site.says(1)
    assert "differ from its manifest" in follower.status.error
    store.put(blob, data)
    assert not follower.look(), "not before the channel moves again"
    assert "differ from its manifest" in follower.status.error, "told as long as it is left"
    assert follower.status.failures == 1
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


def test_what_this_machine_did_not_give_is_tried_again(site: Site) -> None:
    full = [OSError(28, "No space left on device"), MemoryError()]

    def run_out(_scorer: object, _release: object) -> None:
        if full:
            raise full.pop()

    follower = site.follow(on_swap=run_out)
    site.publish(2)
    assert [follower.look(), follower.look(), follower.look()] == [False, False, True]
    assert answer(follower) == site.says(2)
    assert (follower.status.failures, follower.status.error) == (2, "")


@pytest.mark.parametrize("every_s", [-1.0, float("nan"), float("inf"), 1e12])
def test_a_time_that_would_never_pass_is_refused(site: Site, every_s: float) -> None:
    with pytest.raises(UsageError, match="every_s is 0 to 2,592,000 seconds"):
        site.follow(every_s=every_s)


def test_a_closed_one_stays_closed_in_a_worker(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = site.follow(every_s=0.01)
    follower.close()
    monkeypatch.setattr("os.getpid", lambda: -1)  # as after a fork
    assert answer(follower) == site.says(1)
    watching = [one for one in threading.enumerate() if one.name == "secateur-follow"]
    for thread in watching:
        thread.join(5)
    assert not any(thread.is_alive() for thread in watching)
