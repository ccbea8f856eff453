"""Raw values to feature ids: one encoder a field, as the schema and the vocabulary say.

A dictionary is only a fast way to apply `secateur.encoding`: a value is looked up as it stands, and
by its canonical spelling where that finds nothing. Missing and unknown values are OOV.
"""

import math
import re
import struct
import sys
from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import BucketField
from secateur.encoding.numbers import number_of
from secateur.encoding.spelling import BEYOND_INT64, BLANK, BOOLEANS
from secateur.identity import hash_id
from secateur.serving.encoding.buckets import Buckets
from secateur.serving.encoding.number_encoder import numbers_of
from secateur.serving.encoding.raw_columns import Values, spelling, to_list, whole_numbers_of
from secateur.serving.encoding.whole_numbers import numbered_ids
from secateur.serving.files import vocabulary
from secateur.serving.files.package import Contents
from secateur.serving.files.vocabulary import HASH_BITS, Hashes

Ids = NDArray[np.int32]

_HASH = struct.Struct(">Q")
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_UNHASHED = (bytearray, memoryview, np.ndarray)  # scalars that no dictionary takes as they stand


class FieldEncoder(Protocol):
    """Ids of one field's raw values."""

    def id_of(self, value: object) -> int:
        """Id of one value."""

    def encode(self, values: Values) -> Ids:
        """Int32 ids [n] of `values` [n]."""

    @property
    def resident_bytes(self) -> int:
        """Bytes it holds in memory."""


class _OfText(dict[object, int]):
    """Text -> id; what is not found as it stands is looked up by its canonical spelling.

    The same ids by whole `numbers` are kept apart: a dictionary of text alone is smaller.
    """

    def __init__(self, values: Sequence[str], numbers: dict[int, int]) -> None:
        super().__init__(zip(values, range(len(values)), strict=True))
        self.numbers = _OfNumber(numbers, self)
        self.oov = len(values)

    def __missing__(self, value: object) -> int:
        if type(value) is str:
            # Of letters and digits alone all but booleans are canonical as they stand.
            is_canonical = value.isalnum() and value not in BOOLEANS
            return self.oov if is_canonical else self.get(spelling(value), self.oov)
        found = self.numbers.get(value)
        return self.get(spelling(value), self.oov) if found is None else found


class _OfNumber(dict[object, int]):
    """Whole number within 64 bits -> id: 7, 7.0, True, Decimal(7), which Python hashes alike."""

    def __init__(self, numbers: dict[int, int], texts: _OfText) -> None:
        super().__init__(numbers.items())
        self._texts = texts

    def __missing__(self, value: object) -> int:
        # A whole number has no other spelling; one beyond 64 bits is found as text alone.
        if type(value) is int and abs(value) < BEYOND_INT64:
            return self._texts.oov
        return self._texts[value]


class CategoryEncoder:
    """A dictionary from values, in every spelling that is common, to ids.

    Whole numbers that lie close to each other are looked up in an array, all at once.
    """

    def __init__(self, values: Sequence[str]) -> None:
        numbers = {int(v): i for i, v in enumerate(values) if _WHOLE.fullmatch(v)}
        numbers = {number: i for number, i in numbers.items() if abs(number) < BEYOND_INT64}
        self._of_text = _OfText(values, numbers)
        self._of_number = self._of_text.numbers
        self._numbered = numbered_ids(numbers, len(values))

    def id_of(self, value: object) -> int:
        """Id of one value."""
        if isinstance(value, _UNHASHED):
            return self._of_text[spelling(value)]
        return self._of_text[value] if type(value) is str else self._of_number[value]

    def encode(self, values: Values) -> Ids:
        """Int32 ids [n] of `values` [n]."""
        if self._numbered:
            numbers = whole_numbers_of(values)
            if numbers is not None:
                return self._numbered.encode(numbers)
        values = to_list(values)
        counted = bool(values) and type(values[0]) in (int, float)
        id_of = (self._of_number if counted else self._of_text).__getitem__
        try:
            return np.fromiter(map(id_of, values), np.int32, len(values))
        except (TypeError, ValueError):
            if not any(isinstance(value, _UNHASHED) for value in values):
                raise
            return np.fromiter(map(self.id_of, values), np.int32, len(values))

    @property
    def resident_bytes(self) -> int:
        """Bytes of the dictionaries and their keys, and of the array."""
        array = self._numbered.resident_bytes if self._numbered else 0
        both = (self._of_text, self._of_number)
        return array + sum(sys.getsizeof(one) + sum(map(sys.getsizeof, one)) for one in both)


