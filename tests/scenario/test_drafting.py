"""A draft tells what a log is: on real logs, and on every way to write one."""

import bz2
import csv
import gzip
import io
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from secateur.contracts.errors import UsageError
from secateur.scenario import load_scenario
from secateur.scenario.drafting.log_sample import recognize, sample
from secateur.scenario.drafting.scenario_draft import draft_scenario
from secateur.scenario.scenario_check import check_scenario
from secateur.scenario.sections.logs import TableFormat

DATA = Path(__file__).parents[3] / "shared" / "data"
KUAIRAND = "kuairand_pure/log_standard_4_25_to_5_08_pure.csv.zst"
RETAIL = "online_retail/online_retail.csv.zst"
MIND = "mind_small_sample/behaviors.tsv.zst"
AVAZU = "ctr_formats/avazu_9k.csv.zst"
TIMELESS = (
    "ctr_formats/criteo_10k.tsv.zst",
    "frappe_x1/train.csv.zst",
    "frappe_x1/frappe_raw.tsv.zst",
)


def real(name: str) -> Path:
    """A file of the shared real logs."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"the real log {name} may not be redistributed and is not on this machine")
    return path


def drafted(log: Path, folder: Path) -> dict[str, Any]:
    """The draft as TOML values; it must hold without a change."""
    path = folder / "draft.toml"
    path.write_text(draft_scenario(log))
    scenario, mistakes = check_scenario(str(path))
    assert mistakes == []
    assert load_scenario(str(path)) == scenario
    return tomllib.loads(path.read_text())


def roles(made: dict[str, Any]) -> dict[str, str]:
    return {key: made["logs"].get(key) for key in ("user", "item", "time", "time_format")}


def names(made: dict[str, Any]) -> set[str]:
    return {field["name"] for field in made["features"]["fields"]}


def test_kuairand_is_a_log_of_exposures_with_their_clicks(tmp_path: Path) -> None:
    made = drafted(real(KUAIRAND), tmp_path)
    assert roles(made) == {
        "user": "user_id",
        "item": "video_id",
        "time": "time_ms",
        "time_format": "ms",
    }
    assert made["label"] == {"kind": "column", "column": "is_click"}
    assert names(made) == {"user_id", "video_id", "hourmin", "duration_ms", "tab"}
    owners = {field["name"]: field["owner"] for field in made["features"]["fields"]}
    assert (owners["duration_ms"], owners["tab"]) == ("item", "context")


def test_what_is_known_only_after_the_event_is_no_input(tmp_path: Path) -> None:
    after = {"is_like", "long_view", "play_time_ms", "profile_stay_time", "comment_stay_time"}
    assert not after & names(drafted(real(KUAIRAND), tmp_path))


def test_online_retail_is_a_log_of_purchases(tmp_path: Path) -> None:
    made = drafted(real(RETAIL), tmp_path)
    assert roles(made) == {
        "user": "CustomerID",
        "item": "StockCode",
        "time": "InvoiceDate",
        "time_format": "yyyy-MM-dd HH:mm:ss",
    }
    assert made["label"]["kind"] == "purchase"
    assert made["label"]["negatives"]["shared"] == ["Country"]
    assert made["label"]["negatives"]["item_columns"] == ["Description"]
    assert made["cleaning"]["quarantine_budget"] > 0.24, "a quarter of the lines has no customer"


def test_mind_is_a_log_of_marked_lists_without_a_header(tmp_path: Path) -> None:
    made = drafted(real(MIND), tmp_path)
    assert (made["logs"]["format"], made["logs"]["header"]) == ("tsv", False)
    assert roles(made) == {
        "user": "column_2",
        "item": "item",
        "time": "column_3",
        "time_format": "M/d/yyyy h:mm:ss a",
    }
    assert made["label"] == {"kind": "marked_list", "column": "column_5"}
    assert made["cleaning"]["deduplicate_on"] == ["column_1"]
    history = next(f for f in made["features"]["fields"] if f["name"] == "column_4")
    assert (history["kind"], history["shares"], history["owner"]) == ("list", "item", "user")


def test_avazu_tells_its_hours_and_its_clicks(tmp_path: Path) -> None:
    made = drafted(real(AVAZU), tmp_path)
    assert roles(made) == {
        "user": "device_ip",
        "item": "site_id",
        "time": "hour",
        "time_format": "yyMMddHH",
    }
    assert made["label"] == {"kind": "column", "column": "click"}
    assert made["cleaning"]["deduplicate_on"] == ["id"]


@pytest.mark.parametrize("name", TIMELESS)
def test_a_log_without_a_time_is_drafted_all_the_same_and_says_so(
    name: str, tmp_path: Path
) -> None:
    log = real(name)
    made = drafted(log, tmp_path)
    assert "NOT FOUND: no column tells time" in draft_scenario(log)
    assert made["label"].get("column") in {"column_1", "label", None}


@pytest.mark.parametrize("name", [KUAIRAND, RETAIL, MIND, AVAZU])
def test_no_draft_shows_a_user(name: str, tmp_path: Path) -> None:
    log = real(name)
    made = drafted(log, tmp_path)
    logs = made["logs"]
    table = TableFormat(
        **{key: logs[key] for key in ("format", "header", "columns") if key in logs}
    )
    rows = sample(log, table)
    users = {row[rows.columns.index(logs["user"])] for row in rows.rows} - {None}
    assert len(users) > 100
    words = set(draft_scenario(log).replace('"', " ").split())
    assert not {user for user in users if user and len(user) > 4} & words


COLUMNS = {
    "uid": [f"member-{n % 7}" for n in range(60)],
    "sku": [f"s{n % 11}" for n in range(60)],
    "ts": [1_700_000_000 + 60 * n for n in range(60)],
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
    found = sample(log, recognize(log))
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
    found = sample(log, recognize(log))
    assert found.columns == tuple(COLUMNS)
    assert len(found.rows) == 60


def test_a_quote_in_tab_separated_text_is_text(tmp_path: Path) -> None:
    log = tmp_path / "log.tsv"
    log.write_text("user\ttitle\n" + "".join(f'u{n}\t5" screen\n' for n in range(60)))
    found = sample(log, recognize(log))
    assert len(found.rows) == 60
    assert found.rows[0] == ("u0", '5" screen')


def test_a_parquet_file_tells_the_same(tmp_path: Path) -> None:
    log = tmp_path / "part-0.parquet"
    log.write_bytes(parquet())
    made = drafted(log, tmp_path)
    assert made["logs"]["format"] == "parquet"
    assert roles(made)["user"] == "uid"
    assert made["label"]["kind"] == "event_type"


def test_ratings_become_a_threshold(tmp_path: Path) -> None:
    log = tmp_path / "ratings.csv"
    rows = "".join(f"{n % 9},{n % 13},{n % 5 + 1},{1_000_000_000 + n}\n" for n in range(100))
    log.write_text("userId,movieId,rating,timestamp\n" + rows)
    made = drafted(log, tmp_path)
    assert made["label"] == {"kind": "threshold", "column": "rating", "at_least": 4.0}
    assert roles(made) == {
        "user": "userId",
        "item": "movieId",
        "time": "timestamp",
        "time_format": "s",
    }


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
    assert check_scenario(str(tmp_path / "draft.toml"), "")[1] == [], "the log itself agrees"


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
