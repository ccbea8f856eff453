"""The tensors of the open inference protocol, version 2, in JSON and in its binary extension.

Values come in row-major order, flat or nested in JSON; in binary little endian, and of BYTES each
one with its length before it, as a uint32.

Source: KServe, "Open Inference Protocol (V2)" and its "Binary tensor data extension".
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError

BYTES = "BYTES"
BINARY_SIZE = "binary_data_size"
MOST_DIMENSIONS, LONGEST = 8, 1 << 40
DATATYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}
_LENGTH = struct.Struct("<I")
_IN_BYTES = {name: np.dtype(kind).newbyteorder("<") for name, kind in DATATYPES.items()}
_TYPES_OF_KIND: dict[str, set[type]] = {"b": {bool}, "u": {int}, "i": {int}, "f": {int, float}}
_IN_JSON = {name: _TYPES_OF_KIND[kind.kind] for name, kind in _IN_BYTES.items()} | {BYTES: {str}}

Array = NDArray[np.generic]
Values = Array | list[Any]


@dataclass(frozen=True)
class Tensor:
    """Values in row-major order: texts, or numbers in an array; with a null they are a list."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Values


class BinaryTail:
    """What follows the JSON of a request: the bytes of its binary tensors, in their order."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int, name: str) -> bytes:
        """The next `size` bytes. Raises UsageError where there are fewer."""
        found = self._data[self._at : self._at + size]
        self._at += size
        if len(found) < size:
            raise UsageError(f"input {name} promises {size} bytes, {len(found)} are left")
        return found

    def demand_empty(self) -> None:
        """Insist that all of it was taken. Raises UsageError."""
        if self._at != len(self._data):
            raise UsageError(f"{len(self._data) - self._at} bytes belong to no input")


def read_tensor(given: object, tail: BinaryTail) -> Tensor:
    """One of a request's inputs. Raises UsageError for what is no tensor."""
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise UsageError("an input is an object with a name, a shape and a datatype")
    name, shape, datatype = given["name"], given.get("shape"), given.get("datatype")
    if datatype not in [BYTES, *DATATYPES]:  # a list, since what JSON holds may have no hash
        raise UsageError(f"input {name} has no datatype of {[BYTES, *DATATYPES]}, but {datatype!r}")
    if not _is_shape(shape):
        raise UsageError(f"input {name} has no shape, but {shape!r:.60}")
    size = _parameters(given, name).get(BINARY_SIZE)
    if size is None:
        values = _values_in_json(given.get("data"), name, datatype, len(shape))
    elif type(size) is int and size >= 0:
        values = _values_in_bytes(tail.take(size, name), name, datatype)
    else:
        raise UsageError(f"input {name}: {BINARY_SIZE} is {size!r:.60}")
    if len(values) != math.prod(shape):
        raise UsageError(f"input {name} has {len(values)} values, its shape {shape} means others")
    return Tensor(name, datatype, tuple(shape), values)


def _is_shape(shape: object) -> TypeGuard[list[int]]:
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS:
        return False
    return all(type(n) is int and 0 <= n < LONGEST for n in shape)


def _parameters(given: Mapping[str, object], name: str) -> Mapping[str, object]:
    parameters = given.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise UsageError(f"input {name}: its parameters are no object")
    return parameters


def _values_in_json(data: object, name: str, datatype: str, dimensions: int) -> Values:
    if not isinstance(data, list):
        raise UsageError(f"input {name} has no data")
    for _ in range(1, dimensions):
        if data and type(data[0]) is list:
            if not all(type(row) is list for row in data):
                raise UsageError(f"input {name}: its data is neither flat nor nested")
            data = list(chain.from_iterable(data))
    kinds = set(map(type, data))
    has_nulls = type(None) in kinds
    if not kinds - {type(None)} <= _IN_JSON[datatype]:
        raise UsageError(f"input {name}: its data holds values that are no {datatype}")
    if datatype == BYTES or has_nulls:
        return data
    try:
        return cast("Array", np.array(data, DATATYPES[datatype]))
    except OverflowError as error:
        raise UsageError(f"input {name}: {error}") from error


def _values_in_bytes(data: bytes, name: str, datatype: str) -> Values:
    if datatype == BYTES:
        try:
            return _texts(data)
        except (struct.error, UnicodeDecodeError) as error:
            raise UsageError(f"input {name}: its bytes are no texts: {error}") from error
    kind = _IN_BYTES[datatype]
    if len(data) % kind.itemsize:
        raise UsageError(f"input {name}: {len(data)} bytes are no whole number of {datatype}")
    return np.frombuffer(data, kind)


def _texts(data: bytes) -> list[str]:
    """The texts of BYTES. Raises struct.error where a length leads beyond the end."""
    # One text to cut is quicker than many to decode; lengths below 128 are ASCII, too.
    whole = data.decode("ascii") if data.isascii() else None
    texts: list[str] = []
    at, size, length_at = 0, _LENGTH.size, _LENGTH.unpack_from
    while at < len(data):
        start = at + size
        at = start + length_at(data, at)[0]
        texts.append(str(data[start:at], "utf-8") if whole is None else whole[start:at])
    if at > len(data):
        raise struct.error(f"the last one ends {at - len(data)} bytes too late")
    return texts


def tensor_bytes(values: Array | Sequence[str]) -> bytes:
    """Numbers [n] or texts [n] in binary."""
    if isinstance(values, np.ndarray):
        return values.astype(values.dtype.newbyteorder("<")).tobytes()
    encoded = [text.encode() for text in values]
    return b"".join(_LENGTH.pack(len(text)) + text for text in encoded)
