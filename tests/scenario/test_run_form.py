"""A run's form is checked before anything runs: a typo publishes nothing."""

import pytest

from secateur.contracts.errors import ScenarioError, UsageError
from secateur.scenario import load_scenario
from secateur.scenario.run_form import RunForm, read_form


@pytest.mark.parametrize("text", ["", "null", "{}"])
def test_a_form_may_ask_for_nothing(text: str) -> None:
    assert read_form(text) == RunForm()


def test_what_it_may_ask_for() -> None:
    asked = '{"last_day": "2024-02-29", "candidates": ["int8"], "margin": 1, "dry_run": true}'
    form = read_form(asked)
    assert (form.last_day, form.candidates, form.margin, form.dry_run) == (
        "2024-02-29",
        ("int8",),
        1.0,
        True,
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"dryrun": true}', r"dryrun: unknown key \(did you mean dry_run\?\)"),
        ('{"dry_run": "yes"}', "dry_run: 'yes' is not true or false"),
        ('{"dry_run": 1}', "dry_run: 1 is not true or false"),
        ('{"last_day": "2024-02-30"}', "last_day: '2024-02-30' is no day"),
        ('{"last_day": "2024-02-29\\n"}', "last_day: .* is no day"),
        ('{"candidates": ["int8", 8]}', r"candidates\[1\]: 8 is not text"),
        ('{"margin": "0.1"}', "margin: '0.1' is not a number"),
        ("[1]", "the form: .* is not a table"),
        ("{", "the form"),
    ],
)
def test_what_it_may_not(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        read_form(text)


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ('only_candidates=["int8", "int8"]', "'int8' is named twice"),
        ('release.channel="latest\\n"', "is not text"),
        ('logs.last_day="2024-02-30"', "is no day"),
        ("judgement.margin=1.5", "is not a number"),
    ],
)
def test_a_value_that_the_scenario_cannot_take_is_refused_too(
    override: str, complaint: str
) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        load_scenario("short_video", [override])


def test_a_window_does_not_end_before_it_begins() -> None:
    reversed_days = ["logs.first_day=2022-05-08", "logs.last_day=2022-05-01"]
    with pytest.raises(ScenarioError, match="is after last_day"):
        load_scenario("short_video", reversed_days)
