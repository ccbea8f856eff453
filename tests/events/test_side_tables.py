"""A dated side table gives an event what was known when it happened, by Spark and by Arrow."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from secateur.artifacts import Artifact
from secateur.contracts.errors import Refused, ValidationRefused
from secateur.features.days.event_window import EventWindow
from secateur.scenario import load_scenario
from small_events import Nights, report_of
from small_log import DAYS, SmallLog, sealed, small_log, write_gz

SIDE = '{{name = "items", path = "items.csv.gz", key = "item", {more}}}'
DATED = 'valid_from = "since", valid_from_format = "yyyy-MM-dd HH:mm"'
HEADER = "item,since,author,length"
# Item 0 changes at noon, 1 at midnight, 2 is new on the third day, 3 never changes.
VERSIONS = [
    (0, "2024-01-01 00:00", "old 0"),
    (0, f"{DAYS[2]} 12:00", "new 0"),
    (1, "2024-01-01 00:00", "old 1"),
    (1, f"{DAYS[3]} 00:00", "new 1"),
    (2, f"{DAYS[2]} 06:30", "new 2"),
    *((item, "2024-01-01 00:00", f"author {item}") for item in range(3, 14)),
]


def side(more: str = DATED) -> str:
    return f"logs.sides=[{SIDE.format(more=more)}]"


def lines(versions: list[tuple[int, str, str]]) -> list[str]:
    return [HEADER, *(f"{item},{since},{author},{item}" for item, since, author in versions)]


@pytest.fixture(scope="module")
def log(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    log = small_log(tmp_path_factory.mktemp("dated")).write()
    write_gz(log.folder / "items.csv.gz", lines(VERSIONS))
    return log


@pytest.fixture(scope="module")
def events(log: SmallLog) -> Artifact:
    return log.run("clean_events", side(), output=log.folder / "out")


def author_at(time: Mapping[str, object]) -> str | None:
    """What the table said of an event's item when the event happened."""
    moment = datetime.fromtimestamp(int(str(time["time_ms"])) / 1000, UTC)
    told = f"{moment:%Y-%m-%d %H:%M}"
    known = [(since, who) for item, since, who in VERSIONS if str(item) == time["item"]]
    return max(((since, who) for since, who in known if since <= told), default=(None, None))[1]


def test_an_event_gets_the_version_that_held(
    spark: SparkSession, log: SmallLog, events: Artifact
) -> None:
    scenario = load_scenario(str(log.scenario), (side(),))
    window = EventWindow.open(spark, events.folder, scenario.logs, scenario.features)
    assert set(window.sides[0].columns) == {"since", "author", "length"}
    rows = [row.asDict() for row in window.rows(window.days).collect()]
    by_arrow = [
        row
        for day in window.days
        for table in window.day(day).tables({"time_ms", "item", "author"})
        for row in table.to_pylist()
    ]
    for found in (rows, by_arrow):
        assert len(found) == 240
        assert [row["author"] for row in found] == [author_at(row) for row in found]
    assert {row["author"] for row in rows} >= {"old 0", "new 0", "old 1", "new 1", "new 2", None}
    assert window.columns == [*(n for n in rows[0] if not n.startswith("_"))]


def test_the_seal_says_what_the_tables_were(events: Artifact, log: SmallLog) -> None:
    (file,) = events.folder.glob("sides/items/*.parquet")
    assert events.manifest.facts["sides"]["items"]["rows"] == pq.read_metadata(file).num_rows
    assert events.manifest.facts["sides"]["items"]["dated"] is True


TOO_LITTLE = "side tables: items the share of events with a row >= 0.5 (min_match): found 0.1"
TABLES = {
    "version_twice": ([*VERSIONS, VERSIONS[0]], side(), "1 repeat a item at the same since"),
    "version_without_a_time": (
        [*VERSIONS, (4, "soon", "late 4")],
        side(),
        "1 tell no time in since",
    ),
    "versions_without_dates": (VERSIONS, side("min_match = 0.5"), "2 repeat a item"),
    "no_such_date_column": (VERSIONS, side('valid_from = "at"'), "has no column at"),
}


def test_the_page_tells_of_every_case_what_was_seen() -> None:
    told = told_cases("Side tables")
    assert told.keys() == TABLES.keys() | {"joins_too_little"}
    for name, (_, _, message) in TABLES.items():
        assert f"`{message}`" in told[name]
    assert f"`{TOO_LITTLE}" in told["joins_too_little"]


@pytest.mark.parametrize("case", TABLES)
def test_a_table_of_versions_that_cannot_be_told_apart_is_refused(
    case: str, log: SmallLog, tmp_path: Path
) -> None:
    versions, sides, message = TABLES[case]
    write_gz(tmp_path / "items.csv.gz", lines(versions))
    copytree(log.folder / "events", tmp_path / "events")
    with pytest.raises(Refused, match=message):
        log.run("clean_events", sides, logs=tmp_path, output=tmp_path / "out")


def test_a_table_that_joins_too_little_is_refused(
    log: SmallLog, events: Artifact, tmp_path: Path
) -> None:
    late = [(item, f"{DAYS[-1]} 00:00", author) for item, _, author in VERSIONS[4:]]
    write_gz(tmp_path / "items.csv.gz", lines(late))
    copytree(log.folder / "events", tmp_path / "events")
    log.run("clean_events", side(), logs=tmp_path, output=tmp_path / "out")
    with pytest.raises(ValidationRefused, match=re.escape(TOO_LITTLE)):
        log.run("validate_events", side(), events=tmp_path / "out", output=tmp_path / "report")
    few = side(f"{DATED}, min_match = 0.01")
    log.run("validate_events", few, events=tmp_path / "out", output=tmp_path / "few")
    log.run("validate_events", side(), events=events.uri, output=tmp_path / "enough")


def test_an_undated_table_that_changes_is_a_risk_that_the_report_states(
    log: SmallLog, tmp_path: Path
) -> None:
    settings = (side("min_match = 0.5"), "logs.window_days=4")
    nights = Nights(tmp_path)
    for number, name in ((4, "first"), (5, "second")):
        write_gz(tmp_path / "items.csv.gz", lines([(1, "2024", name), *VERSIONS[5:]]))
        if name == "first":
            copytree(log.folder / "events", tmp_path / "events")
        day = (*settings, f"logs.last_day={DAYS[number]}")
        out, report = tmp_path / name, tmp_path / f"{name}_report"
        log.run("clean_events", *day, logs=tmp_path, output=out)
        flags = {"events": out, "state": nights.state, "output": report}
        log.run("validate_events", *day, **flags)
        if name == "first":
            (tmp_path / "watched.toml").write_text(log.scenario.read_text())
            nights.accept(report.name)
    (risk,) = report_of(sealed(str(tmp_path / "second_report"))).risks
    assert f"side table items changed since the night of {DAYS[4]} and is not dated" in risk
    assert report_of(sealed(str(tmp_path / "first_report"))).risks == ()
