"""An EventSet written by hand with every kind of field and counter, simultaneous and late events.

Three column names hold a dot. Every row is a dict of canonical strings, `time_ms`, `label`, the
task `label_saved` and `day`, so that plain Python can say what its features must be.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from secateur import scenario
from secateur.artifacts import Artifact, create
from secateur.contracts.artifact_files import COUNTS, VERSION_BOUNDS
from secateur.contracts.manifest import MadeBy
from small_events import counts_of_events
from small_log import receipt, run_verb, sealed

ZONE = "Asia/Shanghai"
DAYS = tuple(f"2024-03-0{n}" for n in range(1, 8))
SPLITS = {"train": DAYS[:5], "tune": DAYS[5:6], "confirm": DAYS[6:]}
EVENTS_A_DAY = 60
STEP_MS = 7_200_000  # two hours: a dozen moments a day, so that many events share one

SCENARIO = """
name = "rich"
title = "Every kind of field"
seed = 1
candidates = [{ name = "int8", embedding_bits = 8 }]
[logs]
uri = "."
user = "uid"
item = "item"
time = "time_ms"
timezone = "Asia/Shanghai"
sides = [{ name = "items", path = "items", key = "item" }]
[label]
column = "liked"
tasks = { saved = { kind = "event_type", column = "act", positive = ["cart"] } }
[cleaning]
deduplicate_on = ["uid", "item", "time_ms"]
late_days = 1
[features]
tune_days = 1
confirm_days = 1
counters = [
    { keys = ["uid"], owner = "user", prior_rate = 0.3, measures = ["events", "positives", "rate"] },
    { keys = ["item"], owner = "item", prior_rate = 0.3, window_days = 2, freshness = "day" },
    { keys = ["genre.main"], owner = "item", prior_rate = 0.5, window_days = 1 },
    { keys = ["genre.main"], owner = "item", prior_rate = 0.5, prior_events = 3, freshness = "day" },
    { keys = ["uid", "author"], owner = "item", prior_rate = 0.3, window_days = 3 },
    { keys = ["uid"], of = "hit.now", owner = "user", prior_rate = 0.5, measures = ["events", "positives", "rate"] },
    { keys = ["item"], of = "hit.now", owner = "item", prior_rate = 0.5, freshness = "day", window_days = 3 },
    { keys = ["uid"], of = "stay.s", at_least = 2.5, owner = "user", prior_rate = 0.5, kind = "number", measures = ["events", "positives", "rate"] },
    { keys = ["item"], of = "stay.s", at_least = 1, owner = "item", prior_rate = 0.5, freshness = "day", kind = "number" },
    { keys = ["uid"], last = 2, of = "stay.s", at_least = 0, owner = "user", prior_rate = 0.3, kind = "number", measures = ["positives", "gap"] },
    { keys = ["uid"], last = 3, owner = "user", prior_rate = 0.3, measures = ["events", "positives", "rate", "gap"] },
    { keys = ["uid"], last = 2, of = "hit.now", owner = "user", prior_rate = 0.3, freshness = "day", measures = ["positives", "gap"] },
    { keys = ["uid", "author"], last = 4, of = "hit.now", owner = "item", prior_rate = 0.3, window_days = 2, measures = ["rate", "gap"] },
    { keys = ["genre.main"], window_days = 3, freshness = "day", owner = "item", prior_rate = 0.3, measures = ["events", "gap"] },
    { keys = ["item"], window_hours = 4, owner = "item", prior_rate = 0.3, measures = ["events", "rate", "age"] },
    { keys = ["item"], owner = "item", prior_rate = 0.3, kind = "number", measures = ["age"] },
    { keys = ["uid", "hour"], owner = "user", prior_rate = 0.3 },
    { keys = ["hour"], window_hours = 49, owner = "user", prior_rate = 0.3, measures = ["events", "rate"] },
    { keys = ["uid"], within = "session", owner = "user", prior_rate = 0.3, measures = ["events", "positives", "gap", "age"] },
    { keys = ["author"], within = "session", of = "stay.s", at_least = 1, owner = "item", prior_rate = 0.3 },
]
session_gap_minutes = 150
fields = [
    { name = "uid", owner = "user", hashed = true },
    { name = "item", owner = "item", min_count = 25 },
    { name = "author", owner = "item" },
    { name = "genre.main", owner = "item", min_count = 2 },
    { name = "pace", owner = "item", kind = "bucket", buckets = 4 },
    { name = "price", owner = "item", kind = "number", scale = "log" },
    { name = "dwell.time", owner = "context", kind = "number" },
    { name = "score", owner = "context", kind = "number", scale = "quantile", buckets = 8 },
    { name = "words", owner = "item", kind = "list", separator = "|", length = 3, min_count = 4 },
    { name = "shelf", owner = "context", kind = "list", length = 2, shares = "item" },
    { name = "likes", owner = "user", kind = "history", length = 4, shares = "item", type = "act" },
    { name = "seen", owner = "user", kind = "history", length = 3, shares = "author", positives_only = false },
    { name = "visit", owner = "user", kind = "history", length = 2, shares = "item", positives_only = false, type = "act", within = "session" },
    { name = "hour", owner = "context", of_time = "hour_of_day", kind = "bucket", buckets = 6 },
    { name = "weekday", owner = "context", of_time = "day_of_week" },
    { name = "embedding", owner = "item", kind = "vector", length = 3, separator = "," },
]
slices = [
    { name = "from home", column = "tab", values = ["home", "1.0"] },
    { name = "drama", column = "genre.main", values = ["drama"] },
]
[validation]
min_rows = 1
min_users_a_split = 5
malformed_budget = 1.0
[training]
[judgement]
margin = 0.01
"""  # noqa: E501 - a table of TOML is one line

Row = dict[str, Any]
# Of columns that the log may have, too.
OUR_OWN = ("_row", "_session", "_in_time", "_first", "_metadata", "_order", "_event", "_split")
STAYS = ("0", "1", "1.0", "2.5", "2.499999", "3e1", "-3", "inf", "nan", "+4", "soon", "2\n", None)


@dataclass
class RichLog:
    """Rows of any days, and the side table of items; change them, then `write`."""

    folder: Path
    rows: list[Row] = field(default_factory=list)
    items: list[Row] = field(default_factory=list)

    def write(self, name: str = "events", files: int = 1) -> Artifact:
        """Seal the EventSet, each day in so many files."""
        with create(str(self.folder / name), "EventSet") as draft:
            for day in sorted({row["day"] for row in self.rows}):
                of_day = sorted((r for r in self.rows if r["day"] == day), key=order)
                cuts = [part * len(of_day) // files for part in range(files + 1)]
                for part in range(files):
                    file = draft.folder / f"events/date={day}/part-{part:05d}.parquet"
                    _write(file, of_day[cuts[part] : cuts[part + 1]])
            _write(draft.folder / "sides/items/part-00000.parquet", self.items)
            days = Counter(row["day"] for row in self.rows)
            draft.write(COUNTS, counts_of_events(dict(sorted(days.items()))))
            draft.seal(MadeBy("by hand", "0"), {}, {"id_key": "ab" * 8})
        return sealed(str(self.folder / name))

    def scenario(self, *settings: str) -> scenario.Scenario:
        """The scenario, with overrides."""
        file = self.folder / "rich.toml"
        file.write_text(SCENARIO)
        return scenario.load_scenario(str(file), settings)

    def build(self, events: Artifact, output: str, *settings: str, **flags: str | Path) -> Artifact:
        """Run the verb on exactly these events; gives the FeatureSet."""
        report = receipt(events, self.folder / f"{output} report")
        given = {"events": events.uri, "validation": report, "output": self.folder / output}
        run_verb("build_features", self.scenario(*settings), **given, **flags)
        return sealed(str(self.folder / output))


def order(row: Row) -> list[str]:
    """The total order of an EventSet's rows: by time, then by all of their columns."""
    return [f"{row['time_ms']:016d}", *(str(value) for value in row.values())]


