"""An event's instant, whatever its log tells it by; the expectations are Python's own clocks'."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from secateur.contracts.errors import Refused
from secateur.events.instants import (
    TIME_MS,
    TOLD_MS,
    demand_plausible_times,
    with_time,
)
from secateur.events.raw_rows import raw_rows
from secateur.events.reading.whole_files import UnreadFile, examine_files
from secateur.local_days import hours_of
from secateur.scenario import Logs
from secateur.scenario.raw_log.column_names import NamingRules
from secateur.scenario.raw_log.reading import log_rows, typed_times
from secateur.scenario.raw_log.times import spelled_time_reader

SHANGHAI = ZoneInfo("Asia/Shanghai")
HALF_PAST = datetime(2024, 3, 1, 10, 30, 0, 250_000)
THERE = HALF_PAST.replace(tzinfo=SHANGHAI)
INSTANT = HALF_PAST.replace(tzinfo=UTC)


def logs(zone: str = "Asia/Shanghai", **settings: Any) -> Logs:
    return Logs(uri="x", user="u", item="i", time="at", timezone=zone, **settings)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def table(spark: SparkSession, values: pa.Array, settings: Logs, folder: Path) -> Any:
    """What is made of a Parquet column of times."""
    file = folder / "log.parquet"
    pq.write_table(pa.table({"at": values}), file)
    form = settings.model_copy(update={"format": "parquet"})
    unread = UnreadFile(folder.as_uri(), file.name, 1, None, folder / "staged" / "0")
    (raw,) = examine_files([unread], form, NamingRules())
    return with_time(raw_rows(spark, [raw], form), settings, raw.stored_type("at"), ())


def times(
    spark: SparkSession, values: Sequence[object], settings: Logs, days: Sequence[str] = ()
) -> list[int | None]:
    """The milliseconds of texts."""
    frame = spark.createDataFrame(pa.table({"at": pa.array(values, pa.string())}))
    found: list[int | None] = (
        with_time(frame, settings, None, days).select(TIME_MS).toArrow()[0].to_pylist()
    )
    return found


TYPED: dict[str, tuple[pa.Array, datetime]] = {
    "naive nanoseconds": (pa.array([HALF_PAST], pa.timestamp("ns")), THERE),
    "naive microseconds": (pa.array([HALF_PAST], pa.timestamp("us")), THERE),
    "naive milliseconds": (pa.array([HALF_PAST], pa.timestamp("ms")), THERE),
    "nanoseconds of UTC": (pa.array([INSTANT], pa.timestamp("ns", "UTC")), INSTANT),
    "microseconds of UTC": (pa.array([INSTANT], pa.timestamp("us", "UTC")), INSTANT),
    "microseconds of Berlin": (pa.array([THERE], pa.timestamp("us", "Europe/Berlin")), THERE),
    "a date": (pa.array([date(2024, 3, 1)]), datetime(2024, 3, 1, tzinfo=SHANGHAI)),
}


@pytest.mark.parametrize("name", TYPED)
@pytest.mark.parametrize("time_format", ["ms", "yyyy-MM-dd HH:mm:ss"])
def test_a_typed_time_is_read_by_its_type(
    spark: SparkSession, tmp_path: Path, name: str, time_format: str
) -> None:
    values, moment = TYPED[name]
    found = table(spark, values, logs(time_format=time_format), tmp_path)
    assert found.select(TIME_MS).toArrow()[0].to_pylist() == [ms(moment)]


@pytest.mark.parametrize("name", TYPED)
def test_a_check_reads_a_typed_time_as_cleaning_does(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    """Of one file both tell the same instants, of hours that clocks skip and repeat too."""
    summer, autumn = datetime(2024, 3, 31, 2, 30), datetime(2024, 10, 27, 2, 30)
    values = pa.array([TYPED[name][1].replace(tzinfo=None), summer, autumn, None])
    settings = logs("Europe/Berlin", format="parquet")
    cast = values.cast(TYPED[name][0].type, safe=False)
    found = table(spark, cast, settings, tmp_path).select(TIME_MS).toArrow()[0].to_pylist()
    file = tmp_path / "log.parquet"
    read = spelled_time_reader("Europe/Berlin", is_instant=typed_times(file)["at"])
    rows = [row[0] for row in log_rows(file, settings, ["at"]) if row]
    assert [ms(moment) if text and (moment := read(text)) else None for text in rows] == found


TEXTS: list[tuple[str, str, datetime]] = [
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-03-01T10:30:00.250Z", INSTANT),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-03-01T10:30:00.250+08:00", THERE),
    ("yyyy-MM-dd HH:mm:ss.SSS Z", "2024-03-01 10:30:00.250 +0800", THERE),
    ("yyyy-MM-dd HH:mm:ss.SSS z", "2024-03-01 10:30:00.250 UTC", INSTANT),
    ("yyyy-MM-dd HH:mm:ss.SSS", "2024-03-01 10:30:00.250", THERE),
    ("yyyy-MM-dd'T'HH:mm:ss.SSS[XXX]", "2024-03-01T10:30:00.250", THERE),
    ("yyyy-MM-dd'T'HH:mm:ss.SSS[XXX]", "2024-03-01T10:30:00.250Z", INSTANT),
    ("iso", "2024-03-01T10:30:00.25Z", INSTANT),
    ("iso", "2024-03-01 10:30:00.250000+08", THERE),
    ("iso", "2024-03-01 10:30:00.25", THERE),
    ("iso", "2024-03-01", datetime(2024, 3, 1, tzinfo=SHANGHAI)),
]


@pytest.mark.parametrize(("time_format", "text", "moment"), TEXTS)
def test_a_text_with_an_offset_is_moved_no_more(
    spark: SparkSession, time_format: str, text: str, moment: datetime
) -> None:
    assert times(spark, [text], logs(time_format=time_format)) == [ms(moment)]


@pytest.mark.parametrize(
    "text", ["10:30:00", "2024", "20240301", "now", "2024-03-01T25:00:00Z", ""]
)
def test_no_iso_text_is_no_time(spark: SparkSession, text: str) -> None:
    assert times(spark, [text], logs(time_format="iso")) == [None]


@pytest.mark.parametrize(
    ("unit", "values"),
    {
        "s": ["1709289000.25", "1709289000", "1.7092890005e9"],
        "ms": ["1709289000250", "1709289000000.9", "1709289000500"],
        "us": ["1709289000250999", "1709289000000001", "1709289000500000"],
        "ns": ["1709289000250999999", "1709289000000000001", "1709289000500000000"],
    }.items(),
)
def test_a_number_is_cut_to_its_millisecond(
    spark: SparkSession, unit: str, values: list[str]
) -> None:
    expected = [ms(INSTANT), ms(INSTANT) - 250, ms(INSTANT) + 250]
    assert times(spark, values, logs(time_format=unit)) == expected


UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@pytest.mark.parametrize("declared", UNITS)
@pytest.mark.parametrize("real", UNITS)
def test_a_wrong_unit_is_refused_with_the_right_one(
    spark: SparkSession, declared: str, real: str
) -> None:
    numbers = [str((1_709_289_000 + n) * UNITS[real]) for n in range(9)]
    settings = logs(time_format=declared)
    frame = spark.createDataFrame(pa.table({"at": [*numbers, "soon"]}))
    timed = with_time(frame, settings, None, ())
    if declared == real:
        demand_plausible_times(timed, settings)
        return
    with pytest.raises(Refused, match=f"9 of 9 times .* say logs.time_format = '{real}'"):
        demand_plausible_times(timed, settings)


def test_a_stray_time_of_another_era_is_no_time_and_refuses_nothing(spark: SparkSession) -> None:
    frame = spark.createDataFrame(
        pa.table({"at": ["1709289000000", "1709289000001", "0", "9" * 15]})
    )
    timed = with_time(frame, logs(), None, ())
    demand_plausible_times(timed, logs())
    found = [tuple(row) for row in timed.select(TIME_MS, TOLD_MS).collect()]
    assert found == [
        (1709289000000, None),
        (1709289000001, None),
        (None, 0.0),
        (None, 999_999_999_999_999.0),
    ]


def test_a_log_of_another_era_says_so_by_its_days(spark: SparkSession) -> None:
    day = date(1970, 1, 3)
    text = str(2 * 86_400)
    assert times(spark, [text], logs("UTC", time_format="s")) == [None]
    assert times(spark, [text], logs("UTC", time_format="s"), [str(day)]) == [2 * 86_400_000]
    declared = logs("UTC", time_format="s", last_day=str(day))
    assert times(spark, [text], declared) == [2 * 86_400_000]


def test_a_time_without_a_year_takes_the_scenarios(spark: SparkSession) -> None:
    settings = logs("UTC", time_format="M-d HH:mm", time_year=2024)
    expected = datetime(2024, 2, 29, 10, 30, tzinfo=UTC)
    assert times(spark, ["2-29 10:30", "2-30 10:30"], settings) == [ms(expected), None]


def clock_times(day: datetime) -> list[datetime]:
    """Every quarter of an hour that might stand on a local clock."""
    return [day + timedelta(minutes=15 * n) for n in range(96)]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", datetime(2024, 3, 31)),
        ("Europe/Berlin", datetime(2024, 10, 27)),
        ("America/Sao_Paulo", datetime(2018, 11, 4)),  # has no midnight
        ("Australia/Lord_Howe", datetime(2024, 10, 6)),  # half an hour
    ],
)
def test_a_skipped_time_goes_on_and_a_doubled_one_is_the_first(
    spark: SparkSession, zone: str, day: datetime
) -> None:
    local = clock_times(day)
    texts = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in local]
    # Of a skipped time Python takes the offset before, too; of a doubled one the first (PEP 495).
    expected = [ms(moment.replace(tzinfo=ZoneInfo(zone))) for moment in local]
    assert times(spark, texts, logs(zone, time_format="yyyy-MM-dd HH:mm:ss")) == expected


def test_the_hours_of_a_day_are_those_that_its_clocks_show() -> None:
    every = [f"{hour:02d}" for hour in range(24)]
    spring, autumn = date(2024, 3, 31), date(2024, 10, 27)
    assert hours_of(spring, "Europe/Berlin") == [hour for hour in every if hour != "02"]
    assert hours_of(autumn, "Europe/Berlin") == every
    assert hours_of(spring, "UTC") == every
    assert hours_of(date(2018, 11, 4), "America/Sao_Paulo") == every[1:]
    assert hours_of(date(2024, 10, 6), "Australia/Lord_Howe") == every
