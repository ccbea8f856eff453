"""The client: a Package in memory, from raw values to probabilities.

    scorer = load(folder)
    scores = scorer.score({"user_id": 17, "video_id": [3, 5, 8], ...})

A scalar stands for every candidate of the request, so the user's columns need not be repeated.
"""

import os
from collections.abc import Mapping, Sequence, Sized
from pathlib import Path
from typing import Protocol, cast

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
    KeyedEncoder,
    category_encoder,
)
from secateur.serving.package import Contents
from secateur.serving.runtime import Runtime

Column = Sequence[object] | NDArray[np.generic] | object
Scores = NDArray[np.float32]
Ids = NDArray[np.int32]

_SCALARS = {str, bytes, int, float, bool, type(None)}


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
        ids = np.empty((_rows(columns), len(self.schema.fields)), np.int32)
        encoders = self._encoders if hashed else self._raw_encoders()
        for j, (field, encoder) in enumerate(zip(self.schema.fields, encoders, strict=True)):
            try:
                ids[:, j] = _column_ids(encoder, columns[field.name])
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

    def _raw_encoders(self) -> list[Encoder]:
        """The encoders, with those of hashed fields hashing first."""
        if not any(field.hashed for field in self.schema.categories):
            return self._encoders
        key = self._key()
        return [
            KeyedEncoder(encoder, key) if isinstance(encoder, HashedEncoder) else encoder
            for encoder in self._encoders
        ]

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


def _is_scalar(column: Column) -> bool:
    if type(column) in _SCALARS:  # the common ones, without a look at attributes
        return True
    return not hasattr(column, "__len__") or getattr(column, "ndim", 1) == 0


def _rows(columns: Mapping[str, Column]) -> int:
    """Number of candidates: the length of every column that is no scalar."""
    lengths = {name: len(cast("Sized", c)) for name, c in columns.items() if not _is_scalar(c)}
    distinct = set(lengths.values())
    if len(distinct) > 1:
        raise UsageError(f"columns have different lengths: {lengths}")
    return distinct.pop() if distinct else 1


def _column_ids(encoder: Encoder, column: Column) -> Ids | int:
    """Ids [n] of a column; one id where it is constant, as a user's are in a request."""
    if _is_scalar(column):
        return encoder.id_of(column)
    # Arrays, and whatever imitates them, such as pandas' series, list Python's own values.
    values = (
        column.tolist() if hasattr(column, "tolist") else list(cast("Sequence[object]", column))
    )
    if values and values[0] == values[-1] and values.count(values[0]) == len(values):
        return encoder.id_of(values[0])
    return encoder.encode(values)
