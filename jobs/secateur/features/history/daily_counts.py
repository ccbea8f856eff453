"""How often every value and every key occurred on each day: all that is learned of categories.

A tally is one or more columns counted together. Positive is an event by its label, or by another
signal of the log. Its counts are additive over days, so a night counts only the days that no
earlier night did (see `kept_counts`), and vocabularies, quantiles and counters are sums of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secateur.features.columns.list_columns import split_texts
from secateur.features.columns.number_columns import column_numbers
from secateur.features.days.arrow_days import Day, text_of, write
from secateur.features.days.lateness import late_rows
from secateur.features.history.user_history import enters_history
from secateur.scenario import Counter, Features, FieldSpec, Logs, Signal

COUNTS = pa.schema(
    [
        ("day", pa.string()),
        ("tally", pa.string()),
        ("key", pa.string()),
        ("events", pa.int64()),
        ("positives", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Tally:
    """Counts events by the values of its sources; events that lack one are not counted.

    A source that is a list counts each of its values, a value that stands twice twice. `of` is the
    signal that makes an event a positive; events without it are not counted, unless `every` one is.
    """

    name: str
    sources: tuple[str, ...]
    of: Signal | None = None
    every: bool = False


def tally_of(columns: Sequence[str], of: Signal | None = None) -> Tally:
    """The tally of one or more event columns, positives by the label or by the signal `of`."""
    told = [] if of is None else [of.column] if of.at_least is None else [of.column, of.at_least]
    return Tally(json.dumps([columns, *told] if told else columns), tuple(columns), of)


def counter_tallies(counters: Sequence[Counter]) -> tuple[Tally, ...]:
    """The tallies of the counters that are sums of days, each once."""
    summed = (counter for counter in counters if not counter.of_single_events)
    return tuple(dict.fromkeys(tally_of(counter.keys, counter.signal) for counter in summed))


def outcomes(table: pa.Table, of: Signal | None) -> pa.Array:
    """Int64 [rows]: 1 for a positive event, 0 for another, null for one without the signal."""
    if of is None:
        return table["label"].combine_chunks().cast(pa.int64())
    texts = text_of(table[of.column])
    if of.at_least is None:
        return pc.index_in(texts, value_set=pa.array(["0", "1"])).cast(pa.int64())
    numbers = column_numbers(texts)
    enough = (numbers >= of.at_least).astype(np.int64)
    return pa.array(enough, mask=~np.isfinite(numbers))


def value_tally(spec: FieldSpec) -> Tally:
    """The tally of the values that a field's own vocabulary or scale is learned from."""
    if spec.kind == "list":
        return Tally(f"values in {spec.name}", (f"values in {spec.name}",))
    if spec.kind == "history":
        # Those of context too, which has no label.
        return Tally(f"types in {spec.name}", (f"types in {spec.name}",), every=True)
    return tally_of((spec.name,))


def is_learned(spec: FieldSpec) -> bool:
    """Whether the field learns from its values: a vocabulary of its own, or a scale."""
    if spec.kind == "history":
        return spec.type is not None
    return spec.kind != "vector" and spec.shares is None


def tallies(features: Features, logs: Logs) -> tuple[Tally, ...]:
    """All that a night counts: users, items, fields, and the counters' keys, each once."""
    fields = (value_tally(spec) for spec in features.fields if is_learned(spec))
    keys = counter_tallies(features.counters)
    return tuple(dict.fromkeys((tally_of((logs.user,)), tally_of((logs.item,)), *fields, *keys)))


def key_of(columns: Sequence[pa.Array]) -> pa.Array:
    """Text [rows] of what text columns [rows] hold, null where one is: the key of a tally.

    Of many columns each but the last is led by its length, so that no two rows are alike that
    differ.
    """
    parts = []
    for column in columns[:-1]:
        parts += [pc.utf8_length(column).cast(pa.string()), ":", column]
    return pc.binary_join_element_wise(*parts, columns[-1], "") if parts else columns[-1]


