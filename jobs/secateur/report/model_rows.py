"""One row a model: what was planned, measured and decided of it, joined from the night's parts."""

from collections.abc import Mapping
from dataclasses import dataclass

from secateur.contracts.candidates import DENSE
from secateur.contracts.judgement import (
    Accuracy,
    Difference,
    Footprint,
    Interval,
    Judged,
    Latency,
    MetricTest,
    Scorecard,
)
from secateur.report.night_artifacts import Night

OUTCOMES = {
    "baseline": "baseline",
    "accepted": "accepted",
    "unconfirmed": "not confirmed",
    "passed": "passed",
    "failed": "failed",
    "inconclusive": "inconclusive",
    "no_saving": "no saving",
    "refused": "refused",
    "crashed": "crashed",
    "unjudged": "not judged",
}


@dataclass(frozen=True)
class Measures:
    """What a scorecard says of one of its two models, keyed as in the scorecard."""

    accuracy: Mapping[str, Accuracy]
    differences: Mapping[str, Difference]
    footprint: Footprint
    latency: Mapping[int, Latency]

    def auc(self, key: str) -> float | None:
        """AUC on a split or slice, where there is one."""
        return self.accuracy[key].auc if key in self.accuracy else None


@dataclass(frozen=True)
class ModelRow:
    """The dense model or one candidate.

    `outcome` is a key of `OUTCOMES`, `delta` the judged difference in AUC on the tune days,
    `source` the scorecard. `storage` and `overlap` say how its package stores what is left, and
    how much of that the night before kept, too. `tests` are those of the tune days.
    """

    name: str
    outcome: str
    reasons: tuple[str, ...]
    delta: Interval | None
    measures: Measures | None
    source: str
    storage: str = ""
    overlap: str = ""
    tests: tuple[MetricTest, ...] = ()

    @property
    def outcome_words(self) -> str:
        """The outcome in words."""
        return OUTCOMES[self.outcome]


def model_rows(night: Night) -> list[ModelRow]:
    """The dense model first, then the candidates in the plan's order.

    The dense model is as the first scorecard measured it beside its candidate.
    """
    part = next(iter(night.scorecards.values()), None)
    measures = _measures(part.value, of_dense=True) if part else None
    reasons = ("what every candidate is measured against, in the same process",)
    dense = ModelRow(DENSE, "baseline", reasons, None, measures, part.source if part else "")
    return [dense, *(_candidate(night, name) for name in night.recipes)]


def _candidate(night: Night, name: str) -> ModelRow:
    part = night.scorecards.get(name)
    decisions = night.verdict.value.candidates if night.verdict else ()
    decision = next((one for one in decisions if one.recipe == name), None)
    recipes = night.plan.value.recipes if night.plan else ()
    return ModelRow(
        name=name,
        outcome=_outcome(night, name, decision),
        reasons=_reasons(decision) if decision and part else (_what_is_missing(night, name),),
        delta=decision.delta_auc if decision else None,
        measures=_measures(part.value, of_dense=False) if part else None,
        source=part.source if part else "",
        storage=next((recipe.storage for recipe in recipes if recipe.name == name), ""),
        overlap=night.overlaps[name].words if name in night.overlaps else "",
        tests=decision.tests if decision else (),
    )


def _reasons(decision: Judged) -> tuple[str, ...]:
    return (*decision.reasons, *(f"warning: {warning}" for warning in decision.warnings))


def _measures(card: Scorecard, of_dense: bool) -> Measures:
    return Measures(
        accuracy=card.dense_accuracy if of_dense else card.accuracy,
        differences={} if of_dense else card.of_metric("auc"),
        footprint=card.dense_footprint if of_dense else card.footprint,
        latency={one.batch: one for one in (card.dense_latency if of_dense else card.latency)},
    )


def _outcome(night: Night, name: str, decision: Judged | None) -> str:
    """A key of `OUTCOMES`."""
    if decision is None or night.verdict is None:
        if name in night.scorecards:
            return "unjudged"
        return "refused" if name in night.refusals else "crashed"
    if night.verdict.value.chosen == name:
        return "accepted" if night.verdict.value.accepted else "unconfirmed"
    is_refused = decision.outcome == "crashed" and name in night.refusals
    return "refused" if is_refused else decision.outcome


def _what_is_missing(night: Night, name: str) -> str:
    if name in night.scorecards:
        return "measured, but no verdict was sealed"
    if f"candidates/{name}/package" in night.artifacts:
        return "packaged, but no scorecard was sealed: see the log of its evaluation"
    if name in night.refusals:
        return night.refusals[name].reason
    pruned = "pruned, but " if f"candidates/{name}/bundle" in night.artifacts else ""
    return f"{pruned}no package was sealed: see the log of its pruning"
