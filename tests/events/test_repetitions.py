"""What is equal is one event: never what lacks its key, and never more than a budget of it."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from secateur.artifacts import Artifact
from secateur.contracts.data import CleaningCounts
from secateur.contracts.errors import Refused
from small_log import DAYS, SmallLog, milliseconds, sealed, small_log, write_gz

HEADER = "uid,item,at,liked,tab,seconds,event"
KEY = 'cleaning.deduplicate_on=["event"]'


@pytest.fixture(scope="module")
def log(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """Every row has an id of its own, but a third has none; two rows of the last day repeat.

    Of these one says again what the same day said, and one what the day before did.
    """
    log = small_log(tmp_path_factory.mktemp("ids")).write()
    for day, rows in log.days.items():
        ids = [f"{row},{'' if n % 3 == 0 else f'{day}-{n}'}" for n, row in enumerate(rows)]
        if day == DAYS[-1]:
            at = milliseconds(day, 43200)
            ids += [f"raw-user-1,3,{at},1,home,5,{day}-1"]
            ids += [f"raw-user-1,4,{at},1,home,5,{DAYS[-2]}-1"]
        write_gz(log.file(day), [HEADER, *ids])
    return log


def test_the_page_tells_of_every_case() -> None:
    told = told_cases("Rows that repeat")
    assert told.keys() == {"key_missing", "mostly_repeated", "repeated_later"}
    assert "`the deduplication_budget is 5.00%`" in told["mostly_repeated"]


def counts_of(artifact: Artifact) -> CleaningCounts:
    return artifact.read("counts.json", CleaningCounts)


def test_rows_without_their_key_are_not_equal(log: SmallLog, tmp_path: Path) -> None:
    counts = counts_of(log.run("clean_events", KEY, output=tmp_path / "out"))
    assert (counts.kept, counts.deduplicated) == (241, 1)
    assert counts.most_repeated == {f'{{"event":"{DAYS[-1]}-1"}}': 1}


def test_a_row_may_repeat_what_came_on_the_days_that_it_may_be_late(
    log: SmallLog, tmp_path: Path
) -> None:
    late = log.run("clean_events", KEY, "cleaning.late_days=1", output=tmp_path / "out")
    assert counts_of(late).deduplicated == 2


@pytest.mark.parametrize("late", [pytest.param(0, marks=pytest.mark.proof), 1])
def test_a_day_s_repetitions_do_not_depend_on_what_nights_read(
    late: int, log: SmallLog, tmp_path: Path
) -> None:
    settings = (KEY, "logs.window_days=4", f"cleaning.late_days={late}")
    log.run(
        "clean_events",
        *settings,
        f"logs.last_day={DAYS[-2]}",
        state=tmp_path / "state",
        output=tmp_path / "first",
    )
    kept = log.run("clean_events", *settings, state=tmp_path / "state", output=tmp_path / "kept")
    afresh = log.run("clean_events", *settings, output=tmp_path / "afresh")
    assert kept.digest == afresh.digest


def test_none_keeps_every_row(log: SmallLog, tmp_path: Path) -> None:
    out = log.run("clean_events", "cleaning.deduplicate_on=none", output=tmp_path / "out")
    assert (counts_of(out).kept, counts_of(out).deduplicated) == (242, 0)


def test_more_repetitions_than_the_budget_are_refused_with_examples(
    log: SmallLog, tmp_path: Path
) -> None:
    settings = ('cleaning.deduplicate_on=["uid", "item"]', "cleaning.deduplication_budget=0.05")
    with pytest.raises(Refused, match=r"the deduplication_budget is 5\.00%") as refusal:
        log.run("clean_events", *settings, output=tmp_path / "out")
    counts = counts_of(sealed(str(tmp_path / "out")))
    assert len(counts.most_repeated) == 3
    assert "uid" not in str(counts.most_repeated)
    for key, times in counts.most_repeated.items():
        assert f"{key} {times} times" in str(refusal.value)


def test_equal_rows_of_a_day_become_a_number(log: SmallLog, tmp_path: Path) -> None:
    settings = ('cleaning.deduplicate_on=["uid", "item"]', 'cleaning.count_repetitions="times"')
    out = log.run("clean_events", *settings, output=tmp_path / "out")
    every = log.run("clean_events", "cleaning.deduplicate_on=none", output=tmp_path / "every")
    found, rows = (
        pa.concat_tables(pq.read_table(f) for f in sorted(one.folder.glob("events/*/*.parquet")))
        for one in (out, every)
    )
    expected = Counter((row["day"], row["uid"], row["item"]) for row in rows.to_pylist())
    assert max(expected.values()) > 1
    assert {(r["day"], r["uid"], r["item"]): int(r["times"]) for r in found.to_pylist()} == expected
    assert counts_of(out).deduplicated > 0.05 * counts_of(out).kept
