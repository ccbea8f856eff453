"""From scorecards to a verdict: pure functions, no file is read here.

Every candidate is gated on the tune days, where many are compared: their bounds are corrected so
that all hold together. The preferred one of those that pass is then tested once, uncorrected, on
the confirm days, which chose nothing. Whatever the tune days let through, a package that loses
the margin or more is accepted with probability at most 1 - confidence. If that one test fails the
night is refused: trying the next candidate on the same days would be another test, unpaid for.
For a target of the search the most accurate of those that keep within it is the preferred one, and
is tested once too: each channel's promise stands alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from secateur.contracts.judgement import (
    BATCHES,
    GateOutcome,
    Interval,
    Judged,
    Latency,
    Scorecard,
    Verdict,
)
from secateur.judgement.intervals.bounds import bonferroni, bounds, supported_margin
from secateur.scenario import Judgement
from secateur.scenario.sections.search import Target

NO_SCORECARD = "no sealed scorecard: its pruning or its evaluation crashed, their logs say why"
ONE_CLASS = "the {} days hold one class only, so there is no AUC to compare"


@dataclass(frozen=True)
class Tested:
    """One non-inferiority test: does the lower bound stay above minus the margin?"""

    delta: Interval
    supported: float
    passed: bool
    reason: str


def judge(
    recipes: Sequence[str],
    scorecards: Mapping[str, Scorecard],
    rules: Judgement,
    target: Target | None = None,
) -> Verdict:
    """Decide the night: `recipes` were planned, those that were measured have a scorecard."""
    cards = {name: scorecards[name] for name in recipes if name in scorecards}
    confidence = bonferroni(rules.confidence, len(cards))
    judged = tuple(gate(name, cards.get(name), rules, confidence, target) for name in recipes)
    passed = [one.recipe for one in judged if one.outcome == "passed"]
    supported = [one.supported_margin for one in judged if one.supported_margin is not None]
    dense = next(iter(cards.values()), None)
    refused = Verdict(
        accepted=False,
        reason=_why_none(judged),
        chosen=None,
        package=None,
        dense_package=dense.dense_package if dense else None,
        dense_bytes=dense.dense_footprint.package_bytes if dense else None,
        margin=rules.margin,
        supported_margin=median(supported) if supported else None,
        confirmed=None,
        candidates=judged,
    )
    if not passed:
        return refused
    if target is not None:
        deltas = {name: cards[name].of_metric("auc")["tune"].estimate for name in passed}
        chosen = min(passed, key=lambda name: (-deltas[name], name))
    else:
        chosen = min(passed, key=lambda name: (cost(cards[name], rules), name))
    return confirm(cards[chosen], rules, refused)


def gate(
    recipe: str,
    card: Scorecard | None,
    rules: Judgement,
    confidence: float,
    target: Target | None = None,
) -> Judged:
    """Judge one candidate on the tune days, with every reason in words."""
    if card is None:
        return Judged(recipe, "crashed", (NO_SCORECARD,))
    tested = non_inferior(card, "tune", rules.margin, confidence)
    broken = limits_broken(card, rules) + (target_missed(card, target) if target else [])
    accuracy = tested.reason if tested else ONE_CLASS.format("tune")
    saves, saving = saves_enough(card, rules)
    outcome: GateOutcome = "passed" if saves else "no_saving"
    if tested is None or not tested.passed or broken:
        outcome = "failed"
    return Judged(
        recipe=recipe,
        outcome=outcome,
        reasons=(accuracy, *broken, saving),
        package=card.package,
        delta_auc=tested.delta if tested else None,
        supported_margin=tested.supported if tested else None,
        package_bytes=card.footprint.package_bytes,
    )


def confirm(card: Scorecard, rules: Judgement, refused: Verdict) -> Verdict:
    """Test the chosen candidate once on the confirm days; `refused` is what stands otherwise."""
    tested = non_inferior(card, "confirm", rules.margin, rules.confidence)
    if tested is None:
        return replace(refused, chosen=card.recipe, reason=ONE_CLASS.format("confirm"))
    word = "confirmed" if tested.passed else "chosen on the tune days but not confirmed"
    return replace(
        refused,
        accepted=tested.passed,
        reason=f"{card.recipe} {word}: {tested.reason}; {saves_enough(card, rules)[1]}",
        chosen=card.recipe,
        package=card.package if tested.passed else None,
        supported_margin=tested.supported,
        confirmed=tested.delta,
    )


def non_inferior(card: Scorecard, split: str, margin: float, confidence: float) -> Tested | None:
    """Test AUC(candidate) - AUC(dense) >= -margin on one split; None where AUC is undefined."""
    difference = card.of_metric("auc").get(split)
    if difference is None:
        return None
    delta, supported = bounds(difference, confidence), supported_margin(difference, confidence)
    passed = delta.low >= -margin
    relation = "clears" if passed else "is below"
    reason = (
        f"{split} AUC {delta.estimate:+.4f}, lower bound {delta.low:+.4f} "
        f"({100 * confidence:.4g} %) {relation} {-margin:+.4f}"
    )
    if not passed and delta.estimate >= -margin:
        reason += f": too uncertain, these rows support a margin of {supported:.4f}"
    return Tested(delta, supported, passed, reason)


def limits_broken(card: Scorecard, rules: Judgement) -> list[str]:
    """One sentence for each limit on bytes or on a request's p99 that the package exceeds."""
    broken = []
    size, most = card.footprint.package_bytes, rules.max_package_bytes
    if most is not None and size > most:
        broken.append(f"{size:,} bytes exceed the limit of {most:,}")
    for batch, slowest in rules.max_request_us.items():
        found = _at(card.latency, int(batch)).request_p99
        if found > slowest:
            broken.append(f"p99 {found:,.0f} us a request of {batch} exceeds {slowest:,.0f} us")
    return broken


