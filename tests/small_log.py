"""A small log whose every row is known, and the data verbs run on it."""

import gzip
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur import scenario
from secateur.artifacts import Artifact, create, open_artifact, read_manifest
from secateur.command import Job
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import SecateurError
from secateur.contracts.manifest import MadeBy

HEADER = "uid,item,at,liked,tab,seconds"
DAYS = tuple(f"2024-03-0{n}" for n in range(1, 7))
EVENTS_A_DAY = 40

SCENARIO = """
name = "small"
title = "A small log"
seed = 1
candidates = []
[logs]
uri = "{uri}"
user = "uid"
item = "item"
time = "at"
window_days = 6
sides = [{{ name = "items", path = "items.csv.gz", key = "item" }}]
[label]
column = "liked"
[cleaning]
deduplicate_on = ["uid", "item", "at"]
quarantine_budget = 0.5
missing = {{ length = ["-1"] }}
rules = [{{ code = "negative_seconds", bad = "try_cast(seconds AS double) < 0" }}]
[features]
tune_days = 1
confirm_days = 1
counters = [
    {{ keys = ["uid"], window_days = 6, freshness = "day", owner = "user", prior_rate = 0.5, buckets = 4 }},
]
fields = [
    {{ name = "uid", owner = "user", hashed = true }},
    {{ name = "item", owner = "item", min_count = 2 }},
    {{ name = "author", owner = "item" }},
    {{ name = "tab", owner = "context" }},
    {{ name = "length", owner = "item", kind = "bucket", buckets = 4 }},
]
[validation]
min_rows = 100
min_rows_a_day = 10
label_rate = [0.2, 0.8]
max_oov_rate = {{ item = 0.5 }}
[training]
[judgement]
margin = 0.01
"""  # noqa: E501 - a table of TOML is one line


@dataclass
class SmallLog:
    """Rows by day, as text lines; change them, then `write`."""

    folder: Path
    days: dict[str, list[str]] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)

    def write(self) -> "SmallLog":
        """Write the day folders, the side table and the scenario."""
        for day, rows in self.days.items():
            write_gz(self.file(day), [HEADER, *rows])
        write_gz(self.folder / "items.csv.gz", ["item,author,length", *self.items])
        self.scenario.write_text(SCENARIO.format(uri=self.folder))
        return self

    def write_flat(self) -> "SmallLog":
        """Write all rows as one file without a day's folder."""
        rows = [row for rows in self.days.values() for row in rows]
        write_gz(self.folder / "events" / "all.csv.gz", [HEADER, *rows])
        write_gz(self.folder / "items.csv.gz", ["item,author,length", *self.items])
        text = SCENARIO.format(uri=self.folder)
        self.scenario.write_text(text.replace("[logs]", '[logs]\nlayout = "flat"'))
        return self

    def file(self, day: str) -> Path:
        """Path of a day's only file."""
        return self.folder / "events" / f"date={day}" / "log.csv.gz"

    @property
    def scenario(self) -> Path:
        """Path of the scenario file."""
        return self.folder / "small.toml"

    def run(self, verb: str, *settings: str, **flags: str | Path) -> Artifact:
        """Run a verb in this process; gives what it sealed at `output`."""
        run_verb(verb, scenario.load_scenario(str(self.scenario), settings), **flags)
        return sealed(str(flags["output"]))


def write_gz(path: Path, lines: Sequence[str]) -> None:
    """Write lines as a gzip file that is the same at every run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))


def milliseconds(day: str, second: int) -> int:
    """Time of a second of a day (UTC)."""
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return int((start + timedelta(seconds=second)).timestamp() * 1000)


def good_rows(day: str, seed: int) -> list[str]:
    """Rows without a fault, no two of the same event."""
    dice = random.Random(f"{day} {seed}")
    rows = []
    for number in range(EVENTS_A_DAY):
        user, item = f"raw-user-{dice.randrange(12)}", dice.randrange(15)
        at = milliseconds(day, 600 * number + dice.randrange(500))
        tab = dice.choice(["1", "2.0", "", "home"])
        rows.append(f"{user},{item},{at},{dice.randrange(2)},{tab},{dice.randrange(90)}")
    return rows


def small_log(folder: Path, seed: int = 0) -> SmallLog:
    """A log without a fault, six days long; item 14 is in no side table, 13 has no length."""
    days = {day: good_rows(day, seed) for day in DAYS}
    items = [f"{item}.0,author {item // 3},{-1 if item == 13 else 10 * item}" for item in range(14)]
    return SmallLog(folder, days, items)


def run_verb(verb: str, settings: scenario.Scenario, **flags: str | Path) -> None:
    """Run a verb in this process, as its command line would."""
    function: Callable[[Job], None] = getattr(import_module(verb), verb)
    arguments: Mapping[str, Any] = {"logs": None, **{k: str(v) for k, v in flags.items()}}
    function(Job(verb, settings, dict(arguments)))


def check_cleaning_refuses(fault: Callable[[SmallLog], None], message: str, folder: Path) -> None:
    """A small log with this fault is refused with this message, and Airflow does not retry."""
    log = small_log(folder).write()
    fault(log)
    with pytest.raises(SecateurError, match=re.escape(message)) as caught:
        log.run("clean_events", output=folder / "out")
    assert caught.value.exit_code == 65


def sealed(uri: str) -> Artifact:
    """Open whatever artifact lies at `uri`."""
    return open_artifact(uri, read_manifest(uri).kind)


def all_events(events: Artifact) -> pa.Table:
    """An EventSet's events, whatever the order of its columns: those by name, the rows by all."""
    files = sorted(events.folder.glob("events/*/*.parquet"))
    table = pa.concat_tables(map(pq.read_table, files))
    table = table.select(sorted(table.column_names))
    return table.sort_by([(name, "ascending") for name in table.column_names])


def receipt(subject: Artifact, uri: Path, success: bool = True) -> Path:
    """Seal a report on `subject` by hand, where the rules themselves are not the matter."""
    with create(str(uri), "ValidationReport") as draft:
        draft.write("report.json", ValidationReport(subject.digest, success, 1, ()))
        draft.seal(MadeBy("by hand", "0"), {}, {})
    return uri
