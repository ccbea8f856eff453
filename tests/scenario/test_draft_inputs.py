"""A draft proposes what other events tell: histories, sessions, the hour, other actions, places."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drafted import DAY, ROWS, START, base, drafted, log, names
from secateur.scenario.drafting.scenario_draft import draft_scenario
from secateur.scenario.raw_log.habits import HabitCounter, LogHabits


def with_clicks() -> dict[str, list[object]]:
    return base() | {"click": [int(n % 7 == 0) for n in range(ROWS)]}


def field(made: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((one for one in made["features"]["fields"] if one["name"] == name), None)


def counters(made: dict[str, Any]) -> list[dict[str, Any]]:
    return list(made["features"]["counters"])


def in_bursts(columns: dict[str, list[object]]) -> dict[str, list[object]]:
    """The same with a user's events in bursts of six, a minute apart, a day between bursts."""
    burst = [(n // 6, n % 6) for n in range(ROWS)]
    ts = [START + one // 10 * DAY + one % 10 * 3600 + 60 * place for one, place in burst]
    return columns | {"user_id": [f"member-{one % 10}" for one, _ in burst], "ts": ts}


def test_users_that_come_again_have_a_history(tmp_path: Path) -> None:
    made = drafted(log(tmp_path, with_clicks()), tmp_path)
    expected = {"kind": "history", "shares": "item_id", "length": 20, "owner": "user"}
    assert field(made, "last_items") == {"name": "last_items", **expected}
    once = with_clicks() | {"user_id": [f"member-{n // 2 if n < 100 else n}" for n in range(ROWS)]}
    assert field(drafted(log(tmp_path, once), tmp_path), "last_items") is None


def test_events_in_bursts_are_sessions(tmp_path: Path) -> None:
    made = drafted(log(tmp_path, in_bursts(with_clicks())), tmp_path)
    last = field(made, "last_of_session")
    assert last is not None
    assert (last["within"], last["length"], last["positives_only"]) == ("session", 1, False)
    (within,) = (one for one in counters(made) if one.get("within"))
    assert within["measures"] == ["events", "rate", "gap"]
    assert "session_column" not in made["features"]
    spread = drafted(log(tmp_path, with_clicks()), tmp_path)
    assert field(spread, "last_of_session") is None


def test_a_column_that_names_sessions_is_theirs_and_no_input(tmp_path: Path) -> None:
    columns = in_bursts(with_clicks()) | {"session_id": [f"s{n // 6}" for n in range(ROWS)]}
    made = drafted(log(tmp_path, columns), tmp_path)
    assert made["features"]["session_column"] == "session_id"
    assert "session_id" not in names(made)


def test_the_hour_is_an_input_where_the_log_tells_hours(tmp_path: Path) -> None:
    made = drafted(log(tmp_path, with_clicks()), tmp_path)
    hour = field(made, "hour_of_day")
    assert hour is not None
    assert hour["of_time"] == "hour_of_day"
    days = with_clicks()
    days["ts"] = [f"2024-01-{n * 10 // ROWS + 1:02d}" for n in range(ROWS)]
    assert field(drafted(log(tmp_path, days), tmp_path), "hour_of_day") is None


def test_items_that_live_for_hours_have_an_age_and_a_popularity_of_hours(tmp_path: Path) -> None:
    columns = with_clicks() | {"item_id": [f"s{n // 15}-{n % 3}" for n in range(ROWS)]}
    made = drafted(log(tmp_path, columns), tmp_path)
    assert {one.get("window_hours") for one in counters(made)} == {None, 3, 24}
    assert ["age"] in [one.get("measures") for one in counters(made)]
    old = drafted(log(tmp_path, with_clicks()), tmp_path)
    assert {one.get("window_hours") for one in counters(old)} == {None}


def test_other_outcomes_are_counted_and_no_inputs(tmp_path: Path) -> None:
    columns = with_clicks() | {"is_like": [int(n % 11 == 0) for n in range(ROWS)]}
    made = drafted(log(tmp_path, columns), tmp_path)
    of = [(one["keys"], one["measures"]) for one in counters(made) if one.get("of") == "is_like"]
    assert of == [(["item_id"], ["rate"]), (["user_id"], ["rate"])]
    assert "is_like" not in names(made)


def test_other_actions_are_counted_by_user_and_item(tmp_path: Path) -> None:
    kinds = ["view", "add to 'cart'", "purchase"]
    columns = base() | {"action": [kinds[(n % 10 > 6) + (n % 10 > 8)] for n in range(ROWS)]}
    made = drafted(log(tmp_path, columns), tmp_path)
    sql = made["logs"]["expressions"]
    assert sql["was_view"] == "int(`action` = 'view')"
    assert sql["was_add_to__cart"] == r"int(`action` = 'add to \'cart\'')"
    keys = [one["keys"] for one in counters(made) if one.get("of") == "was_view"]
    assert keys == [["item_id"], ["user_id", "item_id"]]


def test_what_users_take_again_is_counted_by_user_and_item(tmp_path: Path) -> None:
    again = base() | {"item_id": [f"s{n * 7 % 41 % 5}" for n in range(ROWS)]}
    made = drafted(log(tmp_path, again), tmp_path)
    (own,) = (one for one in counters(made) if one["keys"] == ["user_id", "item_id"])
    assert (own["measures"], own["window_days"]) == (["positives"], 10)
    assert made["label"]["negatives"]["exclude"] == "event"
    once = base() | {"item_id": [f"s{n // 41}" for n in range(ROWS)]}
    made = drafted(log(tmp_path, once), tmp_path)
    assert ["user_id", "item_id"] not in [one["keys"] for one in counters(made)]
    assert made["label"]["negatives"]["exclude"] == "past"


def test_the_place_in_a_list_beside_the_item_is_an_expression(tmp_path: Path) -> None:
    dice = random.Random(3)
    columns = with_clicks()
    items = [str(item) for item in columns["item_id"]]
    shown = [[item, *(f"s{dice.randrange(53)}" for _ in range(3))] for item in items]
    for one in shown:
        dice.shuffle(one)
    columns["shown"] = ["|".join(one) for one in shown]
    made = drafted(log(tmp_path, columns), tmp_path)
    assert made["logs"]["expressions"] == {
        "position": "array_position(split(`shown`, '[|]'), `item_id`)"
    }
    place = field(made, "position")
    assert place is not None
    assert place["kind"] == "bucket"


@pytest.mark.parametrize("column", ["there", "number", "kind"])
def test_a_column_that_tells_the_label_by_itself_is_left_out(column: str, tmp_path: Path) -> None:
    columns = with_clicks()
    liked = [value == 1 for value in columns["click"]]
    columns |= {
        "there": [n if one else "" for n, one in enumerate(liked)],
        "number": [n % 5 + 10 * one for n, one in enumerate(liked)],
        "kind": ["abc"[n % 3] if one else "de"[n % 2] for n, one in enumerate(liked)],
        "honest": [n % 5 for n in range(ROWS)],
        "useless": ["abc"[n // 7 % 3] for n in range(ROWS)],  # as often liked by each value
    }
    path = log(tmp_path, columns)
    made = drafted(path, tmp_path)
    assert column not in names(made)
    assert {"honest", "useless"} <= names(made)
    told = next(line for line in draft_scenario(path).splitlines() if "alone tells" in line)
    assert column in told


def test_a_measured_outcome_is_a_label_that_a_person_must_decide(tmp_path: Path) -> None:
    ratios = [n * 37 % 100 / 50 for n in range(ROWS)]
    columns = base() | {"play_duration": [n % 90 for n in range(ROWS)], "watch_ratio": ratios}
    path = log(tmp_path, columns)
    label = drafted(path, tmp_path)["label"]
    assert (label["kind"], label["column"]) == ("threshold", "watch_ratio")
    assert label["at_least"] == sorted(ratios)[ROWS // 2]
    assert "TO DECIDE 1: from which watch_ratio on an event is a positive" in draft_scenario(path)


def test_rows_of_other_actions_that_touch_an_item_are_context(tmp_path: Path) -> None:
    """In each session: a search by a city's name, two looks at an item, a click on a list."""
    lines = ["user_id,session_id,ts,action_type,reference,impressions"]
    for n in range(300):
        shown = [f"{1000 + (n * 7 + 3 * place) % 90}" for place in range(4)]
        start = START + n * 10 * DAY // 300
        who = f"m{n % 40},s{n}"
        lines.append(f"{who},{start},search for city,City {n % 5},")
        lines += [f"{who},{start + 30 * k},look at item,{shown[k]}," for k in (1, 2)]
        lines.append(f"{who},{start + 90},clickout item,{shown[n % 4]},{'|'.join(shown)}")
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    made = drafted(path, tmp_path)
    touches = "coalesce(trim(`impressions`), '') = '' AND `action_type` IN ('look at item')"
    assert made["label"]["context"] == {"where": touches, "item": "reference"}
    assert made["cleaning"]["where"] == f"(trim(`impressions`) <> '' OR {touches})"
    assert made["features"]["session_column"] == "session_id"
    assert field(made, "last_of_session") is not None
    assert made["logs"]["expressions"] == {"touched": "int(`action_type` IN ('look at item'))"}
    (touched,) = (one for one in counters(made) if one.get("of") == "touched")
    assert (touched["keys"], touched["within"]) == (["user_id", "item"], "session")


def test_habits_are_those_of_the_rows() -> None:
    """By hand: of six rows three follow one of the same user's, one of them within half an hour.

    Of the five moments of a user with an item one is a second one; of two rows after a day one is
    on a new item.
    """
    counter = HabitCounter()
    rows = [("a", "x", 0), ("a", "x", 0), ("a", "y", 100), ("b", "x", 5)]
    rows += [("b", "z", 2 * DAY), ("a", "x", 3 * DAY)]
    for user, item, seconds in rows:
        counter.add(user, [item], datetime.fromtimestamp(START + seconds, UTC))
    habits = counter.habits()
    assert habits == LogHabits(0.5, pytest.approx(1 / 6), 0.5, 1, pytest.approx(0.2))
