"""Bars: rows a day, quarantined rows by reason, bytes of a package by file."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from secateur.report import number_format
from secateur.report.charts import svg

WIDTH = 560.0
DAY_HEIGHT, DAY_LEFT, DAY_BASE = 200.0, 44.0, 160.0
ROW, NAME_WIDTH, BAR_END = 22.0, 170.0, 470.0


def day_bars(days: Mapping[str, int], split_of: Mapping[str, str]) -> Markup:
    """Rows kept a day; `split_of` names the split of each day, train where it names none."""
    y = svg.Scale(0, max(days.values()), DAY_BASE, 14)
    step = (WIDTH - DAY_LEFT) / len(days)
    shapes = []
    for value in y.ticks(4):
        shapes.append(svg.line(DAY_LEFT, y(value), WIDTH, y(value), "grid"))
        thousands = f"{value / 1000:g}k" if value else "0"
        shapes.append(svg.text(DAY_LEFT - 6, y(value) + 4, thousands, "tick", "end"))
    for i, (day, rows) in enumerate(sorted(days.items())):
        left, css = DAY_LEFT + i * step, split_of.get(day, "train")
        told = f"{day}: {rows:,} rows"
        shapes.append(svg.bar(left + 3, y(rows), step - 6, DAY_BASE - y(rows), f"day {css}", told))
        shapes.append(svg.text(left + step / 2, DAY_BASE + 16, day[5:], "tick small", "middle"))
    if split_of:
        shapes += _split_names(sorted(days), split_of, step)
    return svg.picture(WIDTH, DAY_HEIGHT, "Rows kept a day", shapes)


def _split_names(days: Sequence[str], split_of: Mapping[str, str], step: float) -> list[Markup]:
    """The name of each split, under the middle of its days."""
    of_days = [split_of.get(day, "train") for day in days]
    shapes = []
    for split in dict.fromkeys(of_days):
        at = [i for i, one in enumerate(of_days) if one == split]
        middle = DAY_LEFT + (at[0] + at[-1] + 1) / 2 * step
        shapes.append(svg.text(middle, DAY_BASE + 34, split, f"role {split}", "middle"))
    return shapes


def count_bars(counts: Mapping[str, int], title: str) -> Markup:
    """One bar a name with its count, the longest first."""
    x = svg.Scale(0, max([1, *counts.values()]), NAME_WIDTH, BAR_END)
    shapes = []
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for i, (name, count) in enumerate(ordered):
        top = i * ROW
        shapes.append(svg.text(NAME_WIDTH - 10, top + 15, name, "bar-name", "end"))
        shapes.append(svg.bar(NAME_WIDTH, top + 4, max(x(count) - NAME_WIDTH, 1), ROW - 8, "count"))
        shapes.append(svg.text(x(count) + 8, top + 15, number_format.count(count), "bar-value"))
    return svg.picture(WIDTH, max(ROW, len(counts) * ROW + 2), title, shapes)
