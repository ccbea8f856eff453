"""The columns of a request: which they must be, how many candidates they speak of, their ids."""

from collections.abc import Iterator, Mapping, Sequence, Set, Sized
from difflib import get_close_matches
from typing import cast

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import UsageError
from secateur.contracts.features import BucketField, CategoryField
from secateur.encoding.numbers import number_of
from secateur.serving.encoding.buckets import Buckets
from secateur.serving.encoding.encoders import FieldEncoder
from secateur.serving.encoding.number_encoder import numbers_of
from secateur.serving.encoding.raw_columns import MANY, Column, is_scalar, single, values_of

Ids = NDArray[np.int32]
Columns = Mapping[str, Column]
Encoders = Mapping[str, FieldEncoder]


def select_columns(expected: Set[str], unread: Sequence[str], columns: Columns) -> Columns:
    """The columns, one a field, without those that pruning left unread. Raises UsageError."""
    if columns.keys() == expected:
        return columns
    missing = sorted(expected - columns.keys())
    unknown = sorted(map(str, columns.keys() - expected - set(unread)))
    if missing or unknown:
        raise UsageError(
            f"columns do not fit the model: missing {missing}, unknown {unknown}"
            + "".join(f"; {name!r} may be {near!r}" for name, near in _nearest(unknown, expected))
        )
    return {name: columns[name] for name in expected}


def _nearest(unknown: Sequence[str], expected: Set[str]) -> Iterator[tuple[str, str]]:
    """The names that were probably meant."""
    by_lower = {name.lower(): name for name in sorted(expected)}
    for name in unknown:
        for found in get_close_matches(name.lower(), by_lower, n=1):
            yield name, by_lower[found]


def candidates(columns: Columns, rows: Mapping[str, Sized]) -> int:
    """Number of candidates: the length of every column that does not stand for all of them.

    `rows` are the read columns of lists and vectors, of which a single row stands for all.
    """
    lengths = {
        name: len(cast("Sized", column))
        for name, column in columns.items()
        if not is_scalar(column) and name not in rows
    }
    lengths |= {name: len(many) for name, many in rows.items() if len(many) != 1}
    distinct = set(lengths.values())
    if len(distinct) > 1:
        raise UsageError(f"columns have different lengths: {lengths}")
    return distinct.pop() if distinct else 1


class IdColumns:
    """The fields whose ids are one input of the model: a request's own, or its candidates'."""

    def __init__(self, fields: Sequence[CategoryField | BucketField]) -> None:
        self._names = [field.name for field in fields]
        buckets = [field for field in fields if isinstance(field, BucketField)]
        self._categories = self._names[: len(fields) - len(buckets)]  # they come first
        self._bucketed = [field.name for field in buckets]
        self._buckets = Buckets([field.boundaries for field in buckets])

    def shared_ids(self, columns: Columns, encoders: Encoders) -> Ids | None:
        """Int32 ids [1, fields] where every column says one value, else None."""
        ids, name = [], ""
        try:
            for name in self._names:
                value = single(columns[name])
                if value is MANY:
                    return None
                ids.append(encoders[name].id_of(value))
        except (TypeError, ValueError) as error:
            raise no_plain_values(name, error) from error
        return np.array([ids], np.int32)

    def ids_by_row(self, columns: Columns, encoders: Encoders, rows: int) -> Ids:
        """Int32 ids [rows, fields]."""
        ids = np.empty((rows, len(self._names)), np.int32)
        numbers, name = np.empty((len(self._bucketed), rows)), ""
        try:
            for j, name in enumerate(self._categories):
                encoder, column = encoders[name], columns[name]
                value = single(column)
                is_one = value is not MANY  # one id for all
                ids[:, j] = encoder.id_of(value) if is_one else encoder.encode(values_of(column))
            for j, name in enumerate(self._bucketed):
                column = columns[name]
                is_one = is_scalar(column)
                numbers[j] = number_of(column) if is_one else numbers_of(values_of(column))
        except (TypeError, ValueError) as error:
            raise no_plain_values(name, error) from error
        if self._bucketed:
            ids[:, len(self._categories) :] = self._buckets.ids(numbers).T
        return ids


def no_plain_values(name: str, error: Exception) -> UsageError:
    """The complaint about a column that Python cannot read as plain values."""
    return UsageError(f"column {name} holds no plain values: {error}")
