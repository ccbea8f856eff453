"""Where the names of points go: each where it covers least of what is drawn already."""

from collections.abc import Sequence
from typing import NamedTuple

CHARACTER = 7.4  # mean width and height of the chart's type, in the drawing's units
HEIGHT = 12.0


class Box(NamedTuple):
    """A rectangle by its edges."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """Area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    @property
    def area(self) -> float:
        """Width times height."""
        return (self.right - self.left) * (self.bottom - self.top)


class LabelPosition(NamedTuple):
    """Where a label goes: its baseline's start, middle or end, and whether it needs a leader."""

    x: float
    y: float
    anchor: str
    leader: bool
    box: Box


def position_labels(
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    taken: Sequence[Box],
    frame: Box,
) -> list[LabelPosition]:
    """A position for each name, in the order given; the boxes `taken` must stay readable."""
    boxes = [*taken, *(Box(x - 6, y - 6, x + 6, y + 6) for x, y in points)]

    def cost(choice: tuple[int, LabelPosition]) -> float:
        rank, box = choice[0], choice[1].box
        covered = sum(box.overlap(other) for other in boxes)
        return covered + 4 * (box.area - box.overlap(frame)) + 6 * rank

    positions = []
    for (x, y), name in zip(points, names, strict=True):
        _, best = min(_choices(x, y, name), key=cost)
        positions.append(best)
        boxes.append(best.box)
    return positions


def _choices(x: float, y: float, name: str) -> list[tuple[int, LabelPosition]]:
    """Positions around a point, each with its rank: beside it, above, below, then farther away."""
    width = CHARACTER * len(name)
    spots = [("start", 10, 4), ("end", -10, 4), ("middle", 0, -10), ("middle", 0, 18)]
    for reach in (20, 34, 50):
        spots += [
            (a, dx, dy) for a, dx in (("start", 14), ("end", -14)) for dy in (-reach, reach + 8)
        ]
    choices = []
    for rank, (anchor, dx, dy) in enumerate(spots):
        left = x + dx - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        box = Box(left, y + dy - HEIGHT + 2, left + width, y + dy + 3)
        choices.append((rank, LabelPosition(x + dx, y + dy, anchor, rank > 3, box)))
    return choices
