"""How often a bound of the gate holds, in settings where whole users and items err together.

Each simulation draws users, items and two models' scores anew; the truth is the difference in AUC
of a log so large that no user and no item is seen twice. A one-sided bound of 95 % should lie below
it in 93 to 98 % of the simulations, one of 99.5 % in at least 99 %. "Users alone" is the bound that
knows of no items and takes its error to be normal. Simulations with fewer effective users or items
than the gate's floor count as inconclusive, and are left out of the coverage. The last setting
draws real rows with real scores (`real_scores.py`). Without `--rounds`
the error is the closed form's alone, which a resample can only widen.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pyarrow.csv

from bench.judgement.real_scores import kuairand
from bench.judgement.simulated_rows import AUC, Codes, Setting, popular_items, zipf
from bench.runner import Asked, Benchmark
from secateur.auc import Scores, auc
from secateur.judgement.intervals.bounds import FEWEST_GROUPS, bounds
from secateur.judgement.intervals.differences import differences
from secateur.judgement.metrics.definitions import DEFINITIONS
from secateur.judgement.metrics.scored_rows import JudgedRows, ScoredRows

KUAIRAND = Path(__file__).parents[2] / "demo" / "kuairand" / "events"
LEVELS = (0.95, 0.995)
TRUTH_ROWS, TRUTHS = 400_000, 12


class Outcome(NamedTuple):
    """One simulation: by level whether the bound held, and that of users alone; or inconclusive."""

    held: tuple[bool, ...]
    held_by_users: tuple[bool, ...]
    inconclusive: bool


def three_rows_a_user(rng: np.random.Generator, items: int = 1000) -> tuple[Codes, Codes]:
    """3,000 users, items at random."""
    return np.repeat(np.arange(3000), 3), rng.integers(0, items, 9000)


def heavy_users(rng: np.random.Generator, users: int, deviation: float) -> tuple[Codes, Codes]:
    """Users of a lognormal activity, items at random."""
    activity = np.exp(rng.normal(2.7, deviation, users)).clip(1, 100_000).astype(np.int64)
    codes = np.repeat(np.arange(users), activity)
    return codes, rng.integers(0, 1000, len(codes))


def both_heavy(rng: np.random.Generator) -> tuple[Codes, Codes]:
    """200 users of a lognormal activity, 300 items by Zipf's law."""
    users, _ = heavy_users(rng, 200, 1.0)
    return users, zipf(rng, 300, len(users))


def one_day_of_kuairand(_: np.random.Generator) -> tuple[Codes, Codes]:
    """Users and items as a day of the bundled log has them."""
    table = pyarrow.csv.read_csv(sorted(KUAIRAND.glob("*/*.csv*"))[-1])
    users, items = (
        table[column].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        for column in ("user_id", "video_id")
    )
    return users, items


SETTINGS = (
    Setting("independent rows", three_rows_a_user, shift=0.4),
    Setting("one row in 500 positive", three_rows_a_user, shift=0.4, level=-7.0),
    Setting("200 users, lognormal 1.5", partial(heavy_users, users=200, deviation=1.5), 1.26),
    Setting("100 users, lognormal 2", partial(heavy_users, users=100, deviation=2.0), 1.26),
    Setting("errors on 300 Zipf items", partial(popular_items, items=300), by_item=0.7),
    Setting("errors on 3,000 items", partial(three_rows_a_user, items=3000), 0.35, 0.7),
    Setting("errors on 3,000 Zipf items", partial(popular_items, items=3000), 0.35, 0.7),
    Setting("heavy users, 300 Zipf items", both_heavy, 0.7, 0.7),
    Setting("a day of KuaiRand", one_day_of_kuairand, 0.7, 0.7),
)


def simulation(setting: Setting, truth: float, rounds: int, seed: int) -> Outcome:
    """Draw one log and ask both bounds of it."""
    users, items = setting.incidence(np.random.default_rng([seed, 1]))
    return outcome_of(setting.simulate(seed, users, items), truth, rounds, seed)


def simulation_of_real_scores(truth: float, rounds: int, seed: int) -> Outcome:
    """The same of a fifth of KuaiRand's users and items."""
    drawn = kuairand().sample(seed)
    return outcome_of((drawn.rows, drawn.dense, drawn.candidate), truth, rounds, seed)


def outcome_of(
    drawn: tuple[JudgedRows, Scores, Scores], truth: float, rounds: int, seed: int
) -> Outcome:
    """Whether the bounds of rows, dense and candidate scores [n] hold the truth."""
    rows, dense, candidate = drawn
    found = differences(rows, dense, [candidate], seed, rounds, AUC)[0]["auc"]
    of_both = [
        DEFINITIONS["auc"].of_rows(ScoredRows(rows, scores, dense)) for scores in (dense, candidate)
    ]
    influence = of_both[1].influence - of_both[0].influence
    error = np.sqrt(np.sum(np.bincount(rows.users, influence) ** 2))
    normal = NormalDist()
    return Outcome(
        held=tuple(bounds(found, level).low <= truth for level in LEVELS),
        held_by_users=tuple(
            bool(found.estimate - normal.inv_cdf(level) * error <= truth) for level in LEVELS
        ),
        inconclusive=min(found.effective_users or 0, found.effective_items or 0) < FEWEST_GROUPS,
    )


def true_difference(setting: Setting) -> float:
    """The difference in AUC where no user and no item is seen twice."""
    alone = np.arange(TRUTH_ROWS)
    found = []
    for seed in range(TRUTHS):
        rows, dense, candidate = setting.simulate(10**6 + seed, alone, alone)
        of_both = [auc(rows.labels, scores) or 0.0 for scores in (dense, candidate)]
        found.append(of_both[1] - of_both[0])
    return float(np.mean(found))


def outcomes(setting: Setting, simulations: int, rounds: int, workers: int = 2) -> list[Outcome]:
    """Many simulations of one setting."""
    one = partial(simulation, setting, true_difference(setting), rounds)
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(one, range(simulations), chunksize=20))


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How much is simulated."""
    flags.add_argument("--simulations", type=int, default=1000, metavar="N")
    flags.add_argument("--rounds", type=int, default=0, help="of resamples; 0: the closed form")


def figures(asked: Asked) -> Iterator[str]:
    """A line a setting."""
    yield (
        "| setting | 95 % bound | 99.5 % bound | users alone, 95 % | users alone, 99.5 % "
        "| inconclusive |\n|---|--:|--:|--:|--:|--:|"
    )
    for setting in SETTINGS:
        yield _line(setting.name, outcomes(setting, asked.simulations, asked.rounds))
    one = partial(simulation_of_real_scores, kuairand().truth, asked.rounds)
    found = [one(seed) for seed in range(asked.simulations)]
    yield _line("a fifth of KuaiRand, real scores", found)


def _line(name: str, found: list[Outcome]) -> str:
    told = [one for one in found if not one.inconclusive]
    shares = [
        f"{100 * np.mean([getattr(one, bound)[level] for one in told]):.1f} %"
        for bound in ("held", "held_by_users")
        for level in range(len(LEVELS))
    ]
    unsure = f"{100 * (1 - len(told) / len(found)):.1f} %"
    return f"| {name} | {' | '.join(shares)} | {unsure} |"


BENCHMARK = Benchmark(
    title="How often the gate's bounds hold",
    figures=figures,
    page=lambda _asked: "gate_coverage",
    add_flags=add_flags,
)
