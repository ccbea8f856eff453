"""Which days train, which choose among candidates, which confirm the choice."""

from collections.abc import Sequence

from secateur.contracts.errors import Refused
from secateur.contracts.features import SPLITS
from secateur.scenario import Features


def split_days(days: Sequence[str], features: Features) -> dict[str, tuple[str, ...]]:
    """The days of each split: the last ones confirm, those before them tune, the rest train.

    Raises Refused where no day is left to train on.
    """
    ordered = sorted(days)
    tune_from = len(ordered) - features.tune_days - features.confirm_days
    confirm_from = len(ordered) - features.confirm_days
    if tune_from < 1:
        raise Refused(
            f"{len(ordered)} days leave none to train on: "
            f"{features.tune_days} tune and {features.confirm_days} confirm"
        )
    parts = (ordered[:tune_from], ordered[tune_from:confirm_from], ordered[confirm_from:])
    return {split: tuple(part) for split, part in zip(SPLITS, parts, strict=True)}
