"""Threads and forked workers ask a follower without a pause while its channel moves."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from secateur.releases.following import FollowingScorer
from secateur.releases.publishing import publish

from .conftest import PATIENCE_S, Scores, Site, answer


@dataclass
class Load:
    """Threads that ask without a pause, and what they were told."""

    follower: FollowingScorer
    allowed: set[Scores]
    wrong: list[object]
    asked: int = 0
    longest_s: float = 0.0
    resident: list[int] = field(default_factory=list)
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


def resident_bytes() -> int:
    """Of this process, as proc(5) has them."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


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
        load_.resident.append(resident_bytes())
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
    settled, last = max(load_.resident[:30]), load_.resident[-1]
    assert last - settled < 32 << 20, f"memory grew from {settled:,} to {last:,} bytes"
