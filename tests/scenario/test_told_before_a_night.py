"""What is wrong with a log or its scenario is told before a night: the page's cases, by name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bad_input_page import told_cases
from scenario.test_draft_of_no_log import NO_LOG
from scenario.test_log_check import DAY, START, checked, log, rows
from secateur.scenario.drafting.scenario_draft import draft_scenario
from small_scenario import Write

Row = dict[str, object]
Replacement = tuple[str, str]

NO_TIME: Replacement = ('time = "at"', 'time = "at"\ntime_format = "yyyy-MM-dd"')
BUCKET: Replacement = (
    '{ name = "author", owner = "item" }',
    '{ name = "word", owner = "item", kind = "bucket" }',
)
CHECKS: dict[str, tuple[tuple[Replacement, ...], Callable[[], list[Row]]]] = {
    "another_time_format": ((NO_TIME,), rows),
    "seconds_for_milliseconds": ((), lambda: rows(at=START // 1000)),
    "a_later_file_in_another_format": (
        (),
        lambda: [*rows()[:40], *(row | {"at": "yesterday"} for row in rows()[40:])],
    ),
    "one_class_in_the_log": ((), lambda: rows(liked=1)),
    "label_of_words": ((), lambda: rows(liked="yes")),
    "type_that_never_comes": (
        (('column = "liked"', 'kind = "event_type"\ncolumn = "liked"\npositive = ["buy"]'),),
        lambda: rows(liked="view"),
    ),
    "words_for_a_number": ((BUCKET,), lambda: rows(word="blue")),
    "column_without_a_value": ((BUCKET,), lambda: rows(word="")),
    "users_missing": ((), lambda: [*rows(uid="")[:20], *rows()[20:]]),
    "one_day": ((), lambda: rows(at=START + DAY // 2)),
}
DRAFTS: dict[str, str] = {
    "no_time": "uid,item,liked\n" + "".join(f"u{n % 9},i{n % 7},{n % 2}\n" for n in range(60)),
    "no_year": "uid,item,when,liked\n"
    + "".join(f"u{n % 9},i{n % 7},{n % 12 + 1}-{n % 28 + 1},{n % 2}\n" for n in range(60)),
    "types_without_words": "uid,item,ts,action\n"
    + "".join(f"u{n % 9},i{n % 7},{START // 1000 + n},{n % 3 + 1}\n" for n in range(60)),
}
TOLD = told_cases("Told before a night")


def test_the_page_has_every_case() -> None:
    assert {*TOLD} == {*CHECKS, *DRAFTS, *NO_LOG}


@pytest.mark.parametrize("case", CHECKS)
def test_a_check_tells_it(case: str, write: Write, tmp_path: Path) -> None:
    replacements, events = CHECKS[case]
    mistakes, _ = checked(write(*replacements), log(tmp_path, events()))
    assert any(TOLD[case].strip("`") in line for line in mistakes), mistakes


@pytest.mark.parametrize("case", DRAFTS)
def test_a_draft_asks_for_it(case: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(DRAFTS[case])
    head = [line for line in draft_scenario(path).splitlines() if "TO DECIDE" in line]
    assert any(TOLD[case].strip("`") in line for line in head), head
