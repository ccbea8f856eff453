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
from secateur.model.training.metrics import log_loss
from secateur.pruning.cuts import allocation
from secateur.pruning.cuts.allocation import Keeps
from secateur.pruning.cuts.masking import living, mask
from secateur.pruning.importance.criteria import CRITERIA, Scores
from secateur.pruning.importance.neurons import hidden_layers
from secateur.pruning.importance.weights import linears
from secateur.pruning.units.calibration import Evidence
from secateur.pruning.units.masks import pack


def choose(step: Step, model: Recommender, evidence: Evidence) -> PruningPlan:
    """The units that `step` keeps of `model`."""
    return select(step, score(step, model, evidence), model, evidence)


def score(step: Step, model: Recommender, evidence: Evidence) -> Scores:
    """What the units that a step is about are worth."""
    return CRITERIA[step.granularity][step.criterion](model, evidence)


def select(step: Step, scores: Scores, model: Recommender, evidence: Evidence) -> PruningPlan:
    """The units that `step` keeps of `model` where they are worth `scores`."""
    if step.min_count is not None:
        return _rows(scores, step.min_count, model.spec)
    keep = step.keep if step.keep is not None else 1.0
    if step.granularity == "embedding_row":
        return _rows(scores, _least(scores, keep), model.spec)
    if step.granularity == "embedding_dimension":
        return replace(_everything(model), dimensions=best(scores[0], _uniform(scores, keep)[0]))
    if step.granularity == "field":
        return replace(_everything(model), inputs=_inputs(scores[0], model.spec, keep))
    if step.granularity == "layer":
        return replace(_everything(model), linear=_linear(scores[0], model, keep))
    plan = _weights if step.granularity == "weight" else _neurons
    return plan(scores, _allot(step, keep, scores, model, evidence), model)


def heights_at(evidence: Evidence, rows: Sequence[int], min_count: float) -> tuple[int, ...]:
    """Rows a block, with OOV, when values seen less than `min_count` times go."""
    return tuple(
        height if counts is None else 1 + int((counts[:-1] >= min_count).sum())
        for counts, height in zip(evidence.counts, rows, strict=True)
    )


def with_heights(spec: ModelSpec, heights: tuple[int, ...]) -> PruningPlan:
    """The plan that cuts the table's blocks to these heights and keeps all else."""
    return replace(PruningPlan.of_everything(spec), heights=heights)


def best(scores: Tensor, kept: int) -> tuple[int, ...]:
    """Indices of the `kept` units with the highest scores, in order; of equals the first."""
    order = torch.argsort(scores, descending=True, stable=True)
    return tuple(sorted(order[:kept].tolist()))


def _least(scores: Scores, keep: float) -> float:
    """The lowest score of the share `keep` of all rows; blocks without counts stay whole."""
    every = torch.cat([group for group in scores if not torch.isinf(group).any()])
    count = allocation.at_least_one(len(every), keep)
    return float(every.sort(descending=True).values[count - 1])


def _rows(scores: Scores, lowest: float, spec: ModelSpec) -> PruningPlan:
    """Of all blocks the rows of at least the `lowest` score."""
    stay = [group >= lowest for group in scores]
    plan = with_heights(spec, tuple(1 + int(mask.sum()) for mask in stay))
    others = ["" if bool(mask[: int(mask.sum())].all()) else pack(mask) for mask in stay]
    return replace(plan, rows=tuple(others) if any(others) else ())


def _inputs(scores: Tensor, spec: ModelSpec, keep: float) -> tuple[str, ...]:
    """Names of the best inputs; one field at least is among them, for a row to have ids."""
    scores = scores.clone()
    fields = scores[: len(spec.fields)]
    fields[fields.argmax()] = torch.inf
    fixed = int(torch.isinf(scores).sum())
    kept = max(fixed, allocation.at_least_one(len(scores), keep))
    return tuple(spec.inputs[place] for place in best(scores, kept))


def _linear(scores: Tensor, model: Recommender, keep: float) -> tuple[int, ...]:
    """Hidden layers to make linear, the most linear first; each tower keeps one."""
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


def _neurons(scores: Scores, keeps: Keeps, model: Recommender) -> PruningPlan:
    neurons = tuple(best(group, kept) for group, kept in zip(scores, keeps, strict=True))
    return replace(_everything(model), neurons=neurons)


def _weights(scores: Scores, keeps: Keeps, model: Recommender) -> PruningPlan:
    """Masks of the best weights among those that are not 0 already."""
    masks = []
    for group, kept, alive in zip(scores, keeps, living(model), strict=True):
        flat = torch.where(alive, group, -torch.inf).flatten()
        mask_ = torch.zeros(len(flat), dtype=torch.bool)
        mask_[torch.argsort(flat, descending=True, stable=True)[:kept]] = True
        masks.append(pack(mask_ & alive.flatten()))
    return replace(_everything(model), weights=tuple(masks))


def _allot(
    step: Step, keep: float, scores: Scores, model: Recommender, evidence: Evidence
) -> Keeps:
    """Units kept a group, by the step's allocation: neurons uniform, weights global by default."""
    kind = step.allocation or ("global" if step.granularity == "weight" else "uniform")
    flat = [group.flatten() for group in scores]
    if kind == "uniform":
        return _uniform(flat, keep)
    if kind == "global":
        return allocation.globally(flat, keep)
    readers = linears(model) if step.granularity == "weight" else hidden_layers(model)
    if kind == "erk":
        shapes = [(layer.out_features, layer.in_features) for layer in readers]
        return allocation.erdos_renyi(shapes, [len(group) for group in flat], keep)
    plan = _weights if step.granularity == "weight" else _neurons

    def loss_at(keeps: Keeps) -> float:
        masked = mask(model, plan(scores, keeps, model), evidence)
        return log_loss(predict(masked, evidence.sample.inputs), evidence.sample.labels)

    return allocation.by_sensitivity(flat, keep, loss_at)


def _uniform(scores: Sequence[Tensor], keep: float) -> Keeps:
    return allocation.uniform(scores, keep)


def _everything(model: Recommender) -> PruningPlan:
    return PruningPlan.of_everything(model.spec)
