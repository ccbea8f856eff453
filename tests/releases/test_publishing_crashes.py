"""A publish that dies or loses an answer at any write: readers see the old release or the new."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from secateur.contracts.errors import StoreError
from secateur.releases import layout
from secateur.releases.publishing import publish
from secateur.storage import Store, open_store


class Crash(BaseException):
    """What a process does not survive."""


def dies_at(between: type, inner: Store, write: int, after: bool, die: Callable[[], None]) -> Any:
    """A store whose `write`-th write is the last thing that happens, done or not done."""

    @dataclass
    class Dying(between):  # type: ignore[misc, valid-type]
        writes: int = 0

        def _write(self, do: Callable[[], None]) -> None:
            self.writes += 1
            if self.writes == write and not after:
                die()
            try:
                do()
            finally:
                if self.writes == write:
                    die()

        def put(self, key: str, data: bytes) -> None:
            self._write(lambda: self.inner.put(key, data))

        def put_new(self, key: str, data: bytes) -> None:
            self._write(lambda: self.inner.put_new(key, data))

        def swap(self, key: str, data: bytes, tag: str) -> None:
            self._write(lambda: self.inner.swap(key, data, tag))

        def delete(self, key: str) -> None:
            self._write(lambda: self.inner.delete(key))

    return Dying(inner)


def writes_of_a_publish(shop: Any, between: type) -> int:
    """Writes of every publish but the first, which finds no channel and no shared blob."""
    shop.publish("first")
    counting = dies_at(between, shop.store, 0, True, lambda: None)
    shop.publish("a", store=counting)
    assert counting.writes >= 7, "probe, blobs, manifest, bundle, signature, pointer"
    return int(counting.writes)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_write_shows_readers_the_old_or_the_new(
    shop: Any, between: type, after: bool
) -> None:
    def crash() -> None:
        raise Crash

    total = writes_of_a_publish(shop, between)
    served = "a"
    for write in range(1, total + 1):
        new = f"b{write}"
        with pytest.raises(Crash):
            shop.publish(new, store=dies_at(between, shop.store, write, after, crash))
        assert shop.pull().manifest.recipe == (new if after and write == total else served)
        shop.publish(new)
        assert shop.pull().manifest.recipe == new, "the next attempt finishes"
        served = new
    recipes = [release.manifest.recipe for release in shop.catalogue().releases()]
    assert len(recipes) == len(set(recipes)) == total + 2, "and makes no second release"


def publish_and_be_killed(
    shop: Any, between: type, write: int, environment: dict[str, str]
) -> None:
    os.environ.update(environment)
    kill = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    shop.publish(f"b{write}", store=dies_at(between, open_store(shop.uri), write, True, kill))


def test_kill_9_at_any_write_shows_readers_the_old_or_the_new(shop: Any, between: type) -> None:
    total = writes_of_a_publish(shop, between)
    forked = multiprocessing.get_context("fork")
    for write in range(1, total + 1):
        arguments = (shop, between, write, dict(os.environ))
        process = forked.Process(target=publish_and_be_killed, args=arguments)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert shop.pull().manifest.recipe == (f"b{write}" if write == total else "a")
    assert shop.publish("z").served
    assert shop.pull().manifest.recipe == "z"


def test_a_package_is_one_release_whichever_verdict_accepts_it(shop: Any, between: type) -> None:
    """Published again, nothing is written at all."""
    shop.publish("a")
    again = shop.verdict("judged anew", package=shop.package("a").digest)
    writes = dies_at(between, shop.store, 0, True, lambda: None)
    receipt = publish(shop.publisher(writes), "latest", shop.package("a"), again)
    assert (receipt.number, receipt.epoch, receipt.served) == (1, 1, True)
    assert writes.writes == 0
    assert publish(shop.publisher(), "beta", shop.package("a"), again).number == 1
    assert layout.numbers(shop.store) == [1]


def test_a_write_whose_answer_is_lost_is_read_back(shop: Any, between: type) -> None:
    """A time-out, or a 500 after the commit: the publish goes on."""
    shop.publish("a")

    class Deaf(between):  # type: ignore[misc, valid-type]
        lost = 0

        def put_new(self, key: str, data: bytes) -> None:
            self.inner.put_new(key, data)
            self._lose(key)

        def swap(self, key: str, data: bytes, tag: str) -> None:
            self.inner.swap(key, data, tag)
            self._lose(key)

        def _lose(self, key: str) -> None:
            if key.startswith((layout.RELEASES, layout.CHANNELS)):
                self.lost += 1
                raise StoreError(f"{key}: no answer")

    deaf = Deaf(shop.store)
    receipt = shop.publish("b", store=deaf)
    told = (receipt.number, receipt.epoch, receipt.served, deaf.lost)
    assert told == (2, 2, True, 5), "of manifest, bundle, delta, signature and pointer"


def test_a_write_that_is_lost_is_told_as_it_was(shop: Any, between: type) -> None:
    class Broken(between):  # type: ignore[misc, valid-type]
        def put_new(self, key: str, data: bytes) -> None:
            if key.startswith((layout.RELEASES, layout.CHANNELS)):
                raise StoreError(f"{key}: no answer")
            self.inner.put_new(key, data)

    with pytest.raises(StoreError, match=r"releases/1/manifest\.json: no answer"):
        shop.publish("a", store=Broken(shop.store))
