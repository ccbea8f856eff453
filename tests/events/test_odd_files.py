"""The tables of `infra/bad_inputs.md` on files: the same rows in odd files are the same events.

What cannot be read so is refused by name, before Spark sees it.
"""

import bz2
import gzip
import io
import logging
import lzma
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from odd_files import READ, text
from secateur.artifacts import Artifact
from small_log import DAYS, HEADER, SmallLog, all_events, check_cleaning_refuses, small_log

DAY = DAYS[2]


def one_log_of_all(folder: Path) -> SmallLog:
    """The small log, its rows dealt to every odd kind of file."""
    log = small_log(folder).write()
    for number, day in enumerate(DAYS):
        log.file(day).unlink()
        writers = READ[number :: len(DAYS)]
        for place, write in enumerate(writers):
            write(log.file(day).parent, [HEADER, *log.days[day][place :: len(writers)]])
    return log


@pytest.fixture(scope="module")
def plain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    log = small_log(tmp_path_factory.mktemp("plain")).write()
    return log.run("clean_events", output=log.folder / "out")


def test_the_same_rows_in_odd_files_are_the_same_events(
    plain: Artifact, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "secateur"):
        events = one_log_of_all(tmp_path).run("clean_events", output=tmp_path / "out")
    assert all_events(events) == all_events(plain)
    assert re.search(r"skipped: 7 hidden or temporary files", caplog.text)


def data(log: SmallLog) -> bytes:
    return text([HEADER, *log.days[DAY]])


def instead(log: SmallLog, name: str, content: bytes, folder: str = f"date={DAY}") -> None:
    """Another file in the place of a day's."""
    log.file(DAY).unlink()
    target = log.folder / "events" / folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def beside(log: SmallLog, path: str) -> None:
    """One more file somewhere below the events."""
    target = log.folder / "events" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text([HEADER, "raw-user-1,3,1709380800000,1,home,5"]))


def null_partition(log: SmallLog) -> None:
    beside(log, "date=__HIVE_DEFAULT_PARTITION__/log.csv")


def empty_partition(log: SmallLog) -> None:
    beside(log, "date=/log.csv")


def partition_by_another_key(log: SmallLog) -> None:
    beside(log, "dt=2024-03-02/log.csv")


def another_key_first(log: SmallLog) -> None:
    beside(log, f"country=de/date={DAY}/log.csv")


def day_with_a_time(log: SmallLog) -> None:
    beside(log, "date=2024-03-02%2000%3A00%3A00/log.csv")


def day_without_dashes(log: SmallLog) -> None:
    beside(log, "date=20240302/log.csv")


def day_of_no_calendar(log: SmallLog) -> None:
    beside(log, "date=2024-02-30/log.csv")


def file_beside_the_days(log: SmallLog) -> None:
    beside(log, "stray.csv")


def utf16(log: SmallLog) -> None:
    instead(log, "log.csv", data(log).decode().encode("utf-16"))


def zip_archive(log: SmallLog) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("log.csv", data(log))
    instead(log, "log.csv", target.getvalue())


def xz_archive(log: SmallLog) -> None:
    instead(log, "log.csv", lzma.compress(data(log)))


def junk_behind_gzip(log: SmallLog) -> None:
    instead(log, "log.csv.gz", gzip.compress(data(log)) + b"junk")


def junk_behind_bz2(log: SmallLog) -> None:
    instead(log, "log.csv.bz2", bz2.compress(data(log)) + b"junk")


def second_member_cut(log: SmallLog) -> None:
    member = gzip.compress(data(log))
    instead(log, "log.csv.gz", member + member[:-9])


def name_twice_in_header(log: SmallLog) -> None:
    for day, rows in log.days.items():
        log.file(day).write_bytes(gzip.compress(text([HEADER.replace("tab", "item"), *rows])))


def header_is_binary(log: SmallLog) -> None:
    instead(log, "log.csv", b"x" * 200_000 + b"\n" + data(log))


