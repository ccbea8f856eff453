"""With the log at hand, its rows are tried: what would end a night is told before it begins."""

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur.scenario.scenario_check import check_scenario
from small_scenario import Write

START = 1_704_067_200_000  # 2024-01-01 in UTC
DAY = 86_400_000
ROWS = 60


def rows(**changed: object) -> list[dict[str, object]]:
    """Rows over six days; `changed` are values that every row has instead."""
    made = [
        {"uid": f"u{n % 9}", "item": f"i{n % 7}", "at": START + n * DAY // 10, "liked": n % 2}
        for n in range(ROWS)
    ]
    return [row | changed for row in made]


def log(folder: Path, events: list[dict[str, object]]) -> str:
    """A log of two gzipped files and the side table; gives its URI."""
    half = len(events) // 2
    for day, part in (("01", events[:half]), ("02", events[half:])):
        where = folder / "log" / "events" / f"date=2024-01-{day}"
        where.mkdir(parents=True)
        lines = [",".join(events[0]), *(",".join(map(str, row.values())) for row in part)]
        (where / "part-0.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (folder / "log" / "items.csv").write_text("item,author\ni1,a1\n")
    return (folder / "log").as_uri()


def checked(path: Path, uri: str) -> tuple[list[str], list[str]]:
    """The mistakes without file and line, and what was said of the log."""
    said: list[str] = []
    text = path.read_text()  # the rows are of any day, whatever folder they lie in
    path.write_text(text.replace("[logs]\n", '[logs]\nlayout = "flat"\n'))
    found = check_scenario(str(path), uri, said.append)[1]
    return [line.removeprefix(f"{path}:").partition(": ")[2] for line in found], said


def test_all_rows_are_counted(write: Write, tmp_path: Path) -> None:
    mistakes, said = checked(write(), log(tmp_path, rows()))
    assert mistakes == []
    assert said == [
        "the log: 60 rows in 2 files; 6 days from 2024-01-01 to 2024-01-06; 30 negative, "
        "30 positive; 0 unreadable times; 0 lack user or item"
    ]


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_or_a_folder_of_events_is_read_as_it_lies(
    whole: bool, write: Write, tmp_path: Path
) -> None:
    path = write(('uri = "LOG"', f'uri = "{log(tmp_path, rows())}"'))
    events = tmp_path / "log" / "events"
    place = events if whole else events / "date=2024-01-02" / "part-0.csv.gz"
    mistakes, said = checked(path, str(place))
    assert mistakes == [], "a part of a log need not have the days of all splits"
    assert said[0].startswith("the log: 60 rows in 2" if whole else "the log: 30 rows in 1 file;")


@pytest.mark.parametrize(
    ("changed", "format_", "message"),
    [
        ({"at": "2024-01-01 10:00:00"}, "ms", "60 of 60 times are not 'ms', such as '2024-"),
        ({"at": 1_704_067_200}, "ms", "60 of 60 times are not 'ms', such as '1704067200'"),
        ({"at": START}, "s", "60 of 60 times are not 's'"),
        ({"at": "13/40/2024"}, "M/d/yyyy", "60 of 60 times are not 'M/d/yyyy'"),
    ],
)
def test_the_time_format_is_tried(
    changed: dict[str, object], format_: str, message: str, write: Write, tmp_path: Path
) -> None:
    path = write(('time = "at"', f'time = "at"\ntime_format = "{format_}"'))
    mistakes, said = checked(path, log(tmp_path, rows(**changed)))
    assert mistakes[0].startswith(f"logs.time_format: {message}")
    assert "60 unreadable times" in said[0]


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_typed_time_is_of_the_day_that_a_night_reads(
    zone: str | None, write: Write, tmp_path: Path
) -> None:
    """Without a zone it is read on the log's clocks, with one it is an instant."""
    moments = [datetime(2024, 1, 1, 20) + timedelta(hours=2 * n) for n in range(ROWS)]
    table = pa.table({name: [row[name] for row in rows()] for name in ("uid", "item", "liked")})
    file = tmp_path / "log" / "events" / "part-0.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(table.append_column("at", pa.array(moments, pa.timestamp("us", zone))), file)
    (tmp_path / "log" / "items.csv").write_text("item,author\ni1,a1\n")
    typed = ('time = "at"', 'time = "at"\nformat = "parquet"\ntimezone = "Asia/Shanghai"')
    mistakes, said = checked(write(typed), (tmp_path / "log").as_uri())
    assert mistakes == []
    first = "2024-01-02" if zone else "2024-01-01"
    assert f"from {first} to 2024-01-0" in said[0]
    assert "0 unreadable times" in said[0]


def test_a_late_file_with_another_time_format_is_seen(write: Write, tmp_path: Path) -> None:
    events = rows()
    events[40:] = [row | {"at": "yesterday"} for row in events[40:]]
    mistakes, _ = checked(write(), log(tmp_path, events))
    assert mistakes[0].startswith("logs.time_format: 20 of 60 times are not 'ms'")


@pytest.mark.parametrize(
    ("label", "changed", "message"),
    [
        ('column = "liked"', {"liked": 0}, "label.column: no positive in 60 rows"),
        ('column = "liked"', {"liked": 1}, "label.column: no negative in 60 rows"),
        ('column = "liked"', {"liked": "yes"}, "label.column: no positive in 60 rows"),
        (
            'kind = "event_type"\ncolumn = "liked"\npositive = ["buy"]',
            {"liked": "view"},
            "label.positive: no positive in 60 rows",
        ),
        (
            'kind = "threshold"\ncolumn = "liked"\nat_least = 7',
            {},
            "label.column: no positive in 60 rows",
        ),
    ],
)
def test_the_label_is_tried(
    label: str, changed: dict[str, object], message: str, write: Write, tmp_path: Path
) -> None:
    path = write(('column = "liked"', label))
    assert message in checked(path, log(tmp_path, rows(**changed)))[0][0]


def test_lists_are_tried(write: Write, tmp_path: Path) -> None:
    marked = (('column = "liked"', 'kind = "marked_list"\ncolumn = "liked"'),)
    keys = ('["uid", "item", "at"]', '["uid", "at"]')
    good, said = checked(write(*marked, keys), log(tmp_path, rows(liked="i1-0 i2-1 i3-0")))
    assert good == []
    assert "120 negative, 60 positive" in said[0]
    bad = log(tmp_path / "bad", rows(liked="i1:0 i2:1"))
    assert "no positive in 60 rows" in checked(write(*marked, keys), bad)[0][0]


def test_a_budget_that_the_log_breaks_is_told(write: Write, tmp_path: Path) -> None:
    events = rows()
    events[:20] = [row | {"uid": ""} for row in events[:20]]
    mistakes, said = checked(write(), log(tmp_path, events))
    assert mistakes[0].startswith("cleaning.quarantine_budget: 33.3% of 60 rows are unusable")
    assert "20 lack user or item" in said[0]


def test_a_number_that_is_text_and_a_field_without_a_value_are_told(
    write: Write, tmp_path: Path
) -> None:
    field = '{ name = "author", owner = "item" }'
    words = (field, '{ name = "word", owner = "item", kind = "bucket" }')
    mistakes, _ = checked(write(words), log(tmp_path, rows(word="blue")))
    assert "features.fields[2].name: 60 of 60 values are no number" in mistakes[0]
    empty = (field, '{ name = "word", owner = "item" }')
    mistakes, _ = checked(write(empty), log(tmp_path / "empty", rows(word="")))
    assert "'word' has no value in 60 rows" in mistakes[0]


def test_too_few_days_to_split_are_told(write: Write, tmp_path: Path) -> None:
    mistakes, _ = checked(write(), log(tmp_path, rows(at=START)))
    assert mistakes == ["logs.window_days: the log has 1 day, to split them takes 4"]


def test_a_log_in_an_object_store_is_tried_too(write: Write, tmp_path: Path, root: str) -> None:
    from secateur.storage import open_store

    store = open_store(root)
    lines = "".join(json.dumps(row) + "\n" for row in rows())
    store.put("events/date=2024-01-01/part-0.jsonl", lines.encode())
    store.put("events/date=2024-01-01/_SUCCESS", b"")
    store.put("items.csv", b"item,author\ni1,a1\n")
    path = write(('time = "at"', 'time = "at"\nformat = "json_lines"'))
    mistakes, said = checked(path, root)
    assert mistakes == []
    assert said[0].startswith("the log: 60 rows in 1 file; 6 days")
