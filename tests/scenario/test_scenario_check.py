"""With the log at hand, every column that a scenario names is looked up in it."""

import gzip
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur.contracts.errors import UsageError
from secateur.scenario.scenario_check import check_scenario, summary
from secateur.storage import open_store
from small_scenario import Write

HEADER = "uid,item,at,liked"


FLAT = ("[logs]", '[logs]\nlayout = "flat"')  # the rows are of any day, whatever their folder
START = 1_704_067_200_000  # 2024-01-01 in UTC
DAY = 86_400_000


def log(folder: Path, header: str = HEADER, sides: str = "item,author", liked: str = "") -> str:
    """A log of one gzipped file, six days in it, and the side table; gives its URI."""
    day = folder / "log" / "events" / "date=2024-01-01"
    day.mkdir(parents=True)
    lines = [header]
    for n in range(12):
        row = {"uid": "u1", "item": "i1", "at": START + n * DAY // 2, "liked": liked or n % 2}
        lines.append(",".join(str(row.get(name, 1)) for name in header.split(",")))
    (day / "part-0.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (folder / "log" / "items.csv").write_text(f"{sides}\ni1,a1\n")
    return (folder / "log").as_uri()


def messages(path: Path, uri: str) -> list[str]:
    """The mistakes, each without its file and line."""
    return [
        line.removeprefix(f"{path}:").partition(": ")[2]
        for line in check_scenario(str(path), uri)[1]
    ]


def test_a_scenario_that_fits_its_log_is_summed_up_in_one_line(
    write: Write, tmp_path: Path
) -> None:
    scenario, mistakes = check_scenario(str(write(FLAT)), log(tmp_path))
    assert mistakes == []
    assert scenario is not None
    assert summary(scenario) == (
        "small: 3 fields (3 category), 1 counter, 2 candidates, 6 days (4 train, 1 tune, 1 confirm)"
    )


def test_every_column_that_the_log_lacks_is_told_by_its_key(write: Write, tmp_path: Path) -> None:
    path = write(
        ('time = "at"', 'time = "when"'),
        ('column = "liked"', 'column = "like"'),
        ('keys = ["uid"]', 'keys = ["uid", "autor"]\nof = "likd"'),
        ("min_rows = 100", "min_rows = 100\nmax_missing_rate = { colour = 0.1 }"),
    )
    assert check_scenario(str(path))[1] == [], "without the log, nobody can know"
    found = messages(path, log(tmp_path))
    assert [line.partition(": ")[0] for line in found] == [
        "logs.time",
        "label.column",
        "features.counters[0].keys[1]",
        "features.counters[0].of",
        "validation.max_missing_rate.colour",
    ]
    assert "no column 'like' in the log (did you mean liked?)" in found[1]
    assert "(did you mean author?)" in found[2]


def test_a_side_table_without_its_key_or_its_column_is_told(write: Write, tmp_path: Path) -> None:
    found = messages(write(), log(tmp_path, sides="item_id,writer"))
    assert [line.partition(": ")[0] for line in found] == [
        "logs.sides[0].key",
        "features.fields[2].name",
    ]


def test_the_day_of_a_version_is_a_column_and_the_number_of_repetitions_becomes_one(
    write: Write, tmp_path: Path
) -> None:
    path = write(
        ('key = "item" }', 'key = "item", valid_from = "since" }'),
        ("[features]", 'count_repetitions = "times"\n\n[features]'),
        ('{ name = "author", owner = "item" }', '{ name = "times", owner = "context" }'),
    )
    (found,) = messages(path, log(tmp_path))
    assert found.startswith("logs.sides[0].valid_from: no column 'since' in items.csv")


def test_what_is_made_of_many_events_is_named_as_no_column(write: Write, tmp_path: Path) -> None:
    past = (
        '{ name = "author", owner = "item" }',
        '{ name = "author", owner = "user", kind = "history", shares = "item" }',
    )
    uri = log(tmp_path, header=f"{HEADER},uid_2d_rate")
    found = messages(write(past), uri)
    assert [line.partition(": ")[0] for line in found] == [
        "features.fields[2].name",
        "features.counters[0]",
    ]
    assert "'uid_2d_rate' is a column of the log already" in found[1]


@pytest.mark.parametrize(
    "label",
    [
        'kind = "marked_list"\ncolumn = "liked"',
        'kind = "clicked_list"\ncolumn = "liked"\nclicked = "at"',
    ],
    ids=["marked_list", "clicked_list"],
)
def test_the_item_of_a_list_is_no_column_of_the_raw_rows(
    label: str, write: Write, tmp_path: Path
) -> None:
    uri = log(tmp_path, header="uid,at,liked", liked="i1-0 i2-1|i3")
    spoiled = (('column = "liked"', label), ('["uid", "item", "at"]', '["uid", "at"]'))
    assert not any("no column" in line for line in messages(write(*spoiled), uri))
    assert "logs.item: no column 'item'" in messages(write(spoiled[1]), uri)[0]


def test_a_parquet_log_tells_its_columns_itself(write: Write, tmp_path: Path) -> None:
    uri = log(tmp_path)
    events = tmp_path / "log" / "events"
    shutil.rmtree(events / "date=2024-01-01")
    file = events / "part-0.parquet"
    pq.write_table(pa.table({name: ["1"] for name in HEADER.split(",")[:3]}), file)
    parquet = ('time = "at"', 'time = "at"\nformat = "parquet"')
    (found,) = messages(write(parquet), uri)
    assert found.startswith("label.column: no column 'liked' in the log")


def test_a_parquet_log_is_tried_row_by_row(write: Write, tmp_path: Path) -> None:
    """Its columns are read once, though the scenario names some of them twice."""
    uri = log(tmp_path)
    events = tmp_path / "log" / "events"
    shutil.rmtree(events / "date=2024-01-01")
    times = pa.array([START + n * DAY // 2 for n in range(12)])
    table = {"uid": ["u1"] * 12, "item": ["i1"] * 12, "at": times, "liked": [0, 1] * 6}
    pq.write_table(pa.table(table), events / "part-0.parquet")
    assert messages(write(('time = "at"', 'time = "at"\nformat = "parquet"')), uri) == []


def test_a_log_in_an_object_store_is_looked_up_like_any_other(
    write: Write, tmp_path: Path, root: str
) -> None:
    local = open_store(log(tmp_path, header="uid,item,at"))
    store = open_store(root)
    for key in [*local.keys()]:
        store.put(key, local.get(key).data)
    (found,) = messages(write(), root)
    assert found.startswith("label.column: no column 'liked' in the log")


def test_a_log_without_a_file_is_no_answer(write: Write, tmp_path: Path) -> None:
    uri = log(tmp_path)
    shutil.rmtree(tmp_path / "log" / "events" / "date=2024-01-01")
    with pytest.raises(UsageError, match="events: no file of a log there"):
        check_scenario(str(write()), uri)


def test_every_file_of_the_log_is_looked_at(write: Write, tmp_path: Path) -> None:
    uri = log(tmp_path)
    later = tmp_path / "log" / "events" / "date=2024-01-02" / "part-0.csv"
    later.parent.mkdir()
    later.write_bytes(b"not,what,was,agreed\n1,2,3,4\n")
    assert "cleaning.quarantine_budget: 7.7% of 13 rows" in messages(write(FLAT), uri)[0]
    later.write_text("".join([",".join(HEADER.split(",")[:3]), *["\nu1,i1,never"] * 12]))
    assert "logs.time_format: 12 of 24 times are not 'ms'" in messages(write(FLAT), uri)[0]
