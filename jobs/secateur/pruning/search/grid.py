"""The search grid: every way to take one level of each axis, as steps of a recipe."""

from dataclasses import dataclass

from secateur.contracts.candidates import Criterion, Recipe, Step
from secateur.contracts.models import ModelSpec
from secateur.scenario.sections.search import Search

Level = Step | None  # of an axis of the grid; None cuts nothing
Grid = list[list[Level]]


@dataclass(frozen=True)
class Configuration:
    """One level of each axis of the grid, in the order of the recipe's steps."""

    levels: tuple[Level, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of all axes that cut something."""
        return tuple(step for step in self.levels if step is not None)

    @property
    def name(self) -> str:
        """The name of a trial's recipe."""
        return "_".join(map(step_name, self.steps)) or "int4"

    def recipe(self, name: str, epochs: float) -> Recipe:
        """The recipe of its steps with so many epochs of repair, stored in few bits."""
        return Recipe(
            name,
            self.steps,
            epochs if self.steps else 0.0,
            embedding_bits=4,
            tower_bits=8,
            first_order_bits=6,
            vocabulary="ascending",
        )

    def relax(self, grid: Grid, axis: int) -> "Configuration | None":
        """The configuration with one axis a level weaker; None where that axis cuts nothing."""
        level = grid[axis].index(self.levels[axis])
        if not level:
            return None
        weaker = grid[axis][level - 1]
        return Configuration((*self.levels[:axis], weaker, *self.levels[axis + 1 :]))


def search_grid(search: Search, spec: ModelSpec) -> Grid:
    """The levels of every axis that the model has, the weakest first."""
    timed = any(target.max_us is not None for target in search.targets)
    of_fields: Criterion = "field_score_per_us" if timed else "field_score"
    counts = [count for count in sorted(search.min_counts) if count > 1]
    grid: Grid = [
        [None, *(Step("field", of_fields, keep=k) for k in _cuts(search.fields))],
        [None, *(Step("embedding_row", "frequency", min_count=n) for n in counts)],
    ]
    if spec.embedding_dim > 1:
        cuts = [k for k in _cuts(search.dimensions) if k * spec.embedding_dim >= 0.5]
        grid.append([None, *(Step("embedding_dimension", "frequency_l2", keep=k) for k in cuts)])
    if spec.hidden:
        narrowest = min((*spec.hidden, *spec.second))
        cuts = [k for k in _cuts(search.neurons) if k * narrowest >= 0.5]
        grid.append([None, *(Step("neuron", "contribution", keep=k) for k in cuts)])
    if len(spec.hidden) > 1:
        grid.append([None, *(Step("layer", "linearity", keep=k) for k in _cuts(search.layers))])
    return grid


def step_name(step: Step) -> str:
    """A step in a few letters, for the names of recipes."""
    level = f"min{step.min_count}" if step.min_count is not None else f"{step.keep:g}"
    return f"{step.granularity.removeprefix('embedding_')}_{level}"


def _cuts(shares: tuple[float, ...]) -> list[float]:
    """The shares that cut something, the weakest first."""
    return sorted((share for share in shares if share < 1), reverse=True)
