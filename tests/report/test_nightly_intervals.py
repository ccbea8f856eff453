"""Claims about the pictures of a metric's interval against its margin, night by night."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from secateur.contracts.judgement import Interval, MetricTest
from secateur.contracts.releases import ServedNow
from secateur.report.board.board_page import pictures_of_margins, render_board
from secateur.report.board.night_rows import NightRow, night_rows
from secateur.report.board.past_nights import past_nights
from secateur.report.charts.nightly_intervals import nightly_intervals
from secateur.scenario import Judgement

from .conftest import complete

RUNS = [f"2026050{n}T190000-aaaaa{n}" for n in (7, 8, 9)]
DAYS = ["2026-05-07", "2026-05-08"]


def one(
    low: float, high: float, outcome: str = "passed", metric: str = "auc", against: str = "dense"
) -> MetricTest:
    middle = Interval((low + high) / 2, low, high, 0.95)
    return MetricTest(
        metric, "confirm", outcome, 0.01, f"{low} <in> words", middle, against=against
    )  # type: ignore[arg-type]


def places(picture: str, css: str) -> list[tuple[float, float]]:
    """Where lines of a class begin and end on the vertical."""
    found = re.findall(rf'<line [^>]*y1="([\d.]+)"[^>]*y2="([\d.]+)" class="{css}"', picture)
    return [(float(a), float(b)) for a, b in found]


@pytest.fixture
def rows(tmp_path: Path) -> list[NightRow]:
    """Two nights that confirmed, between them one that chose nothing; the oldest first."""
    for run, margin in zip(RUNS, (0.01, -0.5, 0.01), strict=True):
        complete(tmp_path / run, Judgement(margin=margin))
    return night_rows(past_nights(str(tmp_path), 60), {})[::-1]


def test_every_metric_of_the_confirm_days_has_a_picture_with_all_its_nights(
    rows: list[NightRow], tmp_path: Path
) -> None:
    assert [bool(row.tests) for row in rows] == [True, False, True]
    found = dict(pictures_of_margins(rows))
    assert {"AUC", "GAUC", "log loss", "calibration", "calibration error"} <= set(found)
    assert all(str(picture).count('class="gate"') == 2 for picture in found.values())
    nights = past_nights(str(tmp_path), 60)
    html = render_board("Videos", nights, ServedNow((), {}), "now")
    section = html.partition('id="margins"')[2].partition("</section>")[0]
    assert section.count("<figure>") == len(found)
    assert pictures_of_margins(rows[:2]) == [], "of one night there is nothing to follow"
    assert 'id="margins"' not in render_board("Videos", nights[1:], ServedNow((), {}), "now")


def test_what_was_served_is_followed_through_its_releases(rows: list[NightRow]) -> None:
    nights = [replace(rows[0], tests=(one(-0.001, 0.001, against=f"release {n}"),)) for n in (7, 8)]
    ((label, picture),) = pictures_of_margins(nights)
    assert label == "AUC against what was served"
    assert str(picture).count("mark passed") == 2


@pytest.mark.parametrize(("sign", "below"), [(1.0, True), (-1.0, False)])
def test_the_margin_lies_on_the_side_that_is_worse(sign: float, below: bool) -> None:
    picture = str(nightly_intervals(DAYS, [one(-0.002, 0.002), None], sign))
    ((gate, _),) = places(picture, "gate")
    ((zero, _),) = places(picture, "zero")
    assert (gate > zero) == below, "a picture's y grows downwards"


def test_an_interval_beyond_the_margin_is_drawn_beyond_it_with_its_words() -> None:
    lost = one(-0.03, -0.02, "failed")
    picture = str(nightly_intervals(DAYS, [lost, one(-0.001, 0.001)], 1.0))
    ((low, high),) = places(picture, "whisker failed")
    (gate, _), _ = places(picture, "gate")
    assert low > high > gate
    assert "-0.03 &lt;in&gt; words" in picture
    far = str(nightly_intervals(DAYS, [one(-9.0, -8.0, "failed")], 1.0))
    ((low, high),) = places(far, "whisker failed")
    assert low == high, "it is put on the edge"
    assert low < 190


def test_what_was_not_measured_is_a_mark_and_a_margin_of_zero_has_a_scale() -> None:
    missing = MetricTest("gauc", "confirm", "missing", 0.0, "not measured")
    picture = str(nightly_intervals(DAYS, [missing, None], 1.0))
    assert "refused-night" in picture
    assert "not measured" in picture
    assert "nan" not in picture
