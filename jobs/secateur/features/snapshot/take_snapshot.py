"""From an EventSet's files to a snapshot's: the window, and a day of requests after it."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secateur.contracts.features import CounterMeasure
from secateur.contracts.releases import FeatureSnapshot, SnapshotColumn, SnapshotTable
from secateur.features.days.arrow_days import AlignedRows, Day, on_days, text_of
from secateur.features.days.event_window import ROW, EventWindow
from secateur.features.history.counters import CountBefore, smoothed_rate
from secateur.features.history.daily_counts import CountDay, key_of
from secateur.features.history.kept_counts import DailyCounts
from secateur.features.history.prior_counts import Series, Sums
from secateur.features.history.recency import Recent, look_back, side_by_side
from secateur.features.history.sessions import Sessions
from secateur.features.history.user_history import history
from secateur.features.schema import counter_meaning
from secateur.features.snapshot.few_events import Flags, Withheld
from secateur.features.snapshot.inputs_by_key import (
    KeyedInputs,
    inputs_by_key,
    kept_counters,
    kept_histories,
)
from secateur.features.snapshot.next_requests import write_next_requests
from secateur.local_days import ONE_DAY, midnight_ms
from secateur.scenario import Counter, Features
from secateur.snapshot.keyed_tables import Values, table_folder, write_table
from secateur.snapshot.packed_columns import Numbers
from secateur.spark import write_days

_RATE_UNIT = 10_000.0  # rates have 4 decimals


@dataclass(frozen=True)
class Ahead:
    """The window with the day after it, whose events are the requests that a snapshot answers."""

    window: EventWindow
    counts: DailyCounts
    features: Features
    day: Day
    scratch: Path

    @classmethod
    def of(
        cls,
        counts: DailyCounts,
        features: Features,
        inputs: Sequence[KeyedInputs],
        scratch: Path,
    ) -> "Ahead":
        """Write the requests of the day after the last of the window."""
        window = counts.window
        day = date.fromisoformat(window.days[-1]) + ONE_DAY
        at_ms = midnight_ms(day, window.logs.timezone)
        file = write_next_requests(window, inputs, str(day), at_ms, scratch)
        longer = replace(window, files={**window.files, str(day): (file,)})
        asked = longer.day(str(day))
        count = CountDay(features, window.logs, scratch / "counted")
        on_days(window.spark, [asked], count)
        files = {**counts.files, asked.name: count.file(asked)}
        return cls(longer, replace(counts, files=files), features, asked, scratch)

    def rows(self, columns: set[str]) -> pa.Table:
        """These columns of the requests [n], with what is counted and remembered before them."""
        table = pa.concat_tables(self.day.tables(columns))
        made = [AlignedRows(file, names).take(len(table)) for file, names in self._files_made()]
        return reduce(side_by_side, made, table)

    def _files_made(self) -> Iterator[tuple[Path, list[str]]]:
        """Files with a row a request, and the columns to read of each."""
        counters, specs = kept_counters(self.features), list(kept_histories(self.features))
        if counters:
            names = [field.name for counter in counters for field in counter.fields]
            yield self._count(counters), names
        if specs:
            events = self.window.rows(self.window.days)
            sessions = Sessions.of(self.features, self.window.logs)
            parts = (history(events, spec, sessions) for spec in specs)
            known = reduce(lambda left, right: left.join(right, ["day", ROW]), parts)
            asked = known.where(known["day"] == self.day.name).repartition("day")
            files = write_days(asked, [ROW], self.scratch / "histories")
            yield files[self.day.name], [name for spec in specs for name in spec.inputs]

    def _count(self, counters: Sequence[Counter]) -> Path:
        """The file of the counters' fields."""
        summed = (counter for counter in counters if not counter.of_single_events)
        series = tuple(dict.fromkeys(map(Series.of, summed)))
        sums = Sums(series, (), self.window.days, (), self.scratch / "sums")
        sums.write(self.counts.frame(), self.counts.rows)
        sessions = Sessions.of(self.features, self.window.logs)
        recent = Recent(counters, sessions, self.scratch / "recent")
        if recent.groups:
            look_back(recent, self.window.rows(self.window.days), self.window.size)
        folder = self.scratch / "counters"
        count = CountBefore(counters, self.window.logs, sums, {}, recent, folder)
        on_days(self.window.spark, [self.day], count)
        return count.file(self.day)


