"""Which bits a recipe may ask for, and quantization-aware training of a model's table rows."""

from collections.abc import Iterator
from dataclasses import replace

from secateur.contracts.candidates import Recipe
from secateur.contracts.models import ModelSpec, TrainingCurve
from secateur.model.architectures.fake_quantization import FakeQuantization
from secateur.model.architectures.recommender import Recommender
from secateur.model.training.train import distill
from secateur.pruning.recipes.pruning_context import PruningContext


def wrong_bits(recipe: Recipe, spec: ModelSpec) -> Iterator[str]:
    """What is wrong with a recipe's bits for a dense model of `spec`."""
    in_floats = recipe.embedding_bits == 32
    if recipe.tower_bits != 32 and in_floats:
        yield "a tower of integers reads table rows of integers"
    if (recipe.rare_bits is None) != (recipe.rare_count == 0):
        yield "rare_bits and rare_count go together"
    if recipe.rare_bits is not None and not recipe.rare_bits < recipe.embedding_bits < 32:
        yield "rare_bits are fewer than embedding_bits, which are those of integers"
    if recipe.rounded_epochs > 0 and in_floats:
        yield "float rows are not rounded"
    if recipe.product_parts:
        dim = recipe.student.embedding_dim if recipe.student else spec.embedding_dim
        if not 0 < recipe.product_parts <= dim:
            yield f"embeddings of {dim} have no {recipe.product_parts} parts"
        if in_floats or recipe.rare_bits is not None or recipe.rounded_epochs > 0:
            yield "codes of product_parts have 8 bits or fewer, all rows the same, and none learns"


def train_with_fake_quantization(
    recipe: Recipe, model: Recommender, context: PruningContext
) -> TrainingCurve:
    """Distill into `model` in place while its table rows are rounded, and leave them rounded.

    `context` is that for the model as it is.
    """
    calibration = context.calibration
    frequent = [
        height if counts is None else int((counts[:-1] >= recipe.rare_count).sum())
        for counts, height in zip(calibration.counts, model.spec.rows, strict=True)
    ]
    quantization = FakeQuantization(model.spec, model.embedding.weight, frequent, recipe.levels)
    model.fake_quantization = quantization
    epochs, holdout = recipe.rounded_epochs, calibration.holdout
    curve = distill(model, context.train, holdout, context.training_context, epochs)
    model.fake_quantization = None
    quantization.to("cpu").quantize_table(model.embedding.weight)
    return curve


def concatenate_curves(first: TrainingCurve, second: TrainingCurve) -> TrainingCurve:
    """The curve of two trainings, of which the second went on from the model of the first."""
    samples = first.evaluations[-1].samples if first.evaluations else 0
    later = (replace(one, samples=one.samples + samples) for one in second.evaluations)
    return TrainingCurve((*first.evaluations, *later), len(first.evaluations) + second.best)
