"""What training with differential privacy cannot have: anything by which one row meets another."""

from collections.abc import Iterator, Sequence

from secateur.contracts.candidates import Recipe
from secateur.model.training_settings import Training
from secateur.scenario.explaining.mistakes import Mistake


def private_rows_stand_apart(training: Training) -> Iterator[Mistake]:
    """The settings that would let a row's gradient escape its cut, or its noise."""
    if training.privacy is None:
        return
    faults = {
        "architecture": (training.pools_by_weights, "has weights inside of its lists"),
        "batch_norm": (training.batch_norm, "mixes the rows of a batch"),
        "embedding_l2": (training.embedding_l2 > 0, "tells which values a batch holds"),
        "precision": (training.precision != "fp32", "is not exact enough to cut a gradient by"),
        "embedding_optimizer": (
            training.embedding_optimizer not in ("auto", "adam"),
            "leaves rows without noise that no event read; adam and auto move all",
        ),
    }
    for key, (is_fault, why) in faults.items():
        if is_fault:
            yield Mistake(("training", key), f"{why}, which training.privacy does not allow")


def private_candidates_learn_no_rounding(
    training: Training, candidates: Sequence[Recipe]
) -> Iterator[Mistake]:
    """The steps that rows are rounded by are learned from all of a batch at once."""
    if training.privacy is None:
        return
    for number, recipe in enumerate(candidates):
        if recipe.rounded_epochs:
            message = "learns how rows are rounded, which training.privacy does not allow"
            yield Mistake(("candidates", number, "rounded_epochs"), message)
