"""The first requests of the day that follows: what a snapshot is asked, in the form of events.

For every combination of keys that an event had, its last event is asked again at the midnight that
ends the window; and so is every user and item that only a side table knows. They have no label, so
they are counted nowhere, and what the night knows before them is made by the code that makes it
for every event.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.artifact_files import part_name
from secateur.contracts.data import HISTORY_ONLY
from secateur.contracts.features import LABEL_PREFIX
from secateur.features.days.arrow_days import ROWS_A_GROUP, text_of, write
from secateur.features.days.event_window import ROW, EventWindow
from secateur.features.snapshot.inputs_by_key import KeyedInputs
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named, write_one

_EVENT, _ORDER, _LAST = (f"{INTERNAL}{name}" for name in ("event", "order", "last"))
_OUTCOMES = ("label", HISTORY_ONLY)


def write_next_requests(
    window: EventWindow, inputs: Sequence[KeyedInputs], day: str, at_ms: int, folder: Path
) -> Path:
    """Write the requests of `day`, at the millisecond `at_ms`, as one file of events.

    They stand in the order of the events that they are made of, after those that have none.
    """
    events = _in_order(window)
    last = reduce(DataFrame.unionByName, (_last_events(events, one.keys) for one in inputs))
    asked = last.dropDuplicates([_ORDER]).select(_ORDER, F.col(f"{_EVENT}.*"))
    file = write_one(asked, [_ORDER], folder / "asked")
    given = {"day": day, "time_ms": at_ms}
    target = folder / part_name(0)
    write(
        target,
        chain(_requests_without_events(window, file, given), _repeat_events(window, file, given)),
    )
    return target


def _in_order(window: EventWindow) -> DataFrame:
    """The events with their own columns as one struct, and their place in time as another."""
    own = F.struct(*map(column_named, window.own_schema.names))
    return window.rows(window.days).withColumns(
        {_ORDER: F.struct("time_ms", "day", ROW), _EVENT: own}
    )


def _last_events(events: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The last event of each combination of keys, none of which is missing."""
    whole = reduce(Column.__and__, (column_named(key).isNotNull() for key in keys))
    last = F.max_by(F.struct(_ORDER, _EVENT), F.col(_ORDER)).alias(_LAST)
    found = events.where(whole).groupBy(*map(column_named, keys)).agg(last)
    return found.select(f"{_LAST}.{_ORDER}", f"{_LAST}.{_EVENT}")


def _requests_without_events(
    window: EventWindow, asked: Path, given: Mapping[str, Any]
) -> Iterator[pa.Table]:
    """A request [n] for each user and item that stands in a side table, but not in `asked`."""
    for side in window.sides:
        if side.key in (window.logs.user, window.logs.item):
            keys = [pq.ParquetFile(file).read([side.key])[side.key] for file in side.files]
            known = pc.unique(pa.chunked_array([chunk for one in keys for chunk in one.chunks]))
            seen = text_of(pq.ParquetFile(asked).read([side.key])[side.key])
            unseen = known.filter(pc.invert(pc.is_in(known, value_set=seen))).drop_null()
            yield _request({side.key: unseen.sort()}, len(unseen), window.own_schema, given)


def _repeat_events(
    window: EventWindow, asked: Path, given: Mapping[str, Any]
) -> Iterator[pa.Table]:
    """The events of a file as requests [n]: nobody knows how they end."""
    names = [name for name in window.own_schema.names if not _is_outcome(name)]
    for batch in pq.ParquetFile(asked).iter_batches(ROWS_A_GROUP, columns=names):
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        yield _request(columns, len(batch), window.own_schema, given)


def _request(
    columns: Mapping[str, pa.Array], rows: int, schema: pa.Schema, given: Mapping[str, Any]
) -> pa.Table:
    """Events [rows] with these columns and the `given` values; all others are missing."""
    made = {name: pa.array([value] * rows) for name, value in given.items()}
    of_schema = [
        {**columns, **made}.get(field.name, pa.nulls(rows)).cast(field.type) for field in schema
    ]
    return pa.table(of_schema, schema=schema)


def _is_outcome(name: str) -> bool:
    return name in _OUTCOMES or name.startswith(LABEL_PREFIX)
