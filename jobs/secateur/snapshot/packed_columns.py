"""Columns of a snapshot in few bytes, read row by row from memory maps, without pickle.

Numbers that are whole, or are after a multiplication with the column's `unit`, are stored one
higher in the narrowest unsigned integers: 0 is a missing one. Texts are codes of a dictionary, one
higher too; lists of texts are such codes one after the other, with where each row's begin.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import Refused

Numbers = NDArray[np.float64]
Codes = NDArray[np.unsignedinteger]
Places = NDArray[np.int64]
Texts = Sequence[str | None]
Lists = Sequence[Sequence[str] | None]
_REMEMBERED = 1 << 16  # texts of a column


def write_numbers(folder: Path, name: str, numbers: Numbers, unit: float) -> None:
    """Write float64 [n], NaN for a missing one. Raises Refused where a number is no multiple."""
    known = ~np.isnan(numbers)
    whole = np.rint(np.where(known, numbers, 0) * unit)
    if (whole < 0).any() or (whole[known] / unit != numbers[known]).any():
        raise Refused(f"{name} holds numbers that are negative, or no multiples of {1 / unit}")
    _save(folder / f"{name}.numbers.npy", _narrow(np.where(known, whole + 1, 0).astype(np.uint64)))


def write_texts(folder: Path, name: str, texts: Texts) -> None:
    """Write texts [n], None for a missing one."""
    codes = _write_dictionary(folder, name, texts)
    _save(folder / f"{name}.codes.npy", codes)


def write_lists(folder: Path, name: str, lists: Lists) -> None:
    """Write lists [n] of texts; a missing one is as one without values."""
    lengths = [len(one or ()) for one in lists]
    values = [value for one in lists for value in one or ()]
    _save(folder / f"{name}.codes.npy", _write_dictionary(folder, name, values))
    _save(folder / f"{name}.starts.npy", _narrow(np.cumsum([0, *lengths], dtype=np.uint64)))


class NumberColumn:
    """Numbers [n] in their file."""

    def __init__(self, folder: Path, name: str, unit: float) -> None:
        self._stored: Codes = _load(folder / f"{name}.numbers.npy")
        self._unit = unit

    def take(self, places: Places) -> Numbers:
        """Float64 [m] of the rows at `places` [m], which are all there; NaN for a missing one."""
        stored = self._stored[places].astype(np.float64)
        return np.where(stored > 0, (stored - 1) / self._unit, np.nan)


class TextColumn:
    """Texts [n] in their files."""

    def __init__(self, folder: Path, name: str) -> None:
        self._codes: Codes = _load(folder / f"{name}.codes.npy")
        self._dictionary = _Dictionary(folder, name)

    def take(self, places: Places) -> list[str | None]:
        """The texts [m] of the rows at `places` [m]."""
        return list(map(self._dictionary.text, self._codes[places].tolist()))


class ListColumn:
    """Lists [n] of texts in their files."""

    def __init__(self, folder: Path, name: str) -> None:
        self._codes: Codes = _load(folder / f"{name}.codes.npy")
        self._starts: Codes = _load(folder / f"{name}.starts.npy")
        self._dictionary = _Dictionary(folder, name)

    def take(self, places: Places) -> list[list[str]]:
        """The lists [m] of the rows at `places` [m]."""
        return [list(self._values(place)) for place in places.tolist()]

    def _values(self, place: int) -> Iterator[str]:
        start, end = int(self._starts[place]), int(self._starts[place + 1])
        for code in self._codes[start:end].tolist():
            yield self._dictionary.text(code) or ""


class _Dictionary:
    """Distinct texts by codes from 1 on, one after the other in UTF-8.

    `text` gives that of a code, None of 0. It remembers those asked for lately.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._bytes = memoryview(_load(folder / f"{name}.texts.npy"))
        self._ends: Codes = _load(folder / f"{name}.ends.npy")
        self.text = lru_cache(maxsize=_REMEMBERED)(self._read)

    def _read(self, code: int) -> str | None:
        if not code:
            return None
        start = int(self._ends[code - 2]) if code > 1 else 0
        return str(self._bytes[start : int(self._ends[code - 1])], "utf-8")


def _write_dictionary(folder: Path, name: str, texts: Texts) -> Codes:
    """The codes [n] of texts [n]; their dictionary goes to two files."""
    distinct = sorted({text for text in texts if text is not None})
    spelled = [text.encode() for text in distinct]
    _save(folder / f"{name}.texts.npy", np.frombuffer(b"".join(spelled), np.uint8))
    _save(
        folder / f"{name}.ends.npy",
        _narrow(np.cumsum([len(text) for text in spelled], dtype=np.uint64)),
    )
    code_of: dict[str | None, int] = {text: code for code, text in enumerate(distinct, 1)}
    return _narrow(np.fromiter((code_of.get(text, 0) for text in texts), np.uint64, len(texts)))


def _narrow(numbers: NDArray[np.uint64]) -> Codes:
    """The same whole numbers [n] >= 0 in as few bytes as hold them all."""
    most = int(numbers.max()) if numbers.size else 0
    return numbers.astype(np.min_scalar_type(most))


def _save(file: Path, array: NDArray[np.generic]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, array, allow_pickle=False)


def _load(file: Path) -> Any:  # noqa: ANN401 - an array of whatever type was narrow enough
    # As a plain array: numpy looks twice at every slice of a memory map.
    return np.load(file, mmap_mode="r", allow_pickle=False).view(np.ndarray)
