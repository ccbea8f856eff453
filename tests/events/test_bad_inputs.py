"""The first tables of `infra/bad_inputs.md`: what a bad input does, and that nothing is lost.

A fault that spoils a file as a whole is refused by name, before Spark sees it. Rows that are bad
by themselves are quarantined under their reasons; all of them stand in one log, cleaned once.
"""

import bz2
import gzip
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from secateur.artifacts import Artifact
from secateur.contracts.data import CleaningCounts
from small_log import (
    DAYS,
    HEADER,
    SmallLog,
    check_cleaning_refuses,
    milliseconds,
    small_log,
    write_gz,
)

DAY, NEXT = DAYS[2], DAYS[3]
NOON = milliseconds(DAY, 43200)
TEN_MB = 10 << 20


def lines(log: SmallLog) -> bytes:
    """A day's file, unpacked."""
    return "".join(f"{line}\n" for line in [HEADER, *log.days[DAY]]).encode()


def pack_as(log: SmallLog, suffix: str, data: bytes) -> None:
    log.file(DAY).unlink()
    log.file(DAY).with_name(f"log.csv{suffix}").write_bytes(data)


def cut_gzip(log: SmallLog) -> None:
    log.file(DAY).write_bytes(log.file(DAY).read_bytes()[:-20])


def cut_bz2(log: SmallLog) -> None:
    pack_as(log, ".bz2", bz2.compress(lines(log))[:-20])


def cut_zstd(log: SmallLog) -> None:
    pack_as(log, ".zst", zstandard.ZstdCompressor().compress(lines(log))[:-20])


