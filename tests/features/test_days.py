"""What workers do with a day's columns, against plain Python; no Spark."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.encoding.spelling import canonical
from secateur.features.columns.list_columns import split_texts
from secateur.features.days.arrow_days import (
    ROWS_A_GROUP,
    AlignedRows,
    Day,
    JoinedTable,
    regroup,
    write,
)
from secateur.features.days.lateness import late_rows
from secateur.features.history.daily_counts import key_of
from secateur.scenario import FieldSpec

TEXTS = st.text(st.sampled_from("ab 01.-|\n٣"), max_size=12)


@given(st.lists(st.none() | TEXTS, max_size=8), st.integers(1, 3), st.sampled_from(["|", " "]))
def test_values_in_texts_are_spelled_as_values_are(
    texts: list[str | None], length: int, separator: str
) -> None:
    given = {"name": "f", "owner": "item", "kind": "list", "length": length}
    spec = FieldSpec.model_validate({**given, "separator": separator})
    found = split_texts(pa.chunked_array([pa.array(texts, pa.string())]), spec).to_pylist()
    parts = ([canonical(part) for part in (text or "").split(separator)] for text in texts)
    assert found == [[one for one in row if one is not None][:length] for row in parts]


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=2, max_size=6, unique=True))
def test_keys_that_differ_are_spelled_otherwise(rows: list[tuple[str, ...]]) -> None:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    assert len(set(key_of(columns).to_pylist())) == len(rows)


def test_a_key_that_lacks_a_part_is_none() -> None:
    columns = [pa.array(["a", None]), pa.array([None, "b"], pa.string())]
    assert key_of(columns).to_pylist() == [None, None]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "UTC"])
def test_late_events_are_those_of_earlier_days_where_the_log_was_written(zone: str) -> None:
    """Over the hour that New York skipped on 2024-03-10."""
    hours = np.arange(-80, 30)
    noon = datetime(2024, 3, 11, 12, tzinfo=ZoneInfo(zone)).timestamp()
    times = ((noon + 3600 * hours) * 1000).astype(np.int64)
    found = {row: day for day, rows in late_rows(times, "2024-03-11", zone) for row in rows}
    days = [str(datetime.fromtimestamp(t / 1000, ZoneInfo(zone)).date()) for t in times.tolist()]
    assert found == {row: day for row, day in enumerate(days) if day < "2024-03-11"}
    assert len(set(found.values())) >= timedelta(hours=80).days


def test_rows_are_regrouped_whatever_they_came_in() -> None:
    whole = pa.table({"n": range(100)})
    parts = [whole[:7], whole[7:60], whole[60:61], whole[61:]]
    groups = list(regroup(parts, 30))
    assert [len(group) for group in groups] == [30, 30, 30, 10]
    assert pa.concat_tables(groups).equals(whole)
    assert max(map(len, regroup(parts, 1000, most_bytes=80))) < 61


def test_a_day_is_read_over_its_files_with_its_side_tables(tmp_path: Path) -> None:
    """The second side table is joined by a column of the first."""
    events = pa.table({"item": ["a", None, "c", "b"], "n": range(4)})
    for part, rows in enumerate((events[:1], events[1:])):
        pq.write_table(rows, tmp_path / f"{part}.parquet")
    pq.write_table(pa.table({"item": ["a", "b"], "brand": ["x", "y"]}), tmp_path / "items")
    pq.write_table(pa.table({"brand": ["y"], "home": ["fr"]}), tmp_path / "brands")
    sides = (
        JoinedTable("item", ("brand",), (tmp_path / "items",)),
        JoinedTable("brand", ("home",), (tmp_path / "brands",)),
    )
    day = Day("2024-03-01", (tmp_path / "0.parquet", tmp_path / "1.parquet"), sides)
    (table,) = day.tables(["n", "home"])
    assert table["n"].to_pylist() == [0, 1, 2, 3]
    assert table["home"].to_pylist() == [None, None, None, "fr"]


def test_what_lies_beside_is_taken_by_rows_and_must_be_as_long(tmp_path: Path) -> None:
    rows = write(tmp_path / "file", [pa.table({"n": range(10), "m": range(10)})])
    aligned = AlignedRows(tmp_path / "file", ["n"])
    assert (rows, rows < ROWS_A_GROUP) == (10, True)
    assert aligned.take(3)["n"].to_pylist() == [0, 1, 2]
    assert aligned.take(7).column_names == ["n"]
    with pytest.raises(ValueError, match="1 rows too few"):
        aligned.take(1)