def link_to_nothing(log: SmallLog) -> None:
    log.file(DAY).with_name("more.csv").symlink_to("moved/away.csv")


def name_in_latin_1(log: SmallLog) -> None:
    target = os.fsencode(log.file(DAY).parent) + b"/caf\xe9.csv"
    Path(os.fsdecode(target)).write_bytes(data(log))


def header_in_latin_1(log: SmallLog) -> None:
    for day, rows in log.days.items():
        header = HEADER.replace("tab", "größe").encode("latin-1")
        log.file(day).write_bytes(gzip.compress(header + b"\n" + text(rows)))


def gzip_twice(log: SmallLog) -> None:
    instead(log, "log.csv.gz", gzip.compress(gzip.compress(data(log))))


def no_byte_of_json(log: SmallLog) -> None:
    for day in DAYS:
        log.file(day).write_bytes(gzip.compress(b'{"uid": "raw-user-1"}\n' + day.encode()))
    instead(log, "log.json", b"\n\n")
    toml = log.scenario.read_text()
    log.scenario.write_text(toml.replace("[logs]", '[logs]\nformat = "json_lines"'))


HERE = f"events/date={DAY}/log.csv"
NO_DAY = "of no day, as they have not a folder date=YYYY-MM-DD/: events/"
NO_UTF8 = "its first line, which names the columns, is not UTF-8"
REFUSED: dict[Callable[[SmallLog], None], str] = {
    null_partition: f"{NO_DAY}date=__HIVE_DEFAULT_PARTITION__/log.csv",
    empty_partition: f"{NO_DAY}date=/log.csv",
    partition_by_another_key: f"{NO_DAY}dt=2024-03-02/log.csv",
    another_key_first: f"{NO_DAY}country=de/date={DAY}/log.csv",
    day_with_a_time: f"{NO_DAY}date=2024-03-02%2000%3A00%3A00/log.csv",
    day_without_dashes: f"{NO_DAY}date=20240302/log.csv",
    day_of_no_calendar: f"{NO_DAY}date=2024-02-30/log.csv",
    file_beside_the_days: f"{NO_DAY}stray.csv",
    utf16: f"{HERE} cannot be read: it is UTF-16: deliver it as UTF-8",
    zip_archive: f"{HERE} cannot be read: it is compressed as zip",
    xz_archive: f"{HERE} cannot be read: it is compressed as xz",
    junk_behind_gzip: f"{HERE}.gz cannot be read to its end",
    junk_behind_bz2: f"{HERE}.bz2 cannot be read to its end",
    second_member_cut: f"{HERE}.gz cannot be read to its end",
    name_twice_in_header: "log.csv.gz has two columns of one name: item",
    header_is_binary: f"{HERE} cannot be read: its first line is no header",
    header_in_latin_1: f"{HERE}.gz cannot be read: {NO_UTF8}".replace(DAY, DAYS[0]),
    gzip_twice: f"{HERE}.gz cannot be read: {NO_UTF8}",
    link_to_nothing: f"no file events/date={DAY}/more.csv",
    name_in_latin_1: f"events/date={DAY}/caf\\xe9.csv: its name is not UTF-8",
    no_byte_of_json: f"events/date={DAY}/log.json is empty: not a row",
}


@pytest.mark.parametrize("fault", REFUSED, ids=lambda fault: fault.__name__)
def test_what_cannot_be_read_as_it_is_is_refused(
    fault: Callable[[SmallLog], None], spark: SparkSession, tmp_path: Path
) -> None:
    check_cleaning_refuses(fault, REFUSED[fault], tmp_path)


def test_the_page_tells_of_every_odd_file() -> None:
    told = told_cases("Odd files")
    refused = {fault.__name__: message for fault, message in REFUSED.items()}
    assert told.keys() == refused.keys() | {write.__name__ for write in READ}
    for name, message in refused.items():
        assert f"refused: `{message}`" == told[name]
