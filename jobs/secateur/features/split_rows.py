"""The rows of a split, made of a day's events and of all that is known before them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secateur.contracts.data import HISTORY_ONLY
from secateur.contracts.features import ITEM_KEY, TRAIN_EVENTS, USER_HASH, FeatureSchema
from secateur.encoding.spelling import canonical
from secateur.features.columns.encoder import ColumnEncoder
from secateur.features.columns.list_columns import split_texts
from secateur.features.columns.vector_columns import count_faults
from secateur.features.days.arrow_days import AlignedRows, Day, text_of, write
from secateur.features.history.prior_counts import Lookup
from secateur.features.learning import read_vocabulary
from secateur.features.split import Splits
from secateur.scenario import Features, Logs


@dataclass(frozen=True)
class Written:
    """A day's rows by split; by vector and list of values, how many are missing and malformed."""

    rows: Mapping[str, int]
    faults: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Sources:
    """Where the rows of every day come from, and go to: what a worker is told."""

    features: Features
    logs: Logs
    counters: Mapping[str, Path]  # files by day, a row for each event
    windows: Mapping[str, Path]
    train_events: tuple[Path, Path]  # what a held-out day's users and items had on the train days
    held_out: frozenset[str]  # splits
    splits: Splits
    targets: Mapping[str, Mapping[str, Path]]  # by day and split
    history_only: bool = False  # whether the events tell which of them are no rows


@dataclass(frozen=True)
class EncodeDay:
    """Writes a day's rows in the order of its events, on a worker; events without a label are none.

    An event that is for histories and counters only becomes no row. Held-out rows keep raw values,
    train counts, and the slices that they lie in.
    """

    sources: Sources
    schema: FeatureSchema
    vocabulary: Path

    def __call__(self, day: Day) -> Written:
        """Encode it."""
        faults = {name: [0, 0] for name in self._read_from_text()}
        targets = self.sources.targets[day.name].items()
        rows = {split: write(file, self._tables(day, split, faults)) for split, file in targets}
        return Written(rows, {name: (found[0], found[1]) for name, found in faults.items()})

    def _tables(self, day: Day, split: str, faults: Mapping[str, list[int]]) -> Iterator[pa.Table]:
        sources = self.sources
        encoder = ColumnEncoder(self.schema, read_vocabulary(self.vocabulary, sources.features))
        held_out = split in sources.held_out
        train = [Lookup.read(f, day.name) for f in sources.train_events] if held_out else []
        aligned = self._aligned_rows(day)
        for events in day.tables(self._columns()):
            known = [more.take(len(events)) for more in aligned]
            table, *made = self._rows_of(split, [events, *known])
            columns = self._inputs(table, made)
            for name, counted in self._faults(table, columns).items():
                for place, found in enumerate(counted):
                    faults[name][place] += found
            rows = {**encoder.encode(columns), **self._of_event(table)}
            if held_out:
                rows |= {**encoder.values(columns), **self._train_events(table, train)}
                rows |= self._slices(table)
            yield pa.table(rows)

    def _read_from_text(self) -> list[str]:
        """The fields whose text may hold no value that can be read."""
        lists = (spec.name for spec in self.sources.features.fields if spec.kind == "list")
        return [*(vector.name for vector in self.schema.vectors), *lists]

    def _faults(
        self, table: pa.Table, columns: Mapping[str, pa.Array]
    ) -> dict[str, tuple[int, int]]:
        """How many rows of each such field are missing, and how many malformed.

        A list is malformed where there is a text, but no value in it.
        """
        found = {one.name: count_faults(columns[one.name], one) for one in self.schema.vectors}
        for spec in self.sources.features.fields:
            if spec.kind == "list":
                empty = pc.equal(pc.list_value_length(columns[spec.name]), 0)
                missing = table[spec.name].combine_chunks().is_null()
                malformed = pc.sum(pc.and_not(empty, missing)).as_py() or 0
                found[spec.name] = (pc.sum(missing).as_py() or 0, malformed)
        return found

    def _rows_of(self, split: str, tables: Sequence[pa.Table]) -> list[pa.Table]:
        """The rows of a split of tables [events], the events' own first: context has no label."""
        events = tables[0]
        own = pc.is_valid(events["label"]).to_numpy()
        own = own & self.sources.splits.rows_of(split, events["time_ms"].to_numpy())
        if self.sources.history_only:
            own = own & events[HISTORY_ONLY].is_null().to_numpy()
        if own.all():
            return [*tables]
        return [table.filter(pa.array(own)).combine_chunks() for table in tables]

    def _columns(self) -> set[str]:
        """The columns of events and side tables that rows are made of."""
        features, logs = self.sources.features, self.sources.logs
        fields = {spec.name for spec in features.fields if spec.kind != "history"}
        slices = {part.column for part in features.slices}
        labels = {"label", *self.schema.task_columns}
        labels |= {HISTORY_ONLY} if self.sources.history_only else set()
        return fields | slices | labels | {"day", "time_ms", logs.user, logs.item}

    def _aligned_rows(self, day: Day) -> list[AlignedRows]:
        """What was made of many events, by input."""
        sources = self.sources
        counters = [f.name for counter in sources.features.counters for f in counter.fields]
        histories = [field.name for field in self.schema.lists if field.history]
        wanted = ((sources.counters, counters), (sources.windows, histories))
        return [AlignedRows(files[day.name], columns) for files, columns in wanted if columns]

    def _inputs(self, table: pa.Table, made: Sequence[pa.Table]) -> dict[str, pa.Array]:
        """The columns [rows] that the encoder reads, by input."""
        found = {name: more[name].combine_chunks() for more in made for name in more.column_names}
        for spec in self.sources.features.fields:
            if spec.kind == "list":
                found[spec.name] = split_texts(table[spec.name], spec)
            elif spec.kind != "history":
                column = table[spec.name]
                is_dictionary = pa.types.is_dictionary(column.type)
                found[spec.name] = column.combine_chunks() if is_dictionary else text_of(column)
        return found

    def _of_event(self, table: pa.Table) -> dict[str, pa.Array]:
        logs = self.sources.logs
        labels = ("label", *self.schema.task_columns)
        return {
            **{name: table[name].combine_chunks().cast(pa.int8()) for name in labels},
            USER_HASH: text_of(table[logs.user]),
            ITEM_KEY: text_of(table[logs.item]),
            "day": table["day"].combine_chunks(),
            "time_ms": table["time_ms"].combine_chunks(),
        }

    def _train_events(self, table: pa.Table, train: Sequence[Lookup]) -> dict[str, pa.Array]:
        """Int32 [rows]: how many train events the event's user and its item have."""
        logs = self.sources.logs
        found = zip(TRAIN_EVENTS, (logs.user, logs.item), train, strict=True)
        return {
            name: pa.array(known.of(text_of(table[column]))[0].astype(np.int32))
            for name, column, known in found
        }

    def _slices(self, table: pa.Table) -> dict[str, pa.Array]:
        """Int8 [rows] of every slice: 1 for its events, 0 for the others."""
        found = {}
        slices = zip(self.schema.slice_columns, self.sources.features.slices, strict=True)
        for name, part in slices:
            values = pa.array([canonical(value) for value in part.values], pa.string())
            found[name] = pc.is_in(text_of(table[part.column]), value_set=values).cast(pa.int8())
        return found
