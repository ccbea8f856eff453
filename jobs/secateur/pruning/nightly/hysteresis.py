"""Cuts that hold to those of the night before, as far as the scenario's `repruning` says.

Scores of two nights are compared as shares of their sum, but for counts. What is remembered is an
exponential mean over the nights; a unit kept last night leaves only for one that is worth the
hysteresis more; and where too many would come at once, only the best of them do. Where all this
would keep what is worth too little tonight, the world has changed: the cut is then made anew. Rows
come freely: a value that is new today is what a recommender must know tomorrow.
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
from secateur.pruning.cuts.selection import score, select
from secateur.pruning.importance.criteria import Scores
from secateur.pruning.units.calibration import Evidence
from secateur.pruning.units.masks import unpack
from secateur.pruning.units.origins import Origins, Place
from secateur.pruning.units.rows import kept_rows
from secateur.scenario.sections.repruning import Repruning

log = logging.getLogger("secateur.pruning")


@dataclass(frozen=True, eq=False)
class Cut:
    """What one cut saw and kept, by place in the dense model, a tensor a group of units.

    `scores` are float32, nan where there was no such unit any more; `kept` are bool.
    """

    granularity: Granularity
    scores: tuple[Tensor, ...]
    kept: tuple[Tensor, ...]


@dataclass(eq=False)
class Steady:
    """Chooses the cuts of one recipe with those of the night before in mind, where it has them.

    `cuts` are tonight's by number, without those whose units have no place in the dense model.
    """

    wanted: Repruning
    dense: ModelSpec
    before: Mapping[int, Cut]
    cuts: dict[int, Cut] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._origins = Origins(self.dense)

    def choose(
        self, number: int, step: Step, model: Recommender, evidence: Evidence
    ) -> PruningPlan:
        """The units that `step`, the recipe's cut of this number, keeps of `model`."""
        tonight = tuple(one.detach() for one in score(step, model, evidence))
        places = self._origins.of(step.granularity, len(tonight))
        if places is None:
            return select(step, tonight, model, evidence)
        if step.min_count is None:
            tonight = shares(tonight)
        scores, plan = tonight, select(step, tonight, model, evidence)
        last = self.before.get(number)
        if last is not None and last.granularity == step.granularity:
            scores = blended(scores, _local(last.scores, places), self.wanted.decay)
            held = self._held(step, scores, _local(last.kept, places), model, evidence)
            plan = held if self._is_as_good(step, held, plan, tonight, model.spec) else plan
        kept = units(plan, step.granularity, model.spec, scores)
        self.cuts[number] = _spread(step.granularity, scores, kept, places, self.dense)
        return plan

    def follow(self, plan: PruningPlan, larger: ModelSpec, smaller: ModelSpec) -> None:
        """The model is cut by `plan` from one shape to the other."""
        self._origins.follow(plan, larger, smaller)

    def _is_as_good(
        self,
        step: Step,
        held: PruningPlan,
        free: PruningPlan,
        tonight: Scores,
        spec: ModelSpec,
    ) -> bool:
        """Whether what `held` keeps is nearly worth what `free` keeps, as tonight has it."""
        if step.granularity == "embedding_row":
            return True
        kept = (units(plan, step.granularity, spec, tonight) for plan in (held, free))
        own, most = (_worth(tonight, one) for one in kept)
        if own >= (1 - self.wanted.max_loss) * most:
            return True
        said = "what last night kept of the %ss is worth %.1f %% less than the best: cut anew"
        log.info(said, step.granularity.replace("_", " "), 100 * (1 - own / most))
        return False

    def _held(
        self,
        step: Step,
        scores: Scores,
        last: Sequence[Tensor],
        model: Recommender,
        evidence: Evidence,
    ) -> PruningPlan:
        """Select by scores, for those of `last` and against too many others."""
        better = [one + self.wanted.hysteresis * one.abs() for one in scores]
        scores = tuple(
            torch.where(kept, up, one) for up, one, kept in zip(better, scores, last, strict=True)
        )
        plan = select(step, scores, model, evidence)
        if step.granularity == "embedding_row":
            return plan
        kept = units(plan, step.granularity, model.spec, scores)
        new = [now & ~then for now, then in zip(kept, last, strict=True)]
        every = sum(int(one.sum()) for one in kept)
        room = max(
            math.ceil(self.wanted.max_churn * every), every - sum(int(one.sum()) for one in last)
        )
        if sum(int(one.sum()) for one in new) <= room:
            return plan
        return select(step, _barred(scores, new, last, room), model, evidence)


