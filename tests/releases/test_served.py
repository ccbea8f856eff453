"""Claims about what a night finds served, which it is to be held against."""

from pathlib import Path

import pytest

from releases.conftest import Shop
from secateur.contracts.errors import SignatureInvalid, UsageError
from secateur.releases.pulling import pull_served
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, new_seed


def test_a_channel_serves_nothing_until_a_release_and_then_that(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VERIFY_KEY, raising=False)
    monkeypatch.setenv(SIGNING_KEY, shop.seed)
    channels = ("latest", "latest_edge")
    assert pull_served(shop.uri, channels, tmp_path / "a") == dict.fromkeys(channels)
    shop.publish("one")
    shop.publish("two")
    served = pull_served(shop.uri, channels, tmp_path / "b")
    assert served["latest_edge"] is None
    latest = served["latest"]
    assert latest
    assert (latest.manifest.number, latest.manifest.recipe) == (2, "two")
    assert (latest.folder / "model.onnx").read_bytes() == b"two" * 50


def test_what_another_signed_is_no_reference(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish("one")
    monkeypatch.delenv(VERIFY_KEY, raising=False)
    monkeypatch.setenv(SIGNING_KEY, new_seed())
    with pytest.raises(SignatureInvalid):
        pull_served(shop.uri, ("latest",), tmp_path)


def test_who_has_no_key_is_told_of_the_readers_key(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (VERIFY_KEY, SIGNING_KEY):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=VERIFY_KEY):
        pull_served(shop.uri, ("latest",), tmp_path)
