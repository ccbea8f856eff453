"""What a night is held against besides its own dense model: what is served, and what was."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from secateur.contracts.judgement import BOOTSTRAP, MetricTest, NightLevels, Scorecard
from secateur.contracts.models import Baselines
from secateur.judgement.gating.non_inferiority import DECLARED, compare_with_margin
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import REPORTED


@dataclass(frozen=True)
class References:
    """The channel to be moved, the dense model's baselines, and the last accepted night.

    `served` is of the night that made what the channel serves, where that was noted.
    """

    channel: str = ""
    baselines: Baselines | None = None
    last: NightLevels | None = None
    served: NightLevels | None = None

    @property
    def losses(self) -> NightLevels | None:
        """The night whose losses tonight's are added to."""
        return self.served or self.last


def served_words(card: Scorecard, channel: str) -> str:
    """`release 7`; `bootstrap` where the channel serves nothing yet; empty where nobody looked."""
    if channel not in card.served:
        return ""
    served = card.served[channel]
    return f"release {served.release}" if served else BOOTSTRAP


def compare_with_release(
    card: Scorecard, split: str, channel: str, margins: Mapping[str, float], confidence: float
) -> list[MetricTest]:
    """Test every metric with a margin against the release that the channel serves, if it does."""
    served, name = card.served.get(channel), served_words(card, channel)
    if served is None:
        return []
    if served.why_unknown:
        words = (
            f"{split} days: {name}, which is served, cannot score these rows ({served.why_unknown})"
            f', so nothing is known against it; judgement.served margins of "reported" do not ask'
        )
        return [
            MetricTest(metric, split, "missing", margin, words, against=name)
            for metric, margin in list(margins.items())[:1]
        ]
    beside = replace(card, dense_accuracy=served.accuracy, differences=served.differences)
    tests = []
    for metric, margin in margins.items():
        declared = DECLARED[metric]._replace(words=f"{DECLARED[metric].words} against {name}")
        test = compare_with_margin(declared, beside, split, margin, confidence)
        tests.append(replace(test, against=name))
    return tests


def levels_after(card: Scorecard, rules: Judgement, references: References) -> NightLevels:
    """What later nights are held to if this candidate is released.

    The loss is what is lost since the best release: losses add up, gains are paid back, and no
    credit is kept (a one-sided CUSUM, Page 1954).
    """
    served, counted_from = card.served.get(references.channel), rules.served.counted_from
    known = references.losses
    carried = known.lost if known and known.counted_from == counted_from else 0.0
    gain = served.differences.get("auc", {}).get("confirm") if served else None
    lost = max(carried - gain.estimate, 0.0) if gain else carried
    return NightLevels(card.last_day or "", card.dense_levels, lost, counted_from)


def budget_exceeded(levels: NightLevels, rules: Judgement) -> str:
    """A sentence where releases have lost more than their budget, else nothing."""
    budget = rules.served.loss_budget
    if budget == REPORTED or levels.lost <= budget:
        return ""
    since = f" since {levels.counted_from}" if levels.counted_from else ""
    return (
        f"releases would have lost {levels.lost:.4f} of AUC in all{since}, each against the one "
        f"before it and tonight's included, of {budget:g} that judgement.served.loss_budget allows"
    )
