"""Which units a step keeps."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from secateur.contracts.candidates import Step
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import groups_of
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_loss
from secateur.pruning.cuts import allocation
from secateur.pruning.cuts.allocation import Keeps
from secateur.pruning.cuts.masking import mask, nonzero_masks
from secateur.pruning.importance.criteria import CRITERIA, Scores
from secateur.pruning.importance.neurons import hidden_layers
from secateur.pruning.importance.weights import linears
from secateur.pruning.units.calibration import CalibrationData
from secateur.pruning.units.masks import pack_mask


def choose_units(step: Step, model: Recommender, calibration: CalibrationData) -> PruningPlan:
    """The units that `step` keeps of `model`."""
    return select_units(step, importance_scores(step, model, calibration), model, calibration)


def importance_scores(step: Step, model: Recommender, calibration: CalibrationData) -> Scores:
    """The scores of the units of the step's granularity, by its criterion."""
    return CRITERIA[step.granularity][step.criterion](model, calibration)


def select_units(
    step: Step, scores: Scores, model: Recommender, calibration: CalibrationData
) -> PruningPlan:
    """The units that `step` keeps of `model` where they have these `scores`."""
    if step.min_count is not None:
        return _keep_rows(scores, step.min_count, model.spec)
    everything = PruningPlan.of_everything(model.spec)
    keep = step.keep if step.keep is not None else 1.0
    if step.granularity == "embedding_row":
        every = torch.cat([group for group in scores if not torch.isinf(group).any()])
        count = allocation.at_least_one(len(every), keep)
        lowest = float(every.sort(descending=True).values[count - 1])
        return _keep_rows(scores, lowest, model.spec)
    if step.granularity == "embedding_dimension":
        count = allocation.uniform(scores, keep)[0]
        return replace(everything, dimensions=top_units(scores[0], count))
    if step.granularity == "field":
        return replace(everything, inputs=_keep_inputs(scores[0], model.spec, keep))
    if step.granularity == "layer":
        return replace(everything, linear=_linear_layers(scores[0], model, keep))
    plan = _keep_weights if step.granularity == "weight" else _keep_neurons
    return plan(scores, _allocate(step, keep, scores, model, calibration), model)


def table_heights(
    calibration: CalibrationData, rows: Sequence[int], min_count: float
) -> tuple[int, ...]:
    """Rows of each block, OOV among them, when values seen less than `min_count` times go."""
    return tuple(
        height if counts is None else 1 + int((counts[:-1] >= min_count).sum())
        for counts, height in zip(calibration.counts, rows, strict=True)
    )


def with_heights(spec: ModelSpec, heights: tuple[int, ...]) -> PruningPlan:
    """The plan that cuts the table's blocks to these heights and keeps all else."""
    return replace(PruningPlan.of_everything(spec), heights=heights)


def top_units(scores: Tensor, kept: int) -> tuple[int, ...]:
    """Indices of the `kept` highest of `scores` [units], ascending; of equals the first."""
    order = torch.argsort(scores, descending=True, stable=True)
    return tuple(sorted(order[:kept].tolist()))


def _keep_rows(scores: Scores, lowest: float, spec: ModelSpec) -> PruningPlan:
    """The rows of at least the `lowest` score; `scores` are [rows - 1] a block."""
    stay = [group >= lowest for group in scores]
    plan = with_heights(spec, tuple(1 + int(mask.sum()) for mask in stay))
    others = ["" if bool(mask[: int(mask.sum())].all()) else pack_mask(mask) for mask in stay]
    return replace(plan, rows=tuple(others) if any(others) else ())


def _keep_inputs(scores: Tensor, spec: ModelSpec, keep: float) -> tuple[str, ...]:
    """Names of the inputs with the highest `scores` [inputs], at least one field among them."""
    scores = scores.clone()
    fields = scores[: len(spec.fields)]
    fields[fields.argmax()] = torch.inf
    fixed = int(torch.isinf(scores).sum())
    kept = max(fixed, allocation.at_least_one(len(scores), keep))
    return tuple(spec.inputs[place] for place in top_units(scores, kept))


def _linear_layers(scores: Tensor, model: Recommender, keep: float) -> tuple[int, ...]:
    """Hidden layers to make linear, those of the lowest `scores` [layers]; each tower keeps one."""
    may = groups_of(model).may_be_linear()
    left = [len(tower.activations) for tower in model.towers]
    tower_of = [t for t, tower in enumerate(model.towers) for _ in tower.activations]
    spare = len(may) - allocation.at_least_one(len(may), keep)
    chosen: list[int] = []
    for place in torch.argsort(scores, stable=True).tolist():
        if len(chosen) < spare and may[place] and left[tower_of[place]] > 1:
            left[tower_of[place]] -= 1
            chosen.append(place)
    return tuple(sorted(chosen))


def _keep_neurons(scores: Scores, keeps: Keeps, model: Recommender) -> PruningPlan:
    neurons = tuple(top_units(group, kept) for group, kept in zip(scores, keeps, strict=True))
    return replace(PruningPlan.of_everything(model.spec), neurons=neurons)


def _keep_weights(scores: Scores, keeps: Keeps, model: Recommender) -> PruningPlan:
    """Masks of the best weights that are not 0 already; `scores` [outputs, inputs] a layer."""
    masks = []
    for group, kept, nonzero in zip(scores, keeps, nonzero_masks(model), strict=True):
        flat = torch.where(nonzero, group, -torch.inf).flatten()
        mask_ = torch.zeros(len(flat), dtype=torch.bool)
        mask_[torch.argsort(flat, descending=True, stable=True)[:kept]] = True
        masks.append(pack_mask(mask_ & nonzero.flatten()))
    return replace(PruningPlan.of_everything(model.spec), weights=tuple(masks))


def _allocate(
    step: Step, keep: float, scores: Scores, model: Recommender, calibration: CalibrationData
) -> Keeps:
    """Units kept of each group, by the step's allocation: uniform, but for weights global."""
    kind = step.allocation or ("global" if step.granularity == "weight" else "uniform")
    flat = [group.flatten() for group in scores]
    if kind == "uniform":
        return allocation.uniform(flat, keep)
    if kind == "global":
        return allocation.globally(flat, keep)
    readers = linears(model) if step.granularity == "weight" else hidden_layers(model)
    if kind == "erk":
        shapes = [(layer.out_features, layer.in_features) for layer in readers]
        return allocation.erdos_renyi(shapes, [len(group) for group in flat], keep)
    plan = _keep_weights if step.granularity == "weight" else _keep_neurons

    def loss_at(keeps: Keeps) -> float:
        masked = mask(model, plan(scores, keeps, model), calibration)
        return logit_loss(predict(masked, calibration.sample.inputs), calibration.sample.labels)

    return allocation.by_sensitivity(flat, keep, loss_at)
