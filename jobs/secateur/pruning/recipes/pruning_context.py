"""What applying a recipe needs besides the recipe and the dense model."""

from dataclasses import dataclass, replace

import torch

from secateur.artifacts import Artifact
from secateur.contracts import artifact_files
from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.batches import CPU, Split, load_split, split_holdout
from secateur.model.training import train
from secateur.model.training.training_context import TrainingContext
from secateur.pruning.units.calibration import CalibrationData, read_counts
from secateur.pruning.units.cost_model import encoding_us
from secateur.pruning.units.table_rows import inputs_after_cut
from secateur.scenario import Training


@dataclass(frozen=True)
class PruningContext:
    """Rows to repair on, calibration data, and how and where to train."""

    train: Split
    calibration: CalibrationData
    training: Training
    seed: int
    device: torch.device = CPU

    @classmethod
    def load(
        cls, features: Artifact, training: Training, seed: int, device: torch.device = CPU
    ) -> "PruningContext":
        """Read a FeatureSet, whose last train days are the holdout."""
        rows, holdout = split_holdout(load_split(features, "train"), training.holdout_days)
        encoding = encoding_us(features.read(artifact_files.SCHEMA, FeatureSchema))
        calibration = CalibrationData(read_counts(features), holdout, seed, encoding)
        return cls(rows, calibration, training, seed, device)

    @property
    def training_context(self) -> TrainingContext:
        """The context in which repair trains."""
        return TrainingContext(self.training, self.seed, self.device)

    def with_distillation_targets(self, teacher: Recommender, weight: float) -> "PruningContext":
        """The same rows, with labels mixed with the teacher's probabilities by this weight."""
        splits = (self.train, self.calibration.holdout)
        rows, holdout = train.with_distillation_targets(
            splits, teacher, weight, self.training_context
        )
        return replace(self, train=rows, calibration=replace(self.calibration, holdout=holdout))

    def with_seed(self, seed: int) -> "PruningContext":
        """The same with another seed."""
        return replace(self, seed=seed, calibration=replace(self.calibration, seed=seed))

    def after_cut(
        self, plan: PruningPlan, larger: ModelSpec, smaller: ModelSpec
    ) -> "PruningContext":
        """The same for the model that `plan` left."""
        inputs = inputs_after_cut(self.train.inputs, plan, larger, smaller)
        rows = replace(self.train, inputs=inputs)
        calibration = self.calibration.after_cut(plan, larger, smaller)
        return replace(self, train=rows, calibration=calibration)
