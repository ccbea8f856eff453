"""Files that are no log are told by name, and packed ones are read as a night reads them."""

import bz2
import gzip
import json
import os
from pathlib import Path

import pytest
import zstandard

from bad_input_page import told_cases
from odd_files import SKIPPABLE_FRAME
from secateur.contracts.errors import UsageError
from secateur.scenario.drafting.scenario_draft import draft_scenario, make_draft
from secateur.scenario.raw_log.files import find_log

START = 1_709_251_200_000
ROWS = [{"uid": f"u{n % 9}", "item": n % 7, "ts": START + 9_999_999 * n} for n in range(60)]
CSV = "uid,item,ts\n" + "".join(f"{r['uid']},{r['item']},{r['ts']}\n" for r in ROWS)
NO_LOG: dict[str, bytes] = {
    "lines_of_an_array": json.dumps(ROWS, indent=1).encode(),
    "array_as_a_line": json.dumps(ROWS).encode(),
    "text_in_utf16": CSV.encode("utf-16"),
    "workbook": b"PK\x03\x04" + bytes(range(256)) * 9,
    "bytes_of_no_text": bytes(range(256)) * 40,
    "header_without_rows": b"uid,item,ts,liked\n",
    "gzip_cut_short": gzip.compress(CSV.encode())[:-30],
}
PACKED: dict[str, bytes] = {
    "gzip": gzip.compress(CSV.encode()),
    "gzip_members_and_zeros": gzip.compress(CSV[:200].encode())
    + bytes(512)
    + gzip.compress(CSV[200:].encode()),
    "bzip2": bz2.compress(CSV.encode()),
    "zstd": SKIPPABLE_FRAME + zstandard.ZstdCompressor().compress(CSV.encode()),
}
TOLD = told_cases("Told before a night")


@pytest.mark.parametrize("case", NO_LOG)
def test_what_is_no_log_is_told(case: str, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(NO_LOG[case])
    with pytest.raises(UsageError) as error:
        draft_scenario(file)
    name, _, message = str(error.value).partition(": ")
    assert name == str(file)
    assert TOLD[case].strip("`") in message


@pytest.mark.parametrize("case", PACKED)
def test_a_packed_log_is_read_whatever_its_name(case: str, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(PACKED[case])
    draft = make_draft(file)
    assert (draft.table.format, draft.survey.rows) == ("csv", len(ROWS))
    expected = tuple(tuple(str(row[name]) for row in ROWS) for name in ROWS[0])
    assert tuple(column.values for column in draft.columns) == expected


def test_a_draft_reads_the_files_that_a_night_reads(tmp_path: Path) -> None:
    day = tmp_path / "log" / "events" / "date=2024-03-01"
    elsewhere = tmp_path / "elsewhere"
    for folder in (day, elsewhere):
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(CSV)
    for name in (".a.csv", "_b.csv", "c.csv.tmp", "d.csv._COPYING_", "e.csv.crc"):
        (day / name).write_bytes(b"half a li")
    (day / "linked").symlink_to(elsewhere)
    os.mkfifo(day / "pipe.csv")
    found = find_log(tmp_path / "log")
    assert found.files == (day / "a.csv", day / "linked" / "a.csv")
