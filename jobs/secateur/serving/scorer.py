"""The client: a Package in memory, from raw values to probabilities.

    scorer = load(folder)
    scores = scorer.score({"user_id": 17, "video_id": [3, 5, 8], ...})

A scalar stands for every candidate of the request, so the user's columns need not be repeated.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import BucketField, FeatureSchema
from secateur.identity import ID_KEY, fingerprint
from secateur.serving import golden, package
from secateur.serving.encoding import (
    BucketEncoder,
    Encoder,
    HashedEncoder,
    category_encoder,
    keyed_hash,
)
from secateur.serving.package import Contents
from secateur.serving.runtime import Runtime

Column = Sequence[object] | NDArray[np.generic] | object
Scores = NDArray[np.float32]
Ids = NDArray[np.int32]


@dataclass(frozen=True)
class Scalar:
    """One value for all candidates."""

    value: object


class HasFolder(Protocol):
    """A pulled release: its verified files lie in `folder`."""

    @property
    def folder(self) -> Path:
        """Where `model.onnx` and the rest lie."""


def load(
    release_or_folder: HasFolder | Path, *, id_key: bytes | None = None, threads: int = 1
) -> "Scorer":
    """Load a Package and see that it scores its golden rows as it did when it was made.

    `id_key` hashes raw user ids; without it the environment's SECATEUR_ID_KEY does. Raises
    CorruptArtifact for a damaged file, ReleaseError when the golden scores differ.
    """
    given = release_or_folder
    folder = given if isinstance(given, Path) else given.folder
    scorer = Scorer(package.read(folder), id_key=id_key, threads=threads)
    golden.check(scorer, folder)
    return scorer


class Scorer:
    """Encode raw values and score them. Safe to share between threads."""

    def __init__(
        self, contents: Contents, *, id_key: bytes | None = None, threads: int = 1
    ) -> None:
        self.schema = contents.schema
        self._id_key = id_key
        self._encoders = _encoders(contents)
        self._hashes_users = any(field.hashed for field in self.schema.categories)
        self._runtime = Runtime(contents, threads)

    def score(self, columns: Mapping[str, Column], *, hashed: bool = False) -> Scores:
        """Float32 probabilities [n] of n candidates given as one column a field.

        A column is a sequence or array [n] of raw values, or a scalar that stands for all n.
        With `hashed` the user column already holds keyed hashes. Raises UsageError for a missing
        or unknown column, for unequal lengths, and for a key that is not the training's.
        """
        return self.score_ids(self.encode(columns, hashed=hashed))

    def encode(self, columns: Mapping[str, Column], *, hashed: bool = False) -> Ids:
        """Int32 ids [n, fields] of raw values; see `score`."""
        _check_names(self.schema, columns)
        values = {name: _values(column) for name, column in columns.items()}
        ids = np.empty((_rows(values), len(self.schema.fields)), np.int32)
        key = None if hashed or not self._hashes_users else self._key()
        for j, (field, encoder) in enumerate(zip(self.schema.fields, self._encoders, strict=True)):
            try:
                ids[:, j] = _column_ids(encoder, values[field.name], key)
            except (TypeError, ValueError) as error:
                raise UsageError(f"column {field.name} holds no plain values: {error}") from error
        return ids

    def score_ids(self, ids: Ids) -> Scores:
        """Float32 probabilities [n] of feature ids [n, fields]; ids not held are OOV."""
        fields = len(self.schema.fields)
        if ids.ndim != 2 or ids.shape[1] != fields:
            raise UsageError(f"ids have shape {ids.shape}, expected [n, {fields}]")
        return self._runtime.run(ids)

    @property
    def resident_bytes(self) -> int:
        """Bytes in memory: weights, table and vocabulary, without the libraries' own."""
        return self._runtime.resident_bytes + sum(e.resident_bytes for e in self._encoders)

    def _key(self) -> bytes:
        key = self._id_key or os.environ.get(ID_KEY, "").encode()
        if not key:
            raise UsageError(f"raw user ids need the key that hashed them: give id_key or {ID_KEY}")
        if fingerprint(key) != self.schema.id_key:
            raise UsageError(
                f"the id key's fingerprint is {fingerprint(key)}, "
                f"this model was trained with {self.schema.id_key}"
            )
        return key


def _encoders(contents: Contents) -> list[Encoder]:
    return [
        BucketEncoder(field)
        if isinstance(field, BucketField)
        else category_encoder(contents.vocabulary[field.name])
        for field in contents.schema.fields
    ]


def _check_names(schema: FeatureSchema, columns: Mapping[str, Column]) -> None:
    expected = {field.name for field in schema.fields}
    missing, unknown = sorted(expected - columns.keys()), sorted(columns.keys() - expected)
    if missing or unknown:
        raise UsageError(f"columns do not fit the model: missing {missing}, unknown {unknown}")


def _values(column: Column) -> list[object] | Scalar:
    """A column as a list, or the scalar that stands for one."""
    if hasattr(column, "tolist"):  # arrays, and whatever imitates them, such as pandas' series
        column = column.tolist()
    if isinstance(column, Sequence) and not isinstance(column, str | bytes):
        return list(column)
    return Scalar(column)


def _rows(columns: Mapping[str, list[object] | Scalar]) -> int:
    """Number of candidates: the length of every column that is no scalar."""
    lengths = {name: len(c) for name, c in columns.items() if isinstance(c, list)}
    distinct = set(lengths.values())
    if len(distinct) > 1:
        raise UsageError(f"columns have different lengths: {lengths}")
    return distinct.pop() if distinct else 1


def _column_ids(encoder: Encoder, column: list[object] | Scalar, key: bytes | None) -> Ids | int:
    """Ids [n] of a column; one id where it is constant, as a user's are in a request."""
    values = [column.value] if isinstance(column, Scalar) else column
    constant = bool(values) and values[0] == values[-1] and values.count(values[0]) == len(values)
    if constant:
        values = values[:1]
    if key is not None and isinstance(encoder, HashedEncoder):
        values = _keyed_hashes(values, key)
    return encoder.id_of(values[0]) if constant else encoder.encode(values)


def _keyed_hashes(values: list[object], key: bytes) -> list[object]:
    known = {value: keyed_hash(value, key) for value in set(values)}
    return [known[value] for value in values]
