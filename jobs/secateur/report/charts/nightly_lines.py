"""Lines over the nights of a scenario; a night without a value breaks them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from secateur.report.charts import svg

WIDTH, HEIGHT = 560.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 66.0, 490.0, 14.0, 152.0


@dataclass(frozen=True)
class NightlySeries:
    """A value a night, None where there is none, drawn in the class `css`."""

    name: str
    css: str
    values: Sequence[float | None]


def nightly_lines(
    days: Sequence[str],
    series: Sequence[NightlySeries],
    refused: Sequence[int],
    label: Callable[[float], str],
) -> Markup:
    """Draw the series; `refused` are the numbers of nights that are marked at the foot."""
    values = [value for one in series for value in one.values if value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    pad = 0.1 * (high - low) or 0.01 * abs(high) or 1.0
    y = svg.Scale(low - pad, high + pad, BOTTOM, TOP)
    x = svg.Scale(0, max(len(days) - 1, 1), LEFT, RIGHT)
    shapes = [*axes(days, x, y, label)]
    for one in series:
        shapes += _line(one, x, y)
    for number in refused:
        shapes.append(svg.dot(x(number), BOTTOM, 4, "refused-night", f"{days[number]}: refused"))
    return svg.picture(WIDTH, HEIGHT, " and ".join(one.name for one in series), shapes)


def _line(one: NightlySeries, x: svg.Scale, y: svg.Scale) -> Iterator[Markup]:
    points = [(x(n), y(value)) for n, value in enumerate(one.values) if value is not None]
    for run in _unbroken(one.values):
        yield svg.path([(x(n), y(value)) for n, value in run], f"curve {one.css}")
    yield from (svg.dot(*point, 2.5, f"curve-dot {one.css}") for point in points)
    if points:
        yield svg.text(RIGHT + 10, points[-1][1] + 4, one.name, f"curve-name {one.css}")


def _unbroken(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    run: list[tuple[int, float]] = []
    for number, value in enumerate([*values, None]):
        if value is not None:
            run.append((number, value))
        elif run:
            yield run
            run = []


def axes(
    days: Sequence[str], x: svg.Scale, y: svg.Scale, label: Callable[[float], str]
) -> Iterator[Markup]:
    """The ticks of both scales: a few values, and the first, the middle and the last day."""
    for value in y.ticks(4):
        yield svg.line(LEFT, y(value), RIGHT, y(value), "grid")
        yield svg.text(LEFT - 8, y(value) + 4, label(value), "tick", "end")
    yield svg.line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis")
    last = len(days) - 1
    for number in sorted({0, last // 2, last}) if last > 1 else range(len(days)):
        yield svg.text(x(number), BOTTOM + 20, days[number], "tick", "middle")
