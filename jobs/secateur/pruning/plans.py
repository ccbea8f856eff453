"""Which recipes make sense for a dense model, and which units a step keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from secateur.contracts.candidates import DENSE, CandidatePlan, Recipe, Step, Student
from secateur.contracts.errors import ScenarioError, UsageError
from secateur.contracts.models import ModelSpec
from secateur.model.recommender import Recommender
from secateur.pruning import criteria
from secateur.pruning.evidence import Evidence

CRITERIA = {
    "weight": ("magnitude",),
    "neuron": ("l2", "taylor"),
    "embedding_row": ("frequency",),
    "embedding_dimension": ("l2",),
}


@dataclass(frozen=True)
class Cut:
    """What stays: rows a block (the first ones and OOV), dimensions, neurons a hidden layer.

    Those of a second tower follow those of the first.
    """

    heights: tuple[int, ...]
    dimensions: tuple[int, ...]
    neurons: tuple[tuple[int, ...], ...]

    @classmethod
    def of_nothing(cls, spec: ModelSpec) -> "Cut":
        """The cut that keeps every unit."""
        neurons = tuple(tuple(range(width)) for width in (*spec.hidden, *spec.second))
        return cls(spec.rows, tuple(range(spec.embedding_dim)), neurons)


def plan(subject: str, spec: ModelSpec, recipes: Sequence[Recipe]) -> CandidatePlan:
    """Check every recipe against the dense model `subject`. Raises ScenarioError."""
    for recipe in recipes:
        _check(recipe, spec)
    return CandidatePlan(subject, tuple(recipes))


def find(candidates: CandidatePlan, name: str) -> Recipe:
    """The plan's recipe of that name, or the baseline. Raises UsageError."""
    known = {recipe.name: recipe for recipe in candidates.recipes} | {DENSE: Recipe(DENSE)}
    if name not in known:
        raise UsageError(f"the plan has no recipe {name!r}, it has {sorted(known)}")
    return known[name]


def choose(step: Step, model: Recommender, evidence: Evidence) -> Cut:
    """The units that `step` keeps of `model`."""
    everything = Cut.of_nothing(model.spec)
    keep = step.keep if step.keep is not None else 1.0
    if step.granularity == "embedding_row":
        return replace(everything, heights=_heights(step, model.spec, evidence))
    if step.granularity == "embedding_dimension":
        return replace(everything, dimensions=_best(criteria.dimension_l2(model), keep))
    scores = (
        criteria.neuron_taylor(model, evidence.holdout)
        if step.criterion == "taylor"
        else criteria.neuron_l2(model)
    )
    return replace(everything, neurons=tuple(_best(layer, keep) for layer in scores))


def heights_at(evidence: Evidence, rows: Sequence[int], min_count: float) -> tuple[int, ...]:
    """Rows a block, with OOV, when values seen less than `min_count` times go."""
    return tuple(
        height if counts is None else 1 + int((criteria.row_frequency(counts) >= min_count).sum())
        for counts, height in zip(evidence.counts, rows, strict=True)
    )


def _heights(step: Step, spec: ModelSpec, evidence: Evidence) -> tuple[int, ...]:
    if step.min_count is not None:
        return heights_at(evidence, spec.rows, step.min_count)
    seen = np.concatenate([criteria.row_frequency(c) for c in evidence.counts if c is not None])
    kept = _kept(len(seen), step.keep if step.keep is not None else 1.0)
    return heights_at(evidence, spec.rows, float(np.sort(seen)[-kept]))


def _best(scores: Tensor, keep: float) -> tuple[int, ...]:
    """Indices of the share `keep` of units with the highest scores, in order."""
    order = torch.argsort(scores, descending=True, stable=True)
    return tuple(sorted(order[: _kept(len(scores), keep)].tolist()))


def _kept(units: int, keep: float) -> int:
    return max(1, round(keep * units))


def _check(recipe: Recipe, spec: ModelSpec) -> None:
    wrong = [reason for step in recipe.steps if (reason := _wrong_step(step, spec))]
    if recipe.student is not None and recipe.steps:
        wrong.append("a student takes no steps")
    if recipe.student is not None and not recipe.repair_epochs:
        wrong.append("a student learns nothing in 0 repair_epochs")
    if recipe.student is not None and not _is_alike(recipe.student, spec):
        wrong.append(f"the student has not the parts of {spec.architecture}")
    if recipe.repair_epochs > 0 and not recipe.steps and recipe.student is None:
        wrong.append("there is nothing to repair without a step")
    if recipe.repair_epochs < 0:
        wrong.append("repair_epochs is negative")
    if recipe.repair_epochs > 0 and any(step.granularity == "weight" for step in recipe.steps):
        wrong.append("repair would refill the zeros of a weight step")
    if recipe.tower_bits != 32 and recipe.embedding_bits == 32:
        wrong.append("a tower of integers reads table rows of integers")
    if (recipe.rare_bits is None) != (recipe.rare_count == 0):
        wrong.append("rare_bits and rare_count go together")
    if recipe.rare_bits is not None and recipe.rare_bits >= recipe.embedding_bits:
        wrong.append("rare_bits are fewer than embedding_bits")
    if recipe.rare_bits is not None and recipe.embedding_bits == 32:
        wrong.append("float rows have no rare_bits")
    if recipe.rounded_epochs > 0 and recipe.embedding_bits == 32:
        wrong.append("float rows are not rounded")
    if wrong:
        raise ScenarioError(f"candidate {recipe.name}: {'; '.join(wrong)}")


def _is_alike(student: Student, spec: ModelSpec) -> bool:
    """Whether a student has embeddings and a tower exactly where the dense model has."""
    return bool(student.hidden) == bool(spec.hidden) and bool(student.embedding_dim) == bool(
        spec.embedding_dim
    )


def _wrong_step(step: Step, spec: ModelSpec) -> str | None:
    """What is wrong with a step, None when nothing is."""
    if step.criterion not in CRITERIA[step.granularity]:
        return f"{step.granularity} knows {CRITERIA[step.granularity]}, not {step.criterion}"
    if step.min_count is not None and step.granularity != "embedding_row":
        return f"min_count is for embedding_row, not {step.granularity}"
    if (step.keep is None) == (step.min_count is None):
        return f"{step.granularity} needs keep, or min_count for rows, and not both"
    widths = (*spec.hidden, *spec.second)
    units = {"neuron": min(widths, default=0), "embedding_dimension": spec.embedding_dim}
    if not spec.hidden:
        units["weight"] = 0
    if step.keep is not None and not 0 < step.keep < 1:
        return f"{step.granularity}: keep {step.keep} is not within 0..1"
    if step.keep is not None and step.keep * units.get(step.granularity, 1 << 30) < 0.5:
        return f"{step.granularity}: keep {step.keep} leaves no unit of {units[step.granularity]}"
    return None
