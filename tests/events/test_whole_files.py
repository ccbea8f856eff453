"""A file is read to its end before Spark sees it; what Spark reads is what it holds."""

import gzip
import json
import random
import re
from itertools import pairwise
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from secateur import scenario
from secateur.contracts.errors import Refused
from secateur.events import raw_files
from secateur.events.raw_files import open_log
from secateur.events.raw_rows import demand_every_record, raw_rows
from secateur.events.reading import whole_files
from secateur.scenario import Logs
from secateur.scenario.raw_log.column_names import NamingRules
from secateur.scenario.raw_log.compressed_text import count_records
from small_log import DAYS, EVENTS_A_DAY, HEADER, SmallLog, small_log


def logs_of(log: SmallLog, *settings: str) -> Logs:
    return scenario.load_scenario(str(log.scenario), settings).logs


def test_records_are_counted_wherever_blocks_end() -> None:
    dice = random.Random(3)
    for _ in range(300):
        text = "".join(
            dice.choice(["a", "é", "\n", "\r", "\r\n", " ", "\t", "\0"]) for _ in range(60)
        )
        lines = re.split("\r\n|\r|\n", text)
        expected = sum(bool(line.strip("\0\t\x0b\x0c ")) for line in lines)
        data = text.encode()
        cuts = [0, *sorted(dice.sample(range(len(data)), 5)), len(data)]
        assert count_records(data[a:b] for a, b in pairwise(cuts)) == expected


def test_a_file_that_holds_other_rows_than_were_read_is_named(
    spark: SparkSession, tmp_path: Path
) -> None:
    log = small_log(tmp_path / "log").write()
    found = open_log(logs_of(log), str(log.folder), tmp_path / "scratch")
    demand_every_record(raw_rows(spark, found.events, logs_of(log)), found.events)
    more = gzip.compress(b"one,more\n")
    log.file(DAYS[1]).write_bytes(log.file(DAYS[1]).read_bytes() + more)
    rows = raw_rows(spark, found.events, logs_of(log))
    read = EVENTS_A_DAY + 2
    told = f"{DAYS[1]}/log.csv.gz holds {read - 1} records, but {read} were read"
    with pytest.raises(Refused, match=told):
        demand_every_record(rows, found.events)


def test_large_logs_are_examined_in_sparks_tasks(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = small_log(tmp_path / "log").write()
    here = open_log(logs_of(log), str(log.folder), tmp_path / "here")
    monkeypatch.setattr(whole_files, "MUCH", 1)
    there = open_log(logs_of(log), str(log.folder), tmp_path / "there")
    assert [(f.key, f.sha256, f.records, f.names) for f in here.events] == [
        (f.key, f.sha256, f.records, f.names) for f in there.events
    ]
    log.file(DAYS[4]).write_bytes(b"no gzip")
    with pytest.raises(Refused, match=f"{DAYS[4]}/log.csv.gz cannot be read to its end"):
        open_log(logs_of(log), str(log.folder), tmp_path / "again")


def test_a_json_key_far_down_a_file_is_found_where_the_scenario_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "log" / "events" / f"date={DAYS[0]}"
    folder.mkdir(parents=True)
    rows = [{"u": n} for n in range(5000)] + [{"u": 1, "late": 2, "unnamed": 3}]
    (folder / "log.json").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    logs = Logs(uri="x", user="u", item="i", time="t", format="json_lines", window_days=1)
    rules = NamingRules(sought=frozenset({"late", "never"}))
    found = open_log(logs, str(tmp_path / "log"), tmp_path / "scratch", rules=rules)
    assert found.columns == ("late", "u")
    assert found.events[0].records == len(rows)


def hourly(folder: Path, day: str, hours: range, timezone: str = "UTC") -> Logs:
    """A flat folder of hourly files whose names tell the hour."""
    events = folder / "events"
    events.mkdir(exist_ok=True, parents=True)
    for hour in hours:
        name = f"clicks_{day.replace('-', '')}T{hour:02d}.csv"
        (events / name).write_text(f"{HEADER}\nraw-user-1,{hour},{day},1,home,5\n")
    told = {"layout": "hour", "file_names": "yyyyMMddTHH", "timezone": timezone}
    return Logs(uri="x", user="uid", item="item", time="at", window_days=1, **told)


def test_hourly_files_in_one_folder_are_of_the_days_that_their_names_tell(tmp_path: Path) -> None:
    logs = hourly(tmp_path, "2024-03-01", range(24))
    hourly(tmp_path, "2024-02-29", range(3))
    found = open_log(logs, str(tmp_path), tmp_path / "scratch")
    assert found.days == ("2024-03-01",)
    assert len(found.events) == 24
    (tmp_path / "events" / "clicks_20240301T07.csv").unlink()
    with pytest.raises(Refused, match="2024-03-01: 1 of 24 hours have no file: 07"):
        open_log(logs, str(tmp_path), tmp_path / "again")
    (tmp_path / "events" / "notes.csv").write_text("x")
    with pytest.raises(Refused, match=r"a name with yyyyMMddTHH: events/notes\.csv"):
        open_log(logs, str(tmp_path), tmp_path / "more")


def test_a_day_has_the_hours_that_its_clocks_show(tmp_path: Path) -> None:
    spring, autumn = "2024-03-31", "2024-10-27"
    logs = hourly(tmp_path / "spring", spring, range(24), "Europe/Berlin")
    (tmp_path / "spring" / "events" / "clicks_20240331T02.csv").unlink()
    assert open_log(logs, str(tmp_path / "spring"), tmp_path / "one").days == (spring,)
    logs = hourly(tmp_path / "autumn", autumn, range(24), "Europe/Berlin")
    assert open_log(logs, str(tmp_path / "autumn"), tmp_path / "two").days == (autumn,)


def test_columns_in_different_orders_are_ordered_by_name(tmp_path: Path) -> None:
    log = small_log(tmp_path / "log").write()
    turned = [",".join(reversed(row.split(","))) for row in [HEADER, *log.days[DAYS[0]]]]
    log.file(DAYS[0]).write_bytes(gzip.compress("".join(f"{row}\n" for row in turned).encode()))
    found = open_log(logs_of(log), str(log.folder), tmp_path / "scratch")
    assert found.columns == tuple(sorted(HEADER.split(",")))
    assert raw_files.log_columns(found.events[1:]) == tuple(HEADER.split(","))
