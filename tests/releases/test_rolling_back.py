"""Rolling back: an earlier release under a higher epoch, and nothing undoes it by accident."""

from typing import Any

import pytest

from secateur.contracts.errors import ReleaseError, UsageError
from secateur.releases import layout
from secateur.releases.by_hand.holding import resume
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.storage import Tagged


def to(shop: Any, number: int, reason: str = "it scores worse", **more: Any) -> Any:
    return roll_back(shop.publisher(**more), "latest", number, reason)


@pytest.fixture
def at_three(after: Any) -> Any:
    return after(3)


def test_readers_follow_it_back_and_read_why(at_three: Any) -> None:
    assert at_three.pull().manifest.recipe == "c"
    pointer = to(at_three, 1)
    assert (pointer.release, pointer.epoch, pointer.highest) == (1, 4, 3)
    pulled = at_three.pull()
    assert pulled.manifest.recipe == "a"
    assert pulled.pointer.reason == "it scores worse"


def test_neither_the_task_run_again_nor_the_next_night_undoes_it_until_nights_may(
    at_three: Any,
) -> None:
    to(at_three, 2)
    assert not at_three.publish("c").served
    next_night = at_three.publish("d")
    assert (next_night.number, next_night.served) == (4, False)
    assert "holds it since" in next_night.kept
    assert "it scores worse; `secateur resume`" in next_night.kept
    assert at_three.pull().manifest.number == 2
    resume(at_three.publisher(), "latest", "release 4 looks right", "ada")
    assert at_three.pull().manifest.number == 2
    assert at_three.publish("e").served
    assert at_three.pull().manifest.number == 5


def test_the_way_forward_again_is_open_up_to_the_highest(at_three: Any) -> None:
    to(at_three, 1)
    forward = to(at_three, 3, "it was the log")
    assert (forward.epoch, forward.hold) == (5, None)
    at_three.publish("untried", channel="beta")
    with pytest.raises(UsageError, match="never served release 4: its highest is 3"):
        to(at_three, 4)


def test_to_where_it_is_already_changes_nothing(at_three: Any) -> None:
    assert to(at_three, 3).epoch == 3


def test_it_needs_a_reason_and_a_channel(at_three: Any) -> None:
    with pytest.raises(UsageError, match="needs a reason"):
        to(at_three, 1, " ")
    with pytest.raises(ReleaseError, match="no channel beta"):
        roll_back(at_three.publisher(), "beta", 1, "why not")


def test_a_release_that_cannot_be_trusted_any_more_is_not_served(at_three: Any) -> None:
    def refuse(_: object) -> None:
        raise ReleaseError("golden scores differ")

    with pytest.raises(ReleaseError, match="golden"):
        to(at_three, 1, try_out=refuse)
    entry = at_three.catalogue().release(1).manifest.files[0]
    at_three.store.delete(layout.blob_key(entry.sha256))
    with pytest.raises(ReleaseError, match=r"model\.onnx"):
        to(at_three, 1)
    at_three.store.delete(layout.signature_key(2))
    with pytest.raises(ReleaseError, match="no signed release 2"):
        to(at_three, 2)
    assert at_three.pull().manifest.number == 3


def test_a_channel_that_moved_meanwhile_is_left_to_a_second_look(
    at_three: Any, between: type
) -> None:
    class Racing(between):  # type: ignore[misc, valid-type]
        def swap(self, key: str, data: bytes, tag: str) -> None:
            if key == layout.pointer_key("latest"):
                at_three.publish("d")
            self.inner.swap(key, data, tag)

    with pytest.raises(ReleaseError, match="moved meanwhile"):
        to(at_three, 1, store=Racing(at_three.store))
    assert at_three.pull().manifest.number == 4


def test_a_write_that_was_sent_twice_does_not_lose_to_itself(at_three: Any, between: type) -> None:
    """boto3 repeats a request whose answer was lost; the repetition meets its own bytes: 412."""

    class Repeating(between):  # type: ignore[misc, valid-type]
        def swap(self, key: str, data: bytes, tag: str) -> None:
            self.inner.swap(key, data, tag)
            if key == layout.pointer_key("latest"):
                self.inner.swap(key, data, tag)

        def get(self, key: str, limit: int | None = None) -> Tagged:
            return self.inner.get(key, limit)  # type: ignore[no-any-return]

    pointer = to(at_three, 1, store=Repeating(at_three.store))
    assert pointer.epoch == 4
    assert at_three.pull().manifest.number == 1