def _write(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    kinds = {"time_ms": pa.int64(), "label": pa.int32(), "label_saved": pa.int32()}
    kinds |= dict.fromkeys(VERSION_BOUNDS, pa.int64())
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in rows[0]])
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), file)


def rich_log(folder: Path, seed: int = 0) -> RichLog:
    """A week of events; item 11 is in no side table, every tenth event came a day late."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(seed)
    rows = [_event(dice, day) for day in DAYS for _ in range(EVENTS_A_DAY)]
    return RichLog(folder, rows, [_item(dice, number) for number in range(11)])


def midnight_ms(day: str) -> int:
    """First millisecond of a day where the log was written."""
    return int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


def day_of(time_ms: int) -> str:
    """The day of a moment where the log was written."""
    return str(datetime.fromtimestamp(time_ms / 1000, ZoneInfo(ZONE)).date())


def _event(dice: random.Random, day: str) -> Row:
    happened, late = midnight_ms(day) + STEP_MS * dice.randrange(12), day
    if day != DAYS[0] and dice.random() < 0.1:
        happened -= int(timedelta(days=1).total_seconds()) * 1000
    user, item, act = dice.randrange(7), dice.randrange(12), dice.choice(["view", "cart", None])
    uid, is_context = f"{user:016x}", dice.random() < 0.1
    return {
        "uid": uid,
        "item": str(item),
        "hit.now": random.Random(f"{uid} {item} {happened}").choice(["0", "0", "1", "2", None]),
        "stay.s": random.Random(f"{item} {happened}").choice(STAYS),
        "act": act,
        "tab": dice.choice(["home", "1", None, "top"]),
        "dwell.time": dice.choice(["0", "12.5", "nan", "inf", "soon", None, str(dice.random())]),
        "score": dice.choice(["0", "0", None, f"{dice.gauss(0, 3):.2f}"]),
        "shelf": dice.choice([None, "1", "3 1.0  5", "99 2", " "]),
        "time_ms": happened,
        "label": None if is_context else int(dice.random() < 0.4),
        "label_saved": None if act is None or is_context else int(act == "cart"),
        "day": late,
        **dict.fromkeys(OUR_OWN, "the log's"),
    }


def _item(dice: random.Random, number: int) -> Row:
    words = dice.sample(["red", "blue", "new ", "2.0", "", "old"], 4)
    return {
        "item": str(number),
        "author": None if number == 5 else f"author {number // 3}",
        "genre.main": dice.choice(["drama", "news", None]),
        "pace": dice.choice(["1", "2", "3.5", None, "fast"]),
        "price": dice.choice(["-20", "3", "1e3", "1e300", "-inf", "free"]),
        "words": None if number == 2 else "|".join(words),
        "embedding": dice.choice(["0.5,1,-2", "1,2", "1,2,x", "3,4,1e99", None, "0,0.25,1"]),
    }