class HashedEncoder:
    """The first bits of keyed hashes, sorted and found by bisection: 12 bytes a value, not ~200."""

    def __init__(self, hashes: NDArray[np.uint64], bits: int = HASH_BITS) -> None:
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._dropped = np.uint64(HASH_BITS - bits)
        self._ids = np.append(order, len(hashes)).astype(np.int32)

    def id_of(self, value: object) -> int:
        """Id of one keyed hash in hex, OOV for a missing one."""
        return int(self.encode([value])[0])

    def encode(self, values: Values) -> Ids:
        """Int32 ids [n] of keyed hashes [n] in hex, OOV for missing ones."""
        texts = [_text_of_hash(value) for value in to_list(values)]
        wanted = np.fromiter(map(_hash, texts), np.uint64, len(texts)) >> self._dropped
        at = np.searchsorted(self._hashes, wanted)
        found = np.append(self._hashes, np.uint64(0))[at] == wanted
        present = np.fromiter(map(bool, texts), np.bool_, len(texts))
        return self._ids[np.where(found & present, at, len(self._hashes))]

    @property
    def resident_bytes(self) -> int:
        """Bytes of both arrays."""
        return self._hashes.nbytes + self._ids.nbytes


class KeyedEncoder:
    """Raw user ids, hashed with the key on the way, as cleaning does it."""

    def __init__(self, hashes: HashedEncoder, key: bytes) -> None:
        self._hashes = hashes
        self._key = key

    def id_of(self, value: object) -> int:
        """Id of one raw user id."""
        text = spelling(value)
        return self._hashes.id_of(None if text is None else hash_id(self._key, text))

    def encode(self, values: Values) -> Ids:
        """Int32 ids [n] of raw user ids [n]; each distinct one is hashed once."""
        spelled = [spelling(value) for value in to_list(values)]
        hashes: dict[str | None, str] = {
            text: hash_id(self._key, text) for text in set(spelled) if text is not None
        }
        return self._hashes.encode([hashes.get(text) for text in spelled])

    @property
    def resident_bytes(self) -> int:
        """Bytes of the hashes."""
        return self._hashes.resident_bytes


def _text_of_hash(value: object) -> str:
    """The hex digits of a keyed hash, none for a missing one."""
    text = value if type(value) is str else spelling(value) or ""
    return text.strip(BLANK)


def _hash(text: str) -> int:
    if not text:
        return 0
    try:
        (number,) = _HASH.unpack(bytes.fromhex(text))
    except (ValueError, struct.error) as error:
        raise UsageError("hashed=True, but a value is no keyed hash of 16 hex digits") from error
    return int(number)


class BucketEncoder:
    """Number of boundaries <= x; a missing value, or one that is no number, is OOV."""

    def __init__(self, field: BucketField) -> None:
        self.boundaries = field.boundaries
        self._buckets = Buckets([field.boundaries])
        self._oov = field.oov

    def id_of(self, value: object) -> int:
        """Id of one number: a number, text that spells one, None or NaN."""
        number = number_of(value)
        return self._oov if math.isnan(number) else bisect_right(self.boundaries, number)

    def encode(self, values: Values) -> Ids:
        """Int32 ids [n] of numbers [n]."""
        ids: Ids = self._buckets.ids(np.ascontiguousarray(numbers_of(values))[None])[0]
        return ids

    @property
    def resident_bytes(self) -> int:
        """Bytes of the boundaries and of the tables made of them."""
        return sys.getsizeof(self.boundaries) + self._buckets.resident_bytes


def category_encoder(values: vocabulary.Values) -> CategoryEncoder | HashedEncoder:
    """The encoder that suits a field's vocabulary."""
    if isinstance(values, Hashes):
        return HashedEncoder(values.prefixes, values.bits)
    return CategoryEncoder(values)


def field_encoders(contents: Contents) -> dict[str, FieldEncoder]:
    """One encoder a field of one id a row, and one a list with a vocabulary of its own."""
    return {
        field.name: BucketEncoder(field)
        if isinstance(field, BucketField)
        else category_encoder(contents.vocabulary[field.name])
        for field in (*contents.schema.fields, *contents.schema.own_lists)
    }
