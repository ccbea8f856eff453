"""The packed vocabulary: the values of every category and list, in the order of their ids.

The header maps each plain field to its list of values; a list that shares a category's is not in
it. The payload holds the hashed fields, in
the schema's order: 8 bytes a keyed hash, big endian. A field of size S has S - 1 values; the
last id is OOV.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.features import CategoryField, FeatureSchema, ListField
from secateur.serving import packing

Values = Sequence[str] | NDArray[np.uint64]

HASH_BYTES = 8
_HASH = np.dtype(">u8")


def pack_vocabulary(schema: FeatureSchema, values: Mapping[str, Sequence[str]]) -> bytes:
    """Pack for `vocabulary.zst`. `values[field]` has `size - 1` values, hashes as hex."""
    plain = {f.name: list(values[f.name]) for f in _plain_fields(schema)}
    hashed = (values[f.name] for f in schema.categories if f.hashed)
    return packing.pack(plain, b"".join(bytes.fromhex(v) for field in hashed for v in field))


def unpack_vocabulary(data: bytes, schema: FeatureSchema, where: str) -> dict[str, Values]:
    """Give each field's values: text, or hashes as uint64. Raises CorruptArtifact."""
    header, payload = packing.unpack(data, where)
    hashed = [field for field in schema.categories if field.hashed]
    expected = HASH_BYTES * sum(field.oov for field in hashed)
    if len(payload) != expected:
        raise CorruptArtifact(f"{where}: {len(payload)} bytes of hashes, expected {expected}")
    values: dict[str, Values] = {
        f.name: _plain(header.get(f.name), f, where) for f in _plain_fields(schema)
    }
    start = 0
    for field in hashed:
        found = np.frombuffer(payload, _HASH, field.oov, start).astype(np.uint64)
        values[field.name] = found
        start += found.nbytes
    return values


def _plain_fields(schema: FeatureSchema) -> list[CategoryField | ListField]:
    return [*(field for field in schema.categories if not field.hashed), *schema.own_lists]


def _plain(found: object, field: CategoryField | ListField, where: str) -> list[str]:
    if not isinstance(found, list) or len(found) != field.oov:
        raise CorruptArtifact(f"{where}: {field.name} has not the {field.oov} values promised")
    if not all(isinstance(value, str) for value in found):
        raise CorruptArtifact(f"{where}: {field.name} holds values that are no text")
    return found
