"""The dishes of a search: every way to take one level of each knob, as steps of a recipe."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from secateur.contracts.candidates import Criterion, Recipe, Step
from secateur.contracts.models import ModelSpec
from secateur.scenario.sections.search import Search

BITS = (4, 8)  # of table rows and of the tower, in every dish: what costs least AUC a byte


@dataclass(frozen=True)
class Dish:
    """One level of each knob, None where the knob is not touched; the steps are in their order."""

    levels: tuple[Step | None, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that do something."""
        return tuple(step for step in self.levels if step is not None)

    def recipe(self, name: str, epochs: float) -> Recipe:
        """The recipe that carries it out with so many epochs of repair."""
        return Recipe(
            name,
            self.steps,
            epochs if self.steps else 0.0,
            embedding_bits=4,
            tower_bits=8,
            first_order_bits=6,
            vocabulary="ascending",
        )


def knobs(search: Search, spec: ModelSpec) -> list[list[Step | None]]:
    """The levels of every knob that the model has, from what takes nothing on."""
    timed = any(target.max_us is not None for target in search.targets)
    worth: Criterion = "field_score_per_us" if timed else "field_score"
    found: list[list[Step | None]] = [
        [None, *(Step("field", worth, keep=k) for k in _cuts(search.fields))],
        [
            None,
            *(
                Step("embedding_row", "frequency", min_count=n)
                for n in sorted(search.min_counts)
                if n > 1
            ),
        ],
    ]
    if spec.embedding_dim > 1:
        cuts = [k for k in _cuts(search.dimensions) if k * spec.embedding_dim >= 0.5]
        found.append([None, *(Step("embedding_dimension", "frequency_l2", keep=k) for k in cuts)])
    if spec.hidden:
        narrowest = min((*spec.hidden, *spec.second))
        cuts = [k for k in _cuts(search.neurons) if k * narrowest >= 0.5]
        found.append([None, *(Step("neuron", "contribution", keep=k) for k in cuts)])
    if len(spec.hidden) > 1:
        found.append([None, *(Step("layer", "linearity", keep=k) for k in _cuts(search.layers))])
    return found


def dishes(levels: list[list[Step | None]]) -> Iterator[Dish]:
    """Every combination."""
    return (Dish(combination) for combination in itertools.product(*levels))


def eased(dish: Dish, levels: list[list[Step | None]], knob: int) -> Dish | None:
    """The dish with one knob a level weaker, None where it is not touched."""
    place = levels[knob].index(dish.levels[knob])
    if not place:
        return None
    weaker = (*dish.levels[:knob], levels[knob][place - 1], *dish.levels[knob + 1 :])
    return Dish(weaker)


def _cuts(shares: tuple[float, ...]) -> list[float]:
    return sorted((share for share in shares if share < 1), reverse=True)
