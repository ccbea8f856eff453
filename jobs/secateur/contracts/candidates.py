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
    "fisher",
    "field_score",
    "field_score_per_us",
    "permutation",
    "field_score_confirmed",
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
    of its shapes: pruning at initialisation. A recipe with a `student` has no steps: a new model
    learns for as many epochs.

    Bits are those of the stored embedding rows, and of the tower's weights, where fewer than 8 mean
    as many shared values a layer as they tell apart; integers there need integers in the rows.
    Values seen less than `rare_count` times may have rows of fewer bits, `rare_bits`. For
    `rounded_epochs` more the model is distilled with its rows at these bits (quantization-aware).
    With `product_parts` an embedding is so many codes of `embedding_bits` (product quantization).
    In "ascending" order a package has its values and rows sorted, the rare ones last, so that only
    gaps are stored; its ids are then its own.

    The recipe named "dense" changes nothing: it is the baseline.
    """

    name: str
    steps: tuple[Step, ...] = ()
    repair_epochs: float = 0.0
    embedding_bits: Literal[32, 8, 4, 3, 2] = 32
    tower_bits: Literal[32, 8, 5, 4, 3] = 32
    student: Student | None = None
    start: Literal["dense", "untrained"] = "dense"
    compensate: bool = True
    rare_bits: Literal[8, 4, 3, 2] | None = None
    rare_count: int = 0
    first_order_bits: Literal[8, 7, 6, 5, 4] = 8
    rounded_epochs: float = 0.0
    product_parts: int = 0
    vocabulary: Literal["frequency", "ascending"] = "frequency"

    @property
    def levels(self) -> tuple[int, int]:
        """Whole numbers on either side of 0 in an embedding's bits: of frequent rows, of rare."""
        rare = self.embedding_bits if self.rare_bits is None else self.rare_bits
        return levels_of(self.embedding_bits), levels_of(rare)

    @property
    def storage(self) -> str:
        """How a package of it stores numbers and values, in words."""
        told = [_rows_of(self), _tower_of(self.tower_bits)]
        told += ["learned while its rows were rounded"] if self.rounded_epochs else []
        told += ["values sorted, as gaps"] if self.vocabulary == "ascending" else []
        return ", ".join(told)


def _rows_of(recipe: Recipe) -> str:
    if recipe.embedding_bits == 32:
        return "table of float32"
    if recipe.product_parts:
        embeddings = f"{recipe.product_parts} codes of {recipe.embedding_bits} bits an embedding"
    else:
        embeddings = f"embeddings of {recipe.embedding_bits} bits"
    if recipe.rare_bits is not None:
        embeddings += f" ({recipe.rare_bits} of values seen less than {recipe.rare_count} times)"
    return f"{embeddings}, first order of {recipe.first_order_bits}"


def _tower_of(bits: int) -> str:
    if bits == 32:
        return "tower of float32"
    return "tower of 8 bits" if bits == 8 else f"tower of {1 << bits} shared values a layer"


def levels_of(bits: int) -> int:
    """How many whole numbers on either side of 0 have so many bits, as many on both."""
    return (1 << bits - 1) - 1


@dataclass(frozen=True)
class CandidatePlan:
    """The recipes to try on the dense bundle named by `subject`."""

    subject: str
    recipes: tuple[Recipe, ...]
