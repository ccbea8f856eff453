"""Recipes to prune by, and the plan that lists those worth trying tonight."""

from dataclasses import dataclass
from typing import Literal

Granularity = Literal["weight", "neuron", "layer", "embedding_row", "embedding_dimension", "field"]
Criterion = Literal[
    "magnitude",
    "l1",
    "l2",
    "taylor",
    "activation_mean",
    "activation_variance",
    "contribution",
    "weight_importance",
    "linearity",
    "frequency",
    "frequency_l2",
    "field_score",
    "permutation",
    "random",
]
Allocation = Literal["uniform", "global", "erk", "sensitivity"]
Schedule = Literal["one_shot", "iterative", "cubic", "rigl"]

DENSE = "dense"


@dataclass(frozen=True)
class Step:
    """Keep the fraction `keep` of the prunable units of one granularity, by one criterion.

    An `embedding_row` step may say `min_count` instead of `keep`. `allocation` parts what is kept
    among layers or blocks (`pruning/allocation.py`). By another `schedule` than one_shot the cut is
    made in so many `rounds`, with repair between them (`pruning/schedules.py`).
    """

    granularity: Granularity
    criterion: Criterion
    keep: float | None = None
    min_count: int | None = None
    allocation: Allocation | None = None
    schedule: Schedule = "one_shot"
    rounds: int = 1


@dataclass(frozen=True)
class Student:
    """A small dense model trained from scratch, under the dense model's guidance or `alone`.

    It reads these `inputs`, by name, or all where there are none.
    """

    embedding_dim: int
    hidden: tuple[int, ...]
    min_count: int
    alone: bool = False
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """One way to make the dense model smaller: prune by steps, repair, then quantize.

    At most `repair_epochs` of distillation from the dense model follow the steps. With
    `compensate` the layers after a cut are first fitted by least squares to what the dense model's
    give (`pruning/compensation.py`). Steps `start` from the dense model, or from an untrained one
    of its shapes: pruning at initialisation. A recipe with
    a `student` has no steps: a new model learns for as many epochs. Bits are those of the stored
    embedding rows and of the tower's weights; an 8-bit tower needs rows of 8 or 4. The recipe
    named "dense" changes nothing: it is the baseline.
    """

    name: str
    steps: tuple[Step, ...] = ()
    repair_epochs: float = 0.0
    embedding_bits: Literal[32, 8, 4] = 32
    tower_bits: Literal[32, 8] = 32
    student: Student | None = None
    start: Literal["dense", "untrained"] = "dense"
    compensate: bool = True


@dataclass(frozen=True)
class CandidatePlan:
    """The recipes to try on the dense bundle named by `subject`."""

    subject: str
    recipes: tuple[Recipe, ...]
