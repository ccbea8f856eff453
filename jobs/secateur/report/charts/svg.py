"""The few SVG shapes that the charts are made of. Colours are classes: the page's style owns them.

Lengths are user units of the drawing, which is scaled to its column.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Scale:
    """Maps values `low`..`high` to positions `start`..`end`, evenly or by their logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Position of a value; one outside is put on the edge."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = map(math.log, (low, high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values within the scale."""
        return log_ticks(self.low, self.high) if self.log else even_ticks(self.low, self.high, most)

    def label(self, value: float) -> str:
        """A tick's value with the digits that tell it from its neighbours."""
        power = math.floor(math.log10((self.high - self.low) / 6)) if self.high > self.low else -3
        return f"{value:,.{max(0, -power)}f}"


def even_ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, at most `most` of them."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(m * power for m in (1, 2, 5, 10, 20) if (high - low) / (m * power) < most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Round multiples of powers of ten, the fewer the wider the range."""
    span = high / low
    multiples = (1, 1.5, 2, 3, 4, 5, 7) if span < 6 else (1, 2, 5) if span < 300 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [m * 10.0**p for p in powers for m in multiples if low <= m * 10.0**p <= high]


def picture(width: float, height: float, title: str, shapes: Iterable[Markup]) -> Markup:
    """A whole picture; `title` is what a screen reader says."""
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        f"{width:g}", f"{height:g}", title, Markup("").join(shapes)
    )


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    """A straight line."""
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}" class="{}"/>').format(
        f"{x1:.1f}", f"{y1:.1f}", f"{x2:.1f}", f"{y2:.1f}", css
    )


def path(points: Sequence[tuple[float, float]], css: str) -> Markup:
    """An open line through points."""
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup('<polyline points="{}" class="{}"/>').format(steps, css)


def dot(x: float, y: float, radius: float, css: str, title: str = "") -> Markup:
    """A disc; `title` shows under the pointer."""
    return Markup('<circle cx="{}" cy="{}" r="{}" class="{}"><title>{}</title></circle>').format(
        f"{x:.1f}", f"{y:.1f}", f"{radius:g}", css, title
    )


def bar(x: float, y: float, width: float, height: float, css: str, title: str = "") -> Markup:
    """A filled rectangle; `title` shows under the pointer."""
    return Markup(
        '<rect x="{}" y="{}" width="{}" height="{}" class="{}"><title>{}</title></rect>'
    ).format(f"{x:.1f}", f"{y:.1f}", f"{max(width, 0):.1f}", f"{max(height, 0):.1f}", css, title)


def text(x: float, y: float, words: str, css: str, anchor: str = "start") -> Markup:
    """One line of text whose baseline is at `y`."""
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(
        f"{x:.1f}", f"{y:.1f}", css, anchor, words
    )
