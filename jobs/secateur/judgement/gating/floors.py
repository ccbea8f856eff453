"""What the dense model itself must be worth: a prune of a broken model proves nothing.

No key is needed for it: a model must rank better than chance, and must say more than the base rate
does, by the same bounds that a candidate is held to.
"""

from secateur.contracts.features import HELD_OUT
from secateur.contracts.judgement import Scorecard
from secateur.judgement.gating.non_inferiority import constant
from secateur.judgement.intervals.bounds import bounds

CHANCE, BASE_RATE = 0.5, 1.0


def broken_floors(card: Scorecard, confidence: float) -> list[str]:
    """One sentence for each floor below which the dense model lies, on either of the splits."""
    return [said for split in HELD_OUT for said in _on_split(card, split, confidence)]


def _on_split(card: Scorecard, split: str, confidence: float) -> list[str]:
    if constant(card.dense_accuracy.get(split)):
        return [f"it gives every row of the {split} days the same score"]
    said = []
    ranking = card.dense_levels.get("auc", {}).get(split)
    entropy = card.dense_levels.get("normalized_entropy", {}).get(split)
    if ranking is None or entropy is None:
        return [f"its AUC on the {split} days is not known: they hold one class only"]
    auc, loss = bounds(ranking, confidence), bounds(entropy, confidence)
    if auc.low <= CHANCE:
        said.append(
            f"its AUC on the {split} days is {auc.estimate:.4f}, lower bound {auc.low:.4f}, "
            f"which is not above chance"
        )
    if loss.high >= BASE_RATE:
        said.append(
            f"its normalised entropy on the {split} days is {loss.estimate:.4f}, upper bound "
            f"{loss.high:.4f}: the base rate alone may tell as much"
        )
    return said
