"""Small dense models trained from scratch, which a pruned model must beat."""

from dataclasses import replace

import torch

from secateur.contracts.candidates import Student
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import shapes_of, trainable
from secateur.pruning.cuts.selection import table_heights, with_heights
from secateur.pruning.recipes.context import PruningContext
from secateur.pruning.units.calibration import CalibrationData


def student_plan(student: Student, dense: ModelSpec, calibration: CalibrationData) -> PruningPlan:
    """The student's inputs, and of the table the rows seen at least `min_count` times."""
    plan = with_heights(dense, table_heights(calibration, dense.rows, student.min_count))
    return replace(plan, inputs=student.inputs or dense.inputs)


def new_student(student: Student, inputs: ModelSpec, context: PruningContext) -> Recommender:
    """An untrained model of the student's shape, which reads the inputs and rows of `inputs`."""
    torch.manual_seed(context.seed)
    shape = replace(inputs, embedding_dim=student.embedding_dim, hidden=student.hidden)
    spec = shapes_of(shape.architecture).of_student(shape, inputs)
    return trainable(spec, context.training)
