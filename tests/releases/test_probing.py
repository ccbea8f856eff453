"""A store that ignores conditions is refused before it can lose a release."""

from typing import Any, ClassVar

import pytest

from secateur.contracts.errors import PreconditionFailed, StoreError, StoreRefused
from secateur.releases.probing import probe
from secateur.storage import Tagged


def test_real_stores_pass_and_are_left_clean(shop: Any) -> None:
    shop.store.put("k", b"1")
    probe(shop.store)
    assert list(shop.store.keys()) == ["k"]


def test_a_store_that_ignores_if_none_match_is_refused(shop: Any, between: type) -> None:
    class Overwriting(between):  # type: ignore[misc, valid-type]
        def put_new(self, key: str, data: bytes) -> None:
            self.inner.put(key, data)

    with pytest.raises(StoreRefused, match="ignores If-None-Match") as caught:
        shop.publish("a", store=Overwriting(shop.store))
    assert caught.value.exit_code == 65
    assert not list(shop.store.entries()), "nothing is published, and the probe is removed"


def test_a_store_that_ignores_if_match_is_refused(shop: Any, between: type) -> None:
    class Overwriting(between):  # type: ignore[misc, valid-type]
        def swap(self, key: str, data: bytes, tag: str) -> None:
            if not self.inner.exists(key):
                raise PreconditionFailed(key)
            self.inner.put(key, data)

    with pytest.raises(StoreRefused, match="ignores If-Match:"):
        probe(Overwriting(shop.store))


def test_a_store_that_creates_by_if_match_is_refused(shop: Any, between: type) -> None:
    class Creating(between):  # type: ignore[misc, valid-type]
        def swap(self, key: str, data: bytes, tag: str) -> None:
            self.inner.put(key, data)

    with pytest.raises(StoreRefused, match="If-Match on a missing object"):
        probe(Creating(shop.store))


def test_a_store_that_answers_from_a_stale_copy_is_refused(shop: Any, between: type) -> None:
    first_answers: dict[str, Tagged] = {}

    class Stale(between):  # type: ignore[misc, valid-type]
        def get(self, key: str, limit: int | None = None) -> Tagged:
            return first_answers.setdefault(key, self.inner.get(key, limit))

    with pytest.raises(StoreRefused, match="a read sees the last write"):
        probe(Stale(shop.store))


def test_a_probe_whose_write_was_sent_again_does_not_lose_to_itself(
    shop: Any, between: type
) -> None:
    class Resending(between):  # type: ignore[misc, valid-type]
        seen: ClassVar[set[bytes]] = set()

        def _again(self, key: str, data: bytes) -> None:
            if data not in self.seen:
                self.seen.add(data)
                raise PreconditionFailed(key)

        def put_new(self, key: str, data: bytes) -> None:
            self.inner.put_new(key, data)
            self._again(key, data)

        def swap(self, key: str, data: bytes, tag: str) -> None:
            self.inner.swap(key, data, tag)
            self._again(key, data)

    probe(Resending(shop.store))


def test_the_first_error_is_not_hidden_by_the_cleaning_up(shop: Any, between: type) -> None:
    class Broken(between):  # type: ignore[misc, valid-type]
        def put_new(self, key: str, data: bytes) -> None:
            raise StoreError("the first")

        def delete(self, key: str) -> None:
            raise StoreError("the second")

    with pytest.raises(StoreError, match="the first"):
        probe(Broken(shop.store))
