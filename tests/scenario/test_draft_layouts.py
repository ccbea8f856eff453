"""What a draft tells of files: days in their names, whose clocks name folders, what lies beside."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drafted import DAY, START, base, drafted, log, roles
from secateur.scenario.drafting.scenario_draft import draft_scenario, make_draft
from secateur.scenario.raw_log.file_days import pattern_of
from secateur.scenario.scenario_check import check_scenario

HEADER = "user_id,item_id,ts,click"


def row(moment: datetime, n: int) -> str:
    return f"m{n * 7 % 41},s{n * 11 % 53},{int(moment.timestamp())},{n % 2}"


def write_hours(folder: Path, name: str, zone: str, hours: int = 72, step: int = 1) -> Path:
    """Files named by the hours of a zone, four rows in each."""
    first = datetime(2024, 3, 29, tzinfo=ZoneInfo(zone))
    for hour in range(0, hours, step):
        start = (first.astimezone(UTC) + timedelta(hours=hour)).astimezone(ZoneInfo(zone))
        path = folder / "events" / start.strftime(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [row(start + timedelta(minutes=7 * n), hour * 4 + n) for n in range(4)]
        lines = rows if path.exists() else [HEADER, *rows]
        with path.open("a") as file:
            file.write("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("clicks-%Y-%m-%d-%H.csv", "yyyy-MM-dd-HH"),
        ("%Y%m%d%H.csv", "yyyyMMddHH"),
        ("part_%Y_%m_%dT%H_eu.csv", "yyyy_MM_ddTHH"),
    ],
)
def test_names_of_hours_are_a_layout_by_the_hour(name: str, pattern: str, tmp_path: Path) -> None:
    made = drafted(write_hours(tmp_path, name, "UTC"), tmp_path)
    assert (made["logs"]["layout"], made["logs"]["file_names"]) == ("hour", pattern)
    assert check_scenario(str(tmp_path / "draft.toml"), "")[1] == [] or made["logs"]["window_days"]


def test_names_of_days_are_a_layout_by_the_day_also_from_one_of_the_files(tmp_path: Path) -> None:
    folder = write_hours(tmp_path, "clicks.%Y-%m-%d.csv", "UTC", hours=144, step=24)
    made = drafted(folder / "events" / "clicks.2024-03-30.csv", tmp_path)
    assert (made["logs"]["layout"], made["logs"]["file_names"]) == ("day", "yyyy-MM-dd")
    assert made["logs"]["window_days"] == 6


def test_names_that_tell_no_day_tell_none() -> None:
    assert pattern_of(["part-00000.csv", "part-00001.csv"]) is None
    assert pattern_of(["2024-03-01.csv"]) is None, "one file may be of many days"
    assert pattern_of(["a-2024-03-01.csv", "users.csv"]) is None
    assert pattern_of(["2024-03-01-00001.csv", "2024-03-02-00001.csv"]) == "yyyy-MM-dd"
    assert pattern_of(["20240301-01.csv", "20240302-02.csv"]) == "yyyyMMdd", "parts, no hours"
    assert pattern_of(["12345678.csv", "87654321.csv"]) is None, "numbers, no days"


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York"])
def test_the_clocks_that_name_folders_are_told_by_their_events(zone: str, tmp_path: Path) -> None:
    """Over the last Sunday of March, on which Berlin's clocks skip an hour."""
    name = "date=%Y-%m-%d/hour=%H/log.csv"
    made = drafted(write_hours(tmp_path, name, zone), tmp_path)
    assert made["logs"]["timezone"] == zone


def test_times_of_utc_leave_the_clocks_to_a_person(tmp_path: Path) -> None:
    path = write_hours(tmp_path, "date=%Y-%m-%d/hour=%H/log.csv", "UTC")
    assert 'timezone = "UTC" # NOT SURE' in draft_scenario(path)


@pytest.mark.parametrize("spelled", ["%Y%m%d", "%Y-%m-%d %H:%M:%S"])
def test_a_column_of_local_time_tells_the_clocks(spelled: str, tmp_path: Path) -> None:
    columns = base()
    zone = ZoneInfo("Asia/Shanghai")
    stamps = [datetime.fromtimestamp(int(str(ts)), zone) for ts in columns["ts"]]
    columns["local_date"] = [moment.strftime(spelled) for moment in stamps]
    path = log(tmp_path, columns)
    assert drafted(path, tmp_path)["logs"]["timezone"] == "Asia/Shanghai"
    assert "600 of 600 rows lie in the days that are told of them" in draft_scenario(path)


def test_wrong_clocks_are_a_mistake_of_the_check(tmp_path: Path) -> None:
    folder = write_hours(tmp_path, "date=%Y-%m-%d/log.csv", "Asia/Shanghai", hours=144, step=5)
    drafted(folder, tmp_path)
    draft = tmp_path / "draft.toml"
    assert check_scenario(str(draft), "")[1] == []
    draft.write_text(draft.read_text().replace("Asia/Shanghai", "UTC"))
    (mistake,) = check_scenario(str(draft), "")[1]
    assert "logs.timezone: " in mistake
    assert "are of another day than their file" in mistake


