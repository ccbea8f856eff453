"""Simulated nights: how often something that loses exactly its margin is published.

Every night draws new users and items for the tune and for the confirm days, and candidates whose
errors hang on items and who lose, on average over such logs, the margin of AUC. A point-estimate
gate publishes where any candidate's loss on the tune days seems to be less. The gate's rule bounds
every candidate on the tune days, corrected for how many there are, then tests one that passed on
the confirm days.
The error is the closed form's, which resamples can only widen.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from bench.judgement import drifting_nights
from bench.judgement.drift_picture import draw_drift
from bench.judgement.drifting_nights import BUDGET, MARGIN, drift
from bench.judgement.simulated_rows import (
    AUC,
    Setting,
    candidate_scores,
    popular_items,
    simulate,
)
from bench.runner import RESULTS, Asked, Benchmark
from secateur.auc import auc
from secateur.contracts.judgement import Difference
from secateur.judgement.gating.non_inferiority import decide
from secateur.judgement.intervals.bounds import bonferroni, bounds
from secateur.judgement.intervals.differences import differences

CONFIDENCE = 0.95
# Logs that no bound was chosen on; a thousand know a share of 5 % to .7 %, 24,000 to .14 %.
UNSEEN = 10**8
SETTING = Setting("errors on Zipf items", partial(popular_items, items=1000), by_item=0.5)


class NightOutcome(NamedTuple):
    """What three gates would have published."""

    by_rule: bool
    alone_by_rule: bool  # were the first candidate the only one, and the tune days the test
    by_estimate: bool
    copy_passes: bool


def night(margin: float, candidates: int, seed: int) -> NightOutcome:
    """One night of candidates that all lose the margin."""
    tune, confirm = (_differences(2 * seed + part, candidates) for part in range(2))
    strict = bonferroni(CONFIDENCE, candidates)
    passed = [i for i in range(candidates) if _passes(tune[i], margin, strict)]
    return NightOutcome(
        by_rule=bool(passed) and _passes(confirm[passed[0]], margin, CONFIDENCE),
        alone_by_rule=_passes(tune[0], margin, CONFIDENCE),
        by_estimate=any(one.estimate > -margin for one in tune[:candidates]),
        copy_passes=_passes(tune[candidates], margin, CONFIDENCE),
    )


def lets_through(margin: float, seed: int) -> bool:
    """Tell whether a log lets the only candidate pass, which loses the margin."""
    return _passes(_differences(seed, 1)[0], margin, CONFIDENCE)


def _differences(seed: int, candidates: int) -> list[Difference]:
    """Those of the candidates and, last, of a copy of the dense model."""
    rng = np.random.default_rng([seed, 7])
    users, items = SETTING.incidence(rng)
    rows, dense, _ = simulate(seed, users, items)
    scores = [candidate_scores(rng, rows, dense, SETTING.by_item) for _ in range(candidates)]
    found = differences(rows, dense, [*scores, dense], seed, 0, AUC)
    return [one["auc"] for one in found]


def true_loss(logs: int = 2000) -> float:
    """What such a candidate loses in AUC on average over logs of this kind.

    Where no item were seen twice it would lose more: two rows of one item err alike.
    """
    losses = []
    for seed in range(logs):
        rng = np.random.default_rng([seed, 8])
        users, items = SETTING.incidence(rng)
        rows, dense, _ = simulate(10**6 + seed, users, items)
        scores = candidate_scores(rng, rows, dense, SETTING.by_item)
        losses.append((auc(rows.labels, dense) or 0) - (auc(rows.labels, scores) or 0))
    return float(np.mean(losses))


def _passes(difference: Difference, margin: float, confidence: float) -> bool:
    interval = bounds(difference, confidence)
    return decide(interval.low, interval.high, margin) == "passed"


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How much is simulated."""
    flags.add_argument("--nights", type=int, default=1000, metavar="N")
    flags.add_argument("--logs", type=int, default=24_000, metavar="N")
    flags.add_argument("--candidates", type=int, default=50, metavar="N")
    flags.add_argument("--drift-nights", type=int, default=30, metavar="N")


def figures(asked: Asked) -> Iterator[str]:
    """One line a question."""
    margin = true_loss()
    one = partial(night, margin, asked.candidates)
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(one, range(asked.nights), chunksize=5))
        logs = range(UNSEEN, UNSEEN + asked.logs)
        passed = np.mean(list(pool.map(partial(lets_through, margin), logs, chunksize=50)))
    shares = {name: np.mean([getattr(o, name) for o in found]) for name in NightOutcome._fields}
    yield f"{asked.nights:,} nights, {asked.candidates} candidates, a margin of {margin:.4f}.\n"
    yield "| what | published |\n|---|--:|"
    yield f"| a copy of the dense model | {shares['copy_passes']:.1%} |"
    yield f"| one candidate that loses the margin | {shares['alone_by_rule']:.1%} |"
    yield f"| the same of {asked.logs:,} other logs | {passed:.2%} |"
    yield f"| any of the candidates, by the gate | {shares['by_rule']:.1%} |"
    yield f"| any of the candidates, by point estimates | {shares['by_estimate']:.1%} |"
    yield from drift_lines(asked)


def drift_lines(asked: Asked) -> Iterator[str]:
    """What small losses come to, night by night, and a picture beside the page."""
    histories = drift(asked.drift_nights)
    best = float(next(iter(histories.values())).best)
    yield f"\n{drifting_nights.__doc__}"
    yield "| gate | accepted | AUC lost in all | nights below the margin |\n|---|--:|--:|--:|"
    for gate, history in histories.items():
        below = sum(value < best - MARGIN for value in history.aucs)
        yield (
            f"| {gate} | {sum(history.accepted)} of {len(history.accepted)} "
            f"| {best - history.aucs[-1]:.4f} | {below} |"
        )
    page = asked.output or RESULTS / "gate_nights.md"
    limits = {"the margin": best - MARGIN, "the budget": best - BUDGET}
    aucs = {gate: history.aucs for gate, history in histories.items()}
    page.with_suffix(".svg").write_text(draw_drift(aucs, best, limits) + "\n")
    yield f"\n![AUC that is served, by night and by gate]({page.stem}.svg)"


BENCHMARK = Benchmark(
    title="What a gate lets through in simulated nights",
    figures=figures,
    page=lambda _asked: "gate_nights",
    add_flags=add_flags,
)
