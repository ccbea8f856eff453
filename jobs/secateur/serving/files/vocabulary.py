"""The packed vocabulary: the values of every category and list, in the order of their ids.

A field of size S has S - 1 values; the last id is OOV. A list that shares a category's values has
none of its own. There are two forms:

    1   By frequency, as the FeatureSet has them. The header maps each plain field to its list of
        values; the payload holds the hashed fields, in the schema's order: 8 bytes a keyed hash,
        big endian.
    2   In ascending runs, the frequent values first, stored by their gaps (see `golomb_rice`): the
        header's `fields` say of each how many values its `runs` have, and hold the values of texts;
        whole numbers, behind a `prefix` that all share, numbers of so many `hex` digits, and the
        first `bits` of keyed hashes lie in the payload, in the schema's order.

Of a hash the second form keeps as few bits as tell all values apart and take an unknown one for a
known one with a probability of at most `FALSE_MATCH`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.features import CategoryField, FeatureSchema, ListField
from secateur.serving.files import compression, golomb_rice

FALSE_MATCH = 1e-4
HASH_BITS = 64

_HASH = np.dtype(">u8")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{1,15}", re.ASCII)
_Field = CategoryField | ListField


@dataclass(frozen=True, eq=False)
class Hashes:
    """The first `bits` of keyed hashes, uint64 [n]."""

    prefixes: NDArray[np.uint64]
    bits: int = HASH_BITS


Values = Sequence[str] | Hashes


@dataclass(frozen=True)
class Run:
    """How one field of the second form is stored: as `texts`, whole numbers or hashes.

    Hashes that begin alike in more bits than `golomb_rice` takes, as made-up ones do, are texts.
    `runs` are the lengths of its ascending runs. Of numbers `prefix` goes before each, or all have
    so many `hex` digits, as anonymised logs do; of hashes `bits` are kept; `rice` and `unary` are
    what `golomb_rice.pack_gaps` gave.
    """

    runs: tuple[int, ...]
    texts: tuple[str, ...] | None = None
    prefix: str = ""
    hex: int = 0
    bits: int = 0
    rice: int = 0
    unary: int = 0


def pack_vocabulary(schema: FeatureSchema, values: Mapping[str, Sequence[str]]) -> bytes:
    """Pack in the first form. `values[field]` has `size - 1` values, hashes as hex."""
    plain = {f.name: list(values[f.name]) for f in schema.vocabularies if not _is_hashed(f)}
    hashed = (values[f.name] for f in schema.vocabularies if _is_hashed(f))
    return compression.pack(plain, b"".join(bytes.fromhex(v) for field in hashed for v in field))


def ascending_order(field: _Field, values: Sequence[str], frequent: int) -> NDArray[np.int64]:
    """Places of `values` [n] in the second form's order: a run of the `frequent`, one of others."""
    key = _as_numbers(values, hashed=_is_hashed(field))[-1]
    if key is None:
        key = np.unique(np.array(values, object), return_inverse=True)[1].astype(np.uint64)
    runs = np.split(np.arange(len(values)), [frequent])
    return np.concatenate([run[np.argsort(key[run], kind="stable")] for run in runs])


def pack_ascending(
    schema: FeatureSchema, values: Mapping[str, Sequence[str]], frequent: Mapping[str, int]
) -> bytes:
    """Pack in the second form what lies in `ascending_order`."""
    fields, payload = {}, b""
    for field in schema.vocabularies:
        known = values[field.name]
        runs = (frequent[field.name], len(known) - frequent[field.name])
        run, stored = _run(known, runs, hashed=_is_hashed(field))
        fields[field.name] = {
            name: v for name, v in record.plain(run).items() if v not in (None, "", 0)
        }
        payload += stored
    return compression.pack({"form": 2, "fields": fields}, payload)


def unpack_vocabulary(data: bytes, schema: FeatureSchema, where: str) -> dict[str, Values]:
    """Give each field's values: text, or hashes as uint64. Raises CorruptArtifact."""
    header, payload = compression.unpack(data, where)
    form, values = compression.form_of(header, where), dict[str, Values]()
    for field in schema.vocabularies:
        here = f"{where}: {field.name}"
        try:
            if form == 2:
                values[field.name], payload = _of_run(header, payload, field, here)
            elif _is_hashed(field):
                hashes = np.frombuffer(payload, _HASH, field.oov).astype(np.uint64)
                values[field.name], payload = Hashes(hashes), payload[hashes.nbytes :]
            else:
                values[field.name] = _of_texts(header.get(field.name), field, here)
        except (ValueError, KeyError, AttributeError, OverflowError) as error:
            raise CorruptArtifact(f"{here}: {error}") from error
    if len(payload):
        raise CorruptArtifact(f"{where}: {len(payload)} bytes more than its fields have")
    return values


