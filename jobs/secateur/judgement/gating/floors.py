"""What the dense model itself must be worth: a prune of a broken model proves nothing.

Without any key it must rank better than chance, say more than the base rate does, be no worse than
its baselines and than the last accepted night's, and not be too good to be true. All are held by
the same bounds as a candidate.
"""

import math
from collections.abc import Iterator

from secateur.contracts.features import HELD_OUT
from secateur.contracts.judgement import Difference, Interval, NightLevels, Scorecard
from secateur.contracts.models import Baselines
from secateur.judgement.gating.non_inferiority import constant, scarcity
from secateur.judgement.gating.references import References
from secateur.judgement.intervals.bounds import bounds
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import REPORTED, DenseRules

CHANCE, BASE_RATE = 0.5, 1.0


def broken_floors(card: Scorecard, rules: Judgement, references: References) -> list[str]:
    """One sentence for each floor below which the dense model lies, on either of the splits."""
    return [
        *(said for split in HELD_OUT for said in _on_split(card, split, rules)),
        *_below_baselines(references.baselines, rules),
        *_below_last_night(card, references.last, rules),
    ]


def _on_split(card: Scorecard, split: str, rules: Judgement) -> Iterator[str]:
    if constant(card.dense_accuracy.get(split)):
        yield f"it gives every row of the {split} days the same score"
        return
    ranking = card.dense_levels.get("auc", {}).get(split)
    entropy = card.dense_levels.get("normalized_entropy", {}).get(split)
    if ranking is None or entropy is None:
        yield f"its AUC on the {split} days is not known: they hold one class only"
        return
    if not (_is_known(ranking) and _is_known(entropy)):
        yield f"its AUC or normalised entropy on the {split} days is no number"
        return
    few = scarcity(ranking)
    if few:
        yield f"its AUC on the {split} days is not known: {few}"
        return
    yield from _of_auc(bounds(ranking, rules.confidence), split, rules.dense)
    yield from _of_entropy(bounds(entropy, rules.confidence), split, rules.dense)


def _of_auc(auc: Interval, split: str, rules: DenseRules) -> Iterator[str]:
    found = f"its AUC on the {split} days is {auc.estimate:.4f}, lower bound {auc.low:.4f}"
    if auc.low <= CHANCE:
        yield f"{found}, which is not above chance"
    elif rules.min_auc is not None and auc.low <= rules.min_auc:
        yield f"{found}, which is not above judgement.dense.min_auc {rules.min_auc:g}"
    if auc.estimate >= rules.max_auc:
        yield (
            f"{found}, too good to be true beyond {rules.max_auc:g}: look for a column that knows "
            f"the label, or raise judgement.dense.max_auc"
        )


def _of_entropy(loss: Interval, split: str, rules: DenseRules) -> Iterator[str]:
    found = (
        f"its normalised entropy on the {split} days is {loss.estimate:.4f}, "
        f"upper bound {loss.high:.4f}"
    )
    ceiling = rules.max_normalized_entropy
    if loss.high >= BASE_RATE:
        yield f"{found}: the base rate alone may tell as much"
    elif ceiling is not None and loss.high >= ceiling:
        yield f"{found}, not below judgement.dense.max_normalized_entropy {ceiling:g}"


def _below_baselines(baselines: Baselines | None, rules: Judgement) -> Iterator[str]:
    """Those whose AUC it may be below by the margin or more."""
    margin = rules.dense.baseline_margin
    if baselines is None or baselines.dense_auc is None or margin == REPORTED:
        return
    for one in baselines.baselines:
        found = (
            f"its AUC on the tune days is {baselines.dense_auc:.4f}, that of {one.name} "
            f"({one.rule}) {one.auc:.4f}"
        )
        error = math.nan if one.standard_error is None else one.standard_error
        more = Difference(baselines.dense_auc - one.auc, error)
        low = bounds(more, rules.confidence).low
        if not _is_known(more):
            yield f"{found}: how sure their difference is was not measured"
        elif low <= -margin:
            yield (
                f"{found}: with the lower bound {low:+.4f} of the difference it may be {margin:g} "
                f"worse"
            )


def _below_last_night(card: Scorecard, last: NightLevels | None, rules: Judgement) -> Iterator[str]:
    """Where its AUC may be below that of the last accepted night, on other days, by the margin."""
    margin = rules.dense.last_margin
    if last is None or margin == REPORTED:
        return
    for split in HELD_OUT:
        now, then = (levels.get("auc", {}).get(split) for levels in (card.dense_levels, last.dense))
        if now is None or then is None:
            continue
        low = bounds(_apart(now, then), rules.confidence).low
        if not low > -margin:  # nor where it is no number
            yield (
                f"its AUC on the {split} days is {now.estimate:.4f}, that of the accepted night of "
                f"{last.last_day} was {then.estimate:.4f}: with the lower bound {low:+.4f} of the "
                f"difference it may have fallen by {margin:g}"
            )


def _is_known(found: Difference) -> bool:
    """Whether the value and its error are numbers: what is none lies above no floor."""
    return math.isfinite(found.estimate) and math.isfinite(found.standard_error)


def _apart(now: Difference, then: Difference) -> Difference:
    """The difference of two levels on rows that have nothing in common."""
    return Difference(
        estimate=now.estimate - then.estimate,
        standard_error=math.hypot(now.standard_error, then.standard_error),
        degrees_of_freedom=min(now.degrees_of_freedom, then.degrees_of_freedom),
    )