def take_snapshot(
    counts: DailyCounts, features: Features, scenario: str, id_key: str, folder: Path
) -> FeatureSnapshot:
    """Write the tables of a snapshot as of the end of the window below `folder`."""
    window = counts.window
    inputs = inputs_by_key(features, window.logs, window.sides)
    with tempfile.TemporaryDirectory(prefix="secateur-", dir=folder.parent) as scratch:
        ahead = Ahead.of(counts, features, inputs, Path(scratch))
        rows = ahead.rows({name for one in inputs for name in (*one.keys, *one.columns)})
        tables = tuple(
            _write(rows, one, Withheld.of(window, features, one), table_folder(folder, number))
            for number, one in enumerate(inputs)
        )
    return FeatureSnapshot(
        scenario=scenario,
        last_day=window.days[-1],
        as_of_ms=midnight_ms(date.fromisoformat(ahead.day.name), window.logs.timezone),
        id_key=id_key,
        user=window.logs.user,
        item=window.logs.item,
        counters=tuple(
            counter_meaning(counter, features, window.logs.window_days)
            for counter in features.counters
        ),
        tables=tables,
        min_events=features.snapshot_min_events,
    )


def _write(rows: pa.Table, inputs: KeyedInputs, withheld: Withheld, folder: Path) -> SnapshotTable:
    """Write one table: of the requests `rows` [n] with a key the last one each."""
    keys = key_of([text_of(rows[key]) for key in inputs.keys])
    encoded = keys.dictionary_encode()
    there = np.flatnonzero(encoded.is_valid().to_numpy(zero_copy_only=False))
    last = np.zeros(len(encoded.dictionary), np.int64)
    last[encoded.indices.take(pa.array(there)).to_numpy()] = there  # of a key's the last one stays
    kept, counted = withheld.split(encoded.dictionary)
    found = rows.take(pa.array(last[kept]))
    columns = [
        (column, _only_counted(_values(found[column.name], column), column, counted[kept]))
        for column in _columns(rows, inputs)
    ]
    write_table(folder, encoded.dictionary.filter(pa.array(kept)).to_pylist(), columns)
    few = int(np.sum(~counted))
    return SnapshotTable(inputs.keys, int(kept.sum()), tuple(c for c, _ in columns), few)


def _only_counted(values: Values, of: SnapshotColumn, counted: Flags) -> Values:
    """The values [n] of a column, where it counts only those of the keys that are `counted` [n]."""
    if of.kind != "number":
        return values
    nothing = np.nan if of.unseen is None else of.unseen
    return np.where(counted, np.asarray(values), nothing)


def _columns(rows: pa.Table, inputs: KeyedInputs) -> Iterator[SnapshotColumn]:
    for name in inputs.names:
        is_list = pa.types.is_list(rows[name].type)
        yield SnapshotColumn(name, "list" if is_list else "text")
    for counter in inputs.counters:
        for measure in counter.measures:
            yield _counter_column(counter, measure)
    for spec in inputs.histories:
        yield from (SnapshotColumn(name, "list") for name in spec.inputs)


def _counter_column(counter: Counter, measure: CounterMeasure) -> SnapshotColumn:
    nothing = {"events": np.zeros(1), "positives": np.zeros(1)}
    unseen = {"rate": float(smoothed_rate(counter, nothing)[0]), "events": 0.0, "positives": 0.0}
    return SnapshotColumn(
        name=counter.field(measure),
        kind="number",
        unit=_RATE_UNIT if measure == "rate" else 1.0,
        unseen=unseen.get(measure),
        ages=measure in ("gap", "age"),
    )


def _values(column: pa.ChunkedArray, of: SnapshotColumn) -> Values:
    """A column [n] as `tables.write_table` takes it."""
    if of.kind == "number":
        numbers: Numbers = column.combine_chunks().to_numpy(zero_copy_only=False)
        return numbers
    if of.kind == "text":
        return text_of(column).to_pylist()  # type: ignore[no-any-return]
    return pc.cast(column, pa.list_(pa.string())).to_pylist()  # type: ignore[no-any-return]