def test_a_file_of_no_day_is_for_a_person_to_move(tmp_path: Path) -> None:
    folder = write_hours(tmp_path, "date=%Y-%m-%d/log.csv", "UTC", hours=144, step=6)
    stray = folder / "events" / "date=__HIVE_DEFAULT_PARTITION__" / "log.csv"
    stray.parent.mkdir()
    stray.write_text(f"{HEADER}\nm1,s1,{START},1\n")
    assert "TO DECIDE 1: where events/date=__HIVE" in draft_scenario(folder)
    drafted(folder, tmp_path)
    (mistake,) = check_scenario(str(tmp_path / "draft.toml"), "")[1]
    assert "date=__HIVE_DEFAULT_PARTITION__/log.csv" in mistake


def test_a_table_beside_the_events_is_named_and_not_joined(tmp_path: Path) -> None:
    folder = write_hours(tmp_path, "date=%Y-%m-%d/log.csv", "UTC", hours=144, step=6)
    (folder / "items.csv").write_text("item_id,author\ns1,a\ns2,b\n")
    (folder / "notes.csv").write_text("item_id,note\ns1,a\ns1,b\n")
    text = draft_scenario(folder)
    assert '# sides = [{ name = "items", path = "items.csv", key = "item_id" }]' in text
    assert "notes.csv" not in text, "its key is there twice"
    assert "sides" not in drafted(folder, tmp_path)["logs"]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_time_of_parquet_is_read_by_its_type(zone: str | None, tmp_path: Path) -> None:
    columns = base()
    moments = pa.array([int(str(ts)) * 10**9 for ts in columns.pop("ts")])
    table = pa.table({**columns, "at": moments.cast(pa.timestamp("ns", zone))})
    pq.write_table(table, tmp_path / "log.parquet")
    made = drafted(tmp_path / "log.parquet", tmp_path)
    assert (made["logs"]["time"], made["logs"]["time_format"]) == ("at", "iso")
    assert "a time by its type" in draft_scenario(tmp_path / "log.parquet")


def test_days_without_a_year_are_drafted_and_checked_in_their_year(tmp_path: Path) -> None:
    columns = base()
    stamps = [datetime.fromtimestamp(int(str(ts)), UTC) for ts in columns.pop("ts")]
    columns["time_stamp"] = [f"{moment:%m%d}" for moment in stamps]
    path = log(tmp_path, columns, "clicks_2014.csv")
    os.utime(path, (START + 900 * DAY,) * 2)
    made = drafted(path, tmp_path)
    assert (made["logs"]["time_format"], made["logs"]["time_year"]) == ("MMdd", 2014)
    said: list[str] = []
    assert check_scenario(str(tmp_path / "draft.toml"), str(path), said.append)[1] == []
    assert "10 days from 2014-11-15 to 2014-11-24" in said[0]


def test_two_colons_between_columns_are_a_delimiter_and_stars_need_no_name(tmp_path: Path) -> None:
    path = tmp_path / "ratings.dat"
    rows = (f"{n % 41}::{n * 7 % 53}::{n * 3 % 5 + 1}::{START + n * 3000}" for n in range(600))
    path.write_text("\n".join(rows) + "\n")
    decide = make_draft(path).decide
    made = drafted(path, tmp_path)
    assert roles(made) == {
        "user": "column_1",
        "item": "column_3",
        "time": "column_7",
        "time_format": "s",
    }
    assert made["label"] == {"kind": "threshold", "column": "column_5", "at_least": 4.0}
    assert [one.split(":")[0] for one in decide] == [
        "whether column_5 holds ratings, from 1 to 5",
        "who the user is",
        "who the item is",
    ]


def test_actions_without_a_header_are_no_users(tmp_path: Path) -> None:
    path = tmp_path / "behavior.csv"
    kinds = ("pv", "pv", "cart", "buy", "fav")
    rows = (f"{n % 41},{n * 7 % 53},{n % 4},{kinds[n % 5]},{START + n * 900}" for n in range(600))
    path.write_text("\n".join(rows) + "\n")
    made = drafted(path, tmp_path)
    assert made["label"] == {"kind": "event_type", "column": "column_4", "positive": ["buy"]}
    assert roles(made)["user"] == "column_1"
    assert roles(made)["item"] == "column_2"


def test_small_files_together_fill_the_sample(tmp_path: Path) -> None:
    folder = write_hours(tmp_path, "date=%Y-%m-%d/hour=%H/log.csv", "UTC", hours=96)
    assert len(make_draft(folder).columns[0].values) == 4 * 96
