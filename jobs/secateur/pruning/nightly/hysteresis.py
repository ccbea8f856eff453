"""Hysteresis: cuts that follow those of the last accepted night, as `[repruning]` says.

Scores of two nights are compared as shares of their sum, but for counts, and blended into an
exponential mean over the nights. A unit kept last night is dropped only for one whose score is
higher by the hysteresis, and at most the share `max_churn` of the kept units are newcomers. Where
that would keep units of too low scores tonight, the world has changed, and the cut is made anew.
Rows come freely: a value that is new today is what a recommender must know tomorrow.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from secateur.contracts.candidates import Granularity, Step
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.pruning.cuts.selection import importance_scores, select_units
from secateur.pruning.importance.criteria import Scores
from secateur.pruning.units.calibration import CalibrationData
from secateur.pruning.units.masks import unpack_mask
from secateur.pruning.units.origins import DenseUnits, Origins
from secateur.pruning.units.table_rows import kept_rows
from secateur.scenario.sections.repruning import Repruning

log = logging.getLogger("secateur.pruning")


@dataclass(frozen=True, eq=False)
class Cut:
    """Scores and kept units of one cut, one tensor [units] for each group of the dense model.

    `scores` are float32, NaN where an earlier cut took the unit; `kept` are bool.
    """

    granularity: Granularity
    scores: tuple[Tensor, ...]
    kept: tuple[Tensor, ...]


@dataclass(eq=False)
class Hysteresis:
    """Chooses the cuts of one recipe by tonight's scores and by the previous night's cuts.

    Both `previous` and tonight's `cuts` are by number of the cut. Cuts of units that have no
    counterpart in the dense model are left out.
    """

    settings: Repruning
    dense: ModelSpec
    previous: Mapping[int, Cut]
    cuts: dict[int, Cut] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._origins = Origins(self.dense)

    def choose_units(
        self, number: int, step: Step, model: Recommender, calibration: CalibrationData
    ) -> PruningPlan:
        """The units that `step`, the recipe's cut of this number, keeps of `model`."""
        tonight = tuple(one.detach() for one in importance_scores(step, model, calibration))
        dense_units = self._origins.of(step.granularity, len(tonight))
        if dense_units is None:
            return select_units(step, tonight, model, calibration)
        if step.min_count is None:
            tonight = normalize_scores(tonight)
        scores, plan = tonight, select_units(step, tonight, model, calibration)
        last = self.previous.get(number)
        if last is not None and last.granularity == step.granularity:
            earlier = [last.scores[group][where] for group, where in dense_units]
            stayed = [last.kept[group][where] for group, where in dense_units]
            scores = blend_scores(scores, earlier, self.settings.decay)
            held = self._select_with_hysteresis(step, scores, stayed, model, calibration)
            plan = held if self._is_as_good(step, held, plan, tonight, model.spec) else plan
        kept = kept_masks(plan, step.granularity, model.spec, scores)
        self.cuts[number] = _in_dense_model(step.granularity, scores, kept, dense_units, self.dense)
        return plan

    def follow(self, plan: PruningPlan, larger: ModelSpec, smaller: ModelSpec) -> None:
        """Follow a cut by `plan`, from one model's shapes to the other's."""
        self._origins.follow(plan, larger, smaller)

    def _is_as_good(
        self,
        step: Step,
        held: PruningPlan,
        free: PruningPlan,
        tonight: Scores,
        spec: ModelSpec,
    ) -> bool:
        """Whether `held` keeps nearly the sum of tonight's scores [units] that `free` does."""
        if step.granularity == "embedding_row":
            return True
        own, most = (
            _kept_score(tonight, kept_masks(plan, step.granularity, spec, tonight))
            for plan in (held, free)
        )
        if own >= (1 - self.settings.max_loss) * most:
            return True
        words = "the %ss kept last night score %.1f %% less than the best tonight: cut anew"
        log.info(words, step.granularity.replace("_", " "), 100 * (1 - own / most))
        return False

    def _select_with_hysteresis(
        self,
        step: Step,
        scores: Scores,
        last: Sequence[Tensor],
        model: Recommender,
        calibration: CalibrationData,
    ) -> PruningPlan:
        """Select by scores [units], in favour of the units kept last night, bool [units]."""
        better = [one + self.settings.hysteresis * one.abs() for one in scores]
        scores = tuple(
            torch.where(kept, up, one) for up, one, kept in zip(better, scores, last, strict=True)
        )
        plan = select_units(step, scores, model, calibration)
        if step.granularity == "embedding_row":
            return plan
        kept = kept_masks(plan, step.granularity, model.spec, scores)
        new = [now & ~then for now, then in zip(kept, last, strict=True)]
        every = sum(int(one.sum()) for one in kept)
        room = max(
            math.ceil(self.settings.max_churn * every), every - sum(int(one.sum()) for one in last)
        )
        if sum(int(one.sum()) for one in new) <= room:
            return plan
        return select_units(step, _limit_newcomers(scores, new, last, room), model, calibration)


def normalize_scores(scores: Scores) -> Scores:
    """Scores [units] a group as shares of the sum of all their absolute values; inf stays inf."""
    total = sum(float(one[one.isfinite()].abs().sum()) for one in scores)
    return tuple(one / total for one in scores) if total else scores


