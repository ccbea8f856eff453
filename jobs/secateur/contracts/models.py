"""The shape of a trained model, what its training recorded, and the baselines it must beat."""

from dataclasses import dataclass, field

from secateur.contracts import record
from secateur.contracts.features import FeatureSchema

Dimensions = int | str | tuple[int, ...]


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
    number of a vector. `second` are the hidden widths of all towers but the first. `own` holds what
    only this architecture has, by name, as `spec.py` of its folder says; as JSON it stands
    among the other keys.

    The tower has an output for the label and one for each of the `tasks`, over the same hidden
    layers (shared-bottom multi-task learning: Caruana, Machine Learning 28, 1997).
    """

    architecture: str
    fields: tuple[str, ...]
    rows: tuple[int, ...]
    embedding_dim: int
    hidden: tuple[int, ...]
    numbers: tuple[str, ...] = ()
    lists: tuple[ListInput, ...] = ()
    vectors: tuple[VectorInput, ...] = ()
    second: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()
    own: dict[str, Dimensions] = field(default_factory=dict, metadata=record.OTHER_KEYS)

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
class PrivateSteps:
    """Steps that each draw a row with probability `sample_rate`, cut its gradient to a norm of
    `clip` at most, and add normal noise of `noise_multiplier` times that (DP-SGD).
    """

    sample_rate: float
    clip: float
    noise_multiplier: float
    steps: int
    delta: float


@dataclass(frozen=True)
class TrainingCurve:
    """What training saw, and which evaluation the kept weights are from.

    `privacy` are its steps where they were private, by training where there were several.
    """

    evaluations: tuple[Evaluation, ...]
    best: int
    privacy: tuple[PrivateSteps, ...] = ()

    @property
    def best_evaluation(self) -> Evaluation:
        """The evaluation that the kept weights are from."""
        return self.evaluations[self.best]


@dataclass(frozen=True)
class Baseline:
    """One rule or simple model that learned from the train days alone.

    `standard_error` is that of AUC(dense) - AUC(baseline) on the same rows, whose users and items
    err together; None where the dense model has no AUC there.
    """

    name: str
    rule: str  # what scores a row, in words
    auc: float
    standard_error: float | None


@dataclass(frozen=True)
class Baselines:
    """The dense model beside its baselines on the rows of the tune days; best baseline first.

    AUCs are None, and there is no baseline, where these rows are all of one class.
    """

    rows: int
    positives: int
    dense_auc: float | None
    baselines: tuple[Baseline, ...]

    @property
    def better_than_dense(self) -> tuple[Baseline, ...]:
        """The baselines whose AUC is above the dense model's."""
        dense = self.dense_auc
        return tuple(one for one in self.baselines if dense is not None and one.auc > dense)

    @property
    def sentence(self) -> str:
        """How the dense model compares, for logs and pages."""
        if self.dense_auc is None or not self.baselines:
            return f"no baseline was measured: {self.positives:,} of {self.rows:,} rows positive"
        better, best = self.better_than_dense, self.baselines[0]
        what = f"the dense model's AUC {self.dense_auc:.4f} on {self.rows:,} rows of the tune days"
        if not better:
            return f"{what} is above its baselines, the best of which is {best.name} {best.auc:.4f}"
        named = ", ".join(f"{one.name} {one.auc:.4f}" for one in better)
        return f"{what} is BELOW {len(better)} of {len(self.baselines)} baselines: {named}"
