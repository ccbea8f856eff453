"""What each section of a scenario insists on, and what it works out of its keys."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from secateur.contracts.errors import ScenarioError, UsageError
from secateur.scenario import (
    ClickedListLabel,
    ColumnLabel,
    Counter,
    EventTypeLabel,
    Features,
    FieldSpec,
    Judgement,
    Label,
    Logs,
    MarkedListLabel,
    Negatives,
    PurchaseLabel,
    SideTable,
    TableFormat,
    ThresholdLabel,
    Validation,
    load_scenario,
    tasks_of,
)
from secateur.section import Section

LOGS = {"uri": "log", "user": "u", "item": "i", "time": "t"}
FIELD = {"name": "f", "owner": "item"}
COUNTER = {"keys": ["u"], "owner": "user", "prior_rate": 0.1}


@pytest.mark.parametrize(
    ("keys", "separator"),
    [
        ({}, ","),
        ({"format": "tsv"}, "\t"),
        ({"delimiter": ";"}, ";"),
        ({"format": "tsv", "header": False, "columns": ["a"]}, "\t"),
    ],
)
def test_a_table_knows_its_separator(keys: Mapping[str, Any], separator: str) -> None:
    assert TableFormat(**keys).separator == separator


@pytest.mark.parametrize(
    "keys",
    [
        {"header": False},
        {"columns": ["a"]},
        {"format": "parquet", "delimiter": ","},
        {"format": "json_lines", "header": False},
        {"format": "parquet", "columns": ["a"]},
        {"delimiter": ";;"},
    ],
)
def test_a_table_names_its_columns_exactly_once(keys: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TableFormat(**keys)


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        (Logs, {**LOGS, "timezone": "Mars/Base"}),
        (Logs, {**LOGS, "layout": "month"}),
        (Logs, {**LOGS, "window_days": 0}),
        (Logs, {**LOGS, "last_day": "2024-1-1"}),
        (Logs, {**LOGS, "closed": ["someday"]}),
        (Logs, {**LOGS, "colour": "red"}),
        (SideTable, {"name": "Items", "path": "p", "key": "k"}),
        (FieldSpec, {**FIELD, "kind": "history"}),
        (FieldSpec, {**FIELD, "buckets": 1}),
        (FieldSpec, {**FIELD, "separator": ""}),
        (FieldSpec, {**FIELD, "owner": "nobody"}),
        (Counter, {**COUNTER, "keys": []}),
        (Counter, {**COUNTER, "measures": []}),
        (Counter, {**COUNTER, "prior_rate": 1.5}),
        (Negatives, {"power": -1}),
        (Judgement, {"margin": 1.0}),
        (Judgement, {"margin": 0.0, "max_request_us": {"7": 1.0}}),
        (Validation, {"min_rows": 1, "label_rate": [0.1]}),
    ],
    ids=str,
)
def test_a_section_refuses_what_no_night_could_use(
    section: type[Section], keys: Mapping[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        section(**keys)


def test_a_section_is_frozen() -> None:
    logs = Logs(**LOGS)
    with pytest.raises(ValidationError):
        logs.user = "someone"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("keys", "kind", "name"),
    [
        ({"column": "click"}, ColumnLabel, "click"),
        ({"kind": "column", "column": "click"}, ColumnLabel, "click"),
        ({"kind": "event_type", "column": "a", "positive": ["buy"]}, EventTypeLabel, "a"),
        ({"kind": "threshold", "column": "stars", "at_least": 4}, ThresholdLabel, "stars"),
        ({"kind": "marked_list", "column": "shown"}, MarkedListLabel, "shown"),
        ({"kind": "clicked_list", "column": "s", "clicked": "c"}, ClickedListLabel, "s"),
        ({"kind": "purchase"}, PurchaseLabel, "purchase"),
    ],
)
def test_a_label_is_of_the_kind_it_names(keys: Mapping[str, Any], kind: type, name: str) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Label)
    found = adapter.validate_python(keys)
    assert type(found) is kind
    assert found.name == name
    assert adapter.validate_python(found) == found


def test_a_label_of_one_event_has_tasks_in_the_order_of_their_names() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Label)
    tasks = {"long": {"kind": "threshold", "column": "s", "at_least": 3}, "like": {"column": "k"}}
    found = tasks_of(adapter.validate_python({"column": "click", "tasks": tasks}))
    assert [*found] == ["like", "long"]
    assert type(found["long"]) is ThresholdLabel
    assert tasks_of(adapter.validate_python({"kind": "purchase"})) == {}


@pytest.mark.parametrize(
    "keys",
    [
        {"column": "click", "tasks": {"like": {"column": "k", "tasks": {"a": {"column": "a"}}}}},
        {"column": "click", "tasks": {"like": {"kind": "purchase"}}},
        {"column": "click", "tasks": {"Like it": {"column": "k"}}},
        {"kind": "marked_list", "column": "shown", "tasks": {"like": {"column": "k"}}},
    ],
)
def test_tasks_are_labels_of_one_event_without_tasks(keys: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Label).validate_python(keys)


def test_a_counters_inputs_are_named_by_keys_window_and_measure() -> None:
    one = Counter(**COUNTER, window_days=7, measures=("events", "positives"))
    assert [field.name for field in one.fields] == ["u_7d_events", "u_7d_positives"]
    pair = Counter(keys=("u", "tag"), owner="item", prior_rate=0.1, buckets=8)
    assert [field.name for field in pair.fields] == ["u_x_tag_7d_events", "u_x_tag_7d_rate"]
    assert {(field.kind, field.owner, field.buckets) for field in pair.fields} == {
        ("bucket", "item", 8)
    }


def test_counters_of_single_events_and_of_other_signals_have_names_of_their_own() -> None:
    last = Counter(**{**COUNTER, "window_days": 7, "last": 5, "of": "liked", "measures": ["gap"]})
    assert [field.name for field in last.fields] == [f"{'_x_'.join(last.keys)}_7d_last5_liked_gap"]
    assert last.of_single_events
    assert Counter(**{**COUNTER, "measures": ["gap"]}).of_single_events
    assert not Counter(**{**COUNTER, "of": "liked"}).of_single_events
    assert last.columns == (*last.keys, "liked")


def test_a_counter_of_enough_of_a_number_says_of_how_much() -> None:
    stays = {**COUNTER, "of": "stay", "kind": "number"}
    some, more = (Counter(**{**stays, "at_least": least}) for least in (0.5, 10_000))
    assert [f.name for f in some.fields] == ["u_7d_stay_from_0.5_events", "u_7d_stay_from_0.5_rate"]
    assert [f.name for f in more.fields] == [
        "u_7d_stay_from_10000_events",
        "u_7d_stay_from_10000_rate",
    ]
    assert [f.kind for f in some.fields] == ["number", "number"]
    assert [f.scale for f in some.fields] == ["standard_log", "standard"]
    with pytest.raises(ValueError, match="`at_least` needs `of`"):
        Counter(**COUNTER, at_least=1)


def test_inputs_are_the_fields_then_the_counters() -> None:
    features = Features(fields=(FieldSpec(**FIELD),), counters=(Counter(**COUNTER),))
    assert [spec.name for spec in features.inputs] == ["f", "u_7d_events", "u_7d_rate"]


@pytest.mark.parametrize("kind", ["category", "bucket"])
def test_only_a_categorys_vocabulary_can_be_shared(kind: str) -> None:
    shared = {**FIELD, "name": "item", "kind": kind}
    history = {**FIELD, "kind": "history", "shares": "item"}
    if kind == "category":
        assert len(Features(fields=[shared, history]).fields) == 2
        return
    with pytest.raises(ValidationError, match="no category"):
        Features(fields=[shared, history])


def test_a_search_may_stand_in_for_candidates() -> None:
    found = load_scenario("short_video_click", ("candidates=[]",))
    assert found.recipes == ()
    assert found.target("edge").max_bytes == 60_000
    with pytest.raises(UsageError, match=r"no target 'edg', it has \['edge', 'small'\]"):
        found.target("edg")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('search.targets=[{name="edge"}]', "limits max_bytes, max_us or both"),
        (
            'search.targets=[{name="a",max_us=1.0},{name="a",max_us=2.0}]',
            "'a' is there already, as",
        ),
        ('search.targets=[{name="int8",max_us=1.0}]', "'int8' is a candidate's name"),
        ('search.targets=[{name="dense",max_us=1.0}]', "'dense' is a candidate's name"),
    ],
)
def test_a_search_that_makes_no_sense_is_told(change: str, said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        load_scenario("short_video_click", (change,))


def test_a_day_needs_no_quotes() -> None:
    assert load_scenario("short_video", ("logs.last_day=2022-05-03",)).logs.last_day == "2022-05-03"
    with pytest.raises(ScenarioError, match="last_day"):
        load_scenario("short_video", ("logs.last_day=2022-05-03T10:00:00",))


def test_a_counter_has_one_window_a_week_by_default() -> None:
    windows: dict[str, dict[str, Any]] = {
        "u_7d_rate": {},
        "u_3d_rate": {"window_days": 3},
        "u_2h_rate": {"window_hours": 2},
        "u_session_rate": {"within": "session"},
    }
    for name, window in windows.items():
        one = Counter(**COUNTER, **window, measures=("rate",))
        assert [field.name for field in one.fields] == [name]
        assert one.of_single_events == (name in ("u_2h_rate", "u_session_rate"))
    with pytest.raises(ValueError, match="window_days and window_hours are two windows"):
        Counter(**COUNTER, window_days=1, window_hours=2)
    with pytest.raises(ValueError, match="up to the midnight before, within says nothing"):
        Counter(**COUNTER, within="session", freshness="day")
    assert Counter(**COUNTER, measures=("age",)).of_single_events
