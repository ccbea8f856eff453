"""Let a model get used to the few bits that its rows will be stored in."""

from dataclasses import replace

from secateur.contracts.candidates import Recipe
from secateur.contracts.models import TrainingCurve
from secateur.model.batches import Split
from secateur.model.recommender import Recommender
from secateur.model.rounding import Rounding
from secateur.model.training import distill
from secateur.pruning.evidence import Evidence
from secateur.scenario import Training


def learn_rounded(
    recipe: Recipe,
    model: Recommender,
    rows: tuple[Split, Evidence],
    training: Training,
    seed: int,
) -> TrainingCurve:
    """Distil `model` in place with its rows rounded as the recipe stores them, and leave them so.

    `rows` are those to learn from, guided by a teacher, and the evidence for this model.
    """
    train, evidence = rows
    frequent = [
        height if counts is None else int((counts[:-1] >= recipe.rare_count).sum())
        for counts, height in zip(evidence.counts, model.spec.rows, strict=True)
    ]
    rounding = Rounding(model.spec, model.embedding.weight, frequent, recipe.levels)
    model.rounding = rounding
    epochs = recipe.rounded_epochs
    curve = distill(model, train, evidence.holdout, training, epochs, seed)
    model.rounding = None
    rounding.to("cpu").settle(model.embedding.weight)
    return curve


def joined(first: TrainingCurve, second: TrainingCurve) -> TrainingCurve:
    """The curve of a training after another, whose model it went on from."""
    before = first.evaluations[-1].samples if first.evaluations else 0
    later = (replace(one, samples=one.samples + before) for one in second.evaluations)
    return TrainingCurve((*first.evaluations, *later), len(first.evaluations) + second.best)
