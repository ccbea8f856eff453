"""Requests that wait for a store side by side: in order, and never too many."""

import pytest

from secateur.contracts.errors import StoreError
from secateur.storage import ahead


def test_no_more_than_some_chunks_are_on_their_way() -> None:
    begun: list[int] = []
    answers = ahead.some_at_a_time(lambda item: begun.append(item) or item, range(100), 3)
    assert next(answers) == 0
    assert len(begun) <= 3
    assert [0, *answers] == list(range(100))


def test_large_chunks_are_fewer_at_a_time() -> None:
    found = [ahead.as_many_as_fit(size) for size in (0, 1 << 16, 1 << 22, 16 << 20)]
    assert found == [8, 8, 3, 2]


def test_what_fails_is_raised_and_the_rest_is_dropped() -> None:
    begun: list[int] = []

    def fail(item: int) -> int:
        begun.append(item)
        raise StoreError(f"item {item}")

    with pytest.raises(StoreError, match="item 0"):
        list(ahead.some_at_a_time(fail, range(1000), 8))
    assert len(begun) < 20
