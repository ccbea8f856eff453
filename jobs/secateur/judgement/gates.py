"""From scorecards to a verdict: pure functions, no file is read here.

Every candidate is gated on the tune days, where many are compared: their bounds are corrected so
that all hold together. Of one candidate every metric must pass, which needs no correction. The
preferred one of those that pass is then tested once, uncorrected, on the confirm days, which chose
nothing. Whatever the tune days let through, a package that loses a margin or more is accepted with
probability at most 1 - confidence. If that one test fails the night is refused: trying the next
candidate on the same days would be another test, unpaid for. For a target of the search the most
accurate of those that keep within it is the preferred one, and is tested once too: each channel's
promise stands alone. Where the dense model itself lies below a floor, or the gate
gets a control wrong, nothing is accepted. The release now served is a second reference beside the
dense model, on the same rows; and releases may lose no more than a budget in all.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from secateur.contracts.judgement import (
    BOOTSTRAP,
    GateOutcome,
    Judged,
    MetricTest,
    Scorecard,
    Verdict,
)
from secateur.judgement.gating.floors import broken_floors
from secateur.judgement.gating.limits import cost, limits_broken, saves_enough, target_missed
from secateur.judgement.gating.nightly_controls import broken_controls
from secateur.judgement.gating.non_inferiority import sentences
from secateur.judgement.gating.privacy import leak_words, leaks_beyond
from secateur.judgement.gating.references import (
    References,
    budget_exceeded,
    compare_with_release,
    levels_after,
    served_words,
)
from secateur.judgement.gating.slice_margins import compare_split, small_slices
from secateur.judgement.intervals.bounds import bonferroni
from secateur.scenario import Judgement
from secateur.scenario.sections.search import Target

NO_SCORECARD = "no sealed scorecard: its pruning or its evaluation crashed, their logs say why"


def judge(
    recipes: Sequence[str],
    scorecards: Mapping[str, Scorecard],
    rules: Judgement,
    target: Target | None = None,
    refusals: Mapping[str, str] | None = None,
    references: References | None = None,
) -> Verdict:
    """Decide the night: `recipes` were planned, those that were measured have a scorecard.

    `refusals` say why some have no package.
    """
    why, known = refusals or {}, references or References()
    cards = {name: scorecards[name] for name in recipes if name in scorecards}
    confidence = bonferroni(rules.confidence, len(cards))
    judged = tuple(
        gate(name, cards[name], rules, confidence, target, known.channel)
        if name in cards
        else _without_scorecard(name, why.get(name))
        for name in recipes
    )
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
        reference=served_words(dense, known.channel) if dense else "",
    )
    broken = broken_floors(dense, rules, known) if dense else []
    if broken:
        return replace(refused, reason=f"the dense model is not fit to serve: {'; '.join(broken)}")
    distrusted = [said for card in cards.values() for said in broken_controls(card, rules)]
    if distrusted:
        return replace(refused, reason=f"the gate is not trusted: {distrusted[0]}")
    if not passed:
        return refused
    return confirm(cards[_choice(passed, cards, rules, target)], rules, refused, known)


def gate(
    recipe: str,
    card: Scorecard,
    rules: Judgement,
    confidence: float,
    target: Target | None = None,
    channel: str = "",
) -> Judged:
    """Judge one candidate on the tune days, with every reason in words."""
    tests = _compare(card, "tune", rules, confidence, channel)
    broken = limits_broken(card, rules) + (target_missed(card, target) if target else [])
    broken += leaks_beyond(card, rules, confidence)
    saves, saving = saves_enough(card, rules)
    return Judged(
        recipe=recipe,
        outcome=_outcome(tests, broken, saves),
        reasons=(
            *sentences(tests),
            *broken,
            saving,
            *small_slices(card, "tune", rules.slices),
            *leak_words(card, confidence),
        ),
        package=card.package,
        delta_auc=tests[0].delta,
        supported_margin=tests[0].supported_margin,
        package_bytes=card.footprint.package_bytes,
        tests=tuple(tests),
        warnings=tuple(_better_than_dense(tests)),
    )


def confirm(card: Scorecard, rules: Judgement, refused: Verdict, references: References) -> Verdict:
    """Test the chosen candidate once on the confirm days; `refused` is what stands otherwise."""
    tests = _compare(card, "confirm", rules, rules.confidence, references.channel)
    levels = levels_after(card, rules, references)
    spent = budget_exceeded(levels, rules)
    accepted = all(one.outcome == "passed" for one in tests) and not spent
    word = "confirmed" if accepted else "chosen on the tune days but not confirmed"
    said = [*([spent] if spent else []), *sentences(tests), saves_enough(card, rules)[1]]
    said += [*small_slices(card, "confirm", rules.slices), *leak_words(card, rules.confidence)]
    if refused.reference == BOOTSTRAP:
        said.append(f"a bootstrap: {references.channel} serves nothing yet to compare with")
    return replace(
        refused,
        accepted=accepted,
        levels=levels if accepted else None,
        reason=f"{card.recipe} {word}: {'; '.join(said)}",
        chosen=card.recipe,
        package=card.package if accepted else None,
        supported_margin=tests[0].supported_margin,
        confirmed=tests[0].delta,
        tests=tuple(tests),
    )


def _without_scorecard(recipe: str, refusal: str | None) -> Judged:
    """One without a scorecard: its package was refused, or something crashed."""
    return Judged(recipe, "refused" if refusal else "crashed", (refusal or NO_SCORECARD,))


def _compare(
    card: Scorecard, split: str, rules: Judgement, confidence: float, channel: str
) -> list[MetricTest]:
    """Every test of one candidate on one split: against dense first, then what is served."""
    margins = rules.served.by_metric
    return [
        *compare_split(card, split, rules, confidence),
        *compare_with_release(card, split, channel, margins, confidence),
    ]


def _better_than_dense(tests: Sequence[MetricTest]) -> list[str]:
    """A prune that beats its own model tells something of that model."""
    auc = tests[0].delta
    if auc is None or auc.low <= 0:
        return []
    gain = f"AUC {auc.estimate:+.4f}, lower bound {auc.low:+.4f} ({100 * auc.confidence:.4g} %)"
    return [f"better than dense by {gain}: dense is overfit or broken, look at its training"]


def _outcome(tests: Sequence[MetricTest], broken: Sequence[str], saves: bool) -> GateOutcome:
    """The worst of what was found."""
    found = {one.outcome for one in tests}
    if broken or found & {"failed", "missing"}:
        return "failed"
    if "inconclusive" in found:
        return "inconclusive"
    return "passed" if saves else "no_saving"


def _choice(
    passed: Sequence[str],
    cards: Mapping[str, Scorecard],
    rules: Judgement,
    target: Target | None,
) -> str:
    """The cheapest; for a target, whose limits are cost enough, the most accurate."""
    if target is None:
        return min(passed, key=lambda name: (cost(cards[name], rules), name))
    deltas = {name: cards[name].of_metric("auc")["tune"].estimate for name in passed}
    return min(passed, key=lambda name: (-deltas[name], name))


def explain(verdict: Verdict) -> str:
    """The verdict and, one a line, every candidate's fate: what a task's log should end with."""
    lines = [verdict.reason]
    for one in verdict.candidates:
        lines.append(f"  {one.recipe}: {one.outcome.replace('_', ' ')}: {'; '.join(one.reasons)}")
        lines += [f"  {one.recipe}: warning: {warning}" for warning in one.warnings]
    return "\n".join(lines)


def _why_none(judged: Sequence[Judged]) -> str:
    if not judged:
        return "no candidate was planned, so none can be accepted"
    counts = Counter(one.outcome for one in judged)
    refused = f"{counts['refused']} refused as packages, " if counts["refused"] else ""
    return (
        f"none of {len(judged)} candidates is small and good enough: {counts['failed']} failed a "
        f"gate, {counts['inconclusive']} could not be told, {counts['no_saving']} saved nothing, "
        f"{refused}{counts['crashed']} crashed"
    )
