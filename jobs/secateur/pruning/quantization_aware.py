"""Which bits a recipe may ask for, and how a model gets used to rows of few."""

from collections.abc import Iterator
from dataclasses import replace

from secateur.contracts.candidates import Recipe
from secateur.contracts.models import ModelSpec, TrainingCurve
from secateur.model.architectures.fake_quantization import FakeQuantization
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.batches import Split
from secateur.model.training.train import distill
from secateur.pruning.units.calibration import Evidence
from secateur.scenario import Training


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


def learn_rounded(
    recipe: Recipe,
    model: Recommender,
    train: Split,
    evidence: Evidence,
    training: Training,
    seed: int,
) -> TrainingCurve:
    """Fit `model` in place to guided rows while its own are rounded, and leave these so.

    `evidence` is that for the model as it is.
    """
    frequent = [
        height if counts is None else int((counts[:-1] >= recipe.rare_count).sum())
        for counts, height in zip(evidence.counts, model.spec.rows, strict=True)
    ]
    rounding = FakeQuantization(model.spec, model.embedding.weight, frequent, recipe.levels)
    model.fake_quantization = rounding
    curve = distill(model, train, evidence.holdout, training, recipe.rounded_epochs, seed)
    model.fake_quantization = None
    rounding.to("cpu").quantize_table(model.embedding.weight)
    return curve


def joined(first: TrainingCurve, second: TrainingCurve) -> TrainingCurve:
    """The curve of a training after another, whose model it went on from."""
    before = first.evaluations[-1].samples if first.evaluations else 0
    later = (replace(one, samples=one.samples + before) for one in second.evaluations)
    return TrainingCurve((*first.evaluations, *later), len(first.evaluations) + second.best)
