"""Threads and forked workers ask a follower without a pause while its channel moves."""

import multiprocessing
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur.releases.by_hand.holding import resume
from secateur.releases.following import FollowingScorer
from secateur.releases.publishing import publish

from .conftest import PATIENCE_S, Scores, Site, answer

FORKED = multiprocessing.get_context("fork")
QUIET, BESIDE, MOVING = range(3)  # nothing is published; another root is; the followed one is


@dataclass
class Load:
    """Threads that ask again and again, and what they were told, by phase."""

    follower: FollowingScorer
    allowed: set[Scores]
    phase: Any  # of all processes
    rest_s: float = 0.001  # between two requests
    wrong: list[str] = field(default_factory=list)
    took_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, threads: int) -> list[threading.Thread]:
        started = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in started:
            thread.start()
        return started

    def _ask(self) -> None:
        while not self.over.is_set():
            phase, began = self.phase.value, time.perf_counter()
            try:
                found = answer(self.follower)
                if found not in self.allowed:
                    self.wrong.append(str(found))
            except Exception as error:  # the test fails by it
                self.wrong.append(repr(error))
            self.took_s[phase].append(time.perf_counter() - began)
            time.sleep(self.rest_s)

    def end(self, threads: list[threading.Thread]) -> None:
        self.over.set()
        for thread in threads:
            thread.join()


@dataclass
class Told:
    """What was seen of one run: of threads and workers together, but for `resident`."""

    took_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    resident: list[int] = field(default_factory=list)

    def p99_ms(self, phase: int) -> float:
        """Of a request in this phase."""
        return float(np.percentile(self.took_s[phase], 99) * 1e3)


def _worker(load: Load, last: Scores, told: Any) -> None:
    threads = load.run(1)
    wait_for(load.follower, last)
    load.end(threads)
    wrong = list(load.wrong)
    if answer(load.follower) != last:
        wrong.append("it does not follow to the last release")
    told.put((os.getpid(), dict(load.took_s), wrong))


def wait_for(follower: FollowingScorer, last: Scores) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while answer(follower) != last and time.monotonic() < deadline:
        time.sleep(0.02)


def move_often(site: Site, releases: int, rollbacks: int) -> None:
    """In a process of its own: new releases one after the other, and now and then a step back."""
    every = releases // rollbacks
    for number in range(1, releases + 1):
        published = site.publish_again(1 + number % 2, number)
        if number % every == 0:
            site.roll_back(published - 1)
            resume(site.publisher, "latest", "looked", "ada")
    publish(site.publisher, "latest", *site.packages[3])


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


def under_load(
    site: Site,
    follower: FollowingScorer,
    movers: dict[int, Callable[[], None]],
    workers: int,
    rest_s: float = 0.001,
    quiet_s: float = 0.2,
) -> Told:
    """Each mover is a process and a phase, while four threads and forked workers ask."""
    allowed, last = {site.says(seed) for seed in (1, 2, 3)}, site.says(3)
    answers, load = FORKED.Queue(), Load(follower, allowed, FORKED.Value("i", QUIET), rest_s)
    processes = [FORKED.Process(target=_worker, args=(load, last, answers)) for _ in range(workers)]
    running = {phase: FORKED.Process(target=mover) for phase, mover in movers.items()}
    for process in processes:
        process.start()
    told, threads = Told(), load.run(4)
    time.sleep(quiet_s)
    for phase, mover in running.items():
        load.phase.value = phase
        mover.start()
        while mover.is_alive():
            told.resident.append(resident_bytes())
            mover.join(0.2)
        assert mover.exitcode == 0
    wait_for(follower, last)
    load.end(threads)
    for pid, took_s, wrong in [
        (os.getpid(), load.took_s, load.wrong),
        *(answers.get(timeout=PATIENCE_S) for _ in processes),
    ]:
        told.pids.add(pid)
        told.wrong += wrong
        for phase, some in took_s.items():
            told.took_s[phase] += some
    for process in processes:
        process.join()
    assert answer(follower) == last
    assert not told.wrong
    assert len(told.pids) == workers + 1
    return told


def test_no_request_fails_while_the_channel_moves(
    site: Site, followed: Callable[[float], FollowingScorer]
) -> None:
    """Four threads and two forked workers, each of which follows for itself."""
    told = under_load(site, followed(0.05), {MOVING: partial(move_often, site, 4, 1)}, workers=2)
    assert len(told.took_s[MOVING]) > 50


@pytest.mark.proof
def test_a_hundred_releases_pass_without_a_failed_request_or_a_pause(
    site: Site, followed: Callable[[float], FollowingScorer]
) -> None:
    """And without a byte more of memory: a hundred releases, ten roll backs.

    A publisher on the same cores delays requests as any other process does, so that a pause is
    what they take longer than while it moves a channel that nobody follows.
    """
    follower, other = followed(0.05), site.beside()
    movers = {
        BESIDE: partial(move_often, other, 100, 10),
        MOVING: partial(move_often, site, 100, 10),
    }
    told = under_load(site, follower, movers, workers=4, rest_s=0.02, quiet_s=10.0)
    quiet_ms, beside_ms, moving_ms = (told.p99_ms(phase) for phase in (QUIET, *movers))
    settled, last = max(told.resident[: len(told.resident) // 3]), told.resident[-1]
    print(  # noqa: T201
        f"{len(told.took_s[MOVING])} requests, {follower.status.swaps} swaps; p99 {quiet_ms:.1f} ms"
        f" in quiet, {beside_ms:.1f} ms beside a publisher, {moving_ms:.1f} ms while moving, "
        f"longest {max(told.took_s[MOVING]) * 1e3:.1f} ms; "
        f"memory {settled >> 20} then {last >> 20} MiB"
    )
    assert follower.status.swaps >= 20
    assert moving_ms - beside_ms <= 5
    assert last - settled < 32 << 20, f"memory grew from {settled:,} to {last:,} bytes"
