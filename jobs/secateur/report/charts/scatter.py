"""AUC against cost: every model as a labelled point with its bounds, the gate, the Pareto front."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from secateur.report import number_format
from secateur.report.charts import svg
from secateur.report.charts.labels import Box, position_labels

WIDTH, HEIGHT = 560.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 548.0, 14.0, 336.0
FARTHEST = 4.0  # margins below dense; what lies lower is drawn on the edge, with its value


@dataclass(frozen=True)
class Point:
    """One model: its cost, its AUC with bounds, and the outcome that colours it."""

    name: str
    cost: float
    auc: float
    low: float
    high: float
    outcome: str


def scatter(
    points: Sequence[Point],
    gate: float | None,
    format_cost: Callable[[float], str],
    title: str,
) -> Markup:
    """Draw the chart; `gate` is the AUC below which no bound may lie."""
    x, y = _scales(points, gate)
    shapes = _axes(x, y, format_cost)
    if gate is not None:
        shapes.append(svg.line(LEFT, y(gate), RIGHT, y(gate), "gate"))
        shapes.append(svg.text(RIGHT, y(gate) + 14, "gate: no bound below", "gate-name", "end"))
    steps = _steps([(x(p.cost), y(p.auc)) for p in front(points)])
    shapes.append(svg.path(steps, "front"))
    for point in points:
        shapes += _mark(point, x, y)
    drawn = _thin_boxes(steps)
    if gate is not None:
        drawn.append(Box(RIGHT - 130, y(gate) - 2, RIGHT, y(gate) + 18))
    shapes += _labels(points, x, y, drawn)
    return svg.picture(WIDTH, HEIGHT, title, shapes)


def front(points: Sequence[Point]) -> list[Point]:
    """The models that no other one beats in both cost and AUC, by rising cost."""
    best, kept = float("-inf"), []
    for point in sorted(points, key=lambda p: (p.cost, -p.auc)):
        if point.auc > best:
            best = point.auc
            kept.append(point)
    return kept


def _steps(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is on offer at each cost: a step up wherever a better model becomes affordable."""
    steps = list(corners[:1])
    for x, y in corners[1:]:
        steps += [(x, steps[-1][1]), (x, y)]
    return steps


def _scales(points: Sequence[Point], gate: float | None) -> tuple[svg.Scale, svg.Scale]:
    costs = [p.cost for p in points]
    dense = next((p.auc for p in points if p.outcome == "baseline"), max(p.auc for p in points))
    reach = abs(dense - gate) if gate is not None else 0.0025
    lows = [p.low for p in points if p.low > dense - FARTHEST * reach]
    low = min([*lows, dense if gate is None else gate])
    high = max([dense, *(p.high for p in points)] + ([gate] if gate is not None else []))
    pad = 0.08 * (high - low) or 0.001
    x = svg.Scale(min(costs) / 1.35, max(costs) * 1.35, LEFT, RIGHT, log=True)
    return x, svg.Scale(low - pad, high + pad, BOTTOM, TOP)


def _axes(x: svg.Scale, y: svg.Scale, format_cost: Callable[[float], str]) -> list[Markup]:
    shapes = []
    for value in y.ticks():
        shapes.append(svg.line(LEFT, y(value), RIGHT, y(value), "grid"))
        shapes.append(svg.text(LEFT - 8, y(value) + 4, y.label(value), "tick", "end"))
    for value in x.ticks():
        shapes.append(svg.line(x(value), BOTTOM, x(value), BOTTOM + 4, "axis"))
        shapes.append(
            svg.text(
                x(value),
                BOTTOM + 18,
                number_format.without_trailing_zeros(format_cost(value)),
                "tick",
                "middle",
            )
        )
    return [*shapes, svg.line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis")]


def _mark(point: Point, x: svg.Scale, y: svg.Scale) -> list[Markup]:
    at, css = x(point.cost), f"mark {point.outcome}"
    told = f"{point.name}: AUC {point.auc:.4f}, bounds {point.low:.4f} to {point.high:.4f}"
    if point.auc < y.low:
        return [svg.text(at, BOTTOM - 3, "\N{BLACK DOWN-POINTING TRIANGLE}", css, "middle")]
    whisker = svg.line(at, y(point.low), at, y(point.high), f"whisker {point.outcome}")
    return [whisker, svg.dot(at, y(point.auc), 5, css, told)]


def _labels(
    points: Sequence[Point], x: svg.Scale, y: svg.Scale, drawn: Sequence[Box]
) -> list[Markup]:
    centres = [(x(p.cost), y(p.auc)) for p in points]
    names = [
        p.name if p.auc >= y.low else f"{p.name} {number_format.decimal(p.auc, 3)}" for p in points
    ]
    whiskers = [Box(x(p.cost) - 2, y(p.high), x(p.cost) + 2, y(p.low)) for p in points]
    shapes = []
    frame = Box(LEFT, TOP, RIGHT, BOTTOM)
    positions = position_labels(centres, names, [*whiskers, *drawn], frame)
    for at, spot, point, name in zip(centres, positions, points, names, strict=True):
        if spot.leader:
            shapes.append(svg.line(*at, spot.x, spot.y - 4, "leader"))
        shapes.append(svg.text(spot.x, spot.y, name, f"name {point.outcome}", spot.anchor))
    return shapes


def _thin_boxes(steps: Sequence[tuple[float, float]]) -> list[Box]:
    return [
        Box(min(x1, x2) - 1, min(y1, y2) - 1, max(x1, x2) + 1, max(y1, y2) + 1)
        for (x1, y1), (x2, y2) in pairwise(steps)
    ]
