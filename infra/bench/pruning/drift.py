"""Masks that move or stay where what tells clicks apart is planted to change from day to day.

Of 24 fields five matter on each day, alone and in pairs, and every day two begin to and two
cease: from the fourth day on none of the first day's does. A dense DeepFM is warm-started every
night; then as in `nights`, with AUC on the day after.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.data.splits import schema_of, split
from bench.pruning.mask_ways import Night, auc_on, mask_table
from bench.runner import Asked, Benchmark, seeds_of
from secateur.contracts.features import FeatureSchema
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext, best_device
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.units.calibration import CalibrationData
from secateur.scenario import Training

Floats = NDArray[np.float64]

NIGHTS, FIELDS, IDS, FACTORS = 8, 24, 100, 4
TRAIN, HELD, TEST = 100_000, 20_000, 50_000
REACH = 3.0  # fields to either side of the day's middle that matter
STRIDE = 2  # fields that the middle moves a day
TRAINING = Training(
    start="warm",
    embedding_dim=8,
    hidden=(64, 32),
    batch_size=512,
    learning_rate=2e-3,
    threads=2,
)


def figures(asked: Asked) -> Iterator[str]:
    """The dense models' AUC, then the table."""
    chains = [nights(seed) for seed in seeds_of(asked)]
    means = np.mean([auc for _, auc in chains], 0)
    yield f"Five of {FIELDS} fields matter on a day, alone and in pairs, and every day {STRIDE} of"
    yield f"them are others. A night learns {TRAIN:,} rows, for {NIGHTS} nights. Dense AUC on the"
    yield f"day after, each night: {', '.join(f'{one:.4f}' for one in means)}.\n"
    yield from mask_table([found for found, _ in chains])


@dataclass(frozen=True)
class World:
    """What every id is worth: a weight of its own, and factors that meet the next field's."""

    seed: int
    schema: FeatureSchema = field(
        default_factory=lambda: schema_of("drift", {f"f{i}": IDS + 1 for i in range(FIELDS)}, [])
    )

    @cached_property
    def weights(self) -> Floats:
        """Float64 [fields, ids]."""
        return np.random.default_rng([self.seed, 0]).normal(0, 1, (FIELDS, IDS))

    @cached_property
    def factors(self) -> Floats:
        """Float64 [fields, ids, factors]."""
        return np.random.default_rng([self.seed, 1]).normal(0, 1, (FIELDS, IDS, FACTORS))

    def rows(self, day: int, count: int, part: int) -> Split:
        """`count` rows of a day; no two parts share one."""
        random = np.random.default_rng([self.seed, 2, day, part])
        ids = np.minimum(random.zipf(1.3, (count, FIELDS)), IDS) - 1
        chance = 1 / (1 + np.exp(-self.logits(ids, importance_on(day))))
        return split(ids, (random.random(count) < chance).astype(np.int64))

    def logits(self, ids: NDArray[np.int64], importance: Floats) -> Floats:
        """True logits, float64 [rows], of int64 `ids` [rows, fields] at `importance` [fields]."""
        at = np.arange(FIELDS)
        met = self.factors[at, ids] * np.roll(self.factors[at, ids], -1, 1)
        pairs = met.sum(2) * (importance * np.roll(importance, -1)) / np.sqrt(FACTORS)
        logits: Floats = (self.weights[at, ids] * importance).sum(1) + pairs.sum(1)
        return logits


def importance_on(day: int) -> Floats:
    """How much every field matters on a day: float64 [fields], 0 to 1, a bump that moves on."""
    middle = REACH + STRIDE * day
    bump: Floats = np.maximum(1 - np.abs(np.arange(FIELDS) - middle) / REACH, 0)
    return bump


def nights(seed: int) -> tuple[list[Night], list[float]]:
    """The nights, and by night the AUC of its dense model on the day after."""
    world, found, auc = World(seed), [], []
    training = TrainingContext(TRAINING, seed, best_device())
    for day in range(NIGHTS):
        rows, held = world.rows(day, TRAIN, 0), world.rows(day, HELD, 1)
        model = new_model(world.schema, TRAINING, seed)
        training = replace(training, start=train(model, rows, held, training).state)
        counts = [np.bincount(column, minlength=IDS + 1) for column in rows.inputs.ids.numpy().T]
        after = world.rows(day + 1, TEST, 2)
        context = PruningContext(rows, CalibrationData(tuple(counts), held, seed), TRAINING, seed)
        found.append(Night(copy.deepcopy(model), context, after))
        auc.append(auc_on(model, after.inputs, after))
    return found, auc


BENCHMARK = Benchmark(
    title="Night after night where drift is planted",
    figures=figures,
    page=lambda _asked: "drift",
    seeds=3,
)
