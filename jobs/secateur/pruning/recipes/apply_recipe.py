"""Apply a recipe: steps of masking and compaction, with repair; or a student from scratch."""

import copy
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch

from secateur.contracts.candidates import Recipe, Step
from secateur.contracts.errors import UsageError
from secateur.contracts.models import ModelSpec, TrainingCurve
from secateur.contracts.pruning import PruningPlan, PruningPlans
from secateur.model.architectures.kept_units import narrow
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build
from secateur.model.data.inputs import Inputs
from secateur.model.training.threads import on_threads
from secateur.model.training.train import distill
from secateur.pruning.cuts.compaction import compact, compact_spec
from secateur.pruning.cuts.compensation import compensate
from secateur.pruning.cuts.masking import mask, nonzero_masks
from secateur.pruning.cuts.rigl import held_at_zero, rigl_update
from secateur.pruning.cuts.selection import choose_units
from secateur.pruning.cuts.sparsity_schedules import keep_fractions
from secateur.pruning.nightly.hysteresis import Hysteresis
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.recipes.quantization_aware import (
    concatenate_curves,
    train_with_fake_quantization,
)
from secateur.pruning.recipes.students import new_student
from secateur.pruning.units.calibration import block_names, kept_blocks
from secateur.pruning.units.masks import pack_mask
from secateur.pruning.units.table_rows import inputs_after_cut, kept_rows


@dataclass(frozen=True, eq=False)
class PrunedModel:
    """A recipe's model, the curve of its last training, and the plan of every cut."""

    model: Recommender
    curve: TrainingCurve
    plans: PruningPlans

    def adapt_inputs(self, inputs: Inputs, dense: ModelSpec) -> Inputs:
        """Inputs [rows, ..] of the dense model as this one reads them: fewer, by its own ids."""
        for plan in self.plans.steps:
            smaller = compact_spec(dense, plan)
            inputs, dense = inputs_after_cut(inputs, plan, dense, smaller), smaller
        return narrow(inputs, dense, self.model.spec)

    def kept_ids(self, dense: ModelSpec) -> dict[str, list[int]]:
        """The dense model's ids of the values left in each block of the table, by its name."""
        ids = [torch.arange(rows - 1) for rows in dense.rows]
        for plan in self.plans.steps:
            smaller = compact_spec(dense, plan)
            kept = kept_rows(plan, dense)
            ids = [ids[block][kept[block]] for block in kept_blocks(dense, smaller)]
            dense = smaller
        return {name: kept.tolist() for name, kept in zip(block_names(dense), ids, strict=True)}


def apply_recipe(
    recipe: Recipe,
    dense: Recommender,
    context: PruningContext,
    hysteresis: Hysteresis | None = None,
) -> PrunedModel:
    """The compact model of a recipe; its cuts follow a `hysteresis` where one is given.

    Raises UsageError when a step changes nothing.
    """
    with on_threads(context.training.threads):
        context = _with_targets(recipe, dense, context)
        if recipe.student is not None:
            pruned, context = _train_student(recipe, dense, context)
        else:
            model = dense
            if recipe.start == "untrained":  # batch norm comes only once it was cut
                torch.manual_seed(context.seed)
                model = build(dense.spec, context.training.dropout).eval()
            run = RecipeRun(recipe, model, context, hysteresis)
            pruned, context = run.finish(), run.context
        return _train_for_bits(recipe, pruned, context) if recipe.rounded_epochs else pruned


def _with_targets(recipe: Recipe, dense: Recommender, context: PruningContext) -> PruningContext:
    """The context with distillation targets, if the recipe trains at all and has none yet."""
    if not (recipe.repair_epochs or recipe.rounded_epochs):
        return context
    if recipe.student is not None and recipe.student.alone:
        return context.with_distillation_targets(dense, 0.0)
    if context.train.distillation_targets is not None:
        return context
    # The dense model's probabilities are better targets than the labels, which embeddings seen a
    # second time learn by heart: half their weight cost 0.0086 AUC on KuaiRand, where none cost
    # 0.0002. That is `training.teacher_weight`.
    return context.with_distillation_targets(dense, context.training.teacher_weight)


def _train_student(
    recipe: Recipe, dense: Recommender, context: PruningContext
) -> tuple[PrunedModel, PruningContext]:
    """The trained student, and the context for it."""
    assert recipe.student is not None  # noqa: S101 - as the caller has checked
    plan, model = new_student(recipe.student, dense.spec, context)
    context = context.after_cut(plan, dense.spec, model.spec)
    curve = _repair(model, context, recipe.repair_epochs)
    return PrunedModel(model, curve, PruningPlans(())), context


