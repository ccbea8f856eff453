"""What is written of a snapshot is read again, by keys, in whatever form it lies."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, Refused
from secateur.contracts.releases import FeatureSnapshot, SnapshotColumn, SnapshotTable
from secateur.snapshot.key_index import joined_key, key_hash
from secateur.snapshot.keyed_tables import SNAPSHOT, KeyedTable, StoredSnapshot, write_table

COLUMNS = (
    SnapshotColumn("n", "number"),
    SnapshotColumn("rate", "number", unit=10_000.0),
    SnapshotColumn("text", "text"),
    SnapshotColumn("many", "list"),
)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6)
ROW = st.tuples(
    st.none() | st.integers(0, 2**40),
    st.none() | st.integers(0, 10_000),
    st.none() | TEXT,
    st.lists(TEXT, max_size=4),
)


def numbers(values: list[int | None], unit: float) -> np.ndarray:
    return np.array([np.nan if v is None else v / unit for v in values], np.float64)


def hashes_of(keys: list[str | None]) -> np.ndarray:
    return np.array([key_hash(key) for key in keys], np.int64)


def write(folder: Path, rows: dict[str, tuple]) -> KeyedTable:
    n, rate, text, many = zip(*rows.values(), strict=True) if rows else ((), (), (), ())
    values = (numbers(n, 1), numbers(rate, 10_000), text, many)
    write_table(folder, list(rows), list(zip(COLUMNS, values, strict=True)))
    return KeyedTable(folder, SnapshotTable(("k",), len(rows), COLUMNS))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXT, ROW, max_size=12), st.lists(TEXT, max_size=4))
def test_every_row_is_found_by_its_key(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, tuple], others: list[str]
) -> None:
    table = write(tmp_path_factory.mktemp("t"), rows)
    asked = [*rows, *others, None]
    places = table.places(hashes_of(asked))
    assert [place >= 0 for place in places] == [key in rows for key in asked]
    for number, column in enumerate(COLUMNS):
        found = table.values(column.name, places)
        for key, value in zip(asked, found, strict=True):
            expected = rows[key][number] if key in rows else ([] if column.kind == "list" else None)
            if column.kind == "number":
                expected = np.nan if expected is None else expected / column.unit
                assert value == expected or (np.isnan(expected) and np.isnan(value))
            else:
                assert value == expected


def test_no_two_combinations_are_one_key() -> None:
    assert joined_key(["a", "bc"]) != joined_key(["ab", "c"])
    assert joined_key(["1:a", "b"]) != joined_key(["1", "ab"])


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    column = (SnapshotColumn("n", "number"), np.array([1.0, 2.0]))
    with pytest.raises(Refused, match="1 pairs of keys"):
        write_table(tmp_path, ["a", "a"], [column])


@pytest.mark.parametrize("bad", [-1.0, 0.5])
def test_a_number_that_its_unit_does_not_hold_is_refused(tmp_path: Path, bad: float) -> None:
    with pytest.raises(Refused, match="no multiples of 1"):
        write_table(tmp_path, ["a"], [(SnapshotColumn("n", "number"), np.array([bad]))])


def test_small_numbers_take_one_byte_each(tmp_path: Path) -> None:
    keys = [str(n) for n in range(1000)]
    write_table(tmp_path, keys, [(SnapshotColumn("n", "number"), np.arange(1000.0) % 255)])
    assert (tmp_path / "0.numbers.npy").stat().st_size == 128 + 1000


def stored(folder: Path) -> Path:
    table = write(folder / "table-0", {"a": (1, 2, "x", ["y"]), "b": (3, None, None, [])})
    meaning = FeatureSnapshot("s", "2024-03-01", 0, "ab", "uid", "item", (), (table.table,))
    (folder / SNAPSHOT).write_bytes(record.dump(meaning))
    return folder


def test_damage_is_said(tmp_path: Path) -> None:
    folder = stored(tmp_path)
    assert StoredSnapshot(folder).tables[("k",)].table.rows == 2
    for file in sorted(folder.rglob("*.npy")):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(CorruptArtifact):
            StoredSnapshot(folder)
        file.unlink()
        with pytest.raises(CorruptArtifact):
            StoredSnapshot(folder)
        file.write_bytes(whole)
    StoredSnapshot(folder)
