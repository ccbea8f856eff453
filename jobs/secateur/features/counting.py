"""How often every value and every key occurred on each day: all that is learned of categories.

A tally is one or more columns counted together. Its counts are additive over days, so a night
counts only the days that no earlier night did (see `state`), and vocabularies, quantiles and
counters are sums of them. Batches are grouped by Arrow, and the groups added up by Spark; nothing
comes to the driver.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.features.histories import enters
from secateur.features.joining import named
from secateur.features.lists import pieces
from secateur.scenario import Features, FieldSpec, Logs

COUNTS = "day string, tally string, key array<string>, events bigint, positives bigint"


@dataclass(frozen=True)
class Tally:
    """Counts events by the values of its sources; events that lack one are not counted.

    A source that is a list counts each of its values, a value that stands twice twice.
    """

    name: str
    sources: tuple[str, ...]


def tally_of(columns: Sequence[str]) -> Tally:
    """The tally of one or more event columns."""
    return Tally(json.dumps(columns), tuple(columns))


def values_of(spec: FieldSpec) -> Tally:
    """The tally of the values that a field's own vocabulary or scale is learned from."""
    if spec.kind == "list":
        return Tally(f"values in {spec.name}", (f"values in {spec.name}",))
    if spec.kind == "history":
        return Tally(f"types in {spec.name}", (f"types in {spec.name}",))
    return tally_of((spec.name,))


def is_learned(spec: FieldSpec) -> bool:
    """Whether the field learns from its values: a vocabulary of its own, or a scale."""
    if spec.kind == "history":
        return spec.type is not None
    return spec.kind != "vector" and spec.shares is None


def tallies(features: Features, logs: Logs) -> tuple[Tally, ...]:
    """All that a night counts: users, items, fields, and the counters' keys, each once."""
    fields = (values_of(spec) for spec in features.fields if is_learned(spec))
    keys = (tally_of(counter.keys) for counter in features.counters)
    return tuple(dict.fromkeys((tally_of((logs.user,)), tally_of((logs.item,)), *fields, *keys)))


def count(events: DataFrame, features: Features, logs: Logs) -> DataFrame:
    """Rows of `COUNTS`: each day's events and positives by tally and key, in no order."""
    wanted, made = tallies(features, logs), _sources(features)
    names = dict.fromkeys(source for tally in wanted for source in tally.sources)
    columns = {name: made.get(name, named(name).cast("string")) for name in names}
    places = {name: f"source_{place}" for place, name in enumerate(columns)}
    frame = events.select("day", "label", *(columns[n].alias(p) for n, p in places.items()))
    parts = frame.mapInArrow(partial(_count_batches, wanted, places), COUNTS)
    sums = (F.sum(name).alias(name) for name in ("events", "positives"))
    return parts.groupBy("day", "tally", "key").agg(*sums)


def _sources(features: Features) -> Mapping[str, Column]:
    """The sources that are no event column: values in lists, types of what enters a history."""
    found: dict[str, Column] = {}
    for spec in features.fields:
        if spec.kind == "list":
            (source,) = values_of(spec).sources
            found[source] = pieces(named(spec.name), spec)
        if spec.kind == "history" and spec.type is not None:
            (source,) = values_of(spec).sources
            found[source] = F.when(enters(spec), named(spec.type).cast("string"))
    return found


def _count_batches(
    wanted: tuple[Tally, ...], places: Mapping[str, str], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Count batches in which the source `name` is the column `places[name]`."""
    for batch in batches:
        table = pa.concat_tables(_count_batch(batch, tally, places) for tally in wanted)
        yield from table.combine_chunks().to_batches()


def _count_batch(batch: pa.RecordBatch, tally: Tally, places: Mapping[str, str]) -> pa.Table:
    keys = [batch[places[source]] for source in tally.sources]
    day, label = batch["day"], batch["label"]
    if pa.types.is_list(keys[0].type):
        row = pc.list_parent_indices(keys[0])
        day, label, keys = day.take(row), label.take(row), [keys[0].flatten()]
    names = [f"key {place}" for place in range(len(keys))]
    table = pa.table([day, label, *keys], names=["day", "label", *names]).drop_null()
    found = table.group_by(["day", *names]).aggregate([("label", "count"), ("label", "sum")])
    return pa.table(
        {
            "day": found["day"],
            "tally": pa.repeat(tally.name, len(found)),
            "key": _together([found[name].combine_chunks() for name in names]),
            "events": found["label_count"],
            "positives": found["label_sum"].cast(pa.int64()),
        }
    )


def _together(columns: Sequence[pa.Array]) -> pa.ListArray:
    """One list a row of what several columns hold there."""
    rows, width = len(columns[0]), len(columns)
    by_row = np.arange(rows * width).reshape(width, rows).T.ravel()
    offsets = np.arange(0, rows * width + 1, width, dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, pa.concat_arrays(columns).take(pa.array(by_row)))
