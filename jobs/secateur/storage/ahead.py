"""Requests that wait for a store side by side, in a bounded number."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AT_A_TIME = 8
IN_FLIGHT_BYTES = 12 << 20  # of those items together, about; each is in memory more than once


def as_many_as_fit(size: int) -> int:
    """How many items of `size` bytes may be on their way at a time: two at least."""
    return min(AT_A_TIME, max(2, IN_FLIGHT_BYTES // max(size, 1)))


def some_at_a_time(
    do: Callable[[Item], Answer], items: Iterable[Item], most: int
) -> Iterator[Answer]:
    """What `do` gives for each of `items`, in their order; `most` are done or waited for.

    So many answers are in memory at most. Raises what `do` raises; those that wait are dropped.
    """
    pool, waiting = ThreadPoolExecutor(most), deque[Future[Answer]]()
    try:
        for item in items:
            waiting.append(pool.submit(do, item))
            if len(waiting) == most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
