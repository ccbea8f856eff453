"""Members of objects and structs are columns, named by path, in a file's names and in its rows."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur.scenario import TableFormat
from secateur.scenario.raw_log.members import (
    MOST_MEMBERS,
    json_members,
    name_of,
    parquet_members,
    value_named,
)
from secateur.scenario.raw_log.reading import column_names, log_rows

ROW = {
    "user": {"id": 7, "geo": {"city": "x", "at": [1.5, 2.0]}},
    "seen": [{"id": "a", "rank": 1}, {"id": "b"}],
    "tags": ["t"],
    "item.id": 5,
}
NAMES = ["user.id", "user.geo.city", "user.geo.at", "seen.id", "seen.rank", "tags", "item.id"]
VALUES = [7, "x", [1.5, 2.0], ["a", "b"], [1, None], ["t"], 5]


def test_members_of_json_are_named_by_path() -> None:
    assert list(map(name_of, json_members([ROW]))) == NAMES
    assert [value_named(ROW, name) for name in NAMES] == VALUES


def test_members_of_parquet_are_named_by_path() -> None:
    found = parquet_members(pa.Table.from_pylist([ROW]).schema)
    assert [name_of(path) for path, _ in found] == NAMES
    types = [pa.int64(), pa.string(), pa.list_(pa.float64()), pa.list_(pa.string())]
    assert [kind for _, kind in found[:4]] == types


def many(rows: list[dict[str, Any]]) -> list[str]:
    return list(map(name_of, json_members(rows)))


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([{"a": {"b": 1}}, {"a": 5}], ["a"]),
        ([{"a": {"b": 1}}, {"a": [{"b": 1}]}], ["a"]),
        ([{"a": {"b": 1}}, {"a": None}, {}], ["a.b"]),
        ([{"a": {}}], ["a"]),
        ([{"a": []}, {"a": [{"b": 1}]}], ["a.b"]),
        ([{"a": [{"b": 1}, 5]}], ["a"]),
        ([{"a": [{"b": [{"c": 1}]}]}], ["a.b"]),
        ([{"a": {str(n): n}} for n in range(MOST_MEMBERS + 1)], ["a"]),
    ],
    ids=str,
)
def test_what_is_an_object_at_times_or_a_table_is_one_value(
    rows: list[dict[str, Any]], names: list[str]
) -> None:
    assert many(rows) == names


def test_nothing_is_found_where_a_row_does_not_reach() -> None:
    assert value_named(ROW, "user.name") is None
    assert value_named(ROW, "user.id.x") is None
    assert value_named(ROW, "none") is None


def test_a_files_rows_are_read_by_path(tmp_path: Path) -> None:
    lines, parquet = tmp_path / "log.json", tmp_path / "log.parquet"
    lines.write_text(json.dumps(ROW) + "\n")
    pq.write_table(pa.Table.from_pylist([ROW]), parquet)
    expected = ("7", "x", "1.5|2", "a|b", "1|", "t", "5")
    for file, form in ((lines, "json_lines"), (parquet, "parquet")):
        table = TableFormat(format=form)  # type: ignore[arg-type]
        assert column_names(file, table) == tuple(NAMES)
        assert list(log_rows(file, table, NAMES)) == [expected]
