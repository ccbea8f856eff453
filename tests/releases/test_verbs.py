"""The three verbs: what they seal, and the exit codes of what they refuse."""

import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secateur import artifacts, client
from secateur.contracts.releases import ChannelPointer, PublishReceipt, SweepReceipt
from secateur.releases import layout

JOBS = Path(artifacts.__file__).parents[1]


@pytest.fixture(autouse=True)
def environment(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", shop.seed)
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", shop.signer.public)
    # These packages hold no model; test_client.py publishes one that does.
    monkeypatch.setattr("secateur.serving.scorer.load", lambda release: release)
    monkeypatch.setattr("secateur.serving.files.golden.check_golden", lambda scorer, folder: None)


@pytest.fixture
def run(shop: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run_verb(verb: str, *flags: str) -> int:
        line = [verb, "--scenario", "short_video", "--store", shop.root, *flags]
        monkeypatch.setattr("sys.argv", [*line, "--output", str(shop.folder / "out")])
        with pytest.raises(SystemExit) as left:
            runpy.run_path(str(JOBS / f"{verb}.py"), run_name="__main__")
        return int(left.value.code or 0)

    return run_verb


def publish(shop: Any, run: Any, name: str, **verdict: Any) -> int:
    shop.package(name)
    candidates = str(shop.folder / "candidates")
    decision = shop.verdict(name, **verdict).uri
    return int(run("publish_release", "--candidates", candidates, "--verdict", decision))


def test_publish_release_seals_a_receipt_that_names_verdict_and_package(
    shop: Any, run: Any
) -> None:
    assert publish(shop, run, "a") == 0
    sealed = artifacts.open_artifact(str(shop.folder / "out"), "Release")
    receipt = sealed.read("receipt.json", PublishReceipt)
    assert (receipt.number, receipt.channel, receipt.epoch) == (1, "latest", 1)
    assert sealed.manifest.made_from["verdict"] == shop.verdict("a").digest
    assert sealed.manifest.made_from["package"] == shop.package("a").digest
    assert publish(shop, run, "a") == 0
    again = artifacts.open_artifact(str(shop.folder / "out"), "Release")
    assert again.digest == sealed.digest


def test_publish_release_without_an_accepted_package_or_a_key(
    shop: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish(shop, run, "a", accepted=False) == 1
    assert publish(shop, run, "b", package=shop.package("a").digest) == 1
    monkeypatch.delenv("SECATEUR_SIGNING_KEY")
    assert publish(shop, run, "c") == 64
    assert not artifacts.is_sealed(str(shop.folder / "out"))
    assert not list(shop.store.entries())


def test_where_people_are_asked_nothing_is_published_without_a_name_which_stays(
    shop: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.package("a")
    flags = ["--candidates", str(shop.folder / "candidates")]
    flags += ["--verdict", shop.verdict("a").uri, "--set", "release.approval_hours=3"]
    for text in ("", '{"by": " ", "at": "now"}', '{"at": "now"}', "ada"):
        assert run("publish_release", *flags, "--approval", text) == 64
    assert not list(shop.store.entries())
    said = '{"by": "ada", "at": "2026-05-09T04:00:00+00:00", "reason": "it is right"}'
    assert run("publish_release", *flags, "--approval", said) == 0
    approval = shop.pull().manifest.approval
    assert (approval.by, approval.reason) == ("ada", "it is right")
    assert client.main(["show", shop.uri]) == 0
    assert client.main(["why", shop.uri, shop.package("a").digest]) == 0
    shown = capsys.readouterr().out
    assert shown.count("ada at 2026-05-09T04:00:00+00:00: it is right") == 2


def test_roll_back_seals_the_pointer(shop: Any, run: Any) -> None:
    shop.publish("a")
    shop.publish("b")
    assert run("roll_back", "--release", "1", "--reason", "drift") == 0
    sealed = artifacts.open_artifact(str(shop.folder / "out"), "RollBack")
    pointer = sealed.read("pointer.json", ChannelPointer)
    assert (pointer.release, pointer.epoch, pointer.reason) == (1, 3, "drift")
    assert shop.pull().pointer == pointer
    assert run("roll_back", "--release", "9", "--reason", "drift") == 64
    assert run("roll_back", "--release", "one", "--reason", "drift") == 64
    assert run("roll_back", "--channel", "beta", "--release", "1", "--reason", "drift") == 1


def test_renew_channel_moves_nothing_and_keeps_the_hold(shop: Any, run: Any) -> None:
    assert renewed(shop, run) == {}, "no channel yet"
    shop.publish("a")
    assert renewed(shop, run) == {}, "it never expires"
    assert run("hold_channel", "--reason", "wait", "--by", "ada") == 0
    pointer = renewed(shop, run, "--set", "release.valid_days=7")["short_video.latest"]
    assert (pointer.release, pointer.epoch, pointer.valid_hours) == (1, 3, 168.0)
    assert pointer.hold is not None
    assert [move.action for move in pointer.history] == ["held", "published"]
    assert shop.pull().pointer == pointer
    assert renewed(shop, run)["short_video.latest"].epoch == 4, "for as long as it was good for"


def test_renew_channel_renews_targets_and_snapshots_too(shop: Any, run: Any) -> None:
    flags = ["--set", 'search.targets=[{name = "edge", max_bytes = 1}]']
    flags += ["--set", "release.valid_days=7"]
    shop.publish("a", channel="latest_edge")
    replace(shop, scenario=f"{shop.scenario}_snapshot").publish("b")
    found = renewed(shop, run, *flags)
    assert set(found) == {"short_video.latest_edge", "short_video_snapshot.latest"}
    assert all((one.epoch, one.valid_hours) == (2, 168.0) for one in found.values())


def renewed(shop: Any, run: Any, *flags: str) -> dict[str, ChannelPointer]:
    """The pointers that the verb signed anew, by store and channel."""
    assert run("renew_channel", *flags) == 0
    sealed = artifacts.open_artifact(str(shop.folder / "out"), "Renewal")
    names = [entry.path for entry in sealed.manifest.files]
    return {name.removesuffix(".json"): sealed.read(name, ChannelPointer) for name in names}


def test_a_channel_is_held_resumed_and_moved_on_by_verbs(shop: Any, run: Any) -> None:
    shop.publish("a")
    assert run("hold_channel", "--reason", "wait", "--by", "ada") == 0
    assert not shop.publish("b").served
    assert run("republish_release", "--release", "2", "--reason", "now") == 64
    assert run("hold_channel", "--resume", "--reason", "go", "--by", "ada") == 0
    assert run("republish_release", "--release", "2", "--reason", "now", "--by", "bob") == 0
    sealed = artifacts.open_artifact(str(shop.folder / "out"), "Republishing")
    pointer = sealed.read("pointer.json", ChannelPointer)
    assert shop.pull().pointer == pointer
    assert [(move.action, move.actor) for move in pointer.history] == [
        ("republished", "bob"),
        ("resumed", "ada"),
        ("held", "ada"),
        ("published", "night"),
    ]
    assert run("hold_channel", "--resume", "--release", "1", "--reason", "x") == 64


def test_sweep_releases_deletes_only_when_told(shop: Any, run: Any) -> None:
    for name in "abc":
        shop.publish(name)
    assert run("sweep_releases", "--keep", "1", "--grace-hours", "-1") == 0
    assert layout.numbers(shop.store) == [1, 2, 3]
    assert run("sweep_releases", "--keep", "1", "--grace-hours", "-1", "--delete") == 0
    assert layout.numbers(shop.store) == [3]
    sealed = artifacts.open_artifact(str(shop.folder / "out"), "Sweep")
    receipt = sealed.read("receipt.json", SweepReceipt)
    assert (receipt.releases, receipt.blobs, receipt.dry_run) == ((1, 2), 2, False)
    assert run("sweep_releases", "--keep", "few") == 64


def test_sweep_releases_sweeps_the_snapshots_too(shop: Any, run: Any) -> None:
    shop.publish("a")
    beside = replace(shop, scenario=f"{shop.scenario}_snapshot")
    for name in "bc":
        beside.publish(name)
    assert run("sweep_releases", "--keep", "1", "--grace-hours", "-1", "--delete") == 0
    assert (layout.numbers(shop.store), layout.numbers(beside.store)) == ([1], [2])
    sealed = artifacts.open_artifact(str(shop.folder / "out"), "Sweep")
    assert sealed.read("snapshots.json", SweepReceipt).releases == (1,)
