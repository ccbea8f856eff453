"""The board as one self-contained HTML page: no script, light and dark, from a phone to a wall."""

from secateur.contracts.releases import ServedNow
from secateur.report.board.night_rows import NightRow, night_rows
from secateur.report.board.past_nights import PastNight
from secateur.report.charts.nightly_lines import NightlySeries, nightly_lines
from secateur.report.number_format import byte_size, times_smaller
from secateur.report.page import page_environment


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
