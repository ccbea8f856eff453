"""Claims about raw values that stay in their files: the same rows, and little memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from secateur.judgement.scoring.raw_values import StoredValues, TableValues

SIZES = (7, 1, 12)
FIELDS = 8
COLUMNS = {f"f{n}": f"value_f{n}" for n in range(FIELDS)}
# What a scorecard's rows take of memory in a fresh process, read and scored: the peak in bytes.
PEAK = """
import resource, sys, numpy as np
from pathlib import Path
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.judgement.scoring.client_scoring import read_rows, score_all

class Zero:
    def score(self, columns, *, hashed=False):
        return np.zeros(len(columns["f0"]), np.float32)

fields = tuple(CategoryField(f"f{n}", "item", 9 - n, 1) for n in range(8))
rows = read_rows(Path(sys.argv[1]), FeatureSchema("s", "label", fields, (), "ab" * 8))
scores = score_all(Zero(), rows)
assert len(scores) == len(rows) == int(sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.fixture
def stored(tmp_path: Path) -> StoredValues:
    """Three files of numbered rows, in groups of five."""
    first = 0
    for number, size in enumerate(SIZES):
        places = list(range(first, first + size))
        table = pa.table({"label": [0] * size, "value_a": places, "value_b": [-p for p in places]})
        pq.write_table(table, tmp_path / f"part-{number}.parquet", row_group_size=5)
        first += size
    columns = {"b": "value_b", "a": "value_a"}
    return StoredValues(sorted(tmp_path.glob("*.parquet")), columns)


@pytest.mark.parametrize("rows", [1, 3, 8, 20, 50])
def test_blocks_give_every_row_once_and_are_full_but_for_the_last(
    stored: StoredValues, rows: int
) -> None:
    blocks = list(stored.blocks(rows))
    whole = pa.concat_tables(blocks)
    assert whole.to_pydict() == {"b": [-i for i in range(20)], "a": list(range(20))}
    assert {block.num_rows for block in blocks[:-1]} <= {rows}
    assert 0 < blocks[-1].num_rows <= rows
    in_memory = TableValues(whole)
    assert [b.to_pydict() for b in in_memory.blocks(rows)] == [b.to_pydict() for b in blocks]


def test_rows_are_taken_in_the_order_of_their_places(stored: StoredValues) -> None:
    places = np.array([19, 0, 7, 8, 6, 5, 5, 19], np.int64)
    assert stored.take(places).to_pydict()["a"] == places.tolist()
    assert stored.select(["a"]).take(places).column_names == ["a"]


def test_rows_that_are_scored_take_less_memory_than_their_raw_values(tmp_path: Path) -> None:
    """What 200,000 rows add to the peak, of 8 texts of 64 letters each: 560 bytes a row if held."""
    peaks = []
    for rows in (40_000, 240_000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        write_rows(folder, rows)
        command = [sys.executable, "-c", PEAK, str(folder), str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    a_row = (peaks[1] - peaks[0]) / 200_000
    assert a_row < 200, f"{a_row:.0f} bytes a row"


def write_rows(folder: Path, rows: int) -> None:
    """Rows in four files, of a thousand items and a thousand users."""
    rng = np.random.default_rng(0)
    for part in range(4):
        n = rows // 4
        texts = {
            column: pc.utf8_lpad(pa.array(rng.integers(0, most, n)).cast(pa.string()), 64, "0")
            for column, most in zip(COLUMNS.values(), [1000] + 7 * [10**9], strict=True)
        }
        users = pc.utf8_lpad(pa.array(rng.integers(0, 1000, n)).cast(pa.string()), 16, "0")
        narrow = {
            "label": pa.array(rng.integers(0, 2, n), pa.int8()),
            "user_hash": users,
            "item_key": texts[COLUMNS["f0"]],
            "day": pa.repeat("2026-01-01", n),
            "user_train_events": pa.array([0] * n, pa.int32()),
            "item_train_events": pa.array([0] * n, pa.int32()),
        }
        table = pa.table({**narrow, **texts})
        pq.write_table(table, folder / f"part-{part}.parquet", row_group_size=10_000)
