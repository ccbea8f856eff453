"""The difference to dense with its bounds, small enough for a table's cell; one scale for all."""

from collections.abc import Sequence

from markupsafe import Markup

from secateur.contracts.judgement import Interval
from secateur.report.charts import svg

WIDTH, HEIGHT, EDGE = 120.0, 20.0, 6.0


def common_scale(deltas: Sequence[Interval], margin: float) -> svg.Scale:
    """A scale that shows 0, the gate and every bound down to four margins below."""
    reach = max(abs(margin), 0.001)
    low = min([0.0, -margin, *(d.low for d in deltas)])
    high = max([0.0, -margin, *(d.high for d in deltas)])
    pad = 0.05 * (high - low)
    return svg.Scale(max(low - pad, -4 * reach), min(high + pad, 4 * reach), EDGE, WIDTH - EDGE)


def cell(delta: Interval | None, x: svg.Scale, margin: float, outcome: str) -> Markup:
    """One row of the forest: the line at 0, the gate, the bounds and the estimate."""
    shapes = [
        svg.line(x(0), 0, x(0), HEIGHT, "zero"),
        svg.line(x(-margin), 0, x(-margin), HEIGHT, "gate"),
    ]
    if delta:
        middle = HEIGHT / 2
        shapes += [
            svg.line(x(delta.low), middle, x(delta.high), middle, f"whisker {outcome}"),
            svg.dot(x(delta.estimate), middle, 3.5, f"mark {outcome}"),
        ]
    told = f"{delta.low:+.4f} to {delta.high:+.4f}" if delta else "not measured"
    return svg.picture(WIDTH, HEIGHT, told, shapes)
