"""No check of events can pass on nothing: what is absent, null or raises is a failure."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur.artifacts import create
from secateur.contracts.errors import ScenarioError, ValidationRefused
from secateur.contracts.manifest import MadeBy
from small_events import EVENTS, Nights, failed, plain_rows, report_of, rows
from small_log import sealed

DAYS = ("2024-03-01", "2024-03-02")


def refused(nights: Nights, *settings: str, events: str = "events") -> str:
    """What the refusal says, the report being sealed."""
    output = nights.folder / "report"
    with pytest.raises(ValidationRefused) as refusal:
        nights.run("validate_events", *settings, events=nights.folder / events, output=output)
    assert not report_of(sealed(str(output))).success
    return str(refusal.value)


def test_sound_events_pass_every_kind_of_rule(nights: Nights) -> None:
    nights.events("events", {day: plain_rows(day) for day in DAYS})
    settings = (
        "validation.max_missing_rate={tab = 0.0, seconds = 0.5}",
        'validation.rules=[{name = "seconds_known", holds = "cast(seconds AS int) < 100"}]',
        "validation.min_rules=20",
    )
    report = report_of(nights.validate("events", *settings))
    assert report.success, failed(report)
    assert {e.suite for e in report.expectations} >= {"columns", "events", "days", "examination"}
    assert "rule seconds_known" in {e.suite for e in report.expectations}


def test_zero_rows_are_refused(nights: Nights) -> None:
    nights.events("events", {}, **{DAYS[0]: 0})
    nights.events("empty", {DAYS[0]: plain_rows(DAYS[0], 0)})
    assert "columns: label expect_column_to_exist" in refused(nights)
    said = refused(nights, events="empty")
    assert "expect_table_row_count_to_be_between(min_value=1): found 0" in said


def test_a_day_without_events_is_named(nights: Nights) -> None:
    nights.events("events", {DAYS[0]: plain_rows(DAYS[0])}, **{DAYS[1]: 0})
    said = refused(nights)
    assert "days: rows expect_column_values_to_be_between" in said
    assert f"{{'rows': 0, 'day': '{DAYS[1]}'}}" in said


def test_a_day_that_is_poor_among_its_window_is_named(nights: Nights) -> None:
    sizes = (50, 50, 2)
    days = (*DAYS, "2024-03-03")
    nights.events("events", {d: plain_rows(d, n) for d, n in zip(days, sizes, strict=True)})
    said = refused(nights)
    assert "days: rows expect_column_values_to_be_between(min_value=3" in said
    assert f"{{'rows': 2, 'day': '{days[-1]}'}}" in said
    assert report_of(nights.validate("events", "validation.min_rows_a_day=2")).success


def test_a_day_with_other_rows_than_cleaning_counted_is_named(nights: Nights) -> None:
    nights.events("events", {day: plain_rows(day) for day in DAYS}, **{DAYS[1]: 51})
    said = refused(nights)
    assert "expect_column_pair_values_to_be_equal(column_A=rows, column_B=counted)" in said
    assert DAYS[1] in said
    assert DAYS[0] not in said.partition("found")[2]


@pytest.mark.parametrize("column", ["item", "tab"])
def test_a_renamed_column_is_named(nights: Nights, column: str) -> None:
    at = EVENTS.get_field_index(column)
    renamed = EVENTS.set(at, pa.field("other", pa.string()))
    frame = plain_rows(DAYS[0]).rename(columns={column: "other"})
    nights.events("events", {DAYS[0]: frame}, renamed)
    assert f"columns: {column} expect_column_to_exist" in refused(nights)


def test_every_column_that_the_night_will_read_is_missed_by_name(nights: Nights) -> None:
    nights.events("events", {DAYS[0]: plain_rows(DAYS[0])})
    fields = (
        '{name = "item", owner = "item"}, '
        '{name = "past", owner = "user", kind = "history", shares = "item", type = "a_type"}'
    )
    settings = (
        f"features.fields=[{fields}]",
        'features.counters=[{keys = ["item", "a_key"], owner = "item", prior_rate = 0.1}]',
        'features.slices=[{name = "new", column = "a_slice", values = ["1"]}]',
        'logs.sides=[{name = "things", path = "things.csv", key = "a_side"}]',
        "validation.max_missing_rate={a_limit = 1.0}",
        "validation.drift.categories={a_share = 1.0}",
        "validation.drift.numbers={a_number = 1.0}",
    )
    report = report_of(nights.validate("events", *settings))
    lacking = {e.column for e in report.expectations if not e.success}
    wanted = ("type", "key", "slice", "side", "limit", "share", "number")
    assert lacking == {f"a_{word}" for word in wanted}


def test_a_column_that_only_a_rule_names_is_named(nights: Nights) -> None:
    nights.events("events", {DAYS[0]: plain_rows(DAYS[0])})
    said = refused(nights, 'validation.rules=[{name = "gone", holds = "gone > 0"}]')
    assert "rule gone: gone gone > 0 (mostly=1): found" in said
    assert "`gone` cannot be resolved" in said


def test_fewer_rules_than_wanted_are_no_examination(nights: Nights) -> None:
    nights.events("events", {DAYS[0]: plain_rows(DAYS[0])})
    said = refused(nights, "validation.min_rules=100")
    assert "examination: rules expect_column_min_to_be_between(min_value=100.0): found" in said


def with_seconds(nights: Nights, *seconds: str | None) -> None:
    nights.events("events", {DAYS[0]: rows(DAYS[0], ["home"] * len(seconds), seconds)})


RULE = 'validation.rules=[{{name = "short", holds = "{holds}", mostly = {mostly}}}]'


def test_a_null_predicate_is_a_broken_one(nights: Nights) -> None:
    with_seconds(nights, "1", "2", "3", None)
    holds = "try_cast(seconds AS int) < 10"
    assert report_of(nights.validate("events", RULE.format(holds=holds, mostly=0.75))).success
    report = report_of(nights.validate("events", RULE.format(holds=holds, mostly=0.76)))
    assert failed(report) == {"rule short: short try_cast"}
    (found,) = [e.observed for e in report.expectations if not e.success]
    assert found["unexpected_count"] == 1
    assert found["missing_count"] == 0


def test_a_rule_that_raises_fails_alone(nights: Nights) -> None:
    with_seconds(nights, "1", "many")
    holds = "cast(seconds AS int) > 0"
    other = '{name = "home", holds = "tab = \'home\'"}'
    settings = RULE.format(holds=holds, mostly=0.0).replace("}]", f"}}, {other}]")
    report = report_of(nights.validate("events", settings))
    assert failed(report) == {"rule short: short cast"}
    (found,) = [e.observed for e in report.expectations if not e.success]
    assert "CAST_INVALID_INPUT" in found


def test_a_rule_that_is_no_sql_is_asked_wrongly(nights: Nights) -> None:
    with_seconds(nights, "1")
    with pytest.raises(ScenarioError, match=r"validation\.rules short"):
        nights.validate("events", RULE.format(holds="seconds >", mostly=1.0))


def test_a_missing_value_too_many_is_refused_by_column(nights: Nights) -> None:
    with_seconds(nights, "1", "2", "3", None)
    enough = nights.validate("events", "validation.max_missing_rate={seconds = 0.25}")
    assert report_of(enough).success
    said = refused(nights, "validation.max_missing_rate={seconds = 0.2, tab = 0.0}")
    assert "share of missing values: seconds expect_column_max_to_be_between" in said
    assert "found 0.25" in said
    assert "tab" not in said


def test_the_report_does_not_depend_on_how_the_rows_are_split(nights: Nights) -> None:
    frame = plain_rows(DAYS[0])
    frame.loc[7, "seconds"], frame.loc[40, "seconds"] = "many", "more"
    whole = nights.events("whole", {DAYS[0]: frame})
    with create(str(nights.folder / "split"), "EventSet") as draft:
        shutil.copytree(whole.folder, draft.folder, dirs_exist_ok=True)
        part = draft.folder / "events" / f"date={DAYS[0]}" / "part-00000.parquet"
        table = pq.ParquetFile(part).read()
        pq.write_table(table.slice(20), part)
        pq.write_table(table.slice(0, 20), part.with_name("part-00001.parquet"))
        draft.seal(MadeBy("by hand", "0"), {}, {})
    settings = (
        RULE.format(holds="cast(seconds AS int) < 90", mostly=0.5),
        "validation.drift.numbers={seconds = 0.5}",
        "validation.drift.categories={item = 0.5}",
    )
    one, other = (nights.validate(name, *settings) for name in ("whole", "split"))
    assert replace(report_of(one), subject="") == replace(report_of(other), subject="")
    assert one.file("profile.json").read_bytes() == other.file("profile.json").read_bytes()
    again = nights.validate("whole", *settings)
    assert again.digest == one.digest
    page = again.file("docs/index.html").read_text()
    assert "cast(seconds AS int) &lt; 90" in page
    assert str(Path.cwd()) not in page


def test_no_report_holds_a_users_hash(nights: Nights) -> None:
    with_seconds(nights, "1", "many")
    report = nights.validate("events", RULE.format(holds="cast(seconds AS int) > 0", mostly=1.0))
    for file in report.folder.rglob("*"):
        assert file.is_dir() or b"hash-" not in Path(file).read_bytes()
