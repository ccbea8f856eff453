"""From an EventSet's files to a FeatureSet's: learn from the train days, encode every day."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from secateur.contracts.artifact_files import VOCABULARY, part_name
from secateur.contracts.data import HISTORY_ONLY
from secateur.contracts.features import HELD_OUT, SPLITS, FeatureSchema
from secateur.features.columns.number_columns import Sample
from secateur.features.days.arrow_days import Day, on_days
from secateur.features.days.event_window import ROW, EventWindow
from secateur.features.history.counters import CountBefore, count_today, fresh_today
from secateur.features.history.daily_counts import CountDay, tally_of
from secateur.features.history.kept_counts import DailyCounts
from secateur.features.history.prior_counts import Series, Sums
from secateur.features.history.recency import Recent, look_back
from secateur.features.history.sessions import Sessions
from secateur.features.history.user_history import history
from secateur.features.learning import learn
from secateur.features.schema import Heading
from secateur.features.split import Splits
from secateur.features.split_rows import EncodeDay, Sources, Written
from secateur.scenario import Features
from secateur.spark import content, write_days


@dataclass(frozen=True)
class Plan:
    """What is built: the events, their splits, the fields; and which splits' rows keep their raw
    values.
    """

    window: EventWindow
    splits: Splits
    features: Features
    held_out: Sequence[str] = HELD_OUT

    def days(self, *names: str) -> list[str]:
        """The days of these splits."""
        return list(dict.fromkeys(day for name in names for day in self.splits.days[name]))

    @property
    def train_until_ms(self) -> int | None:
        """The first millisecond of the rows that no model is trained on, where hours tell them."""
        return None if self.splits.starts is None else self.splits.starts[0]

    def work(self) -> list[Day]:
        """All days, the train days first, for workers to read."""
        return [self.window.day(day) for day in self.days(*SPLITS)]


@dataclass(frozen=True)
class Known:
    """What is known before each event: the sums of keys, and files by day, a row for each event.

    The files are those of the counters, and of Spark's windows; `samples` are the counters' numbers
    on the train days, by field.
    """

    sums: Sums
    counters: Mapping[str, Path]
    windows: Mapping[str, Path]
    samples: Mapping[str, Sample]


def build_feature_set(
    plan: Plan, counts: DailyCounts, heading: Heading, folder: Path
) -> tuple[FeatureSchema, dict[str, Any]]:
    """Write vocabulary and splits below `folder`; gives the schema, and facts of what was written.

    The facts are `days`, `rows` and `content` by split, and `unread`, the missing and malformed
    rows by vector and list.
    """
    with tempfile.TemporaryDirectory(prefix="secateur-", dir=folder.parent) as scratch:
        known, file = know_before(plan, counts, Path(scratch)), folder / VOCABULARY
        schema = learn(known.sums.totals, known.samples, plan.features, heading, file)
        encode = EncodeDay(sources_of(plan, known, folder), schema, file)
        written = on_days(plan.window.spark, plan.work(), encode)
    return schema, _facts(plan, written, folder)


def know_before(plan: Plan, counts: DailyCounts, scratch: Path) -> Known:
    """Write all that is known before each event."""
    logs, counters = plan.window.logs, plan.features.counters
    summed = (counter for counter in counters if not counter.of_single_events)
    series = tuple(dict.fromkeys(map(Series.of, summed)))
    tallies = tuple(tally_of((column,)).name for column in (logs.user, logs.item))
    held_out = plan.days(*plan.held_out)
    sums = Sums(series, tallies, plan.days("train"), held_out, scratch / "sums")
    sums.write(counts.frame(), counts.rows)
    learned = _train_sums(plan, counts, sums)
    windows = _windows(plan, scratch / "windows")
    if not counters:
        return Known(learned, {}, windows, {})
    recent = Recent(counters, Sessions.of(plan.features, logs), scratch / "recent")
    if recent.groups:
        look_back(recent, plan.window.rows(plan.window.days), plan.window.size)
    folder, until_ms = scratch / "counters", plan.train_until_ms
    count = CountBefore(counters, logs, sums, windows, recent, folder, until_ms)
    days = plan.work()
    found = on_days(plan.window.spark, days, count)[: len(plan.days("train"))]
    fields = [field.name for counter in counters for field in counter.fields]
    samples = {name: Sample.together([day[name] for day in found]) for name in fields}
    return Known(learned, {day.name: count.file(day) for day in days}, windows, samples)


def _train_sums(plan: Plan, counts: DailyCounts, whole: Sums) -> Sums:
    """The sums of all train rows: of whole days, or of a last day up to the hours held out."""
    if plan.train_until_ms is None:
        return whole
    window, scratch = plan.window, whole.folder.with_name("train")
    last = window.day(plan.days("train")[-1])
    count = CountDay(plan.features, window.logs, scratch / "cut", plan.train_until_ms)
    on_days(window.spark, [last], count)
    cut = replace(counts, files={**counts.files, last.name: count.file(last)})
    sums = replace(whole, series=(), folder=scratch / "sums")
    sums.write(cut.frame(), cut.rows)
    return sums


def _windows(plan: Plan, folder: Path) -> Mapping[str, Path]:
    """The histories of each day's events, and what the day itself counted before each of them."""
    logs, counters = plan.window.logs, plan.features.counters
    histories = [spec for spec in plan.features.fields if spec.kind == "history"]
    fresh = fresh_today(counters)
    if not histories and not fresh:
        return {}
    events = plan.window.rows(plan.window.days)
    sessions = Sessions.of(plan.features, logs)
    parts = [history(events, spec, sessions) for spec in histories]
    parts += [count_today(events, counters, logs.timezone)] if fresh else []
    known = reduce(lambda left, right: left.join(right, ["day", ROW]), parts)
    return write_days(known.repartition("day"), [ROW], folder)


def sources_of(plan: Plan, known: Known, folder: Path) -> Sources:
    """All that the rows are made of; they go to `<split>/part-NNNNN.parquet`, one part a day."""
    user, item = map(known.sums.tally_folder, known.sums.tallies)
    targets: dict[str, dict[str, Path]] = {}
    for split, days in plan.splits.days.items():
        for number, day in enumerate(days):
            targets.setdefault(day, {})[split] = folder / split / part_name(number)
    return Sources(
        features=plan.features,
        logs=plan.window.logs,
        counters=known.counters,
        windows=known.windows,
        train_events=(user, item),
        held_out=frozenset(plan.held_out),
        splits=plan.splits,
        targets=targets,
        history_only=HISTORY_ONLY in plan.window.columns,
    )


def _facts(plan: Plan, written: Sequence[Written], folder: Path) -> dict[str, Any]:
    cut = plan.splits.starts is not None
    rows = {split: dict.fromkeys(days, 0) for split, days in plan.splits.days.items()}
    for day, one in zip(plan.work(), written, strict=True):
        for split, count in one.rows.items():
            rows[split][day.name] = count
    facts: dict[str, Any] = {
        # Hours may cut a day where it has no row.
        "days": {split: [d for d, n in of.items() if n or not cut] for split, of in rows.items()},
        "rows": {split: sum(of.values()) for split, of in rows.items()},
        "content": {
            split: content(plan.window.spark, sorted(folder.glob(f"{split}/part-*")))
            for split, days in rows.items()
            if days
        },
    }
    unread = sorted({name for day in written for name in day.faults})
    if unread:
        kinds = ("missing", "malformed")
        sums = {name: np.sum([day.faults[name] for day in written], 0) for name in unread}
        facts["unread"] = {
            name: dict(zip(kinds, total.tolist(), strict=True)) for name, total in sums.items()
        }
    return facts
