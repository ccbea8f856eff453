"""Columns of any name, in any order and of any type give the events that a plain log gives."""

import io
import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from secateur.artifacts import Artifact
from small_log import DAYS, HEADER, SmallLog, all_events, check_cleaning_refuses, small_log

NAMES = HEADER.split(",")
Row = dict[str, str]
Writer = Callable[[list[Row]], bytes]


@pytest.fixture(scope="module")
def plain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    log = small_log(tmp_path_factory.mktemp("plain")).write()
    return log.run("clean_events", output=log.folder / "out")


def rewrite(log: SmallLog, form: str, by_day: dict[str, Writer]) -> SmallLog:
    """The log with each day written by a writer of its own."""
    for day, write in by_day.items():
        rows = [dict(zip(NAMES, row.split(","), strict=True)) for row in log.days[day]]
        log.file(day).unlink()
        log.file(day).with_name("log").write_bytes(write(rows))
    text = log.scenario.read_text()
    log.scenario.write_text(text.replace("[logs]", f'[logs]\nformat = "{form}"'))
    return log


def number(text: str) -> object:
    return float(text) if text.replace(".", "").isdigit() else text


def json_texts(rows: list[Row]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def json_numbers(rows: list[Row]) -> bytes:
    """Fractions that end in .0 or have an exponent, where the others have whole numbers."""
    return json_texts([{name: number(text) for name, text in row.items()} for row in rows])  # type: ignore[misc]


def json_keys_absent(rows: list[Row]) -> bytes:
    return json_texts([{name: text for name, text in row.items() if text} for row in rows])


def json_keys_shuffled(rows: list[Row]) -> bytes:
    dice = random.Random(1)
    return json_texts([dict(dice.sample(sorted(row.items()), len(row))) for row in rows])


def json_nulls(rows: list[Row]) -> bytes:
    return json_texts([{name: text or None for name, text in row.items()} for row in rows])  # type: ignore[misc]


JSON_ROWS = (json_numbers, json_keys_absent, json_keys_shuffled, json_nulls)


def test_json_rows_may_lack_keys_and_hold_a_value_as_any_type(
    plain: Artifact, tmp_path: Path
) -> None:
    log = small_log(tmp_path).write()
    writers = dict(zip(DAYS, (json_texts, *JSON_ROWS, json_texts), strict=True))
    log = rewrite(log, "json_lines", writers)
    events = log.run("clean_events", output=tmp_path / "out")
    assert all_events(events) == all_events(plain)


def table_of(kinds: dict[str, pa.DataType], order: list[str]) -> Writer:
    """A writer of Parquet with these types, text where none is told."""

    def write(rows: list[Row]) -> bytes:
        columns = {}
        for name in order:
            texts = pa.array([row[name] or None for row in rows], pa.string())
            kind = kinds.get(name, pa.string())
            if pa.types.is_decimal(kind):
                columns[name] = pa.array([Decimal(text.as_py()) for text in texts], kind)
            elif pa.types.is_dictionary(kind):
                columns[name] = texts.dictionary_encode()
            elif pa.types.is_timestamp(kind):
                columns[name] = texts.cast(pa.int64()).cast(kind)
            else:
                columns[name] = texts.cast(kind)
        target = io.BytesIO()
        pq.write_table(pa.table(columns), target)
        return target.getvalue()

    return write


# Of a log whose days differ so, by what is odd about a day.
PARQUET_TYPES: dict[str, dict[str, pa.DataType]] = {
    "whole_numbers": {"item": pa.int64(), "at": pa.int64(), "liked": pa.int8()},
    "doubles": {"item": pa.float64(), "at": pa.uint64(), "seconds": pa.float64()},
    "dictionaries": {"at": pa.float64(), "tab": pa.dictionary(pa.int32(), pa.string())},
    "decimals": {"item": pa.decimal128(12, 2), "at": pa.decimal128(20, 0)},
    "bytes": {"item": pa.int16(), "uid": pa.binary(), "tab": pa.large_string()},
    "booleans": {"item": pa.float32(), "liked": pa.bool_(), "seconds": pa.uint8()},
}


def test_parquet_days_may_differ_in_types_and_in_order(plain: Artifact, tmp_path: Path) -> None:
    orders = [NAMES, NAMES[::-1], NAMES, sorted(NAMES), NAMES, NAMES]
    writers = map(table_of, PARQUET_TYPES.values(), orders)
    log = rewrite(small_log(tmp_path).write(), "parquet", dict(zip(DAYS, writers, strict=True)))
    events = log.run("clean_events", output=tmp_path / "out")
    assert all_events(events) == all_events(plain)


TAKEN = {name: f"log.{name}" for name in ("day", "time_ms", "label", "history_only")}
NAMES_BY_CASE = {
    "names_that_cleaning_uses": ["row", "reasons", "source", "_text", "malformed", "_metadata"],
    "names_that_look_like_ours": ["_inner_pad", "_header"],
    "names_of_sparks_own": ["_c0", "_corrupt_record"],
    "names_of_no_word": ["2024", "\U0001f600"],
    "names_that_differ_in_case": ["Day", "TAB", "Tab"],
    "names_with_signs": ["a.b", "tick`s", "sp ace", "x,y", "größe", "select"],
    "names_like_templates": ["${env:HOME}", "a${x}b", "${item}"],
    "names_of_the_events": [*TAKEN],
}
ODD_NAMES = [name for names in NAMES_BY_CASE.values() for name in names]


def with_odd_names(rows: list[Row]) -> list[Row]:
    return [row | {name: f"{name}!" for name in ODD_NAMES} for row in rows]


def odd_csv(rows: list[Row]) -> bytes:
    """With a column without a name, too."""
    names = [*NAMES, *ODD_NAMES, ""]
    header = ",".join(f'"{name}"' for name in names)
    lines = (",".join(f'"{row.get(name, "?")}"' for name in names) for row in with_odd_names(rows))
    return "\n".join([header, *lines]).encode()


def odd_json(rows: list[Row]) -> bytes:
    return json_texts(with_odd_names(rows))


def odd_parquet(rows: list[Row]) -> bytes:
    return table_of({}, [*NAMES, *ODD_NAMES])(with_odd_names(rows))


@pytest.mark.parametrize(
    ("form", "write"), [("csv", odd_csv), ("json_lines", odd_json), ("parquet", odd_parquet)]
)
def test_a_column_may_have_any_name(
    form: str, write: Writer, spark: SparkSession, tmp_path: Path
) -> None:
    log = rewrite(small_log(tmp_path).write(), form, dict.fromkeys(DAYS, write))
    settings = (
        'cleaning.missing={ length = ["-1"], "a.b" = ["none"] }',
        "cleaning.where=\"`a${x}b` = concat('a$', '{x}b!') AND '${env:HOME}' LIKE '$%'\"",
    )
    events = log.run("clean_events", *settings, output=tmp_path / "out")
    (file,) = events.folder.glob(f"events/date={DAYS[0]}/*.parquet")
    table = pq.read_table(file)
    for name in ODD_NAMES:
        assert set(table[TAKEN.get(name, name)].to_pylist()) == {f"{name}!"}
    if form == "csv":
        assert set(table[f"column_{len(NAMES) + len(ODD_NAMES) + 1}"].to_pylist()) == {"?"}
    assert set(table["day"].to_pylist()) == {DAYS[0]}


def type_differs(log: SmallLog) -> None:
    by_day = {day: table_of({"at": pa.int64()}, NAMES) for day in DAYS}
    rewrite(log, "parquet", by_day | {DAYS[3]: table_of({"at": pa.timestamp("ms")}, NAMES)})


def type_differs_within_lists(log: SmallLog) -> None:
    def lists(kind: pa.DataType) -> Writer:
        def write(rows: list[Row]) -> bytes:
            columns = {name: [row[name] for row in rows] for name in NAMES}
            columns["tab"] = pa.array([[1]] * len(rows), pa.list_(kind))
            target = io.BytesIO()
            pq.write_table(pa.table(columns), target)
            return target.getvalue()

        return write

    by_day = dict.fromkeys(DAYS, lists(pa.int64()))
    rewrite(log, "parquet", by_day | {DAYS[1]: table_of({}, NAMES)})


def page_damaged(log: SmallLog) -> None:
    rewrite(log, "parquet", dict.fromkeys(DAYS, table_of({}, NAMES)))
    file = log.file(DAYS[2]).with_name("log")
    data = bytearray(file.read_bytes())
    data[10:60] = b"\xff" * 50
    file.write_bytes(data)


def column_in_no_file(log: SmallLog) -> None:
    rewrite(log, "json_lines", dict.fromkeys(DAYS, json_texts))
    log.scenario.write_text(log.scenario.read_text().replace('"liked"', '"loved"'))


def parquet_name_twice(log: SmallLog) -> None:
    def write(rows: list[Row]) -> bytes:
        texts = pa.array([row["uid"] for row in rows])
        target = io.BytesIO()
        pq.write_table(pa.Table.from_arrays([texts, texts], ["uid", "uid"]), target)
        return target.getvalue()

    rewrite(log, "parquet", dict.fromkeys(DAYS, write))


REFUSED: dict[Callable[[SmallLog], None], str] = {
    type_differs: f"events/date={DAYS[0]}/log holds at as int64, events/date={DAYS[3]}/log as "
    "timestamp[ms]: they have no common type",
    type_differs_within_lists: "holds tab as list<element: int64>, "
    f"events/date={DAYS[1]}/log as string",
    page_damaged: f"events/date={DAYS[2]}/log cannot be read to its end",
    column_in_no_file: "has no column ['loved']",
    parquet_name_twice: "has two columns of one name: uid",
}


@pytest.mark.parametrize("fault", REFUSED, ids=lambda fault: fault.__name__)
def test_columns_that_do_not_fit_are_refused(
    fault: Callable[[SmallLog], None], spark: SparkSession, tmp_path: Path
) -> None:
    check_cleaning_refuses(fault, REFUSED[fault], tmp_path)


def test_the_page_tells_of_every_odd_column() -> None:
    told = told_cases("Odd columns")
    refused = {fault.__name__: message for fault, message in REFUSED.items()}
    read = {write.__name__ for write in JSON_ROWS}
    read |= {*PARQUET_TYPES, *NAMES_BY_CASE, "name_missing"}
    assert told.keys() == refused.keys() | read
    for name, message in refused.items():
        assert told[name] == f"refused: `{message}`"
