"""Many publishers of one channel, and many readers of one cache, some of whom are killed."""

import multiprocessing
import random
import signal
import time
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from secateur.releases import layout, pulling
from secateur.storage import Tagged, open_store

FORKED = multiprocessing.get_context("fork")
PATIENCE_S = 600.0


def publish_when_all_do(shop: Any, name: str, barrier: Any, told: Any) -> None:
    """In a process of its own, with connections of its own."""
    store = open_store(shop.uri)
    shop.package(name), shop.verdict(name)
    barrier.wait(PATIENCE_S)
    receipt = shop.publish(name, store=store)
    told.put((receipt.number, receipt.served))


def race(shop: Any, publishers: int, rounds: int) -> None:
    """After every round the channel serves its newest release, and no publish was lost."""
    shop.publish("first")
    for number in range(rounds):
        barrier, told = FORKED.Barrier(publishers), FORKED.Queue()
        processes = [
            FORKED.Process(
                target=publish_when_all_do, args=(shop, f"r{number}p{one}", barrier, told)
            )
            for one in range(publishers)
        ]
        start_all(processes)
        receipts = [told.get(timeout=PATIENCE_S) for _ in processes]
        end_all(processes)
        first = 2 + number * publishers
        assert sorted(n for n, _ in receipts) == list(range(first, first + publishers))
        pointer = shop.catalogue().pointer("latest").pointer
        assert pointer.release == pointer.highest == first + publishers - 1, "the one winner"
        winners = [n for n, served in receipts if served and n == pointer.release]
        assert len(winners) == 1
        check_history(shop)
    assert layout.numbers(shop.store) == list(range(1, 2 + rounds * publishers))
    recipes = [release.manifest.recipe for release in shop.catalogue().releases()]
    assert len(set(recipes)) == 1 + rounds * publishers, "every package is one release"


def check_history(shop: Any) -> None:
    """One epoch a move, without a gap; releases only grow."""
    history = shop.catalogue().pointer("latest").pointer.history
    epochs = [move.epoch for move in history]
    assert epochs == list(range(epochs[0], epochs[0] - len(epochs), -1))
    releases = [move.release for move in history]
    assert releases == sorted(releases, reverse=True)
    assert len(set(releases)) == len(releases)


def pull_until(shop: Any, cache: Path, end: float, told: Any, stops: bool) -> None:
    """Pull again and again; tell every wrong byte, and how often nothing was wrong."""
    pulls = 0
    while time.monotonic() < end or (stops and not pulls):
        pulled = pulling.pull(shop.uri, cache=cache, verify_keys=shop.keys)
        name = pulled.manifest.recipe
        found = (pulled.folder / "model.onnx").read_bytes()
        shared = (pulled.folder / "tables" / "users.bin").read_bytes()
        if (found, shared) != (name.encode() * 50, b"the same everywhere"):
            told.put(f"{name}: {found!r:.60}")
        pulls += 1
    told.put(pulls)


def publish_until(shop: Any, end: float) -> None:
    """One release after another."""
    store, number = open_store(shop.uri), 0
    while time.monotonic() < end:
        number += 1
        shop.publish(f"n{number}", store=store)
        time.sleep(0.1)


def pull_and_kill(shop: Any, pullers: int, seconds: float, seed: int) -> tuple[int, int]:
    """Readers of one cache while releases come, killed at random; pulls and kills."""
    rng, cache = random.Random(seed), shop.folder / "cache"
    shop.publish("n0")
    told, end = FORKED.Queue(), time.monotonic() + seconds

    def start(stops: bool = False) -> BaseProcess:
        arguments = (shop, cache, end, told, stops)
        process = FORKED.Process(target=pull_until, args=arguments)
        process.start()
        return process

    publisher = FORKED.Process(target=publish_until, args=(shop, end))
    publisher.start()
    running, kills = [start() for _ in range(pullers)], 0
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.02, 0.2))
        for place in rng.sample(range(pullers), max(1, pullers // 10)):
            running[place].kill()
            running[place].join()
            ended = running[place].exitcode
            assert ended in (0, -signal.SIGKILL), "it failed before it was killed"
            running[place], kills = start(), kills + 1
    end_all([*running, publisher])
    assert publisher.exitcode == 0
    last = start(stops=True)
    end_all([last])
    said = []
    while not told.empty():
        said.append(told.get())
    assert [one for one in said if isinstance(one, str)] == []
    assert last.exitcode == 0, "the cache serves the next reader"
    return sum(said), kills


@pytest.mark.parametrize("moves", [1, 3])
def test_a_move_between_a_read_and_its_memory_is_no_replay(
    shop: Any, between: type, moves: int
) -> None:
    """Another pull into this cache sees each move first: the pointer is read again."""
    shop.publish("n0")
    shop.pull()

    class Moving(between):  # type: ignore[misc, valid-type]
        reads = 0

        def get(self, key: str, limit: int | None = None) -> Tagged:
            found: Tagged = self.inner.get(key, limit)
            if key.startswith(layout.CHANNELS) and self.reads < moves:
                self.reads += 1
                shop.publish(f"n{self.reads}")
                shop.pull()
            return found

    pulled = pulling.pull_from(shop.catalogue(Moving(shop.store)), shop.folder / "cache")
    assert pulled.manifest.recipe == f"n{moves}"


def start_all(processes: list[Any]) -> None:
    for process in processes:
        process.start()


def end_all(processes: list[Any]) -> None:
    """Wait for all: one that does not end waits for a lock that nobody holds."""
    for process in processes:
        process.join(PATIENCE_S)
        assert not process.is_alive(), "a deadlock"
        assert process.exitcode in (0, -signal.SIGKILL)


def test_one_publisher_of_many_wins_each_round(shop: Any) -> None:
    race(shop, publishers=4, rounds=2)


@pytest.mark.proof
def test_twenty_publishers_race_for_fifty_rounds(shop: Any) -> None:
    """In an object store, of ten rounds a scenario: each publish reads all manifests there are."""
    rounds = 50 if shop.root.startswith("file:") else 10
    for number in range(50 // rounds):
        race(replace(shop, scenario=f"races{number}"), publishers=20, rounds=rounds)


def test_readers_of_one_cache_outlive_each_other(shop: Any) -> None:
    pulls, kills = pull_and_kill(shop, pullers=5, seconds=3.0, seed=1)
    assert pulls > 0
    assert kills > 0


@pytest.mark.proof
def test_fifty_readers_of_one_cache_are_killed_at_random(shop: Any) -> None:
    pulls, kills = pull_and_kill(shop, pullers=50, seconds=90.0, seed=2)
    assert pulls > 500
    assert kills > 30
