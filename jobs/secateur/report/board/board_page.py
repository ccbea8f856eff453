"""The board as one self-contained HTML page: no script, light and dark, from a phone to a wall."""

from secateur.contracts.judgement import MetricTest
from secateur.contracts.releases import ServedNow
from secateur.report.board.night_rows import NightRow, night_rows
from secateur.report.board.past_nights import PastNight
from secateur.report.charts.nightly_intervals import nightly_intervals
from secateur.report.charts.nightly_lines import NightlySeries, nightly_lines
from secateur.report.metric_tests import LOWER_IS_BETTER, Key, column_label, column_of
from secateur.report.number_format import byte_size, times_smaller
from secateur.report.page import page_environment

SERVED = "what was served"


def render_board(title: str, nights: list[PastNight], served: ServedNow, drawn_at: str) -> str:
    """The page of these nights, the newest first; `drawn_at` is the time that it tells."""
    rows = night_rows(nights, served.releases)
    template = page_environment().get_template("board.html.j2")
    return template.render(
        title=title,
        rows=rows,
        served=served,
        drawn_at=drawn_at,
        pictures=pictures(rows[::-1]),
        margins=pictures_of_margins(rows[::-1]),
        times_smaller=times_smaller,
    )


def pictures(rows: list[NightRow]) -> list[tuple[str, object]]:
    """AUC and bytes over the nights, the oldest first; none where fewer than two were measured."""
    if sum(row.dense is not None for row in rows) < 2:
        return []
    days = [row.day for row in rows]
    dead = [number for number, row in enumerate(rows) if row.ending.status == "refused"]
    dense = [row.dense.auc if row.dense else None for row in rows]
    chosen = [row.chosen.auc if row.chosen else None for row in rows]
    sizes = [float(row.chosen.bytes) if row.chosen else None for row in rows]
    accuracy = [NightlySeries("dense", "second", dense), NightlySeries("chosen", "first", chosen)]
    return [
        ("AUC on held-out days", nightly_lines(days, accuracy, dead, "{:.4f}".format)),
        (
            "Bytes of the chosen package",
            nightly_lines(days, [NightlySeries("chosen", "first", sizes)], dead, byte_size),
        ),
    ]


def pictures_of_margins(rows: list[NightRow]) -> list[tuple[str, object]]:
    """Each metric's interval against its margin over the nights that had a candidate to confirm."""
    asked = [row for row in rows if row.tests]
    if len(asked) < 2:
        return []
    days = [row.day for row in asked]
    keys = dict.fromkeys(_line_of(test) for row in asked for test in row.tests)
    found: list[tuple[str, object]] = []
    for key in keys:
        tests = [next((one for one in row.tests if _line_of(one) == key), None) for row in asked]
        sign = -1.0 if key[0] in LOWER_IS_BETTER else 1.0
        found.append((column_label(key), nightly_intervals(days, tests, sign)))
    return found


def _line_of(test: MetricTest) -> Key:
    """What goes on from night to night: what is served is another release every time."""
    metric, part, against = column_of(test)
    return metric, part, against if against == "dense" else SERVED
