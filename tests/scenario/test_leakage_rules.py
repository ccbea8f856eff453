"""What an expression reads is found, and what it reads of an outcome is refused."""

import pytest
from pydantic import TypeAdapter

from secateur.scenario import Label
from secateur.scenario.leakage_rules import columns_read, outcomes_of
from secateur.scenario.scenario_check import check_scenario
from small_scenario import Write


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("hour(from_unixtime(time_ms / 1000))", {"time_ms"}),
        ("Price / `mean price`", {"price", "mean price"}),
        ("CASE WHEN tab = 'liked' THEN 1 END", {"case", "when", "tab", "then", "end"}),
        ("concat(a, \"it's liked\", 'o''clock b')", {"a"}),
        ("`tick``ed` + 1e3", {"tick`ed"}),
        ("LIKED", {"liked"}),
        ("transform(split(words, ' '), x -> upper (x))", {"words", "x"}),
    ],
)
def test_the_columns_of_an_expression_are_its_names(sql: str, read: set[str]) -> None:
    assert columns_read(sql) == read


def test_an_expression_over_an_outcome_is_one() -> None:
    label = TypeAdapter(Label).validate_python(
        {"column": "liked", "tasks": {"saved": {"column": "kept"}}}
    )
    made = {"twice": "2 * Liked", "so": "label_saved OR x", "fine": "x + 1", "text": "'liked'"}
    assert outcomes_of(label, made) == {
        **{name: name for name in ("liked", "kept", "label", "label_saved")},
        "twice": "liked",
        "so": "label_saved",
    }


EXPRESSION = "window_days = 6\nexpressions = {{ author = {} }}"
CASES = [
    (
        '"2 * liked"',
        ":30: features.fields[2].name: 'author' is what is to be predicted, as it reads",
    ),
    ('"rand()"', ":15: logs.expressions.author: rand is another at every run"),
    ('"current_date"', ":15: logs.expressions.author: current_date is another at every run"),
    ('"count(*) OVER (ORDER BY at)"', ":15: logs.expressions.author: a window over rows knows"),
]


@pytest.mark.parametrize(("sql", "line"), CASES)
def test_what_an_expression_may_not_do_is_told(sql: str, line: str, write: Write) -> None:
    path = write(("window_days = 6", EXPRESSION.format(sql)))
    _, (said,) = check_scenario(str(path))
    assert said.startswith(f"{path}{line}")


def test_a_counter_of_an_outcome_expression_is_of_earlier_events(write: Write) -> None:
    made = 'window_days = 6\nexpressions = { twice = "2 * liked" }'
    path = write(("window_days = 6", made), ("window_days = 2", 'window_days = 2\nof = "twice"'))
    assert check_scenario(str(path))[1] == []
    path = write(("window_days = 6", made), ('keys = ["uid"]', 'keys = ["uid", "twice"]'))
    _, (said,) = check_scenario(str(path))
    assert "features.counters[0].keys[1]: 'twice' is what is to be predicted" in said
