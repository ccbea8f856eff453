"""A recipe, carried out: steps of masking and surgery, then repair; or a student from scratch."""

import copy
from dataclasses import dataclass, replace

import torch

from secateur.artifacts import Artifact
from secateur.contracts.candidates import Recipe, Step, Student
from secateur.contracts.errors import UsageError
from secateur.contracts.models import ModelSpec, TrainingCurve
from secateur.model.architectures import trainable
from secateur.model.batches import Split, load_split, split_holdout
from secateur.model.recommender import Recommender
from secateur.model.training import distill
from secateur.pruning.evidence import Evidence, read_counts
from secateur.pruning.masking import mask, zero_smallest_weights
from secateur.pruning.plans import Cut, choose, heights_at
from secateur.pruning.quantizing import joined, learn_rounded
from secateur.pruning.surgery import compact
from secateur.scenario import Training


@dataclass(frozen=True)
class Workshop:
    """What carrying out a recipe needs: rows to repair on, evidence, and how to train."""

    train: Split
    evidence: Evidence
    training: Training
    seed: int


def furnish(features: Artifact, training: Training, seed: int) -> Workshop:
    """Read from a FeatureSet what recipes need; the last train days are the holdout."""
    train, holdout = split_holdout(load_split(features, "train"), training.holdout_days)
    return Workshop(train, Evidence(read_counts(features), holdout), training, seed)


def carry_out(
    recipe: Recipe, dense: Recommender, workshop: Workshop
) -> tuple[Recommender, TrainingCurve]:
    """The compact model of a recipe, and what its repair saw.

    Raises UsageError when a step changes nothing.
    """
    model, curve = _smaller(recipe, dense, workshop)
    if not recipe.rounded_epochs:
        return model, curve
    model = copy.deepcopy(dense) if model is dense else model
    rows, training = (workshop.train, workshop.evidence), workshop.training
    return model, joined(curve, learn_rounded(recipe, model, dense, rows, training, workshop.seed))


def _smaller(
    recipe: Recipe, dense: Recommender, workshop: Workshop
) -> tuple[Recommender, TrainingCurve]:
    if recipe.student is not None:
        model = new_student(recipe.student, dense.spec, workshop)
        return model, _distil(model, dense, workshop, recipe.repair_epochs)
    model = dense
    evidence = workshop.evidence
    for step in recipe.steps:
        model = apply(step, model, evidence)
        evidence = evidence.cut_to(model.spec.rows)
    if not recipe.repair_epochs:
        return model, TrainingCurve((), 0)
    return model, _distil(model, dense, workshop, recipe.repair_epochs)


def apply(step: Step, model: Recommender, evidence: Evidence) -> Recommender:
    """The model that one step leaves. Raises UsageError when it changes nothing."""
    if step.granularity == "weight":
        return zero_smallest_weights(model, step.keep if step.keep is not None else 1.0)
    cut = choose(step, model, evidence)
    if cut == Cut.of_nothing(model.spec):
        raise UsageError(f"{step} changes nothing: every unit stays")
    return compact(mask(model, cut, evidence), cut)


def new_student(student: Student, dense: ModelSpec, workshop: Workshop) -> Recommender:
    """An untrained model of the student's shape, with the rows seen at least `min_count` times."""
    rows = heights_at(workshop.evidence, dense.rows, student.min_count)
    torch.manual_seed(workshop.seed)
    shape = replace(dense, rows=rows, embedding_dim=student.embedding_dim, hidden=student.hidden)
    spec = replace(shape, second=student.hidden if dense.second else ())
    return trainable(spec, workshop.training)


def _distil(
    model: Recommender, dense: Recommender, workshop: Workshop, epochs: float
) -> TrainingCurve:
    """Fit `model` to the dense one, stopped early on the holdout rows.

    The dense model's probabilities are better targets than the labels, which embeddings seen a
    second time learn by heart: half their weight cost 0.0086 AUC on KuaiRand, where none cost
    0.0002. That is `training.teacher_weight`.
    """
    holdout = workshop.evidence.holdout
    return distill(model, dense, workshop.train, holdout, workshop.training, epochs, workshop.seed)
