"""Nights by the hundred, in minutes: real verbs on a clock of their own, with seeded faults.

What takes a night hours is left out (its heavy tasks leave what they would have), and so is Airflow
itself: the order of tasks is written down once more, states come from the plugin's own rule. A year
that fails says its seed and the step; `SECATEUR_YEAR=7` runs that one again.
"""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from .simulated_clock import SimulatedClock
from .simulated_site import a_site
from .simulated_year import Year

FIRST = date(2031, 1, 1)
SEEDS = [int(seed) for seed in os.environ.get("SECATEUR_YEAR", "1,2,3").split(",")]


def live(folder: Path, seed: int, days: int) -> Year:
    """A year, or as many days of it, that ended well."""
    clock = SimulatedClock(datetime.combine(FIRST, datetime.min.time(), UTC))
    with a_site(folder, clock) as site:
        year = Year(site, seed, FIRST, days)
        try:
            year.run()
        except BaseException as error:
            error.add_note(f"SECATEUR_YEAR={seed}: {year.now_at}, step {year.watch.steps}")
            raise
    return year


def test_a_month_of_nights_serves_what_was_gated_and_tells_of_all_else(tmp_path: Path) -> None:
    year = live(tmp_path, 0, 30)
    assert year.ends["scheduled published"] >= 15, year.ends


@pytest.mark.proof
@pytest.mark.parametrize("seed", SEEDS)
def test_a_year_of_nights(tmp_path: Path, seed: int, request: pytest.FixtureRequest) -> None:
    year = live(tmp_path, seed, 365)
    told = f"{year.watch.steps} steps, {year.ends}, without a night {len(year.silent)}"
    request.node.add_report_section("call", "year", told)
    assert year.ends["scheduled published"] >= 180, told
    assert year.silent, told