def target_missed(card: Scorecard, target: Target) -> list[str]:
    """One sentence for each limit of a search's target that the package exceeds."""
    missed = []
    size, us = card.footprint.package_bytes, _at(card.latency, max(BATCHES)).request_p50
    if target.max_bytes is not None and size > target.max_bytes:
        missed.append(f"{size:,} bytes are more than {target.name}'s {target.max_bytes:,}")
    if target.max_us is not None and us > target.max_us:
        missed.append(f"{us:,.0f} us a request are more than {target.name}'s {target.max_us:,.0f}")
    return missed


def saves_enough(card: Scorecard, rules: Judgement) -> tuple[bool, str]:
    """Tell whether the package is better than dense in what is preferred, and say by how much.

    Zeros that are stored and multiplied like any other weight save nothing.
    """
    ratio = dense_cost(card, rules) / cost(card, rules)
    word = "smaller" if rules.prefer == "bytes" else "faster"
    if ratio * (1 - rules.min_saving) < 1:
        zeros = card.footprint.nominal_sparsity
        despite = "" if zeros is None else f" at {zeros:.0%} nominal sparsity"
        return False, f"no saving: {ratio:.2f}x {word} than dense{despite}"
    return True, f"{ratio:.3g}x {word} than dense"


def cost(card: Scorecard, rules: Judgement) -> float:
    """What the preferred package has least of: bytes, or p50 us of the largest request."""
    if rules.prefer == "bytes":
        return card.footprint.package_bytes
    return _at(card.latency, max(BATCHES)).request_p50


def dense_cost(card: Scorecard, rules: Judgement) -> float:
    """The same of the dense package, measured beside it."""
    if rules.prefer == "bytes":
        return card.dense_footprint.package_bytes
    return _at(card.dense_latency, max(BATCHES)).request_p50


def explain(verdict: Verdict) -> str:
    """The verdict and, one a line, every candidate's fate: what a task's log should end with."""
    lines = [verdict.reason]
    for one in verdict.candidates:
        lines.append(f"  {one.recipe}: {one.outcome.replace('_', ' ')}: {'; '.join(one.reasons)}")
    return "\n".join(lines)


def _at(latencies: Sequence[Latency], batch: int) -> Latency:
    return next(latency for latency in latencies if latency.batch == batch)


def _why_none(judged: Sequence[Judged]) -> str:
    counts = Counter(one.outcome for one in judged)
    return (
        f"none of {len(judged)} candidates is small and good enough: {counts['failed']} failed a "
        f"gate, {counts['no_saving']} saved nothing, {counts['crashed']} crashed"
    )
