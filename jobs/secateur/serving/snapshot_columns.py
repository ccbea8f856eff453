"""The columns of a request that its caller need not know: a snapshot has them, by ids.

What the caller gives wins. A key that no event had has counts of zero and the prior's rate; one
that is missing has nothing. Seconds since an event grow with the time since the snapshot; nothing
else changes until the next one.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timezone
from functools import lru_cache
from itertools import chain
from typing import cast

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.errors import ReleaseError, UsageError
from secateur.contracts.features import CounterMeaning, FeatureSchema
from secateur.contracts.releases import SnapshotColumn
from secateur.identity import hash_id
from secateur.serving.encoding.plain_columns import Table, plain_columns
from secateur.serving.encoding.raw_columns import Column, is_scalar, spelling, to_list
from secateur.serving.encoding.request_columns import Columns, no_plain_values
from secateur.serving.encoding.time_columns import TIME_MS
from secateur.snapshot.key_index import NO_KEY, Hashes, joined_key, key_hash
from secateur.snapshot.keyed_tables import KeyedTable, StoredSnapshot

Key = str | None
_HOUR_MS = 3_600_000


class SnapshotColumns:
    """Completes requests to one model. Safe to share between threads."""

    def __init__(
        self, stored: StoredSnapshot, schema: FeatureSchema, max_age_hours: float | None = None
    ) -> None:
        """Raises ReleaseError where the snapshot does not fit the model, or is older than that.

        Raises UsageError for an age that is no number from 0 on.
        """
        if max_age_hours is not None and not max_age_hours >= 0:
            raise UsageError(f"max_age_hours is a number from 0 on, not {max_age_hours}")
        self.stored, self.meaning = stored, stored.meaning
        self._tables = stored.tables
        self._schema = schema
        self._max_age_hours = max_age_hours
        self._keys = set(chain.from_iterable(self._tables))
        _demand_fit(stored, schema)
        self.demand_fresh()

    @property
    def age_hours(self) -> float:
        """Hours since the midnight that the snapshot speaks of."""
        return (time.time() * 1000 - self.meaning.as_of_ms) / _HOUR_MS

    def demand_fresh(self) -> None:
        """Raise ReleaseError where the snapshot is older than allowed."""
        if self._max_age_hours is not None and self.age_hours > self._max_age_hours:
            raise ReleaseError(
                f"the snapshot is {self.age_hours:.1f} hours old, "
                f"{self._max_age_hours:g} are allowed"
            )

    def complete(self, columns: Columns, wanted: Set[str], key: bytes | None) -> Columns:
        """The columns, and those of `wanted` that they lack and the snapshot has.

        Raw user ids are hashed with `key`; without one they are keyed hashes. Columns that are
        there for the snapshot alone, and not `wanted` by the model, are left out. Raises UsageError
        where a key is lacking, ReleaseError where the snapshot has grown too old.
        """
        self.demand_fresh()
        found = dict(columns)
        for keys, names in self._to_look_up(wanted - columns.keys(), columns.keys()):
            table = self._tables[keys]
            try:
                asked = _Asked.of(found, keys, self._spellers(key))
            except (TypeError, ValueError) as error:
                raise no_plain_values(", ".join(keys), error) from error
            places = table.places(asked.hashes)
            for column in table.table.columns:
                if column.name in names:
                    values = self._values(table, column, places, asked, columns.get(TIME_MS))
                    found[column.name] = values[0] if asked.is_one else values
        return {name: column for name, column in found.items() if self._is_read(name, wanted)}

    def ranked_items(self, columns: Columns | Table, items: Column) -> tuple[Columns, list[object]]:
        """A request's own columns, and the items to rank: those given, or in a column of it, or all
        that the snapshot knows.

        Raises UsageError for what is no column, and for items that are given twice.
        """
        name, plain = self.meaning.item, plain_columns(columns, self._schema)
        own = {key: column for key, column in plain.items() if key != name}
        if items is None:
            items = plain.get(name, self.stored.items)
        elif name in plain:
            raise UsageError(f"items are given, and so is the column {name}: give one of them")
        (column,) = plain_columns({name: items}, self._schema).values()
        return own, [column] if is_scalar(column) else to_list(column)

    def _to_look_up(
        self, lacking: Set[str], given: Set[str]
    ) -> Iterator[tuple[tuple[str, ...], Set[str]]]:
        """The tables to look into, in their order, with the columns to take from each."""
        needed = set(lacking)
        plan = []
        for keys, table in reversed([*self._tables.items()]):
            names = needed & _names(table) - set(keys)
            if names:
                needed |= set(keys) - given
                plan.append((keys, names))
        unknown = sorted(
            {key for keys, _ in plan for key in keys}.difference(
                given, *(names for _, names in plan)
            )
        )
        if unknown:
            raise UsageError(
                f"the request names no {unknown}, by which the snapshot finds the rest"
            )
        yield from reversed(plan)

    def _spellers(self, key: bytes | None) -> Mapping[str, Callable[[object], Key]]:
        """How the values of a key are spelled, where they are hashed."""

        def hash_of(value: object) -> Key:
            text = spelling(value)
            return text if text is None or key is None else hash_id(key, text)

        return {self.meaning.user: hash_of}

    def _values(
        self,
        table: KeyedTable,
        column: SnapshotColumn,
        places: NDArray[np.int64],
        asked: "_Asked",
        time_ms: Column,
    ) -> Sequence[object] | NDArray[np.float64]:
        """The values [n] of one column."""
        values = table.values(column.name, places)
        if not isinstance(values, np.ndarray):
            return cast("Sequence[object]", values)
        if column.unseen is not None:
            unseen = (places < 0) & (asked.hashes != NO_KEY)
            values = np.where(unseen, column.unseen, values)
        return values + self._seconds_since(time_ms) if column.ages else values

    def _seconds_since(self, time_ms: Column) -> NDArray[np.float64]:
        """Whole seconds from the snapshot to the request, float64 [1 or n]."""
        if time_ms is None:
            given: list[object] = [time.time() * 1000]
        else:
            given = [time_ms] if is_scalar(time_ms) else to_list(time_ms)
        passed = np.array([_milliseconds(one) for one in given]) - self.meaning.as_of_ms
        seconds: NDArray[np.float64] = np.floor(np.maximum(passed, 0) / 1000)
        return seconds

    def _is_read(self, name: str, wanted: Set[str]) -> bool:
        if name == TIME_MS:
            return bool(self._schema.times)
        return name in wanted or name not in self._keys


class _Asked:
    """What a request asks one table for: the hashes (int64 [n]) of its keys, `NO_KEY` for none.

    `is_one` where each of its columns is one value, and n is 1.
    """

    def __init__(self, hashes: Hashes, is_one: bool) -> None:
        self.hashes = hashes
        self.is_one = is_one

    @classmethod
    def of(
        cls,
        columns: Columns,
        keys: tuple[str, ...],
        spellers: Mapping[str, Callable[[object], Key]],
    ) -> "_Asked":
        """Of a request's columns. Raises UsageError where they differ in length."""
        is_one = all(is_scalar(columns[key]) for key in keys)
        if len(keys) == 1 and keys[0] not in spellers:
            return cls(_hashes_of(columns[keys[0]]), is_one)
        parts = [_spell_column(columns[key], spellers.get(key, spelling)) for key in keys]
        rows = max(map(len, parts))
        if {len(part) for part in parts} - {1, rows}:
            raise UsageError(f"columns {[*keys]} have different lengths")
        wide = [part * rows if len(part) < rows else part for part in parts]
        joined = map(_join_key, zip(*wide, strict=True)) if len(keys) > 1 else wide[0]
        return cls(np.fromiter(map(key_hash, joined), np.int64, rows), is_one)


