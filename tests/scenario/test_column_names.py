"""What a log calls its columns never hides what events hold under the same name."""

import pytest
from pydantic import TypeAdapter

from secateur.contracts.errors import Refused
from secateur.scenario import Label, Logs
from secateur.scenario.raw_log.column_names import (
    NamingRules,
    known_name,
    named_cells,
    names_by_field,
    naming_rules,
)

LIKED = {"column": "liked"}
LONG = {"kind": "threshold", "column": "time_ms", "at_least": 3000}


@pytest.mark.parametrize(
    ("roles", "label", "name", "known"),
    [
        ({"time": "time_ms"}, LIKED, "time_ms", "time_ms"),
        ({"time": "label"}, LIKED, "label", "label"),
        ({}, {"column": "label"}, "label", "label"),
        ({}, LONG, "time_ms", "log.time_ms"),
        ({}, LIKED | {"tasks": {"long": LONG}}, "time_ms", "log.time_ms"),
        ({"user": "label"}, LIKED, "label", "log.label"),
        ({"item": "time_ms"}, LIKED, "time_ms", "log.time_ms"),
        ({"item": "day"}, LIKED, "day", "log.day"),
        ({"user": "user_hash"}, LIKED, "user_hash", "user_hash"),
    ],
)
def test_a_name_of_events_own_is_free_for_what_fills_it(
    roles: dict[str, str], label: dict[str, object], name: str, known: str
) -> None:
    columns = {"uri": "x", "user": "uid", "item": "item", "time": "at"}
    logs = Logs.model_validate(columns | roles)
    rules = naming_rules(logs, TypeAdapter(Label).validate_python(label))
    assert known_name(name, rules) == known


def test_blanks_around_a_name_are_none_of_it() -> None:
    assert named_cells(["uid", " item", "sp ace ", "", "  "]) == [
        *("uid", "item", "sp ace", "column_4", "column_5"),
    ]


def test_names_that_blanks_alone_tell_apart_are_refused() -> None:
    with pytest.raises(Refused, match="log has two columns of one name: item"):
        names_by_field("log", named_cells(["item", " item"]), NamingRules())
