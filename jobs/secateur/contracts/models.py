"""The shape of a trained model, and what its training recorded."""

from dataclasses import dataclass, field
from typing import Literal

from secateur.contracts.features import FeatureSchema

Architecture = Literal["lr", "fm", "deepfm", "dcnv2", "gdcn", "dlrm", "masknet", "finalmlp", "din"]
WITHOUT_TOWER = ("lr", "fm")
Interaction = Literal["dot", "cat"]


@dataclass(frozen=True)
class ListInput:
    """A list of values, whose rows are those of block `block` of the table."""

    name: str
    block: int


@dataclass(frozen=True)
class VectorInput:
    """`length` numbers that are one input together."""

    name: str
    length: int


@dataclass(frozen=True)
class ModelSpec:
    """Real shapes of a model; its weights are inert bytes beside it.

    The table is made of blocks: one a field, then one a list with a vocabulary of its own; a list
    that shares a field's vocabulary reads that field's block. `rows[i]` is the height of block
    `i`; its last row is OOV. Ids at or above it are read as OOV, so a table cut to fewer rows
    serves the ids of the full schema. Below all blocks lies one row a number, then one for each
    number of a vector. Fields from `cross_layers` to `block_width` are of some architectures only
    (see their `spec.py`); `second` are the hidden widths of all towers but the first.

    The tower has an output for the label and one for each of the `tasks`, over the same hidden
    layers (shared-bottom multi-task learning: Caruana, Machine Learning 28, 1997).
    """

    architecture: Architecture
    fields: tuple[str, ...]
    rows: tuple[int, ...]
    embedding_dim: int
    hidden: tuple[int, ...]
    numbers: tuple[str, ...] = ()
    lists: tuple[ListInput, ...] = ()
    vectors: tuple[VectorInput, ...] = ()
    cross_layers: int = 0
    bottom: tuple[int, ...] = ()
    interaction: Interaction = "dot"
    second: tuple[int, ...] = ()
    attention: tuple[int, ...] = ()
    block_width: int = 0
    tasks: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of all inputs: ids, lists, vectors, numbers, as an architecture embeds them."""
        lists, vectors = (one.name for one in self.lists), (one.name for one in self.vectors)
        return (*self.fields, *lists, *vectors, *self.numbers)

    @property
    def targets(self) -> tuple[int | None, ...]:
        """For each list the field whose vocabulary it shares, by place; None for one of its own."""
        return tuple(one.block if one.block < len(self.fields) else None for one in self.lists)

    @property
    def embedding_count(self) -> int:
        """How many embeddings a row of inputs becomes: one a field, a list, a vector."""
        return len(self.fields) + len(self.lists) + len(self.vectors)

    @property
    def dense(self) -> int:
        """How many table rows are read by numbers and by the numbers of vectors."""
        return len(self.numbers) + sum(vector.length for vector in self.vectors)

    @property
    def flat_inputs(self) -> int:
        """Width of all embeddings side by side, then the numbers as they are."""
        return self.embedding_count * self.embedding_dim + len(self.numbers)


@dataclass(frozen=True)
class Master:
    """A dense model as training left it, for a later night to go on from.

    Its rows stand for what `schema` and the vocabulary beside it say; its optimizers took `steps`
    steps, over `last_day` and days before.
    """

    model: ModelSpec
    schema: FeatureSchema
    steps: int
    last_day: str


@dataclass(frozen=True)
class Evaluation:
    """One holdout evaluation during training. `samples` counts the rows trained on so far.

    The losses and `holdout_auc` are the label's; `task_aucs` are those of further tasks by name.
    """

    samples: int
    train_loss: float
    holdout_loss: float
    holdout_auc: float
    task_aucs: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingCurve:
    """What training saw, and which evaluation the kept weights are from."""

    evaluations: tuple[Evaluation, ...]
    best: int