def shares(scores: Scores) -> Scores:
    """Scores as shares of the sum of their sizes; infinite ones, of units that stay, stay so."""
    total = sum(float(one[one.isfinite()].abs().sum()) for one in scores)
    return tuple(one / total for one in scores) if total else scores


def blended(tonight: Scores, earlier: Sequence[Tensor], decay: float) -> Scores:
    """Scores of tonight and, by the weight `decay`, earlier ones, nan where there are none."""
    return tuple(
        torch.where(then.isfinite(), (1 - decay) * now + decay * then.to(now.dtype), now)
        for now, then in zip(tonight, earlier, strict=True)
    )


def units(
    plan: PruningPlan, granularity: Granularity, spec: ModelSpec, like: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    """What a plan keeps as bool tensors, of the shapes of `like`."""
    if granularity == "weight":
        return tuple(
            unpack(packed, one.shape) for packed, one in zip(plan.weights, like, strict=True)
        )
    if granularity == "embedding_row":
        pairs = zip(kept_rows(plan, spec), like, strict=True)
        return tuple(_chosen(kept.tolist(), one) for kept, one in pairs)
    if granularity == "neuron":
        return tuple(_chosen(kept, one) for kept, one in zip(plan.neurons, like, strict=True))
    if granularity == "embedding_dimension":
        return (_chosen(plan.dimensions, like[0]),)
    if granularity == "layer":
        return (~_chosen(plan.linear, like[0]),)
    names = {name: place for place, name in enumerate(spec.inputs)}
    return (_chosen([names[name] for name in plan.inputs], like[0]),)


def _chosen(places: Sequence[int], like: Tensor) -> Tensor:
    found = torch.zeros(like.shape, dtype=torch.bool)
    found[list(places)] = True
    return found


def _worth(scores: Scores, kept: Sequence[Tensor]) -> float:
    """The sum of the scores of what is kept, without infinite ones and those below 0."""
    pairs = zip(scores, kept, strict=True)
    return sum(float(one[stays & one.isfinite()].clamp(min=0).sum()) for one, stays in pairs)


def _barred(
    scores: Scores, new: Sequence[Tensor], last: Sequence[Tensor], room: int
) -> tuple[Tensor, ...]:
    """Scores by which of the units that were not kept the best `room` of the new come, at most."""
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


def _local(groups: Sequence[Tensor], places: Sequence[Place]) -> list[Tensor]:
    """Of tensors by place in the dense model, what the model still has."""
    return [groups[group][where] for group, where in places]


def _spread(
    granularity: Granularity,
    scores: Scores,
    kept: Sequence[Tensor],
    places: Sequence[Place],
    dense: ModelSpec,
) -> Cut:
    """What a cut of a model that may be cut already saw and kept, by place in the dense one."""
    shapes = _shapes(granularity, dense) or [one.shape for one in scores]
    all_scores = [torch.full(tuple(shape), torch.nan) for shape in shapes]
    all_kept = [torch.zeros(tuple(shape), dtype=torch.bool) for shape in shapes]
    for (group, where), worth, stays in zip(places, scores, kept, strict=True):
        all_scores[group][where] = worth.float()
        all_kept[group][where] = stays
    return Cut(granularity, tuple(all_scores), tuple(all_kept))


def _shapes(granularity: Granularity, dense: ModelSpec) -> list[tuple[int, ...]]:
    """Shapes of the dense model's groups of units; none for weights, which are whole."""
    widths = (*dense.hidden, *dense.second)
    known: dict[Granularity, list[tuple[int, ...]]] = {
        "neuron": [(width,) for width in widths],
        "layer": [(len(widths),)],
        "embedding_dimension": [(dense.embedding_dim,)],
        "field": [(len(dense.inputs),)],
        "embedding_row": [(rows - 1,) for rows in dense.rows],
    }
    return known.get(granularity, [])


def overlap(before: Cut, now: Cut) -> float:
    """Units kept by both cuts of those kept by either; 1 where neither keeps any."""
    pairs = [*zip(before.kept, now.kept, strict=True)]
    both = sum(int((a & b).sum()) for a, b in pairs)
    either = sum(int((a | b).sum()) for a, b in pairs)
    return both / either if either else 1.0


def overlaps(before: Mapping[int, Cut], now: Mapping[int, Cut]) -> dict[str, float]:
    """By granularity, how alike the last cuts of it are, where both nights have some.

    Rows are left out: last night's are known as far as tonight's vocabulary has them.
    """
    found = {}
    for number in sorted(before.keys() & now.keys()):
        then, tonight = before[number], now[number]
        if then.granularity == tonight.granularity != "embedding_row":
            found[str(then.granularity)] = overlap(then, tonight)
    return found
