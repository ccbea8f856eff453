"""Slices with a margin of their own: a prune may keep the top line and break new users."""

from secateur.contracts.judgement import TASK, Accuracy, MetricTest, Scorecard
from secateur.judgement.gating.non_inferiority import (
    DECLARED,
    compare_with_margin,
    compare_with_margins,
)
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import REPORTED, SliceRules


def compare_split(
    card: Scorecard, split: str, rules: Judgement, confidence: float
) -> list[MetricTest]:
    """Test every metric with a margin on a split, AUC first, then the AUC of its slices."""
    return [
        *compare_with_margins(card, split, rules.by_metric, confidence),
        *compare_slices(card, split, rules.slices, confidence),
    ]


def compare_slices(
    card: Scorecard, split: str, rules: SliceRules, confidence: float
) -> list[MetricTest]:
    """Test the AUC of every slice that has a margin and enough rows of both classes."""
    return [
        compare_with_margin(DECLARED["auc"], card, f"{split}/{name}", margin, confidence)
        for name, margin in _margins(card, split, rules).items()
        if not _too_small(card.accuracy[f"{split}/{name}"], rules)
    ]


def small_slices(card: Scorecard, split: str, rules: SliceRules) -> list[str]:
    """One sentence on those that are too small to be told apart, and on those without a row."""
    small = [
        name
        for name in _margins(card, split, rules)
        if _too_small(card.accuracy[f"{split}/{name}"], rules)
    ]
    asked = [name for name, margin in rules.margins.items() if margin != REPORTED]
    empty = [name for name in asked if f"{split}/{name}" not in card.accuracy]
    few = f"fewer than {rules.min_positives} rows of a class, judged with all rows alone"
    said = [f"{', '.join(small)}: {few}"] if small else []
    return said + ([f"{', '.join(empty)}: no row of the {split} days"] if empty else [])


def _margins(card: Scorecard, split: str, rules: SliceRules) -> dict[str, float]:
    """By slice of the split that has rows, its margin where it has one."""
    names = [key.removeprefix(f"{split}/") for key in card.accuracy if key.startswith(f"{split}/")]
    margins = {
        name: rules.margins.get(name, rules.margin) for name in names if not name.startswith(TASK)
    }
    return {name: margin for name, margin in margins.items() if margin != REPORTED}


def _too_small(found: Accuracy, rules: SliceRules) -> bool:
    if found.positives is None:
        return False  # it was not counted: whether it is too small is not known
    return min(found.positives, found.rows - found.positives) < rules.min_positives
