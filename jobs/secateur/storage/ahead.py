"""Requests that wait for a store side by side, in a bounded number."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AT_A_TIME = 8


def some_at_a_time(do: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
    """What `do` gives for each of `items`, in their order; `AT_A_TIME` are done or waited for.

    So many answers are in memory at most. Raises what `do` raises; those that wait are dropped.
    """
    pool, waiting = ThreadPoolExecutor(AT_A_TIME), deque[Future[Answer]]()
    try:
        for item in items:
            waiting.append(pool.submit(do, item))
            if len(waiting) == AT_A_TIME:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
