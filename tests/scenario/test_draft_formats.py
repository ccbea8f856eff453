"""A draft tells what a log is in every way to write one, and in every layout of its folders."""

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from drafted import drafted, roles
from secateur.contracts.errors import UsageError
from secateur.scenario.drafting.scenario_draft import draft_scenario
from secateur.scenario.raw_log.sample import recognize, sample
from secateur.scenario.scenario_check import check_scenario

START = 1_704_078_000  # 03:00 of 2024-01-01
COLUMNS = {
    "uid": [f"member-{n % 7}" for n in range(60)],
    "sku": [f"s{n % 11}" for n in range(60)],
    "ts": [START + 60 * n for n in range(60)],
    "action": [("view", "cart", "purchase")[n % 3] for n in range(60)],
    "price": [n % 11 * 2.5 for n in range(60)],
}


def text(delimiter: str, header: bool = True) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    if header:
        writer.writerow(COLUMNS)
    writer.writerows(zip(*COLUMNS.values(), strict=True))
    return out.getvalue().encode()


def json_lines() -> bytes:
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(COLUMNS), out)
    return out.getvalue()


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
WRITTEN = {
    "log.csv": (text(","), {"format": "csv"}),
    "log.txt": (text(";"), {"format": "csv", "delimiter": ";"}),
    "log.dat": (text("|"), {"format": "csv", "delimiter": "|"}),
    "log.tsv": (text("\t"), {"format": "tsv"}),
    "log.json": (json_lines(), {"format": "json_lines"}),
}


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("name", WRITTEN)
def test_a_log_is_told_however_it_is_written_and_compressed(
    name: str, suffix: str, tmp_path: Path
) -> None:
    data, written = WRITTEN[name]
    log = tmp_path / f"{name}{suffix}"
    log.write_bytes(COMPRESSED[suffix](data))
    made = drafted(log, tmp_path)
    assert {key: made["logs"].get(key) for key in written} == written
    assert roles(made) == {"user": "uid", "item": "sku", "time": "ts", "time_format": "s"}
    assert made["label"] == {"kind": "event_type", "column": "action", "positive": ["purchase"]}


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_one_malformed_line_does_not_hide_the_delimiter(delimiter: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    lines = text(delimiter).splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:5], b"cut off\n", *lines[5:]]))
    assert roles(drafted(log, tmp_path))["user"] == "uid"


