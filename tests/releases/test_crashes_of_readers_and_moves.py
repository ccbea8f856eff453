"""Killed before and after every call to the store, reads among them: pull, roll back, snapshots.

A reader sees the old or the new, never a mix, and the next run completes. Publishing has a module
of its own.
"""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from secateur.releases import pulling
from secateur.releases.by_hand.holding import hold, resume
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.storage import open_store

from .dying_store import Crash, DyingStore, every_death

PATHS = ("model.onnx", "tables/users.bin")


def bytes_of(pulled: pulling.PulledRelease) -> list[bytes]:
    found = [path for path in pulled.folder.rglob("*") if path.is_file()]
    assert len(found) == len(PATHS)
    return [(pulled.folder / path).read_bytes() for path in PATHS]


def pull_by(shop: Any, store: Any, cache: Path) -> pulling.PulledRelease:
    return pulling.pull_from(shop.catalogue(store), cache)


def calls_of_a_pull(shop: Any) -> int:
    counting = DyingStore(shop.store)
    pull_by(shop, counting, shop.folder / "counted")
    return counting.calls


def test_a_pull_that_dies_at_any_call_is_finished_by_the_next(shop: Any) -> None:
    shop.publish("a")
    expected = bytes_of(pull_by(shop, shop.store, shop.folder / "whole"))
    calls = calls_of_a_pull(shop)
    assert calls >= 8, "pointer, manifest, signature, and at least two halves of each blob"
    for call, after in every_death(calls):
        cache = shop.folder / f"cache-{call}-{after}"
        with pytest.raises(Crash):
            pull_by(shop, DyingStore(shop.store, call, after), cache)
        assert bytes_of(pull_by(shop, shop.store, cache)) == expected
        assert not list(cache.glob("*/partial/*"))


def test_a_pull_of_a_new_release_that_dies_leaves_the_old_one_whole(shop: Any) -> None:
    """What serves goes on with the release that it holds, and the next pull has the new one."""
    shop.publish("a")
    cache = shop.folder / "cache"
    held = pull_by(shop, shop.store, cache)
    old = bytes_of(held)
    shop.publish("b")
    for call, after in every_death(calls_of_a_pull(shop)):
        with pytest.raises(Crash):
            pull_by(shop, DyingStore(shop.store, call, after), shop.folder / f"c{call}{after}")
        with pytest.raises(Crash):
            pull_by(shop, DyingStore(shop.store, 1, after), cache)
        assert bytes_of(held) == old
    assert bytes_of(pull_by(shop, shop.store, cache))[0] == b"b" * 50


def pull_and_be_killed(shop: Any, call: int, cache: Path) -> None:
    kill = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    pull_by(shop, DyingStore(open_store(shop.uri), call, True, kill), cache)


def test_kill_9_at_any_call_of_a_pull_leaves_no_lock_and_no_wrong_byte(shop: Any) -> None:
    shop.publish("a")
    expected = bytes_of(pull_by(shop, shop.store, shop.folder / "whole"))
    calls, cache = calls_of_a_pull(shop), shop.folder / "shared"
    forked = multiprocessing.get_context("fork")
    for call in range(1, calls + 1):
        process = forked.Process(target=pull_and_be_killed, args=(shop, call, cache))
        process.start()
        process.join(60)
        # One that finds all held makes fewer calls.
        assert process.exitcode in (-signal.SIGKILL, 0)
    assert bytes_of(pull_by(shop, shop.store, cache)) == expected


def test_a_roll_back_that_dies_at_any_call_has_moved_or_not(after: Any) -> None:
    shop = after(3)
    counting = DyingStore(shop.store)
    roll_back(shop.publisher(counting), "latest", 1, "worse")
    assert counting.calls >= 8
    target, other = 2, 1
    for call, done in every_death(counting.calls):
        dying = DyingStore(shop.store, call, done)
        with pytest.raises(Crash):
            roll_back(shop.publisher(dying), "latest", target, "worse")
        has_moved = done and call == counting.calls  # the pointer is the last write
        served = shop.pull(cache=f"reader-{call}-{done}").manifest.number
        assert served == (target if has_moved else other)
        pointer = roll_back(shop.publisher(), "latest", target, "worse")
        assert (pointer.release, pointer.highest) == (target, 3)
        assert pointer.hold is not None
        assert shop.pull(cache=f"after-{call}-{done}").manifest.number == target
        target, other = other, target
    epochs = [move.epoch for move in shop.catalogue().pointer("latest").pointer.history]
    assert epochs == list(range(epochs[0], epochs[0] - len(epochs), -1)), "none lost, none twice"


def test_a_hold_that_dies_at_any_call_holds_or_does_not(after: Any) -> None:
    shop = after(2)
    counting = DyingStore(shop.store)
    hold(shop.publisher(counting), "latest", "look", "ada")
    resume(shop.publisher(), "latest", "looked", "ada")
    for call, done in every_death(counting.calls):
        with pytest.raises(Crash):
            hold(shop.publisher(DyingStore(shop.store, call, done)), "latest", "look", "ada")
        assert shop.pull(cache=f"{call}-{done}").manifest.number == 2
        hold(shop.publisher(), "latest", "look", "ada")
        assert shop.catalogue().pointer("latest").pointer.hold is not None
        resume(shop.publisher(), "latest", "looked", "ada")
