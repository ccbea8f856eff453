"""The dense model and its optimisation."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from secateur.contracts.models import Architecture, Interaction
from secateur.scenario.sections.section import Fraction, Name, Positive, Section

NotNegative = Annotated[float, Field(ge=0)]


class Training(Section):
    """The dense model and its optimisation.

    A "warm" `start` goes on from the last accepted night's dense model and learns the days since
    (`model/masters.py`); a cold one learns all train days anew.

    Each architecture is a file of `model/`: lr has no embeddings, lr and fm no hidden layers, only
    dcnv2 has cross layers, only dlrm a `bottom`, hidden layers that read the numbers, and an
    `interaction`: its tower reads the dot products of embeddings, or themselves ("cat"). finalmlp
    has two towers of `hidden` layers, din an activation unit of `attention` layers for each list
    that shares a field's vocabulary.

    The loss is the label's cross-entropy and that of every task of the label (see `ColumnLabel`),
    times its weight in `task_weights`, 1 where none is given.

    `batch_norm` normalises the tower's hidden neurons while it trains; the trained model has it
    folded into its layers.

    The learning rate rises over the share `warmup` of the steps, then falls linearly to 0 over
    `max_epochs`; the last `holdout_days` of the train days stop a cold start early, after
    `patience` looks that were no better. `teacher_weight` is the teacher's share of distillation's
    target. More CPU `threads` than idle cores slow it down by far; the weights are the same.

    `embedding_optimizer` is how the tables move (`model/optimizing.py`). `weight_decay` shrinks
    the tower's weights and `embedding_weight_decay` the tables', at every step and decoupled from
    the gradient; `embedding_l2` is a penalty on the rows of a batch, `table_l2` one on all rows at
    every step, which drives what is rare to 0 and which only "adam" knows. `precision` "bf16" is
    for matrix products, where the processor has them.

    Train rows that would take more than half of `memory_mb` are read anew at every epoch. A
    checkpoint is kept at every look at the holdout, and every `checkpoint_s` seconds.
    """

    role: ClassVar[str] = "training"

    start: Literal["cold", "warm"] = "cold"
    architecture: Architecture = "deepfm"
    embedding_dim: Positive = 16
    hidden: tuple[Positive, ...] = (400, 400, 400)
    cross_layers: Positive = 3
    bottom: tuple[Positive, ...] = (64,)
    interaction: Interaction = "dot"
    attention: Annotated[tuple[Positive, ...], Field(min_length=1)] = (36,)
    task_weights: dict[Name, NotNegative] = Field(default_factory=dict)
    dropout: Fraction = 0.0
    batch_norm: bool = False
    batch_size: Positive = 256
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    warmup: Fraction = 0.0
    weight_decay: NotNegative = 0.0
    embedding_optimizer: Literal["auto", "adam", "lazy_adam", "rowwise_adagrad"] = "auto"
    embedding_weight_decay: NotNegative = 0.0
    embedding_l2: NotNegative = 0.0
    table_l2: NotNegative = 0.0
    precision: Literal["fp32", "bf16"] = "fp32"
    max_epochs: Annotated[float, Field(gt=0)] = 1.0
    holdout_days: Positive = 1
    evaluations_an_epoch: Positive = 4
    patience: Positive = 2
    teacher_weight: Fraction = 1.0
    threads: Positive = 1
    memory_mb: Positive = 4096
    checkpoint_s: NotNegative = 60.0
