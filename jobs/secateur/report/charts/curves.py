"""Lines over the rows trained on: what training saw, and which weights it kept."""

from collections.abc import Sequence

from markupsafe import Markup

from secateur.contracts.models import TrainingCurve
from secateur.report.charts import svg

WIDTH, HEIGHT = 560.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 470.0, 14.0, 200.0

Series = tuple[str, str, Sequence[float]]  # name, css class, values


def auc_curve(curve: TrainingCurve) -> Markup:
    """AUC on the holdout day."""
    values = [one.holdout_auc for one in curve.evaluations]
    return _chart(curve, [("holdout AUC", "first", values)], "AUC on the holdout while training")


def loss_curve(curve: TrainingCurve) -> Markup:
    """Log-loss on the train batches and on the holdout day."""
    train = [one.train_loss for one in curve.evaluations]
    holdout = [one.holdout_loss for one in curve.evaluations]
    series = [("holdout loss", "first", holdout), ("train loss", "second", train)]
    return _chart(curve, series, "Log-loss while training")


def _chart(curve: TrainingCurve, series: Sequence[Series], title: str) -> Markup:
    samples = [one.samples for one in curve.evaluations]
    values = [value for _, _, those in series for value in those]
    pad = 0.1 * (max(values) - min(values)) or 0.01
    x = svg.Scale(min([0, *samples]), max(samples), LEFT, RIGHT)
    y = svg.Scale(min(values) - pad, max(values) + pad, BOTTOM, TOP)
    shapes = _axes(x, y)
    kept = x(samples[curve.best])
    shapes.append(svg.line(kept, TOP, kept, BOTTOM, "kept"))
    shapes.append(svg.text(kept, BOTTOM + 32, "kept", "kept-name", "middle"))
    for name, css, those in series:
        points = [(x(s), y(v)) for s, v in zip(samples, those, strict=True)]
        shapes.append(svg.path(points, f"curve {css}"))
        shapes += [svg.dot(*point, 2.5, f"curve-dot {css}") for point in points]
        shapes.append(svg.text(RIGHT + 8, points[-1][1] + 4, name, f"curve-name {css}"))
    return svg.picture(WIDTH, HEIGHT, title, shapes)


def _axes(x: svg.Scale, y: svg.Scale) -> list[Markup]:
    shapes = []
    for value in y.ticks(5):
        shapes.append(svg.line(LEFT, y(value), RIGHT, y(value), "grid"))
        shapes.append(svg.text(LEFT - 8, y(value) + 4, y.label(value), "tick", "end"))
    for value in x.ticks(5):
        shapes.append(svg.text(x(value), BOTTOM + 18, f"{value:,.0f}", "tick", "middle"))
    return [*shapes, svg.line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis")]
