"""What pruning decided to keep of a model: plain JSON to be read, compared and replayed."""

from dataclasses import dataclass, fields
from typing import Any

from secateur.contracts.candidates import Recipe
from secateur.contracts.models import ModelSpec


@dataclass(frozen=True)
class PruningPlan:
    """What one step keeps of one model, all by place in that model but the inputs.

    `inputs` are names. `heights` are rows a block of the table, the first ones and OOV; where
    others than the first stay, `rows` has a mask of the block's values, OOV apart, else nothing.
    `dimensions` are those of every embedding. `neurons` has one entry a hidden layer, those of a
    second tower after those of the first. A layer in `linear` loses its activation and so becomes
    one with the next. `weights` are masks, one a tower layer as hex of its bits row by row; none
    where no weight was looked at alone.
    """

    inputs: tuple[str, ...]
    heights: tuple[int, ...]
    dimensions: tuple[int, ...]
    neurons: tuple[tuple[int, ...], ...]
    linear: tuple[int, ...] = ()
    weights: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    @classmethod
    def of_everything(cls, spec: ModelSpec) -> "PruningPlan":
        """The plan that keeps every unit."""
        neurons = tuple(tuple(range(width)) for width in (*spec.hidden, *spec.second))
        return cls(spec.inputs, spec.rows, tuple(range(spec.embedding_dim)), neurons)


@dataclass(frozen=True)
class PruningPlans:
    """The plans of all steps in their order, each for the model that the one before left."""

    steps: tuple[PruningPlan, ...]


@dataclass(frozen=True)
class PruningMemory:
    """What a night leaves of one recipe to the next, beside the tensors of its cuts.

    These are by place in the dense model `model`, whose training ended with `last_day`.
    """

    recipe: Recipe
    model: ModelSpec
    last_day: str


@dataclass(frozen=True)
class Overlap:
    """How alike the cuts of one recipe are to those of the night that ended with `day`.

    `shares` are, by kind of unit, those kept in both nights of those kept in either (Jaccard).
    """

    day: str
    shares: dict[str, float]

    @property
    def words(self) -> str:
        """The overlap in words."""
        shares = ", ".join(f"{100 * share:.1f} % of {kind}s" for kind, share in self.shares.items())
        return f"{shares.replace('_', ' ')} kept as on {self.day}"


def difference(first: PruningPlan, second: PruningPlan) -> dict[str, int]:
    """How many entries of each kind of unit two plans for one model do not share; 0 left out."""
    unlike = {}
    for field in fields(PruningPlan):
        a, b = (_entries(field.name, getattr(plan, field.name)) for plan in (first, second))
        if a != b:
            unlike[field.name] = len(a ^ b)
    return unlike


def _entries(name: str, units: tuple[Any, ...]) -> set[object]:
    """The units that a plan lists under a name, each with its group where there are groups."""
    if name == "neurons":
        return {(layer, one) for layer, kept in enumerate(units) for one in kept}
    return set(enumerate(units)) if name in ("heights", "weights", "rows") else set(units)