class RecipeRun:
    """A model on the way through its recipe's steps; repairs share the recipe's epochs evenly."""

    def __init__(
        self,
        recipe: Recipe,
        model: Recommender,
        context: PruningContext,
        hysteresis: Hysteresis | None = None,
    ) -> None:
        self.recipe, self.model, self.context = recipe, model, context
        self.hysteresis = hysteresis
        self.plans: list[PruningPlan] = []
        self.curve = TrainingCurve((), 0)
        self.epochs = recipe.repair_epochs / (1 + sum(step.rounds - 1 for step in recipe.steps))
        self.sparse = _is_sparse(recipe)
        self.untrained = recipe.start == "untrained"

    def finish(self) -> PrunedModel:
        """Take every round of every step, with repair after each."""
        for step in self.recipe.steps:
            for rounds_done, keep in enumerate(keep_fractions(step)):
                if rounds_done:
                    self.repair()
                self.cut(step, keep, rounds_done)
        self.repair()
        return PrunedModel(self.model, self.curve, PruningPlans(tuple(self.plans)))

    def cut(self, step: Step, keep: float, rounds_done: int) -> None:
        """The next round of a step, which leaves the share `keep` of all its units.

        Raises UsageError when it changes nothing.
        """
        model, calibration = self.model, self.context.calibration
        if step.schedule == "rigl" and rounds_done:
            plan = rigl_update(step, rounds_done, model, calibration)
        else:
            plan = self._choose_units(_relative_to_what_is_left(step, keep, rounds_done))
        small = compact(mask(model, plan, calibration), plan)
        if self.recipe.compensate and not self.sparse:
            compensate(small, model, plan, calibration.sample)
        self.plans.append(plan)
        if self.hysteresis is not None:
            self.hysteresis.follow(plan, model.spec, small.spec)
        self.context = self.context.after_cut(plan, model.spec, small.spec)
        self.model = small

    def _choose_units(self, step: Step) -> PruningPlan:
        """What the step keeps, by hysteresis if there is any; UsageError if it is everything."""
        model, calibration = self.model, self.context.calibration
        if self.hysteresis is not None:
            plan = self.hysteresis.choose_units(len(self.plans), step, model, calibration)
        else:
            plan = choose_units(step, model, calibration)
        nonzero = tuple(pack_mask(mask) for mask in nonzero_masks(model))
        if plan == PruningPlan.of_everything(model.spec) or plan.weights == nonzero != ():
            raise UsageError(f"{step} changes nothing: every unit stays")
        return plan

    def repair(self) -> None:
        """Fit the model to its targets, its zeros held, for this repair's share of the epochs."""
        if not self.epochs:
            return
        if self.untrained and self.context.training.batch_norm:
            for tower in self.model.towers:
                tower.normalize()
        self.untrained = False
        with held_at_zero(self.model) if self.sparse else nullcontext():
            curve = _repair(self.model, self.context, self.epochs)
        self.curve = replace(curve, privacy=(*self.curve.privacy, *curve.privacy))


def _train_for_bits(recipe: Recipe, pruned: PrunedModel, context: PruningContext) -> PrunedModel:
    """Quantization-aware training of a copy: without steps, the pruned model is the dense one."""
    model = copy.deepcopy(pruned.model)
    with held_at_zero(model) if _is_sparse(recipe) else nullcontext():
        curve = train_with_fake_quantization(recipe, model, context)
    return replace(pruned, model=model, curve=concatenate_curves(pruned.curve, curve))


def _is_sparse(recipe: Recipe) -> bool:
    """Whether single weights are zero, which training must hold at zero."""
    return any(step.granularity == "weight" for step in recipe.steps)


def _repair(model: Recommender, context: PruningContext, epochs: float) -> TrainingCurve:
    """Distill into `model` in place, stopped early on the holdout."""
    holdout = context.calibration.holdout
    return distill(model, context.train, holdout, context.training_context, epochs)


def _relative_to_what_is_left(step: Step, keep: float, rounds_done: int) -> Step:
    """The step that keeps the share `keep` of all units, of which earlier rounds left fewer."""
    if step.keep is None or not rounds_done or step.granularity == "weight":
        return replace(step, keep=keep if step.keep is not None else None)
    return replace(step, keep=keep / keep_fractions(step)[rounds_done - 1])
