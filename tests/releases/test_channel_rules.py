"""A channel goes to older data only when asked, stays while it is held, and knows its history."""

from typing import Any

import pytest

from secateur.contracts.errors import ReleaseError, UsageError
from secateur.releases import layout
from secateur.releases.by_hand.holding import hold, resume
from secateur.releases.by_hand.rolling_back import republish, roll_back
from secateur.releases.publishing import FromNight

MAY_8 = FromNight(("2022-05-07", "2022-05-08"), "n8")
MAY_9 = FromNight(("2022-05-08", "2022-05-09"), "n9")


def test_a_channel_goes_to_older_data_only_when_asked(shop: Any) -> None:
    assert shop.publish("a", origin=MAY_9).served
    older = shop.publish("b", origin=MAY_8)
    assert (older.number, older.served) == (2, False)
    assert older.kept == (
        "it serves data up to 2022-05-09, and release 2 ends with 2022-05-08: "
        "a channel goes to older data only when asked (older_data)"
    )
    assert shop.pull().manifest.number == 1
    assert shop.publish("c", origin=MAY_9).served  # the same day, judged anew
    assert shop.publish("d", origin=MAY_8, older_data=True).served
    assert shop.pull().manifest.last_day == "2022-05-08"


def test_the_same_night_may_serve_another_channel_of_older_data(shop: Any) -> None:
    shop.publish("a", origin=MAY_9)
    assert shop.publish("b", channel="backfill", origin=MAY_8).served


def test_a_release_without_days_moves_a_channel_as_before(shop: Any) -> None:
    shop.publish("a")
    assert shop.publish("b", origin=MAY_8).served
    assert shop.publish("c").served


def test_a_held_channel_is_left_where_it_is_and_the_release_is_made(shop: Any) -> None:
    shop.publish("a")
    held = hold(shop.publisher(), "latest", "the campaign runs", "ada")
    assert held.release == 1
    kept = shop.publish("b")
    assert (kept.number, kept.served, kept.epoch) == (2, False, 2)
    assert kept.kept.startswith("ada holds it since 2")
    assert shop.pull(release=2).manifest.recipe == "b"
    resume(shop.publisher(), "latest", "it is over", "bob")
    # The task run again finds its release, which may be served now.
    assert shop.publish("b").served


def test_a_pinned_channel_serves_the_release_it_is_pinned_to(shop: Any) -> None:
    for name in "abc":
        shop.publish(name)
    hold(shop.publisher(), "latest", "b is what we measured", "ada", number=2)
    assert not shop.publish("d").served
    assert shop.pull().manifest.recipe == "b"
    with pytest.raises(UsageError, match="is held: b is what we measured; resume it first"):
        republish(shop.publisher(), "latest", 4, "anyway", "bob")
    # A roll back of a held channel leaves the hold as it was made.
    assert roll_back(shop.publisher(), "latest", 3, "c after all", "bob").hold.actor == "ada"


def test_a_release_that_a_hold_kept_back_can_be_served_later(shop: Any) -> None:
    shop.publish("a")
    hold(shop.publisher(), "latest", "wait", "ada")
    shop.publish("b")
    resume(shop.publisher(), "latest", "go", "ada")
    assert republish(shop.publisher(), "latest", 2, "it was kept back", "ada").highest == 2
    assert shop.pull().manifest.recipe == "b"
    assert republish(shop.publisher(), "canary", 2, "first", "ada").release == 2
    with pytest.raises(ReleaseError, match="no signed release 9"):
        republish(shop.publisher(), "latest", 9, "?", "ada")


def test_the_channel_tells_who_did_what_and_why(shop: Any) -> None:
    shop.publish("a")
    shop.publish("b")
    roll_back(shop.publisher(), "latest", 1, "CTR fell", "ada")
    pointer = resume(shop.publisher(), "latest", "the log was late", "bob")
    assert [(m.action, m.release, m.epoch, m.actor, m.reason) for m in pointer.history] == [
        ("resumed", 1, 4, "bob", "the log was late"),
        ("rolled back", 1, 3, "ada", "CTR fell"),
        ("published", 2, 2, "night", "published b"),
        ("published", 1, 1, "night", "published a"),
    ]
    assert shop.pull().pointer == pointer


def test_to_hold_needs_a_reason_and_a_channel(shop: Any) -> None:
    with pytest.raises(ReleaseError, match="no channel latest"):
        hold(shop.publisher(), "latest", "why")
    shop.publish("a")
    with pytest.raises(UsageError, match="needs a reason"):
        hold(shop.publisher(), "latest", " ")
    assert resume(shop.publisher(), "latest", "nothing to do").epoch == 1


def test_a_night_is_found_by_what_it_went_by_where_its_channel_has_served_it(shop: Any) -> None:
    shop.publish("a", origin=MAY_8)
    shop.publish("b", channel="canary", origin=MAY_9)
    shop.publish("c")
    found = shop.catalogue().served_of_night
    assert found("latest", "n8").number == 1
    assert found("latest", "n9") is None  # another channel served it
    assert found("canary", "n9").number == 2
    assert found("latest", "") is None
    assert found("nobody", "n8") is None


def test_no_word_of_a_person_makes_a_pointer_that_readers_refuse(shop: Any) -> None:
    """A pointer has 64 KiB at most: its own publisher could not mend one that is larger."""
    shop.publish("a")
    with pytest.raises(UsageError, match="has 70,000 characters: a reason has 1,000 at most"):
        hold(shop.publisher(), "latest", "x" * 70_000, "ann")
    with pytest.raises(UsageError, match="a name 200"):
        hold(shop.publisher(), "latest", "measured", "a" * 70_000)
    longest = {"reason": "\U0001f600" * 1000, "actor": "\U0001f600" * 200}
    for _ in range(60):
        hold(shop.publisher(), "latest", **longest)
    size = len(shop.store.get(layout.pointer_key("latest")).data)
    assert layout.POINTER_LIMIT // 2 < size < layout.POINTER_LIMIT
    pointer = shop.pull().pointer
    assert (pointer.epoch, pointer.history[0].reason) == (61, longest["reason"])


def test_fifty_moves_are_remembered_where_they_have_room(shop: Any) -> None:
    shop.publish("a")
    for number in range(60):
        hold(shop.publisher(), "latest", f"measured {number}", "ann")
    history = shop.pull().pointer.history
    assert [len(history), history[0].reason, history[-1].reason] == [
        50,
        "measured 59",
        "measured 10",
    ]


def test_release_0_is_none_to_pin_a_channel_to(shop: Any) -> None:
    shop.publish("a")
    with pytest.raises(ReleaseError, match="no signed release 0"):
        hold(shop.publisher(), "latest", "measured", number=0)
    assert shop.pull().pointer.hold is None