def _is_hashed(field: _Field) -> bool:
    return isinstance(field, CategoryField) and field.hashed


def _run(values: Sequence[str], runs: tuple[int, ...], *, hashed: bool) -> tuple[Run, bytes]:
    prefix, digits, numbers = _as_numbers(values, hashed=hashed)
    bits = _bits(numbers) if hashed and numbers is not None else 0
    if numbers is None or bits > golomb_rice.LARGEST_BITS:
        return Run(runs, tuple(values)), b""
    kept = numbers >> np.uint64(HASH_BITS - bits) if hashed else numbers
    rice, unary, stored = golomb_rice.pack_gaps(kept.astype(np.int64), runs)
    return Run(runs, None, prefix, digits, bits, rice, unary), stored


def _bits(hashes: NDArray[np.uint64]) -> int:
    """How many bits of these hashes [n] are kept."""
    bits = max(1, math.ceil(math.log2(max(1, len(hashes)) / FALSE_MATCH)))
    while len(np.unique(hashes >> np.uint64(HASH_BITS - bits))) < len(hashes):
        bits += 1
    return bits


def _as_numbers(
    values: Sequence[str], *, hashed: bool
) -> tuple[str, int, NDArray[np.uint64] | None]:
    """A prefix that all share, or the count of hexadecimal digits, and numbers (uint64 [n]).

    None for the numbers where some values are none.
    """
    if hashed:
        return "", 0, _hash_numbers(values)
    prefix = values[0].rstrip("0123456789") if len(values) else ""
    rests = [value[len(prefix) :] for value in values if value.startswith(prefix)]
    if len(rests) == len(values) and all(map(_WHOLE.fullmatch, rests)):
        return prefix, 0, np.array(list(map(int, rests)), np.uint64)
    digits = len(values[0])
    if all(len(value) == digits and _HEX.fullmatch(value) for value in values):
        return "", digits, _hash_numbers(values)
    return "", 0, None


def _hash_numbers(values: Sequence[str]) -> NDArray[np.uint64]:
    return np.array([int(value, 16) for value in values], np.uint64)


def _of_run(
    header: dict[str, Any], payload: memoryview, field: _Field, where: str
) -> tuple[Values, memoryview]:
    run: Run = record.from_plain(Run, header["fields"].get(field.name), where)
    if any(length < 0 for length in run.runs) or sum(run.runs) != field.oov:
        raise ValueError(f"has not the {field.oov} values promised")
    if run.texts is not None:
        texts = _of_texts(list(run.texts), field, where)
        hashed = _is_hashed(field)
        return Hashes(_hash_numbers(texts)) if hashed else texts, payload
    end = golomb_rice.size(run.runs, run.rice, run.unary)
    numbers = golomb_rice.unpack_gaps(payload[:end], run.runs, run.rice, run.unary)
    if not _is_hashed(field):
        return _texts_of(run, numbers), payload[end:]
    if not 0 < run.bits <= golomb_rice.LARGEST_BITS or (numbers >> run.bits).any():
        raise ValueError(f"hashes are not of {run.bits} bits")
    return Hashes(numbers.astype(np.uint64), run.bits), payload[end:]


def _texts_of(run: Run, numbers: NDArray[np.int64]) -> list[str]:
    """The values that numbers [n] were packed from. Raises ValueError for too many digits."""
    if not run.hex:
        return [f"{run.prefix}{number}" for number in numbers.tolist()]
    if not 0 < run.hex < HASH_BITS // 4 or (numbers >> 4 * run.hex).any():
        raise ValueError(f"numbers have not {run.hex} hexadecimal digits")
    return [f"{number:0{run.hex}x}" for number in numbers.tolist()]


def _of_texts(found: object, field: _Field, where: str) -> list[str]:
    """The header's own list of values. Raises CorruptArtifact where it is none of the field's."""
    if not isinstance(found, list) or len(found) != field.oov:
        raise CorruptArtifact(f"{where} has not the {field.oov} values promised")
    if not all(isinstance(value, str) for value in found):
        raise CorruptArtifact(f"{where} holds values that are no text")
    return found