def blend_scores(tonight: Scores, earlier: Sequence[Tensor], decay: float) -> Scores:
    """Tonight's scores [units] a group, and by the weight `decay` earlier ones where not NaN."""
    return tuple(
        torch.where(then.isfinite(), (1 - decay) * now + decay * then.to(now.dtype), now)
        for now, then in zip(tonight, earlier, strict=True)
    )


def kept_masks(
    plan: PruningPlan, granularity: Granularity, spec: ModelSpec, like: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """The units that a plan keeps, as bool tensors of the shapes of `like`, [units] a group."""
    if granularity == "weight":
        return tuple(
            unpack_mask(packed, one.shape) for packed, one in zip(plan.weights, like, strict=True)
        )
    if granularity == "embedding_row":
        pairs = zip(kept_rows(plan, spec), like, strict=True)
        return tuple(_mask_at(kept.tolist(), one) for kept, one in pairs)
    if granularity == "neuron":
        return tuple(_mask_at(kept, one) for kept, one in zip(plan.neurons, like, strict=True))
    if granularity == "embedding_dimension":
        return (_mask_at(plan.dimensions, like[0]),)
    if granularity == "layer":
        return (~_mask_at(plan.linear, like[0]),)
    names = {name: place for place, name in enumerate(spec.inputs)}
    return (_mask_at([names[name] for name in plan.inputs], like[0]),)


def _mask_at(units: Sequence[int], like: Tensor) -> Tensor:
    """True at these units, bool of the shape [units] of `like`."""
    found = torch.zeros(like.shape, dtype=torch.bool)
    found[list(units)] = True
    return found


def _kept_score(scores: Scores, kept: Sequence[Tensor]) -> float:
    """The sum of the finite positive scores [units] of what is `kept`, bool [units]."""
    pairs = zip(scores, kept, strict=True)
    return sum(float(one[stays & one.isfinite()].clamp(min=0).sum()) for one, stays in pairs)


def _limit_newcomers(
    scores: Scores, new: Sequence[Tensor], last: Sequence[Tensor], room: int
) -> tuple[Tensor, ...]:
    """Scores [units] a group lowered so that only the best `room` of the new units are selected.

    `new` and `last` are bool [units]: units that would come tonight, and those kept last night.
    """
    every = torch.cat([one.flatten() for one in scores])
    newcomers = torch.cat([one.flatten() for one in new])
    order = torch.where(newcomers, every, -torch.inf).argsort(descending=True, stable=True)
    free = torch.cat([one.flatten() for one in last])
    free[order[:room]] = True
    finite = every[every.isfinite()]
    lower = torch.where(free, every, every - (finite.max() - finite.min() + 1))
    sizes = [one.numel() for one in scores]
    parts = torch.split(lower, sizes)
    return tuple(part.view(one.shape) for part, one in zip(parts, scores, strict=True))


def _in_dense_model(
    granularity: Granularity,
    scores: Scores,
    kept: Sequence[Tensor],
    dense_units: Sequence[DenseUnits],
    dense: ModelSpec,
) -> Cut:
    """The Cut with `scores` and `kept` [units] of the cut model, as units of the dense one."""
    shapes = _shapes(granularity, dense) or [one.shape for one in scores]
    all_scores = [torch.full(tuple(shape), torch.nan) for shape in shapes]
    all_kept = [torch.zeros(tuple(shape), dtype=torch.bool) for shape in shapes]
    for (group, where), values, stays in zip(dense_units, scores, kept, strict=True):
        all_scores[group][where] = values.float()
        all_kept[group][where] = stays
    return Cut(granularity, tuple(all_scores), tuple(all_kept))


def _shapes(granularity: Granularity, dense: ModelSpec) -> list[tuple[int, ...]]:
    """Shapes of the dense model's groups of units; none for single weights."""
    widths = (*dense.hidden, *dense.second)
    known: dict[Granularity, list[tuple[int, ...]]] = {
        "neuron": [(width,) for width in widths],
        "layer": [(len(widths),)],
        "embedding_dimension": [(dense.embedding_dim,)],
        "field": [(len(dense.inputs),)],
        "embedding_row": [(rows - 1,) for rows in dense.rows],
    }
    return known.get(granularity, [])


def overlap(first: Cut, second: Cut) -> float:
    """Jaccard index of the kept units; 1 where neither cut keeps any."""
    pairs = [*zip(first.kept, second.kept, strict=True)]
    both = sum(int((a & b).sum()) for a, b in pairs)
    either = sum(int((a | b).sum()) for a, b in pairs)
    return both / either if either else 1.0


def overlaps(previous: Mapping[int, Cut], now: Mapping[int, Cut]) -> dict[str, float]:
    """The overlap of the last cuts of each granularity, where both nights have some.

    Rows are left out: last night's are known as far as tonight's vocabulary has them.
    """
    found = {}
    for number in sorted(previous.keys() & now.keys()):
        then, tonight = previous[number], now[number]
        if then.granularity == tonight.granularity != "embedding_row":
            found[str(then.granularity)] = overlap(then, tonight)
    return found