def _hashes_of(column: Column) -> Hashes:
    values = [column] if is_scalar(column) else to_list(column)
    try:
        return np.fromiter(map(_hash_of_value, values), np.int64, len(values))
    except TypeError:  # what has no hash of Python's is no key that is remembered
        return np.fromiter((key_hash(spelling(one)) for one in values), np.int64, len(values))


# By type too: a float32 equals a double that is spelled otherwise.
@lru_cache(maxsize=1 << 16, typed=True)
def _hash_of_value(value: object) -> int:
    return key_hash(spelling(value))


def _spell_column(column: Column, spell: Callable[[object], Key]) -> list[Key]:
    if is_scalar(column):
        return [spell(column)]
    return list(map(spell, to_list(column)))


def _join_key(parts: Sequence[Key]) -> Key:
    there = [part for part in parts if part is not None]
    return joined_key(there) if len(there) == len(parts) else None


def _names(table: KeyedTable) -> set[str]:
    return {column.name for column in table.table.columns}


def _milliseconds(value: object) -> float:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return aware.timestamp() * 1000
    return float(value)  # type: ignore[arg-type]


def _demand_fit(stored: StoredSnapshot, schema: FeatureSchema) -> None:
    """Insist that the snapshot means by every input what the model learned. Raises ReleaseError."""
    meaning = stored.meaning
    if (meaning.scenario, meaning.id_key) != (schema.scenario, schema.id_key):
        raise ReleaseError(
            f"the snapshot is of {meaning.scenario} with id key {meaning.id_key}, "
            f"the model of {schema.scenario} with {schema.id_key}"
        )
    counted = _counters_by_input(meaning.counters)
    for name, (measure, learned) in _counters_by_input(schema.counters).items():
        if name in counted and counted[name] != (measure, learned):
            raise ReleaseError(
                f"the snapshot counts {name} otherwise than the model: {counted[name][1]}, "
                f"not {learned}"
            )


def _counters_by_input(
    counters: Sequence[CounterMeaning],
) -> dict[str, tuple[str, dict[str, object]]]:
    """By input its measure, and all else that its counter means."""
    return {
        name: (measure, {key: value for key, value in vars(one).items() if key != "inputs"})
        for one in counters
        for measure, name in one.inputs.items()
    }
