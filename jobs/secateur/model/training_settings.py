"""The section `[training]` of a scenario: the dense model and its optimisation."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from secateur.model.architectures.network_settings import NetworkSettings
from secateur.section import Fraction, Name, Positive, Section

NotNegative = Annotated[float, Field(ge=0)]


class PrivacySettings(Section):
    """Training with differential privacy for every train row (DP-SGD: Abadi et al., CCS 2016).

    Each step draws its rows anew, each with the same probability, cuts every row's gradient to one
    norm, and adds noise to all weights, those of rows of the tables that no event read too. The
    model card tells the epsilon of all steps, repairs included. What is counted of many rows is not
    covered: vocabularies, buckets, counters, the choice of the best evaluation, and what pruning
    measures. A row is an event; a user of many events has a weaker guarantee.
    """

    noise_multiplier: Annotated[float, Field(gt=0)]
    """Standard deviation of the noise over `clip`; about 1 is usual."""
    clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of one row's gradient over all weights; a larger one is cut to it."""
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-6
    """Probability with which epsilon may not hold: below one over the train rows."""


class Training(NetworkSettings):
    """The dense model and its optimisation.

    The loss is the label's cross-entropy plus that of every task, times its weight. The weights of
    the best evaluation on the training holdout are kept.
    """

    role: ClassVar[str] = "training"

    start: Literal["cold", "warm"] = "cold"
    """A warm start goes on from the last accepted night's dense model and learns only the days
    since; a cold one learns all train days anew."""
    task_weights: dict[Name, NotNegative] = Field(default_factory=dict)
    """Weight of each of the label's tasks in the loss. Default: 1."""
    batch_size: Positive = 256
    """Rows a step."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Highest learning rate; it falls linearly to 0 over `max_epochs`."""
    warmup: Fraction = 0.0
    """Share of the steps over which the learning rate rises from 0."""
    weight_decay: NotNegative = 0.0
    """Decoupled weight decay of the tower."""
    embedding_optimizer: Literal["auto", "adam", "lazy_adam", "rowwise_adagrad"] = "auto"
    """What moves the embedding tables: `adam` all rows at every step, `lazy_adam` the same in
    closed form for the rows of a batch alone, `rowwise_adagrad` with one sum of squares a row.
    `auto` takes `lazy_adam` where the table is large."""
    embedding_weight_decay: NotNegative = 0.0
    """Decoupled weight decay of the tables."""
    embedding_l2: NotNegative = 0.0
    """L2 penalty on the embeddings that a batch reads."""
    table_l2: NotNegative = 0.0
    """L2 penalty on all rows at every step, which drives rare values to 0 (`adam` only)."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Precision of matrix products; weights are float32 always."""
    max_epochs: Annotated[float, Field(gt=0)] = 1.0
    """Passes over the train rows, at most."""
    holdout_days: Positive = 1
    """Last train days, on which training is evaluated; a cold start is stopped early by them."""
    recalibrate: bool = False
    """Whether the bias of every package, dense and pruned alike, is moved until its predictions on
    the holdout days add up to their labels. It repairs what a cut does to all scores alike."""
    evaluations_an_epoch: Positive = 4
    """Evaluations on the holdout in one epoch."""
    patience: Positive = 2
    """Evaluations without an improvement after which a cold start stops."""
    teacher_weight: Fraction = 1.0
    """Share of the teacher's probability in the targets of distillation; the label has the rest."""
    threads: Positive = 1
    """CPU threads. More than there are idle cores slow training down; the weights are the same."""
    memory_mb: Positive = 4096
    """Train rows that would take more than half of this are read from disk at every epoch."""
    privacy: PrivacySettings | None = None
    """Train with differential privacy."""
    checkpoint_s: NotNegative = 60.0
    """Seconds between two checkpoints; one is kept at every evaluation, too."""
