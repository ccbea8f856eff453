"""A pointer is good for a time: readers tell a channel that is quiet from one that is frozen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from secateur import client
from secateur.contracts import record
from secateur.contracts.errors import ReleaseError, StoreError, UsageError
from secateur.contracts.releases import SignedPointer
from secateur.releases import channels, layout
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.releases.publishing import publish
from secateur.releases.pulling import pull_from, pull_served
from secateur.storage import Tagged


def publish_for(shop: Any, name: str, hours: float | None) -> None:
    publisher = replace(shop.publisher(), valid_hours=hours)
    publish(publisher, "latest", shop.package(name), shop.verdict(name))


def age(shop: Any, hours: float) -> None:
    """Sign the pointer as if it had been renewed so long ago."""
    key = layout.pointer_key("latest")
    then = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")
    pointer = replace(shop.catalogue().pointer("latest").pointer, renewed_at=then)
    signature = shop.signer.sign(record.canonical_json(pointer))
    shop.store.put(key, record.dump(SignedPointer(pointer, signature)))


def test_what_is_good_is_pulled_and_what_is_not_any_more_is_refused(shop: Any) -> None:
    publish_for(shop, "a", 24)
    age(shop, 23)
    assert shop.pull().manifest.number == 1
    channels.renew(shop.publisher(), "latest")
    age(shop, 25)
    with pytest.raises(ReleaseError, match=r"channel latest \(release 1, epoch 2\) was good until"):
        shop.pull(cache="another")
    assert shop.pull(release=1, cache="another").manifest.number == 1, "no channel, no time"
    channels.renew(shop.publisher(), "latest")
    assert shop.pull(cache="another").pointer.epoch == 3


def test_without_a_time_a_pointer_is_good_for_ever(shop: Any) -> None:
    shop.publish("a")
    age(shop, 10**5)
    assert shop.pull().pointer.expires_at is None
    with pytest.raises(UsageError, match="for how many days"):
        channels.renew(shop.publisher(), "latest")
    with pytest.raises(ReleaseError, match="no channel beta"):
        channels.renew(shop.publisher(), "beta")


def test_what_a_person_does_keeps_the_time_that_the_nights_gave(shop: Any) -> None:
    publish_for(shop, "a", 24)
    publish_for(shop, "b", None)
    roll_back(shop.publisher(), "latest", 1, "worse")
    pointer = shop.pull().pointer
    assert pointer.valid_hours == 24
    assert pointer.expires_at > datetime.now(UTC) + timedelta(hours=23)


def test_a_renewal_beside_a_publish_loses_nothing(shop: Any, between: type) -> None:
    """The channel moves between the renewal's read and its write."""
    publish_for(shop, "a", 24)

    class Moving(between):  # type: ignore[misc, valid-type]
        moved = False

        def swap(self, key: str, data: bytes, tag: str) -> None:
            if not self.moved:
                self.moved = True
                publish_for(shop, "b", 24)
            self.inner.swap(key, data, tag)

    pointer = channels.renew(shop.publisher(Moving(shop.store)), "latest")
    assert (pointer.release, pointer.epoch) == (2, 3)
    assert shop.pull().pointer == pointer


def test_a_publisher_still_reads_what_has_expired(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night after a long pause compares with what is served, and publishes."""
    publish_for(shop, "a", 24)
    age(shop, 48)
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", shop.signer.public)
    served = pull_served(shop.uri, ["latest"], shop.folder / "night")
    assert served["latest"] is not None
    publish_for(shop, "b", 24)
    assert shop.pull().manifest.number == 2


def test_offline_by_choice_does_without_the_time(shop: Any, between: type) -> None:
    class Away(between):  # type: ignore[misc, valid-type]
        def get(self, key: str, limit: int | None = None) -> Tagged:
            raise StoreError("away")

    publish_for(shop, "a", 1e-9)
    with pytest.raises(ReleaseError, match="was good until"):
        shop.pull()
    publish_for(shop, "b", 24)
    shop.pull()
    found = pull_from(shop.catalogue(Away(shop.store)), shop.folder / "cache", offline=True)
    assert found.offline


def test_a_shell_renews_a_channel(
    shop: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", shop.seed)
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", shop.signer.public)
    shop.publish("a")
    assert client.main(["renew", shop.uri]) == 64
    assert client.main(["renew", shop.uri, "--days", "7"]) == 0
    assert "latest serves release 1, epoch 2, good until " in capsys.readouterr().out
    assert client.main(["renew", shop.uri]) == 0
    assert shop.pull().pointer.valid_hours == 168


@pytest.mark.parametrize("days", [-3.0, 1e12, float("inf"), float("nan")])
def test_no_channel_is_good_for_longer_than_its_readers_can_add_up(shop: Any, days: float) -> None:
    shop.publish("a")
    publisher = replace(shop.publisher(), valid_hours=24 * days)
    with pytest.raises(UsageError, match=r"good for 0 to 36,500 days, not for"):
        channels.renew(publisher, "latest")
    assert shop.pull().pointer.epoch == 1
