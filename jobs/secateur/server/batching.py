"""Micro-batches: what waits while the model runs is scored together by its next run.

Nothing waits for company: a request that finds a free thread is scored at once, so that batches
grow with the load alone.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Batcher(Generic[Item, Outcome]):
    """Threads that hand what waits to `answer_all`, which gives an outcome or an error for each."""

    def __init__(
        self,
        answer_all: Callable[[Sequence[Item]], Sequence[Outcome | Exception]],
        threads: int,
        most: int,
    ) -> None:
        """`most` is how many items are handed over at once."""
        self._answer_all, self._most = answer_all, most
        self._waiting: deque[tuple[Item, Future[Outcome]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"secateur-score-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, item: Item) -> "Future[Outcome]":
        """Let an item be answered."""
        future: Future[Outcome] = Future()
        with self._changed:
            self._waiting.append((item, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Answer what waits, and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next():
            items = [item for item, _ in batch]
            try:
                outcomes: Sequence[Outcome | Exception] = self._answer_all(items)
            except Exception as error:
                outcomes = [error] * len(batch)
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if not future.set_running_or_notify_cancel():
                    continue
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _next(self) -> "list[tuple[Item, Future[Outcome]]]":
        """What waits, at most `most` of it; nothing where all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            count = min(self._most, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]
