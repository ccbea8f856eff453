"""However a log is written, the same rows become the same events."""

import bz2
import csv
import gzip
import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pyspark.sql import SparkSession

from secateur.artifacts import Artifact
from secateur.spark import content
from small_log import DAYS, HEADER, SmallLog, small_log

NAMES = HEADER.split(",")
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
Writer = Callable[[list[list[str]]], bytes]


def delimited(delimiter: str, *, header: bool) -> Writer:
    def write(rows: list[list[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter).writerows([NAMES, *rows] if header else rows)
        return text.getvalue().encode()

    return write


def json_lines(rows: list[list[str]]) -> bytes:
    objects = (dict(zip(NAMES, row, strict=True)) for row in rows)
    return "".join(json.dumps(row) + "\n" for row in objects).encode()


def parquet(rows: list[list[str]]) -> bytes:
    target = io.BytesIO()
    columns = zip(*rows, strict=True)
    pq.write_table(pa.table(dict(zip(NAMES, columns, strict=True))), target)
    return target.getvalue()


QUOTED = ", ".join(f'"{name}"' for name in NAMES)
FORMS: dict[str, tuple[str, Writer]] = {
    "csv": ("", delimited(",", header=True)),
    "csv without a header": (f"header = false\ncolumns = [{QUOTED}]", delimited(",", header=False)),
    "csv by semicolons": ('delimiter = ";"', delimited(";", header=True)),
    "tsv": ('format = "tsv"', delimited("\t", header=True)),
    "json": ('format = "json_lines"', json_lines),
    "parquet": ('format = "parquet"', parquet),
}
# Of a log packed in several ways, every day is packed in another one.
CASES = {
    "csv": tuple(PACKED),
    "json": tuple(PACKED),
    "csv without a header": (".gz",),
    "csv by semicolons": (".gz",),
    "tsv": (".gz",),
    "parquet": ("",),
}


def rewritten(log: SmallLog, form: str, packings: tuple[str, ...]) -> SmallLog:
    """The log in another form; its scenario says how to read it."""
    keys, write = FORMS[form]
    for (day, rows), packing in zip(log.days.items(), itertools.cycle(packings), strict=False):
        log.file(day).unlink()
        data = PACKED[packing](write([row.split(",") for row in rows]))
        log.file(day).with_name(f"log{packing}").write_bytes(data)
    log.scenario.write_text(log.scenario.read_text().replace("[logs]", f"[logs]\n{keys}"))
    return log


@pytest.fixture(scope="module")
def plain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    log = small_log(tmp_path_factory.mktemp("plain")).write()
    return log.run("clean_events", output=log.folder / "out")


def test_a_days_digest_is_that_of_its_files(spark: SparkSession, plain: Artifact) -> None:
    assert plain.manifest.facts["content"] == {
        day: content(spark, sorted(plain.folder.glob(f"events/date={day}/*.parquet")))
        for day in DAYS
    }


@pytest.mark.parametrize("form", CASES)
def test_every_form_gives_the_same_events(form: str, plain: Artifact, tmp_path: Path) -> None:
    log = rewritten(small_log(tmp_path).write(), form, CASES[form])
    events = log.run("clean_events", output=tmp_path / "out")
    assert events.manifest.files == plain.manifest.files
    assert events.manifest.facts["content"] == plain.manifest.facts["content"]


def test_files_of_an_hour_and_files_of_any_day_give_the_same_events(
    plain: Artifact, tmp_path: Path
) -> None:
    hourly, flat = small_log(tmp_path / "h").write(), small_log(tmp_path / "f").write()
    for day, rows in hourly.days.items():
        hourly.file(day).unlink()
        for hour in range(24):
            folder = hourly.file(day).parent / f"hour={hour:02d}"
            folder.mkdir()
            part = [HEADER, *rows[hour::24]]
            (folder / "log.csv").write_text("".join(f"{line}\n" for line in part))
        flat.file(day).rename(flat.folder / "events" / f"{day}.csv.gz")
        flat.file(day).parent.rmdir()
    for log, layout in ((hourly, "hour"), (flat, "flat")):
        log.scenario.write_text(
            log.scenario.read_text().replace("[logs]", f'[logs]\nlayout = "{layout}"')
        )
        events = log.run("clean_events", output=log.folder / "out")
        assert events.manifest.facts["content"] == plain.manifest.facts["content"]


def test_a_file_cut_in_three_holds_the_same(plain: Artifact, tmp_path: Path) -> None:
    log = small_log(tmp_path).write()
    for day, rows in log.days.items():
        log.file(day).unlink()
        for part in range(3):
            lines = [HEADER, *rows[part::3]]
            target = log.file(day).with_name(f"part-{part}.csv")
            target.write_text("".join(f"{line}\n" for line in lines))
    events = log.run("clean_events", output=tmp_path / "out")
    assert events.manifest.files == plain.manifest.files
    assert events.manifest.facts["content"] == plain.manifest.facts["content"]


def test_of_a_flat_log_rows_beyond_the_window_are_counted(tmp_path: Path) -> None:
    log = small_log(tmp_path).write()
    for day in DAYS:
        log.file(day).rename(log.folder / "events" / f"{day}.csv.gz")
    text = log.scenario.read_text().replace("[logs]", '[logs]\nlayout = "flat"')
    log.scenario.write_text(text.replace("window_days = 6", "window_days = 4"))
    events = log.run("clean_events", output=tmp_path / "out")
    facts = events.manifest.facts
    assert facts["outside"] == sum(len(log.days[day]) for day in DAYS[:2])
    assert list(facts["days"]) == list(DAYS[2:])