def test_a_column_of_json_does_not_hide_the_delimiter(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    rows = (f'u{n % 7};i{n % 11};{{"a": 1, "b": [1, 2]}};{10**9 + n}\n' for n in range(60))
    log.write_text("uid;sku;context;ts\n" + "".join(rows))
    found = sample([log], recognize(log))
    assert found.columns == ("uid", "sku", "context", "ts")
    assert len(found.rows) == 60


def test_bars_within_a_column_do_not_hide_the_delimiter(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        "".join(f"u{n % 9};2024-01-{n % 28 + 1:02d} 10:00:00;s|t|u\n" for n in range(60))
    )
    table = recognize(log)
    assert (table.separator, table.header, len(table.columns)) == (";", False, 3)


def test_the_index_that_pandas_writes_is_no_column(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    indexed = (f"{n - 1 if n else ''}," + line for n, line in enumerate(text(",").decode().split()))
    log.write_text("\n".join(indexed))
    found = sample([log], recognize(log))
    assert found.columns == tuple(COLUMNS)
    assert len(found.rows) == 60


def test_a_quote_in_tab_separated_text_is_text(tmp_path: Path) -> None:
    log = tmp_path / "log.tsv"
    log.write_text("user\ttitle\n" + "".join(f'u{n}\t5" screen\n' for n in range(60)))
    found = sample([log], recognize(log))
    assert len(found.rows) == 60
    assert found.rows[0] == ("u0", '5" screen')


def test_a_parquet_file_tells_the_same(tmp_path: Path) -> None:
    log = tmp_path / "part-0.parquet"
    log.write_bytes(parquet())
    made = drafted(log, tmp_path)
    assert made["logs"]["format"] == "parquet"
    assert roles(made)["user"] == "uid"
    assert made["label"]["kind"] == "event_type"


@pytest.mark.parametrize(
    ("folder", "layout"),
    [
        ("events/date=2024-01-01", "day"),
        ("events/date=2024-01-01/hour=03", "hour"),
        ("events", "flat"),
    ],
)
def test_the_layout_is_told_by_the_folders_names(folder: str, layout: str, tmp_path: Path) -> None:
    log = tmp_path / folder / "log.csv"
    log.parent.mkdir(parents=True)
    log.write_bytes(text(","))
    made = drafted(log, tmp_path)
    assert (made["logs"]["layout"], made["logs"]["uri"]) == (layout, str(tmp_path))
    (mistake,) = check_scenario(str(tmp_path / "draft.toml"), "")[1]
    assert "the log has 1 day" in mistake, "but for its one day the log itself agrees"


def test_a_file_that_is_no_log_is_told_in_one_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    words = tmp_path / "words.txt"
    words.write_text("once upon a time\nthere was\n")
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(b"no gzip at all")
    told = {empty: "holds no line", words: "neither Parquet", broken: "", tmp_path / "none": ""}
    for path, why in told.items():
        with pytest.raises(UsageError) as caught:
            draft_scenario(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert why in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("within", ["", "events"])
@pytest.mark.parametrize("layout", ["day", "hour", "flat"])
def test_a_folder_is_drafted_with_its_layout(layout: str, within: str, tmp_path: Path) -> None:
    hour = "/hour=03" if layout == "hour" else ""
    for day in range(1, 6):
        folder = tmp_path / "events" / (f"date=2024-01-0{day}{hour}" if layout != "flat" else "")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"log-{day}.csv").write_bytes(text(","))
        (folder / "_SUCCESS").write_bytes(b"")
    made = drafted(tmp_path / within, tmp_path)
    assert (made["logs"]["layout"], made["logs"]["uri"]) == (layout, str(tmp_path))
    assert roles(made)["item"] == "sku"
    if layout != "flat":
        assert made["logs"]["window_days"] == 5


def test_a_folder_without_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file of a log below it"):
        draft_scenario(tmp_path)


def test_strangers_in_the_folder_are_for_a_person_to_decide(tmp_path: Path) -> None:
    log = tmp_path / "flat" / "clicks.csv"
    log.parent.mkdir()
    log.write_bytes(text(","))
    (log.parent / "more.csv").write_bytes(text(","))
    assert "where the log lies alone" not in draft_scenario(log)
    (log.parent / "users.csv").write_text("uid,age\nmember-1,30\nmember-2,40\n")
    assert "where the log lies alone: flat/ holds other files such as users.csv" in (
        draft_scenario(log)
    )


@pytest.mark.parametrize("first", ["0", "row-a"])
def test_a_column_without_a_name_may_stand_above_anything(first: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    rows = "".join(f"{first}{n},u{n % 7},s{n % 11},{10**9 + n}\n" for n in range(60))
    log.write_text(",uid,sku,ts\n" + rows)
    assert recognize(log).header
    assert roles(drafted(log, tmp_path))["user"] == "uid"


def test_a_row_with_a_missing_cell_is_no_header(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("".join(f",w{n},x{n},blue\n" for n in range(60)))
    assert not recognize(log).header


@pytest.mark.parametrize("name", ["day", "Visitor ID", "列", 'a "b" c'])
def test_a_column_of_any_name_may_be_an_input(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["uid", "sku", "ts", "click", name])
    writer.writerows(
        [f"u{n % 7}", f"s{n % 11}", START + 9000 * n, n // 2 % 2, "xyz"[n % 3]] for n in range(60)
    )
    log.write_text(out.getvalue())
    made = drafted(log, tmp_path)
    known = f"log.{name}" if name == "day" else name
    assert known in {field["name"] for field in made["features"]["fields"]}
    assert check_scenario(str(tmp_path / "draft.toml"), str(log))[1] == []


def test_a_time_in_a_column_named_day_is_found_again(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    rows = (
        {"uid": f"u{n % 7}", "sku": f"s{n % 11}", "day": f"2024-01-{n % 9 + 1:02d}"}
        for n in range(60)
    )
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert drafted(log, tmp_path)["logs"]["time"] == "log.day"
    said: list[str] = []
    assert check_scenario(str(tmp_path / "draft.toml"), str(log), said.append)[1] == []
    assert "9 days from 2024-01-01 to 2024-01-09" in said[0]


def test_a_log_in_which_nobody_comes_twice_asks_who_the_user_is(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("a,b,c\n" + "".join(f"x{n},y{n},{n * 7}\n" for n in range(9)))
    assert "TO DECIDE 2: who the user is: no column of the sample repeats" in draft_scenario(log)