@dataclass(frozen=True)
class CountDay:
    """Writes a day's rows of `COUNTS` to `<folder>/<day>.parquet`, on a worker.

    With the day's own counts come zeros for the counters' keys of events that came late, at the day
    they happened on: there they ask what came before.
    """

    features: Features
    logs: Logs
    folder: Path
    until_ms: int | None = None  # keys of events from here on have zeros

    def __call__(self, day: Day) -> None:
        """Count it."""
        wanted = tallies(self.features, self.logs)
        parts: dict[tuple[str, str], list[pa.Table]] = {(day.name, t.name): [] for t in wanted}
        for table in day.tables(self._columns()):
            sources = self._sources(table)
            for told in {(tally.of, tally.every) for tally in wanted}:
                positive = self._outcomes(table, *told)
                for tally in (one for one in wanted if (one.of, one.every) == told):
                    parts[day.name, tally.name].append(_count(positive, tally, sources))
            for earlier, tally, keys in self._late(day, table["time_ms"], sources):
                distinct = pc.unique(keys.drop_null())
                none = pa.array(np.zeros(len(distinct), np.int64))
                zeros = pa.table({"key": distinct, "events": none, "positives": none})
                parts.setdefault((earlier, tally.name), []).append(zeros)
        write(self.file(day), (_sum_counts(*name, tables) for name, tables in parts.items()))

    def _outcomes(self, table: pa.Table, of: Signal | None, every: bool) -> pa.Array:
        """As `outcomes`, with nothing from `until_ms` on."""
        found = outcomes(table, of)
        found = found.fill_null(0) if every else found
        if self.until_ms is None:
            return found
        early = pc.less(table["time_ms"], self.until_ms).combine_chunks()
        return pc.if_else(early, found, pa.scalar(None, pa.int64()))

    def file(self, day: Day) -> Path:
        """Where the counts of a day lie."""
        return self.folder / f"{day.name}.parquet"

    def _columns(self) -> set[str]:
        specs = self.features.fields
        names = {name for counter in self.features.counters for name in counter.columns}
        names |= {spec.name for spec in specs if spec.kind not in ("history", "vector")}
        for spec in specs:
            if spec.kind == "history" and spec.type is not None:
                names |= {str(spec.shares), spec.type}
        return names | {"label", "time_ms", self.logs.user, self.logs.item}

    def _sources(self, table: pa.Table) -> dict[str, pa.Array]:
        """Text [rows] of event columns, lists of values, types of what enters a history."""
        found = {name: text_of(table[name]) for name in table.column_names}
        for spec in filter(is_learned, self.features.fields):
            (source,) = value_tally(spec).sources
            if spec.kind == "list":
                found[source] = split_texts(table[spec.name], spec)
            if spec.kind == "history":
                found[source] = pc.if_else(enters_history(table, spec), found[str(spec.type)], None)
        return found

    def _late(
        self, day: Day, times: pa.ChunkedArray, sources: Mapping[str, pa.Array]
    ) -> Iterator[tuple[str, Tally, pa.Array]]:
        """Days, and the keys (text [late rows]) of the counters' tallies that late events ask."""
        asking = counter_tallies(self.features.counters)
        for earlier, rows in late_rows(times.to_numpy(), day.name, self.logs.timezone):
            for tally in asking:
                yield earlier, tally, key_of([sources[name].take(rows) for name in tally.sources])


def _count(positive: pa.Array, tally: Tally, sources: Mapping[str, pa.Array]) -> pa.Table:
    """Events and positives (int64 [keys]) of the outcomes `positive` [rows], by key.

    Keys stand in the order of their first rows; one without any outcome has zeros.
    """
    columns = [sources[source] for source in tally.sources]
    if pa.types.is_list(columns[0].type):
        positive = positive.take(pc.list_parent_indices(columns[0]))
        columns = [columns[0].flatten()]
    counts = {"events": pc.is_valid(positive).cast(pa.int64()), "positives": positive.fill_null(0)}
    return _by_key(pa.table({"key": key_of(columns), **counts}).filter(pc.field("key").is_valid()))


def _by_key(counts: pa.Table) -> pa.Table:
    how = [(name, "sum") for name in ("events", "positives")]
    found = counts.group_by("key", use_threads=False).aggregate(how)
    return found.rename_columns(["key", "events", "positives"])


def _sum_counts(day: str, tally: str, tables: Sequence[pa.Table]) -> pa.Table:
    """The sums of counts, as rows of `COUNTS`: one a key, [keys]."""
    sums = pa.concat_tables(tables, promote_options="permissive")
    if len(tables) > 1:
        sums = _by_key(sums)
    names = {"day": day, "tally": tally}
    rows = {name: pa.repeat(value, len(sums)) for name, value in names.items()}
    return pa.table({**rows, **{n: sums[n] for n in sums.column_names}}).cast(COUNTS)
