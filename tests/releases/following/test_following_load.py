"""Threads and forked workers ask a follower without a pause while its channel moves."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur.releases.by_hand.holding import resume
from secateur.releases.following import FollowingScorer
from secateur.releases.publishing import publish

from .conftest import PATIENCE_S, Scores, Site, answer

FORKED = multiprocessing.get_context("fork")


@dataclass
class Load:
    """Threads that ask again and again, and what they were told."""

    follower: FollowingScorer
    allowed: set[Scores]
    rest_s: float = 0.001  # between two requests
    wrong: list[str] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, threads: int) -> list[threading.Thread]:
        started = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in started:
            thread.start()
        return started

    def _ask(self) -> None:
        while not self.over.is_set():
            began = time.perf_counter()
            try:
                found = answer(self.follower)
                if found not in self.allowed:
                    self.wrong.append(str(found))
            except Exception as error:  # the test fails by it
                self.wrong.append(repr(error))
            self.took_s.append(time.perf_counter() - began)
            time.sleep(self.rest_s)

    def end(self, threads: list[threading.Thread]) -> None:
        self.over.set()
        for thread in threads:
            thread.join()


@dataclass
class Told:
    """What was seen of one run: of threads and workers together, but for `resident`."""

    quiet_s: list[float] = field(default_factory=list)
    moving_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    resident: list[int] = field(default_factory=list)

    def p99_ms(self) -> tuple[float, float]:
        """Of a request while nothing moves, and while releases take over."""
        quiet, moving = (np.percentile(s, 99) * 1e3 for s in (self.quiet_s, self.moving_s))
        return float(quiet), float(moving)


def _worker(
    follower: FollowingScorer, allowed: set[Scores], last: Scores, rest_s: float, channels: Any
) -> None:
    moves, told = channels
    quiet, moving = Load(follower, allowed, rest_s), Load(follower, allowed, rest_s)
    threads = quiet.run(1)
    moves.wait(PATIENCE_S)
    quiet.end(threads)
    threads = moving.run(1)
    wait_for(follower, last)
    moving.end(threads)
    wrong = [*quiet.wrong, *moving.wrong]
    if answer(follower) != last:
        wrong.append("it does not follow to the last release")
    told.put((os.getpid(), quiet.took_s, moving.took_s, wrong))


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
    moves: tuple[int, int],
    workers: int,
    rest_s: float = 0.001,
    quiet_s: float = 0.2,
) -> Told:
    """So many releases and roll backs, while four threads and forked workers ask."""
    allowed, last = {site.says(seed) for seed in (1, 2, 3)}, site.says(3)
    begins, answers = FORKED.Event(), FORKED.Queue()
    arguments = (follower, allowed, last, rest_s, (begins, answers))
    processes = [FORKED.Process(target=_worker, args=arguments) for _ in range(workers)]
    mover = FORKED.Process(target=move_often, args=(site, *moves))
    for process in processes:
        process.start()
    told, quiet, moving = Told(), *(Load(follower, allowed, rest_s) for _ in range(2))
    threads = quiet.run(4)
    time.sleep(quiet_s)
    quiet.end(threads)
    mover.start()
    begins.set()
    threads = moving.run(4)
    while mover.is_alive():
        told.resident.append(resident_bytes())
        mover.join(0.2)
    wait_for(follower, last)
    moving.end(threads)
    seen = [(os.getpid(), quiet.took_s, moving.took_s, [*quiet.wrong, *moving.wrong])]
    for pid, of_quiet, of_moving, wrong in seen + [
        answers.get(timeout=PATIENCE_S) for _ in processes
    ]:
        told.pids.add(pid)
        told.quiet_s += of_quiet
        told.moving_s += of_moving
        told.wrong += wrong
    for process in processes:
        process.join()
    assert mover.exitcode == 0
    assert answer(follower) == last
    assert not told.wrong
    assert len(told.pids) == workers + 1
    return told


def test_no_request_fails_while_the_channel_moves(
    site: Site, followed: Callable[[float], FollowingScorer]
) -> None:
    """Four threads and two forked workers, each of which follows for itself."""
    told = under_load(site, followed(0.05), moves=(4, 1), workers=2)
    assert len(told.moving_s) > 50


@pytest.mark.proof
def test_a_hundred_releases_pass_without_a_failed_request_or_a_pause(
    site: Site, followed: Callable[[float], FollowingScorer]
) -> None:
    """And without a byte more of memory: a hundred releases, ten roll backs."""
    follower = followed(0.05)
    told = under_load(site, follower, (100, 10), workers=4, rest_s=0.02, quiet_s=10.0)
    quiet_ms, moving_ms = told.p99_ms()
    settled, last = max(told.resident[: len(told.resident) // 3]), told.resident[-1]
    print(  # noqa: T201
        f"{len(told.moving_s)} requests, {follower.status.swaps} swaps; p99 {quiet_ms:.1f} ms in "
        f"quiet, {moving_ms:.1f} ms while moving, longest {max(told.moving_s) * 1e3:.1f} ms; "
        f"memory {settled >> 20} then {last >> 20} MiB"
    )
    assert follower.status.swaps >= 20
    assert moving_ms - quiet_ms <= 5
    assert last - settled < 32 << 20, f"memory grew from {settled:,} to {last:,} bytes"
