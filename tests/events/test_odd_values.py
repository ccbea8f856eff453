"""Values and times of odd types are read as what they are, or refused by name."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from secateur.contracts.errors import Refused
from secateur.encoding.lists import split
from secateur.events.instants import TIME_MS, TOLD_MS, with_time
from secateur.events.raw_rows import FAULT, raw_rows
from secateur.events.reading.raw_file import RawFile
from secateur.events.reading.whole_files import UnreadFile, examine_files
from secateur.events.spark_spelling import canonical_column
from secateur.scenario import Logs, TableFormat
from secateur.scenario.raw_log.column_names import NamingRules
from secateur.scenario.scenario_check import check_scenario
from small_scenario import spoil

HALF_PAST = datetime(2024, 3, 1, 10, 30, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def examined(file: Path, form: str) -> RawFile:
    """A file that has been read to its end. Raises Refused."""
    unread = UnreadFile(file.parent.as_uri(), file.name, 1, None, file.parent / "staged" / "0")
    (found,) = examine_files([unread], TableFormat(format=form), NamingRules())  # type: ignore[arg-type]
    return found


UNREADABLE: dict[str, tuple[pa.Array, str]] = {
    "time_of_day_column": (pa.array([time(10)]), "is of type time64[us]: write it as text"),
    "duration_column": (pa.array([timedelta(1)]), "is of type duration[us]: write it as text"),
    "half_floats": (pa.array(np.zeros(1, np.float16)), "is of type halffloat: write it as text"),
    "uuid_column": (pa.array([b"0" * 16], pa.uuid()), "arrow.uuid>: write it as text"),
    "decimal_of_50_digits": (
        pa.array([Decimal(1)], pa.decimal256(50, 2)),
        "is of type decimal256(50, 2): write it as text",
    ),
    "struct_of_times": (pa.array([{"at": time(10)}]), "odd.at is of type time64[us]"),
    "member_named_twice": (pa.array([{"id": 1}]), "has two columns of one name: odd.id"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_type_that_no_service_has_is_refused(tmp_path: Path, case: str) -> None:
    values, message = UNREADABLE[case]
    more = {"odd.id": pa.array([5])} if case == "member_named_twice" else {}
    pq.write_table(pa.table({"odd": values, **more}), tmp_path / "log.parquet")
    with pytest.raises(Refused, match=re.escape(message)):
        examined(tmp_path / "log.parquet", "parquet")


def test_a_json_member_with_the_name_of_another_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text('{"odd": {"id": 1}, "odd.id": 2}\n')
    with pytest.raises(Refused, match=r"has two columns of one name: odd\.id"):
        examined(tmp_path / "log.json", "json_lines")


MISTAKES: dict[str, tuple[str, str]] = {
    "time_without_a_year": ('time_format = "MM-dd HH:mm"', "tells no year: say logs.time_year"),
    "time_without_a_day": ('time_format = "yyyy HH:mm:ss"', "tells no day of the year"),
    "months_as_minutes": ('time_format = "yyyy-mm-dd"', "tells no day of the year"),
    "hours_without_am_or_pm": (
        'time_format = "yyyy-MM-dd h:mm"',
        "tells hours up to 12, but not AM or PM",
    ),
    "utc_as_letters": (
        f"time_format = \"yyyy-MM-dd'T'HH:mm:ss'Z'\"\ntimezone = \"{BERLIN}\"",
        "reads over the letters that say UTC",
    ),
    "zone_left_out_at_times": (
        'time_format = "yyyy-MM-dd HH:mm[ VV]"',
        "has a zone that may be left out",
    ),
    "letter_too_often": ('time_format = "yyyy-MM-ddd"', "Spark reads: ddd is too long"),
    "quote_left_open": ('time_format = "yyyy-MM-dd\'T"', "a quote is not closed"),
    "year_told_twice": ('time_format = "s"\ntime_year = 2024', "'s' tells the year itself"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_time_that_would_be_read_by_guessing_is_a_mistake(tmp_path: Path, case: str) -> None:
    keys, message = MISTAKES[case]
    found, mistakes = check_scenario(str(spoil(tmp_path, ("window_days = 6", keys))))
    assert found is None
    assert any(message in mistake for mistake in mistakes)


# One row each; what its column is to a list field, or as a value.
JSON: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "array": ({"a": ["x y", 7.0, None, True]}, "a", ["x y", "7", "1"]),
    "array_of_objects": ({"b": [{"id": 7.0}, {"id": "x"}]}, "b.id", ["7", "x"]),
    "object": ({"c": {"d": {"id": 1e7}}}, "c.d.id", ["10000000"]),
    "empty_array": ({"e": []}, "e", []),
    "object_in_one_row": ({"f": {"id": 1}}, "f", ['{"id":1}']),
    "member_absent": ({"g": {}}, "g.id", []),
    "exponent": ({"h": 12e4}, "h", ["120000"]),
    "exponent_in_text": ({"i": "12e4"}, "i", ["12e4"]),
    "flag": ({"j": True}, "j", ["1"]),
    "infinity": ({"m": float("inf")}, "m", ["Infinity"]),
    "not_a_number": ({"n": float("nan")}, "n", []),
    "array_in_text": ({"k": "['x;y', 7.0, None]"}, "k", ["x;y", "7"]),
    "brackets_in_text": ({"l": "[new] x;y"}, "l", ["[new] x", "y"]),
}
OTHERS: Mapping[str, Any] = {"f": 5, "g": {"id": 3}}  # what other rows hold there


def spelled(spark: SparkSession, file: RawFile, form: str) -> dict[str, str | None]:
    """The first row as the events hold it."""
    rows = raw_rows(spark, [file], TableFormat(format=form))  # type: ignore[arg-type]
    assert rows.where(f"{FAULT} is not null").count() == 0
    columns = [canonical_column(name, {}) for name in file.columns]
    found: dict[str, str | None] = rows.select(*columns).toArrow().to_pylist()[0]
    return found


@pytest.fixture(scope="module")
def json_row(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str | None]:
    file = tmp_path_factory.mktemp("json") / "log.json"
    row = {key: value for cell, _, _ in JSON.values() for key, value in cell.items()}
    file.write_text(f"{json.dumps(row)}\n{json.dumps(OTHERS)}\n")
    return spelled(spark, examined(file, "json_lines"), "json_lines")


@pytest.mark.parametrize("case", JSON)
def test_a_value_of_json_is_read_as_what_it_is(json_row: dict[str, str | None], case: str) -> None:
    _, column, values = JSON[case]
    assert split(json_row[column] or "", ";") == values


def times(spark: SparkSession, text: str, **settings: Any) -> tuple[int | None, float | None]:
    logs = Logs(uri="x", user="u", item="i", time="at", **settings)
    frame = spark.createDataFrame(pa.table({"at": [text]}))
    ((found, told),) = with_time(frame, logs, None, ()).select(TIME_MS, TOLD_MS).collect()
    return found, told


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]


LOCAL = {"time_format": "yyyy-MM-dd HH:mm:ss", "timezone": BERLIN}
TIMES: dict[str, tuple[str, dict[str, str], int]] = {
    "offset_in_text": (
        "2024-03-01T10:30:00+08:00",
        {"time_format": "yyyy-MM-dd'T'HH:mm:ssXXX", "timezone": "Asia/Shanghai"},
        utc(2024, 3, 1, 2, 30),
    ),
    "offset_at_times": (
        "2024-03-01T10:30:00Z",
        {"time_format": "iso", "timezone": "Asia/Shanghai"},
        utc(2024, 3, 1, 10, 30),
    ),
    "utc_by_name": (
        "2024-03-01 10:30:00.000 UTC",
        {"time_format": "iso", "timezone": "Asia/Shanghai"},
        utc(2024, 3, 1, 10, 30),
    ),
    "zone_by_name": (
        "2024-03-01 10:30:00 Europe/Berlin",
        {"time_format": "iso", "timezone": "Asia/Shanghai"},
        utc(2024, 3, 1, 9, 30),
    ),
    "offset_of_one_digit": (
        "2024-03-01T10:30:00+8:00",
        {"time_format": "iso", "timezone": "Asia/Shanghai"},
        utc(2024, 3, 1, 2, 30),
    ),
    "time_skipped_in_spring": ("2024-03-31 02:30:00", LOCAL, utc(2024, 3, 31, 1, 30)),
    "time_doubled_in_autumn": ("2024-10-27 02:30:00", LOCAL, utc(2024, 10, 27, 0, 30)),
}


@pytest.mark.parametrize("case", TIMES)
def test_a_time_is_read_on_its_own_clocks(spark: SparkSession, case: str) -> None:
    text, settings, expected = TIMES[case]
    assert times(spark, text, **settings) == (expected, None)


def test_a_time_of_another_era_is_none(spark: SparkSession) -> None:
    assert times(spark, "0") == (None, 0.0)


def test_the_page_tells_of_every_case_what_was_seen() -> None:
    told = told_cases("Odd values", "Odd times")
    quarantined = {"time_of_another_era", "wrong_unit"}
    assert told.keys() == {
        *UNREADABLE,
        "json_member_named_twice",
        *MISTAKES,
        *JSON,
        *TIMES,
        *quarantined,
    }
    for case, (_, message) in UNREADABLE.items():
        assert f"refused: `{message}`" in told[case]
    for case, (_, message) in MISTAKES.items():
        assert f"exit 64: `{message}`" in told[case]
    for case, (_, _, values) in JSON.items():
        assert ", ".join(f"`{one}`" for one in values) in told[case]
    for case, (_, _, expected) in TIMES.items():
        moment = datetime.fromtimestamp(expected / 1000, UTC)
        assert moment.strftime("`%Y-%m-%d %H:%M:%S` UTC") in told[case]
    assert "`time_implausible`" in told["time_of_another_era"]
