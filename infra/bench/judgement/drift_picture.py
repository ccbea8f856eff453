"""What is served night by night under several gates, as one picture that needs no page's style."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from secateur.report.charts import svg

WIDTH, HEIGHT = 760.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 520.0, 16.0, 250.0
COLOURS = ("#b3261e", "#1b5e9e", "#2e7d32")
STYLE = Markup(
    "<style>text{{font:12px sans-serif;fill:#555}}line,polyline{{fill:none;stroke:#ccc}}"
    ".grid{{stroke-width:.6}}.limit{{stroke-dasharray:4 3;stroke:#777}}{}</style>"
).format(
    Markup("").join(
        Markup(".c{0}{{stroke:{1};fill:none;stroke-width:2}}text.c{0}{{stroke:none;fill:{1}}}")
        .format(i, colour)
        for i, colour in enumerate(COLOURS)
    )
)  # fmt: skip


def draw_drift(
    aucs: Mapping[str, Sequence[float]], best: float, limits: Mapping[str, float]
) -> str:
    """The AUC served after every night by gate, from `best` before the first; limits as lines."""
    nights = max(len(values) for values in aucs.values())
    x = svg.Scale(0, nights, LEFT, RIGHT)
    lowest = min(min(values) for values in aucs.values())
    y = svg.Scale(lowest - 0.005, best + 0.005, BOTTOM, TOP)
    shapes = [STYLE, *_axes(x, y)]
    for words, limit in limits.items():
        shapes.append(svg.line(LEFT, y(limit), RIGHT, y(limit), "limit"))
        shapes.append(svg.text(LEFT + 6, y(limit) - 4, words, "limit-name"))
    for place, (name, values) in enumerate(aucs.items()):
        points = [(x(night), y(value)) for night, value in enumerate([best, *values])]
        shapes.append(svg.path(points, f"c{place}"))
        shapes.append(svg.text(RIGHT + 8, points[-1][1] + 4, name, f"c{place}"))
    found = svg.picture(WIDTH, HEIGHT, "AUC that is served, by night and by gate", shapes)
    return str(found).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def _axes(x: svg.Scale, y: svg.Scale) -> list[Markup]:
    shapes = []
    for value in y.ticks(6):
        shapes.append(svg.line(LEFT, y(value), RIGHT, y(value), "grid"))
        shapes.append(svg.text(LEFT - 8, y(value) + 4, y.label(value), "tick", "end"))
    for value in x.ticks(7):
        shapes.append(svg.text(x(value), BOTTOM + 18, f"{value:.0f}", "tick", "middle"))
    words = "nights; the AUC served, on one large log"
    return [*shapes, svg.text((LEFT + RIGHT) / 2, BOTTOM + 38, words, "tick", "middle")]
