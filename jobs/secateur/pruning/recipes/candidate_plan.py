"""Whether recipes make sense for a dense model, and the plan of those that do."""

from collections.abc import Iterator, Sequence

from secateur.contracts.candidates import DENSE, CandidatePlan, Recipe, Step, Student
from secateur.contracts.errors import ScenarioError, UsageError
from secateur.contracts.models import ModelSpec
from secateur.pruning.importance.criteria import CRITERIA
from secateur.pruning.recipes.quantization_aware import wrong_bits

ALLOCATED = ("weight", "neuron")  # granularities whose groups may keep different shares


def make_plan(subject: str, spec: ModelSpec, recipes: Sequence[Recipe]) -> CandidatePlan:
    """Check every recipe against the dense model `subject`. Raises ScenarioError."""
    for recipe in recipes:
        wrong = [*_wrong_recipe(recipe, spec)]
        if wrong:
            raise ScenarioError(f"candidate {recipe.name}: {'; '.join(wrong)}")
    return CandidatePlan(subject, tuple(recipes))


def recipe_named(candidates: CandidatePlan, name: str) -> Recipe:
    """The plan's recipe of that name, or the baseline. Raises UsageError."""
    known = {recipe.name: recipe for recipe in candidates.recipes} | {DENSE: Recipe(DENSE)}
    if name not in known:
        raise UsageError(f"the plan has no recipe {name!r}, it has {sorted(known)}")
    return known[name]


def _wrong_recipe(recipe: Recipe, spec: ModelSpec) -> Iterator[str]:
    for step in recipe.steps:
        yield from _wrong_step(step, spec)
    if recipe.student is not None:
        yield from _wrong_student(recipe, recipe.student, spec)
    elif recipe.repair_epochs > 0 and not recipe.steps:
        yield "there is nothing to repair without a step"
    if recipe.repair_epochs < 0:
        yield "repair_epochs is negative"
    if recipe.start == "untrained" and not recipe.repair_epochs:
        yield "an untrained model learns nothing in 0 repair_epochs"
    if any(step.rounds > 1 for step in recipe.steps) and not recipe.repair_epochs:
        yield "there are no repair_epochs for the rounds to share"
    yield from wrong_bits(recipe, spec)


def _wrong_student(recipe: Recipe, student: Student, spec: ModelSpec) -> Iterator[str]:
    if recipe.steps:
        yield "a student takes no steps"
    if not recipe.repair_epochs:
        yield "a student learns nothing in 0 repair_epochs"
    unknown = sorted(set(student.inputs) - set(spec.inputs))
    if unknown:
        yield f"the student reads {unknown}, which the dense model does not"
    alike = bool(student.hidden) == bool(spec.hidden)
    if not alike or bool(student.embedding_dim) != bool(spec.embedding_dim):
        yield f"the student has not the parts of {spec.architecture}"


def _wrong_step(step: Step, spec: ModelSpec) -> Iterator[str]:
    known = tuple(CRITERIA[step.granularity])
    if step.criterion not in known:
        yield f"{step.granularity} knows {known}, not {step.criterion}"
    if step.min_count is not None and step.granularity != "embedding_row":
        yield f"min_count is for embedding_row, not {step.granularity}"
    if step.min_count is not None and step.criterion != "frequency":
        yield f"min_count is a frequency, not {step.criterion}"
    if (step.keep is None) == (step.min_count is None):
        yield f"{step.granularity} needs keep, or min_count for rows, and not both"
    if step.allocation is not None and step.granularity not in ALLOCATED:
        yield f"allocation is for {' and '.join(ALLOCATED)}, not {step.granularity}"
    yield from _wrong_schedule(step)
    yield from _wrong_share(step, spec)


def _wrong_schedule(step: Step) -> Iterator[str]:
    if (step.schedule == "one_shot") != (step.rounds == 1):
        yield f"{step.schedule} goes not with {step.rounds} rounds"
    if step.schedule == "rigl" and step.granularity != "weight":
        yield f"rigl regrows weights, not {step.granularity}"
    if step.schedule != "one_shot" and step.keep is None:
        yield f"{step.schedule} needs keep"


def _wrong_share(step: Step, spec: ModelSpec) -> Iterator[str]:
    """What is wrong with the share that a step keeps of the model's units."""
    if step.keep is None:
        return
    widths = (*spec.hidden, *spec.second)
    units = {
        "neuron": min(widths, default=0),
        "layer": len(widths),
        "embedding_dimension": spec.embedding_dim,
        "field": len(spec.inputs),
    }
    if not spec.hidden:
        units["weight"] = 0
    if not 0 < step.keep < 1:
        yield f"{step.granularity}: keep {step.keep} is not within 0..1"
    elif step.keep * units.get(step.granularity, 1 << 30) < 0.5:
        yield f"{step.granularity}: keep {step.keep} leaves no unit of {units[step.granularity]}"
