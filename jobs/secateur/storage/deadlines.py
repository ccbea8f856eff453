"""How long a store may take: one that is silent, or that trickles, holds no caller for ever."""

import time
from collections.abc import Callable
from threading import Thread
from typing import TypeVar

from secateur.contracts.errors import StoreError

Answer = TypeVar("Answer")

ANSWER_S = 45.0  # to a request, its repetitions included
LEAST_BYTES_A_SECOND = 64 * 1024


def seconds_for(size: int) -> float:
    """Seconds that a transfer of so many bytes may take."""
    return ANSWER_S + size / LEAST_BYTES_A_SECOND


class Deadline:
    """A moment after which `check` raises StoreError."""

    def __init__(self, seconds: float, what: str) -> None:
        self._end = time.monotonic() + seconds
        self._told = f"{what}: not done within {seconds:.0f} s"

    def check(self) -> None:
        """Raise StoreError when it is over."""
        if time.monotonic() > self._end:
            raise StoreError(self._told)


def answer_within(seconds: float, ask: Callable[[], Answer], what: str) -> Answer:
    """What `ask` returns or raises; StoreError where it does neither in time.

    A server that sends one byte of its headers now and then never runs into a time-out of the
    socket's. The thread that waits for it is left behind, and ends with the connection.
    """
    answers: list[Answer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(ask())
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=run, daemon=True, name="secateur-store")
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise StoreError(f"{what}: no answer within {seconds:.0f} s")
    return answers[0]
