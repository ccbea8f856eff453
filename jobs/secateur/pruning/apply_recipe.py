"""A recipe, carried out: steps of masking and surgery, with repair; or a student from scratch."""

import copy
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch

from secateur.artifacts import Artifact
from secateur.contracts.candidates import Recipe, Step, Student
from secateur.contracts.errors import UsageError
from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec, TrainingCurve
from secateur.contracts.pruning import PruningPlan, PruningPlans
from secateur.model.architectures.kept_units import narrow
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build, shapes_of, trainable
from secateur.model.data.batches import Split, load_split, split_holdout
from secateur.model.data.inputs import Inputs
from secateur.model.training.threads import on_threads
from secateur.model.training.train import distill, taught
from secateur.pruning.cuts.compaction import compact, compact_spec
from secateur.pruning.cuts.compensation import compensate
from secateur.pruning.cuts.masking import living, mask
from secateur.pruning.cuts.rigl import held_at_zero, traded
from secateur.pruning.cuts.selection import choose, heights_at, with_heights
from secateur.pruning.cuts.sparsity_schedules import levels
from secateur.pruning.nightly.hysteresis import Steady
from secateur.pruning.quantization_aware import joined, learn_rounded
from secateur.pruning.units.calibration import Evidence, block_names, blocks_kept, read_counts
from secateur.pruning.units.cost_model import encoding_us
from secateur.pruning.units.masks import pack
from secateur.pruning.units.rows import kept_rows, read_by
from secateur.scenario import Training


@dataclass(frozen=True)
class Workshop:
    """What carrying out a recipe needs: rows to repair on, evidence, and how to train."""

    train: Split
    evidence: Evidence
    training: Training
    seed: int

    def taught_by(self, teacher: Recommender, weight: float) -> "Workshop":
        """The same rows, guided by the teacher with this weight."""
        train, holdout = taught((self.train, self.evidence.holdout), teacher, self.training, weight)
        return replace(self, train=train, evidence=replace(self.evidence, holdout=holdout))

    def seeded(self, seed: int) -> "Workshop":
        """The same with another seed."""
        return replace(self, seed=seed, evidence=replace(self.evidence, seed=seed))

    def after(self, plan: PruningPlan, larger: ModelSpec, smaller: ModelSpec) -> "Workshop":
        """The same for a model that `plan` left."""
        inputs = read_by(self.train.inputs, plan, larger, smaller)
        train, evidence = replace(self.train, inputs=inputs), self.evidence
        return replace(self, train=train, evidence=evidence.after(plan, larger, smaller))


@dataclass(frozen=True, eq=False)
class Pruned:
    """A recipe's model, what its last repair saw, and the plan of every cut."""

    model: Recommender
    curve: TrainingCurve
    plans: PruningPlans

    def inputs(self, given: Inputs, dense: ModelSpec) -> Inputs:
        """Of inputs for the dense model those that this one reads, by its own ids."""
        for plan in self.plans.steps:
            smaller = compact_spec(dense, plan)
            given, dense = read_by(given, plan, dense, smaller), smaller
        return narrow(given, dense, self.model.spec)

    def kept_ids(self, dense: ModelSpec) -> dict[str, list[int]]:
        """By name of a table's block the ids in the dense model of the values left in it."""
        ids = [torch.arange(rows - 1) for rows in dense.rows]
        for plan in self.plans.steps:
            smaller = compact_spec(dense, plan)
            kept = kept_rows(plan, dense)
            ids = [ids[block][kept[block]] for block in blocks_kept(dense, smaller)]
            dense = smaller
        return {name: kept.tolist() for name, kept in zip(block_names(dense), ids, strict=True)}


def furnish(features: Artifact, training: Training, seed: int) -> Workshop:
    """Read from a FeatureSet what recipes need; the last train days are the holdout."""
    train, holdout = split_holdout(load_split(features, "train"), training.holdout_days)
    encoding = encoding_us(features.read("schema.json", FeatureSchema))
    evidence = Evidence(read_counts(features), holdout, seed, encoding)
    return Workshop(train, evidence, training, seed)


def carry_out(
    recipe: Recipe, dense: Recommender, workshop: Workshop, steady: Steady | None = None
) -> Pruned:
    """The compact model of a recipe, whose cuts `steady` chooses, where it is given.

    Raises UsageError when a step changes nothing.
    """
    with on_threads(workshop.training.threads):
        workshop = _taught(recipe, dense, workshop)
        return used_to_bits(recipe, *_cut_and_repaired(recipe, dense, workshop, steady))


def _taught(recipe: Recipe, dense: Recommender, workshop: Workshop) -> Workshop:
    """The workshop with the targets that the recipe learns, if it learns anything."""
    alone = recipe.student is not None and recipe.student.alone
    if not (recipe.repair_epochs or recipe.rounded_epochs):
        return workshop
    if alone:
        return workshop.taught_by(dense, 0.0)
    if workshop.train.guidance is not None:
        return workshop
    # The dense model's probabilities are better targets than the labels, which embeddings seen a
    # second time learn by heart: half their weight cost 0.0086 AUC on KuaiRand, where none cost
    # 0.0002. That is `training.teacher_weight`.
    return workshop.taught_by(dense, workshop.training.teacher_weight)