def flip_a_bit(log: SmallLog) -> None:
    data = bytearray(log.file(DAY).read_bytes())
    data[len(data) // 2] ^= 4
    log.file(DAY).write_bytes(data)


def text_named_gz(log: SmallLog) -> None:
    log.file(DAY).write_bytes(lines(log))


def no_byte(log: SmallLog) -> None:
    log.file(DAY).write_bytes(b"")


def blank_lines_only(log: SmallLog) -> None:
    write_gz(log.file(DAY), ["", "  ", ""])


def headers_only(log: SmallLog) -> None:
    for day in DAYS:
        write_gz(log.file(day), [HEADER])


def delimiter_of_one_day(log: SmallLog) -> None:
    write_gz(log.file(DAY), [row.replace(",", ";") for row in [HEADER, *log.days[DAY]]])


def delimiter_of_all_days(log: SmallLog) -> None:
    for day, rows in log.days.items():
        write_gz(log.file(day), [row.replace(",", ";") for row in [HEADER, *rows]])


def column_renamed_in_one_day(log: SmallLog) -> None:
    write_gz(log.file(DAY), [HEADER.replace("tab", "page"), *log.days[DAY]])


def column_renamed_in_all_days(log: SmallLog) -> None:
    for day, rows in log.days.items():
        write_gz(log.file(day), [HEADER.replace("liked", "loved"), *rows])


def header_lost(log: SmallLog) -> None:
    write_gz(log.file(DAY), log.days[DAY])


def day_missing(log: SmallLog) -> None:
    log.file(DAY).unlink()


def same_file_twice(log: SmallLog) -> None:
    log.file(DAY).with_name("again.csv.gz").write_bytes(log.file(DAY).read_bytes())


def day_under_another_name(log: SmallLog) -> None:
    log.file(NEXT).write_bytes(log.file(DAY).read_bytes())


def side_table_missing(log: SmallLog) -> None:
    (log.folder / "items.csv.gz").unlink()


def side_key_twice(log: SmallLog) -> None:
    write_gz(log.folder / "items.csv.gz", ["item,author,length", *log.items, "3,other,1"])


def side_row_cut(log: SmallLog) -> None:
    write_gz(log.folder / "items.csv.gz", ["item,author,length", *log.items, "99"])


def parquet_cut(log: SmallLog) -> None:
    names = HEADER.split(",")
    for day, rows in log.days.items():
        log.file(day).unlink()
        columns = zip(*(row.split(",") for row in rows), strict=True)
        target = log.file(day).with_name("log.parquet")
        pq.write_table(pa.table(dict(zip(names, columns, strict=True))), target)
    target.write_bytes(target.read_bytes()[:-30])
    text = log.scenario.read_text()
    log.scenario.write_text(text.replace("[logs]", '[logs]\nformat = "parquet"'))


def no_json(log: SmallLog) -> None:
    text = log.scenario.read_text()
    log.scenario.write_text(text.replace("[logs]", '[logs]\nformat = "json_lines"'))


def mostly_unusable(log: SmallLog) -> None:
    rows = [f"raw-user-1,3,{NOON},maybe,home,5"] * 300
    write_gz(log.file(DAY), [HEADER, *log.days[DAY], *rows])


HERE = f"events/date={DAY}/log.csv"
REFUSED: dict[Callable[[SmallLog], None], str] = {
    cut_gzip: f"{HERE}.gz cannot be read to its end",
    cut_bz2: f"{HERE}.bz2 cannot be read to its end",
    cut_zstd: f"{HERE}.zst cannot be read to its end",
    flip_a_bit: f"{HERE}.gz cannot be read to its end",
    text_named_gz: f"{HERE}.gz cannot be read to its end",
    no_byte: f"{HERE}.gz is empty: not even a header (0 bytes)",
    blank_lines_only: f"{HERE}.gz is empty: not even a header",
    headers_only: "no row in 6 files",
    delimiter_of_one_day: "differ in columns",
    delimiter_of_all_days: "has no column ['at', 'item', 'liked', 'uid']; it has ['uid;item;at;",
    column_renamed_in_one_day: "differ in columns: ['page', 'tab']",
    column_renamed_in_all_days: "has no column ['liked']",
    header_lost: f"{HERE}.gz has two columns of one name",
    day_missing: f"1 of the 6 days up to {DAYS[-1]} have no file: {DAY}",
    same_file_twice: "are the same file twice",
    day_under_another_name: "are the same file twice",
    side_table_missing: "no file items.csv.gz",
    side_key_twice: "1 repeat a item",
    side_row_cut: "1 have not 3 columns",
    parquet_cut: "log.parquet cannot be read to its end",
    no_json: "none of its first lines is a JSON object",
    mostly_unusable: "300 of 540 rows (55.56%) are unusable, the budget is 50.00%",
}

# What each bad row is, the row, and its reasons.
QUARANTINED: dict[str, tuple[bytes, set[str]]] = {
    "clock_ahead": (b"raw-user-1,3,%d,1,home,5" % milliseconds("2031-01-01", 0), {"time_future"}),
    "clock_behind": (b"raw-user-1,3,%d,1,home,5" % milliseconds(DAY, -90000), {"time_late"}),
    "time_not_a_number": (b"raw-user-1,3,yesterday,1,home,5", {"time_unparsable"}),
    "time_nan": (b"raw-user-1,3,NaN,1,home,5", {"time_unparsable"}),
    "time_infinite": (b"raw-user-1,3,inf,1,home,5", {"time_unparsable"}),
    "time_overflows": (b"raw-user-1,3,9%d,1,home,5" % 10**30, {"time_unparsable"}),
    "label_nan": (b"raw-user-1,3,%d,NaN,home,5" % NOON, {"label_not_binary"}),
    "label_beyond": (b"raw-user-1,3,%d,2,home,5" % NOON, {"label_not_binary"}),
    "user_blank": (b"  ,3,%d,1,home,5" % NOON, {"user_missing"}),
    "item_missing": (b"raw-user-1,,%d,1,home,5" % NOON, {"item_missing"}),
    "broken_rule": (b"raw-user-1,3,%d,1,home,-Infinity" % NOON, {"negative_seconds"}),
    "field_too_few": (b"raw-user-1,3,%d,1,home" % NOON, {"malformed"}),
    "field_too_many": (b"raw-user-1,3,%d,1,home,5,6" % NOON, {"malformed"}),
    "another_encoding": (b"raw-user-1,3,%d,1,caf\xe9,5" % NOON, {"undecodable"}),
    "header_again": (HEADER.encode(), {"repeated_header"}),
    "line_cut_in_quotes_1": (b'raw-user-1,3,%d,1,"two' % NOON, {"malformed"}),
    "line_cut_in_quotes_2": (b'lines",5', {"malformed"}),
    "nul_bytes": (b"\x00raw\x00,3", {"malformed"}),
    "many_faults": (
        b"raw-user-1,,soon,7,home,-3",
        {"item_missing", "label_not_binary", "negative_seconds", "time_unparsable"},
    ),
}
KEPT = {
    "ten_mb_field": b"raw-user-1,1,%d,1,%s,5" % (NOON + 1, b"x" * TEN_MB),
    "number_nan": b"raw-user-1,2,%d,1,home,NaN" % (NOON + 2),
    "carriage_return": b"raw-user-1,3,%d,1,home,5\r" % (NOON + 3),
    "quoted": b'"raw-user-1","4","%d","1","a, b","5"' % (NOON + 4),
}


@pytest.mark.parametrize("fault", REFUSED, ids=lambda fault: fault.__name__)
def test_a_file_that_is_not_whole_is_refused(
    fault: Callable[[SmallLog], None], spark: SparkSession, tmp_path: Path
) -> None:
    check_cleaning_refuses(fault, REFUSED[fault], tmp_path)


@pytest.fixture(scope="module")
def bad_rows(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Every bad row in one day, with some that look bad and are not."""
    log = small_log(tmp_path_factory.mktemp("bad")).write()
    rows = [row for row, _ in QUARANTINED.values()]
    data = gzip.decompress(log.file(DAY).read_bytes())
    log.file(DAY).write_bytes(gzip.compress(data + b"\n".join([*rows, *KEPT.values()]) + b"\n"))
    return log.run("clean_events", output=log.folder / "out")


def test_each_bad_row_is_quarantined_for_its_reasons(bad_rows: Artifact) -> None:
    (file,) = bad_rows.folder.glob("quarantine/*/*.parquet")
    found = Counter(frozenset(reasons) for reasons in pq.read_table(file)["reasons"].to_pylist())
    assert found == Counter(frozenset(reasons) for _, reasons in QUARANTINED.values())


def test_nothing_is_lost(bad_rows: Artifact) -> None:
    counts = bad_rows.read("counts.json", CleaningCounts)
    assert counts.quarantined == len(QUARANTINED)
    assert counts.kept == 40 * len(DAYS) + len(KEPT)
    assert counts.rows_in == counts.examined_rows
    assert counts.deduplicated == 0


def test_a_long_field_is_kept_to_its_last_byte(bad_rows: Artifact) -> None:
    (file,) = bad_rows.folder.glob(f"events/date={DAY}/*.parquet")
    assert max(len(tab or "") for tab in pq.read_table(file)["tab"].to_pylist()) == TEN_MB


def test_the_page_tells_of_every_case_what_was_seen() -> None:
    told = told_cases("Refused", "Quarantined", "Kept")
    refused = {fault.__name__: message for fault, message in REFUSED.items()}
    assert told.keys() == refused.keys() | QUARANTINED.keys() | KEPT.keys()
    for name, message in refused.items():
        assert f"`{message}`" in told[name]
    for name, (_, reasons) in QUARANTINED.items():
        assert set(re.findall(r"`(\w+)`", told[name])) == reasons
