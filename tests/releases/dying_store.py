"""A store whose n-th call, reads among them, is the last that happens, done or not done."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from secateur.storage import Store, StoredObject, Tagged

Found = TypeVar("Found")


class Crash(BaseException):
    """What a process does not survive."""


def crash() -> None:
    """Die as a process does whose end a test wants to see."""
    raise Crash


@dataclass
class DyingStore(Store):
    """Calls `die` before or `after` the call of number `at`; 0 is never."""

    inner: Any
    at: int = 0
    after: bool = False
    die: Callable[[], None] = crash
    calls: int = 0

    @property
    def uri(self) -> str:  # type: ignore[override]
        return str(self.inner.uri)

    @property
    def address(self) -> str:  # type: ignore[override]
        return str(self.inner.address)

    def _call(self, do: Callable[[], Found]) -> Found:
        self.calls += 1
        is_last = self.calls == self.at
        if is_last and not self.after:
            self.die()
        try:
            return do()
        finally:
            if is_last:
                self.die()

    def get(self, key: str, limit: int | None = None) -> Tagged:
        found: Tagged = self._call(lambda: self.inner.get(key, limit))
        return found

    def get_unless(self, key: str, tag: str, limit: int | None = None) -> Tagged | None:
        return self._call(lambda: self.inner.get_unless(key, tag, limit))  # type: ignore[no-any-return]

    def put(self, key: str, data: bytes) -> None:
        self._call(lambda: self.inner.put(key, data))

    def put_new(self, key: str, data: bytes) -> None:
        self._call(lambda: self.inner.put_new(key, data))

    def swap(self, key: str, data: bytes, tag: str) -> None:
        self._call(lambda: self.inner.swap(key, data, tag))

    def entries(self, prefix: str = "") -> Iterator[StoredObject]:
        return iter(self._call(lambda: list(self.inner.entries(prefix))))

    def delete(self, key: str) -> None:
        self._call(lambda: self.inner.delete(key))

    def read_parts(self, key: str, size: int, start: int = 0) -> Iterator[bytes]:
        """Each part is a call of its own."""
        parts = self.inner.read_parts(key, size, start)
        while True:
            part: bytes | None = self._call(lambda: next(parts, None))
            if part is None:
                return
            half = len(part) // 2
            yield part[:half]
            self._call(lambda: None)
            yield part[half:]

    def put_file(
        self, key: str, path: Path, *, new: bool = False, sha256: str | None = None
    ) -> None:
        self._call(lambda: self.inner.put_file(key, path, new=new, sha256=sha256))


def every_death(calls: int) -> Iterator[tuple[int, bool]]:
    """Before and after each of so many calls."""
    assert calls > 0
    for call in range(1, calls + 1):
        yield call, False
        yield call, True
