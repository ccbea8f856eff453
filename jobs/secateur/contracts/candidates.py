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
    """One cut: which units of the model stay."""

    granularity: Granularity
    """What a unit is."""
    criterion: Criterion
    """What a unit is worth; `infra/guides/prune.md` lists which criteria a granularity knows."""
    keep: float | None = None
    """Share of the units that stays, between 0 and 1."""
    min_count: int | None = None
    """Instead of `keep`, for embedding rows by frequency: values seen less often go."""
    allocation: Allocation | None = None
    """How layers share what is kept (weight, neuron). Default: uniform for neurons, global for
    weights."""
    schedule: Schedule = "one_shot"
    """How the share is reached: at once, the same share of the rest in every round (iterative),
    much early and little late (cubic), or at once with weights regrown in every round (rigl)."""
    rounds: int = 1
    """Rounds of another schedule than one_shot; the repair is divided among them."""


@dataclass(frozen=True)
class Student:
    """A small model of the dense one's architecture, trained from scratch."""

    embedding_dim: int
    """Width of an embedding."""
    hidden: tuple[int, ...]
    """Widths of the tower's hidden layers."""
    min_count: int
    """Values seen less often have no embedding of their own."""
    alone: bool = False
    """Learn from the labels only, without the dense model as its teacher."""
    inputs: tuple[str, ...] = ()
    """Names of the inputs that it reads. Default: all."""


@dataclass(frozen=True)
class Recipe:
    """One way to make the dense model smaller: prune by steps, repair, then quantize.

    The recipe named "dense" changes nothing: it is the baseline.
    """

    name: str
    """Name of the candidate; "dense" is taken."""
    steps: tuple[Step, ...] = ()
    """Cuts, made in this order."""
    repair_epochs: float = 0.0
    """Epochs of distillation from the dense model after the steps, at most. For a student, the
    epochs that it learns."""
    embedding_bits: Literal[32, 8, 4, 3, 2] = 32
    """Bits of a stored embedding weight; 32 is float32."""
    tower_bits: Literal[32, 8, 5, 4, 3] = 32
    """Bits of a tower's weight. Below 8, a layer's weights are codes of so many bits, for values
    that they share. Below 32, `embedding_bits` must be below 32, too."""
    student: Student | None = None
    """Train a small model instead of cutting; such a recipe has no steps."""
    start: Literal["dense", "untrained"] = "dense"
    """Cut the trained dense model, or an untrained one of its shapes (pruning at
    initialisation)."""
    compensate: bool = True
    """Fit the layers after a cut by least squares to the dense model's outputs, before repair."""
    rare_bits: Literal[8, 4, 3, 2] | None = None
    """Bits of the embeddings of rare values. Default: those of all."""
    rare_count: int = 0
    """A value seen in fewer train rows is a rare one."""
    first_order_bits: Literal[8, 7, 6, 5, 4] = 8
    """Bits of a first-order weight, where `embedding_bits` are fewer than 32."""
    rounded_epochs: float = 0.0
    """Further epochs of distillation with the embeddings fake-quantized to their bits
    (quantization-aware training)."""
    product_parts: int = 0
    """Store an embedding as so many codes of `embedding_bits` (product quantization); 0: do not."""
    vocabulary: Literal["frequency", "ascending"] = "frequency"
    """Order of the stored values: by frequency, or sorted, so that only the gaps between them are
    stored."""

    @property
    def levels(self) -> tuple[int, int]:
        """Whole numbers on either side of 0 in an embedding's bits: of frequent rows, of rare."""
        rare = self.embedding_bits if self.rare_bits is None else self.rare_bits
        return levels_of(self.embedding_bits), levels_of(rare)

    @property
    def storage(self) -> str:
        """How a package of it stores numbers and values, in words."""
        shared = f"tower of {1 << self.tower_bits} shared values a layer"
        tower = {32: "tower of float32", 8: "tower of 8 bits"}.get(self.tower_bits, shared)
        told = [_rows_of(self), tower]
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


def levels_of(bits: int) -> int:
    """How many whole numbers on either side of 0 have so many bits, as many on both."""
    return (1 << bits - 1) - 1


@dataclass(frozen=True)
class CandidatePlan:
    """The recipes to try on the dense bundle named by `subject`."""

    subject: str
    recipes: tuple[Recipe, ...]
