"""Bars: rows a day, quarantined rows by reason, bytes of a package by file."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from secateur.report import numbers
from secateur.report.charts import svg

WIDTH = 560.0
DAY_HEIGHT, DAY_LEFT, DAY_BASE = 200.0, 44.0, 160.0
ROW, NAME_WIDTH, BAR_END = 22.0, 170.0, 470.0


def day_bars(days: Mapping[str, int], roles: Mapping[str, str]) -> Markup:
    """Kept rows a day; `roles` names the days that are not for training."""
    y = svg.Scale(0, max(days.values()), DAY_BASE, 14)
    step = (WIDTH - DAY_LEFT) / len(days)
    shapes = []
    for value in y.ticks(4):
        shapes.append(svg.line(DAY_LEFT, y(value), WIDTH, y(value), "grid"))
        shapes.append(svg.text(DAY_LEFT - 6, y(value) + 4, _thousands(value), "tick", "end"))
    for i, (day, rows) in enumerate(sorted(days.items())):
        left, css = DAY_LEFT + i * step, roles.get(day, "train")
        told = f"{day}: {rows:,} rows"
        shapes.append(svg.bar(left + 3, y(rows), step - 6, DAY_BASE - y(rows), f"day {css}", told))
        shapes.append(svg.text(left + step / 2, DAY_BASE + 16, day[5:], "tick small", "middle"))
    if roles:
        shapes += _role_names(sorted(days), roles, step)
    return svg.drawing(WIDTH, DAY_HEIGHT, "Rows kept a day", shapes)


def _role_names(days: Sequence[str], roles: Mapping[str, str], step: float) -> list[Markup]:
    """Each role once, under the middle of its days."""
    of_days = [roles.get(day, "train") for day in days]
    shapes = []
    for role in dict.fromkeys(of_days):
        at = [i for i, one in enumerate(of_days) if one == role]
        middle = DAY_LEFT + (at[0] + at[-1] + 1) / 2 * step
        shapes.append(svg.text(middle, DAY_BASE + 34, role, f"role {role}", "middle"))
    return shapes


def _thousands(value: float) -> str:
    return f"{value / 1000:g}k" if value else "0"


def count_bars(counts: Mapping[str, int], title: str) -> Markup:
    """One bar a name, the longest first, with its count."""
    x = svg.Scale(0, max([1, *counts.values()]), NAME_WIDTH, BAR_END)
    shapes = []
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for i, (name, count) in enumerate(ordered):
        top = i * ROW
        shapes.append(svg.text(NAME_WIDTH - 10, top + 15, name, "bar-name", "end"))
        shapes.append(svg.bar(NAME_WIDTH, top + 4, max(x(count) - NAME_WIDTH, 1), ROW - 8, "count"))
        shapes.append(svg.text(x(count) + 8, top + 15, numbers.count(count), "bar-value"))
    return svg.drawing(WIDTH, max(ROW, len(counts) * ROW + 2), title, shapes)