def _cut_and_repaired(
    recipe: Recipe, dense: Recommender, workshop: Workshop, steady: Steady | None
) -> tuple[Pruned, Workshop]:
    """The model as its rows are not rounded yet, and the workshop for it."""
    if recipe.student is not None:
        plan = plan_of(recipe.student, dense.spec, workshop.evidence)
        model = new_student(recipe.student, compact_spec(dense.spec, plan), workshop)
        workshop = workshop.after(plan, dense.spec, model.spec)
        pruned = Pruned(model, repair(model, workshop, recipe.repair_epochs), PruningPlans(()))
        return pruned, workshop
    work = Work(recipe, _beginning(recipe, dense, workshop), workshop, steady)
    for step in recipe.steps:
        for done, keep in enumerate(levels(step)):
            if done:
                work.repair()
            work.cut(step, keep, done)
    work.repair()
    pruned = Pruned(work.model, work.curve, PruningPlans(tuple(work.plans)))
    return pruned, work.workshop


class Work:
    """A model on the way through its recipe; repairs share the recipe's epochs evenly."""

    def __init__(
        self,
        recipe: Recipe,
        model: Recommender,
        workshop: Workshop,
        steady: Steady | None = None,
    ) -> None:
        self.recipe, self.model, self.workshop, self.steady = recipe, model, workshop, steady
        self.plans: list[PruningPlan] = []
        self.curve = TrainingCurve((), 0)
        self.share = recipe.repair_epochs / (1 + sum(step.rounds - 1 for step in recipe.steps))
        self.sparse = any(step.granularity == "weight" for step in recipe.steps)
        self.untrained = recipe.start == "untrained"

    def cut(self, step: Step, keep: float, done: int) -> None:
        """The round of a step after `done` others, which leaves the share `keep` of its units.

        Raises UsageError when it changes nothing.
        """
        model, evidence = self.model, self.workshop.evidence
        if step.schedule == "rigl" and done:
            plan = traded(step, done, model, evidence)
        else:
            plan = self._choose(_of_what_is_left(step, keep, done))
            demand_change(step, plan, model)
        small = compact(mask(model, plan, evidence), plan)
        if self.recipe.compensate and not self.sparse:
            compensate(small, model, plan, evidence.sample)
        self.plans.append(plan)
        if self.steady is not None:
            self.steady.follow(plan, model.spec, small.spec)
        self.workshop = self.workshop.after(plan, model.spec, small.spec)
        self.model = small

    def _choose(self, step: Step) -> PruningPlan:
        model, evidence = self.model, self.workshop.evidence
        if self.steady is not None:
            return self.steady.choose(len(self.plans), step, model, evidence)
        return choose(step, model, evidence)

    def repair(self) -> None:
        """Fit the model to its targets, its zeros held, for this repair's share of the epochs."""
        if not self.share:
            return
        if self.untrained and self.workshop.training.batch_norm:
            for tower in self.model.towers:
                tower.normalize()
        self.untrained = False
        with held_at_zero(self.model) if self.sparse else nullcontext():
            self.curve = repair(self.model, self.workshop, self.share)


def used_to_bits(recipe: Recipe, pruned: Pruned, workshop: Workshop) -> Pruned:
    """What is left of a model once it has learned with its rows rounded, if the recipe says so."""
    if not recipe.rounded_epochs:
        return pruned
    model = copy.deepcopy(pruned.model)
    sparse = any(step.granularity == "weight" for step in recipe.steps)
    with held_at_zero(model) if sparse else nullcontext():
        curve = learn_rounded(
            recipe, model, workshop.train, workshop.evidence, workshop.training, workshop.seed
        )
    return replace(pruned, model=model, curve=joined(pruned.curve, curve))


def demand_change(step: Step, plan: PruningPlan, model: Recommender) -> None:
    """Raises UsageError when a plan keeps every unit."""
    alive = tuple(pack(mask) for mask in living(model))
    if plan == PruningPlan.of_everything(model.spec) or plan.weights == alive != ():
        raise UsageError(f"{step} changes nothing: every unit stays")


def replay(plans: PruningPlans, dense: Recommender, evidence: Evidence) -> Recommender:
    """The model that the cuts of `plans` alone leave of a dense one: nothing is repaired."""
    model = dense
    for plan in plans.steps:
        small = compact(mask(model, plan, evidence), plan)
        evidence = evidence.after(plan, model.spec, small.spec)
        model = small
    return model


def plan_of(student: Student, dense: ModelSpec, evidence: Evidence) -> PruningPlan:
    """The student's inputs, and of the table the rows seen at least `min_count` times."""
    plan = with_heights(dense, heights_at(evidence, dense.rows, student.min_count))
    return replace(plan, inputs=student.inputs or dense.inputs)


def new_student(student: Student, read: ModelSpec, workshop: Workshop) -> Recommender:
    """An untrained model of the student's shape, which reads what `read` does."""
    torch.manual_seed(workshop.seed)
    shape = replace(read, embedding_dim=student.embedding_dim, hidden=student.hidden)
    spec = shapes_of(shape.architecture).of_student(shape, read)
    return trainable(spec, workshop.training)


def repair(model: Recommender, workshop: Workshop, epochs: float) -> TrainingCurve:
    """Fit `model` in place to the guided rows, stopped early on the holdout's."""
    holdout = workshop.evidence.holdout
    return distill(model, workshop.train, holdout, workshop.training, epochs, workshop.seed)


def _beginning(recipe: Recipe, dense: Recommender, workshop: Workshop) -> Recommender:
    """What the first step cuts; an untrained model is normalised only once it was cut."""
    if recipe.start == "dense":
        return dense
    torch.manual_seed(workshop.seed)
    return build(dense.spec, workshop.training.dropout).eval()


def _of_what_is_left(step: Step, keep: float, done: int) -> Step:
    """A step that keeps the share `keep` of all units, once `done` rounds left fewer of them."""
    if step.keep is None or not done or step.granularity == "weight":
        return replace(step, keep=keep if step.keep is not None else None)
    return replace(step, keep=keep / levels(step)[done - 1])
