"""A flat log with stray, bad, filtered and old rows: each is counted, and the night goes on."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from secateur import identity, scenario
from secateur.artifacts import Artifact
from secateur.contracts.data import CleaningCounts
from secateur.contracts.errors import NOT_YET, ScenarioError, SecateurError
from secateur.contracts.errors import REFUSED as REFUSED_CODE
from small_log import DAYS, SmallLog, milliseconds, run_verb, small_log

NOON = milliseconds(DAYS[2], 43200)
# What each bad row is, the row, and its reason; a day that no row has a name for is one, too.
STRAY: dict[str, tuple[str, str]] = {
    "stray_future_row": ("raw-user-1,3,2147483647000,1,home,5", "time_future"),
    "row_of_tomorrow": (f"raw-user-1,3,{milliseconds('2024-03-07', 60)},1,home,5", "time_future"),
    "time_beyond_calendars": ("raw-user-1,3,9000000000000000000,1,home,5", "time_implausible"),
    "time_before_calendars": ("raw-user-1,3,-9000000000000000000,1,home,5", "time_implausible"),
    "flat_line_cut": ("raw-user-1,3", "malformed"),
    "flat_time_unreadable": ("raw-user-1,3,soon,1,home,5", "time_unparsable"),
    "flat_header_again": ("uid,item,at,liked,tab,seconds", "repeated_header"),
    "only_row_of_its_day": (
        f"raw-user-1,3,{milliseconds(DAYS[0], 9)},7,home,5",
        "label_not_binary",
    ),
}
FILTERED = [f"raw-user-2,{item},{NOON},1,bot,5" for item in range(4)]
FILTERED += ["raw-user-2,5,,9,bot,-5"]  # what is wrong with a row that nobody wants does not matter
OUTSIDE = [f"raw-user-2,{n},{milliseconds('2024-02-20', n)},1,home,5" for n in range(5)]
WHERE = """cleaning.where="tab IS NULL OR tab <> 'bot'\""""


@pytest.fixture(scope="module")
def log(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    log = small_log(tmp_path_factory.mktemp("flat"))
    log.days[DAYS[0]].clear()  # but for one row, which is bad
    log.days["others"] = [*(row for row, _ in STRAY.values()), *FILTERED, *OUTSIDE]
    return log.write_flat()


@pytest.fixture(scope="module")
def events(log: SmallLog) -> Artifact:
    return log.run("clean_events", WHERE, output=log.folder / "events_out")


def test_every_row_is_counted_once(events: Artifact) -> None:
    counts = events.read("counts.json", CleaningCounts)
    assert counts.reasons == Counter(reason for _, reason in STRAY.values())
    assert (counts.kept, counts.quarantined) == (200, len(STRAY))
    assert (counts.filtered, counts.outside, counts.deduplicated) == (5, 5, 0)
    assert counts.rows_in == 200 + len(STRAY) + 5 + 5
    assert counts.days == {day: 40 * (day != DAYS[0]) for day in DAYS}


def test_a_row_in_the_future_is_quarantined_as_it_was(events: Artifact) -> None:
    (file,) = events.folder.glob("quarantine/date=unknown/*.parquet")
    rows = {row["row"]: row["reasons"] for row in pq.read_table(file).to_pylist()}
    hashed = identity.hash_id(identity.id_key(), "raw-user-1")
    assert rows[f"{hashed},3,2147483647000,1,home,5"] == ["time_future"]


def test_the_night_goes_on(log: SmallLog, events: Artifact) -> None:
    folder = log.folder / "run"
    window = ("logs.window_days=5", WHERE)  # its first day has bad rows only
    log.run("clean_events", *window, output=folder / "events")
    log.run("validate_events", *window, events=folder / "events", output=folder / "events_report")
    flags = {"events": folder / "events", "validation": folder / "events_report"}
    log.run("build_features", *window, **flags, output=folder / "features")
    flags = {"features": folder / "features", "output": folder / "features_report"}
    log.run("validate_features", *window, **flags)
    loaded = scenario.load_scenario(str(log.scenario), window)
    run_verb("report_night", loaded, run=folder, output=folder / "report")
    page = (folder / "report" / "index.html").read_text()
    assert "<b>5</b> filtered" in page
    assert "<b>6</b> outside the window" in page


def test_the_run_s_day_ends_the_window(log: SmallLog, tmp_path: Path) -> None:
    settings = (f"logs.last_day={DAYS[4]}", "logs.window_days=4", WHERE)
    out = log.run("clean_events", *settings, output=tmp_path / "out")
    counts = out.read("counts.json", CleaningCounts)
    assert counts.days == dict.fromkeys(DAYS[1:5], 40)
    assert counts.outside == 40 + len(OUTSIDE) + 1
    assert counts.reasons["time_future"] == 2


REFUSED = {
    "run_day_without_rows": (
        "logs.last_day=2024-03-08",
        "no row of the last day, 2024-03-08: the newest day with rows is 2024-03-06",
    ),
    "mostly_outside": (
        "cleaning.outside_budget=0.02",
        "lie on days outside the window, the outside_budget is 2.00%",
    ),
    "nothing_passes_the_filter": (
        "cleaning.where=uid = 'nobody'",
        "none is left to be an event",
    ),
}


def test_the_page_tells_of_every_case_what_was_seen() -> None:
    told = told_cases("Flat logs")
    assert told.keys() == STRAY.keys() | REFUSED.keys()
    for name, (_, reason) in STRAY.items():
        assert told[name] == f"`{reason}`"
    for name, (_, message) in REFUSED.items():
        assert f"`{message}`" in told[name]


@pytest.mark.parametrize("case", REFUSED)
def test_a_window_that_holds_too_little_is_refused(
    case: str, log: SmallLog, tmp_path: Path
) -> None:
    setting, message = REFUSED[case]
    with pytest.raises(SecateurError, match=message) as refusal:
        log.run("clean_events", setting, output=tmp_path / "out")
    assert refusal.value.exit_code == (NOT_YET if case == "run_day_without_rows" else REFUSED_CODE)


def test_a_filter_that_is_no_predicate_is_asked_wrongly(log: SmallLog, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"cleaning\.where: 'no_such > 1'"):
        log.run("clean_events", "cleaning.where=no_such > 1", output=tmp_path / "out")
