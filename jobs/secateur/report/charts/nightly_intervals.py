"""One metric over the nights: each night's interval against the margin that it had."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from secateur.contracts.judgement import Interval, MetricTest
from secateur.report.charts import svg
from secateur.report.charts.nightly_lines import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, axes

HALF_GATE = 7.0  # pixels of the mark of a night's margin, to either side


def nightly_intervals(
    days: Sequence[str], tests: Sequence[MetricTest | None], sign: float
) -> Markup:
    """Draw the tests of a metric, one a night or None; `sign` is -1 where more is worse.

    Its scale ends four margins from 0; what lies beyond is put on the edge.
    """
    gates = [-sign * test.margin for test in tests if test]
    deltas = [test.delta for test in tests if test and test.delta]
    y = _scale(deltas, gates)
    x = svg.Scale(0, max(len(days) - 1, 1), LEFT, RIGHT)
    shapes = [*axes(days, x, y, y.label), svg.line(LEFT, y(0), RIGHT, y(0), "zero")]
    for number, test in enumerate(tests):
        if test:
            shapes += _night(test, x(number), y, -sign * test.margin)
    return svg.picture(WIDTH, HEIGHT, f"{len(deltas)} intervals by night", shapes)


def _scale(deltas: Sequence[Interval], gates: Sequence[float]) -> svg.Scale:
    widest = 4 * max([0.001, *map(abs, gates)])
    low = max(min([0.0, *gates, *(one.low for one in deltas)]), -widest)
    high = min(max([0.0, *gates, *(one.high for one in deltas)]), widest)
    pad = 0.08 * (high - low) or widest / 4
    return svg.Scale(low - pad, high + pad, BOTTOM, TOP)


def _night(test: MetricTest, x: float, y: svg.Scale, gate: float) -> Iterator[Markup]:
    yield svg.line(x - HALF_GATE, y(gate), x + HALF_GATE, y(gate), "gate")
    if test.delta is None:
        yield svg.dot(x, BOTTOM, 4, "refused-night", test.words)
        return
    yield svg.line(x, y(test.delta.low), x, y(test.delta.high), f"whisker {test.outcome}")
    yield svg.dot(x, y(test.delta.estimate), 3.5, f"mark {test.outcome}", test.words)
