"""Small dense models trained from scratch, which a pruned model must beat."""

from dataclasses import replace

import torch

from secateur.contracts.candidates import Student
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.network_settings import shapes_of
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import trainable
from secateur.pruning.cuts.compaction import compact_spec
from secateur.pruning.cuts.selection import table_heights, with_heights
from secateur.pruning.recipes.pruning_context import PruningContext


def new_student(
    student: Student, dense: ModelSpec, context: PruningContext
) -> tuple[PruningPlan, Recommender]:
    """An untrained model of the student's shape, and the plan that leaves what it reads.

    Those are the student's inputs, and the table's rows seen at least `min_count` times.
    """
    plan = with_heights(dense, table_heights(context.calibration, dense.rows, student.min_count))
    plan = replace(plan, inputs=student.inputs or dense.inputs)
    inputs = compact_spec(dense, plan)
    shape = replace(inputs, embedding_dim=student.embedding_dim, hidden=student.hidden)
    spec = shapes_of(shape.architecture).of_student(shape, inputs)
    torch.manual_seed(context.seed)
    return plan, trainable(spec, context.training)
