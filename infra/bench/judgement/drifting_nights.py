"""Thirty nights of small losses: what is served drifts, unless the gate looks further back.

A model is an error for each item beside the truth. Every night a candidate adds a little more of
it to what is served, a loss well within the margin against it. Three gates decide whether it is
served from then on: one that compares it with what is served alone; the project's, whose dense
model is trained anew every night; and the project's where the dense model itself goes on from what
is served and so decays with it, which leaves the budget of accepted losses to stop it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bench.judgement.simulated_rows import AUC, expit
from secateur.auc import Scores, auc
from secateur.contracts.judgement import (
    BATCHES,
    COPY,
    METRICS,
    SHUFFLED,
    Difference,
    Footprint,
    Latency,
    NightLevels,
    Scorecard,
    ServedComparison,
    Verdict,
)
from secateur.judgement.compared_accuracy import measure_rows, shuffle_half_of_items
from secateur.judgement.gates import judge
from secateur.judgement.gating.references import References
from secateur.judgement.intervals.differences import differences, levels
from secateur.judgement.metrics.scored_rows import JudgedRows
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import REPORTED, Margins, ServedRules, SliceRules

Errors = NDArray[np.float64]  # [items]
ByMetric = dict[str, dict[str, Difference]]

ITEMS, USERS, ROWS_A_USER, MARGIN, BUDGET = 1000, 6000, 3, 0.01, 0.03
CANDIDATE, CHANNEL, SPLITS = "candidate", "latest", ("tune", "confirm")
STEP = 0.2  # of a further error in logits; each night costs about .003 of AUC
CHAMPION_ALONE, OURS, OURS_DECAYING = GATES = (
    "against the release served alone",
    "the gate, dense trained anew",
    "the gate, dense decays too",
)
UNASKED = dict.fromkeys(("gauc", "log_loss", "calibration", "calibration_error"), REPORTED)
RULES = Judgement(
    margin=MARGIN,
    margins=Margins.model_validate(UNASKED),
    slices=SliceRules(margin=REPORTED),
    served=ServedRules(margin=MARGIN, log_loss=REPORTED, loss_budget=BUDGET),
)


@dataclass(frozen=True)
class Log:
    """Rows [n] of users who are new every night, and the logits of the truth."""

    seed: int
    users: int = USERS

    @cached_property
    def items(self) -> NDArray[np.int64]:
        """The item of each row, by Zipf's law."""
        shares = 1 / np.arange(1, ITEMS + 1)
        rng = np.random.default_rng([self.seed, 1])
        return rng.choice(ITEMS, self.users * ROWS_A_USER, p=shares / shares.sum())

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """What decides each row's label."""
        rng = np.random.default_rng([self.seed, 2])
        quality = 0.5 * np.random.default_rng(0).normal(size=ITEMS)
        taste = 0.7 * np.repeat(rng.normal(size=self.users), ROWS_A_USER)
        return 0.7 * rng.normal(size=len(self.items)) + taste + quality[self.items] - 0.8

    @cached_property
    def rows(self) -> JudgedRows:
        """The rows as the gate sees them."""
        rng = np.random.default_rng([self.seed, 3])
        users = np.repeat(np.arange(self.users), ROWS_A_USER)
        labels = (rng.random(len(users)) < expit(self.truth)).astype(np.int8)
        return JudgedRows(labels, users, self.items, users)

    def scores(self, errors: Errors) -> Scores:
        """Scores [n] of a model that errs so by item [items]."""
        noise = 0.5 * np.random.default_rng([self.seed, 4]).normal(size=len(self.items))
        return expit(self.truth + noise + errors[self.items]).astype(np.float32)


@dataclass
class History:
    """What one gate let through: the AUC served after every night, on one large log."""

    served: Errors = field(default_factory=lambda: np.zeros(ITEMS))
    aucs: list[float] = field(default_factory=list)
    accepted: list[bool] = field(default_factory=list)
    last: NightLevels | None = None
    best: float = 0.0  # AUC of what was served before the first night

    def close(self, log: Log, accepted: bool) -> None:
        """Note the night's end."""
        self.accepted.append(accepted)
        self.aucs.append(auc(log.rows.labels, log.scores(self.served)) or 0.0)


def drift(nights: int = 30, seed: int = 0) -> Mapping[str, History]:
    """Every gate's nights; all meet the same logs."""
    histories = {gate: History() for gate in GATES}
    large = Log(seed=10**6 + seed, users=60_000)
    for history in histories.values():
        history.best = auc(large.rows.labels, large.scores(history.served)) or 0.0
    for night in range(nights):
        logs = [Log(1000 * seed + 2 * night + part) for part in range(2)]
        more = STEP * np.random.default_rng([seed, night, 5]).normal(size=ITEMS)
        for gate, history in histories.items():
            candidate, decays = history.served + more, gate == OURS_DECAYING
            dense = history.served if decays else np.zeros(ITEMS)
            verdict = _decide(gate, logs, dense, history, candidate)
            if verdict.accepted:
                history.served, history.last = candidate, verdict.levels
            history.close(large, verdict.accepted)
    return histories


def _decide(
    gate: str, logs: list[Log], dense: Errors, history: History, candidate: Errors
) -> Verdict:
    """The verdict; a gate that knows what is served alone takes that for dense, and no more."""
    if gate == CHAMPION_ALONE:
        card = _scorecard(logs, history.served, candidate)
        return judge([CANDIDATE], {CANDIDATE: card}, RULES)
    card = _scorecard(logs, dense, candidate)
    beside = [_compare(log, history.served, candidate) for log in logs]
    served = ServedComparison(
        release=1,
        package="",
        accuracy=dict(card.dense_accuracy),
        differences=_by_split(beside),
    )
    card = replace(card, served={CHANNEL: served})
    references = References(CHANNEL, last=history.last)
    return judge([CANDIDATE], {CANDIDATE: card}, RULES, references=references)


def _compare(log: Log, dense: Errors, candidate: Errors) -> dict[str, Difference]:
    of_dense, scores = log.scores(dense), log.scores(candidate)
    (found,) = differences(log.rows, of_dense, [scores], log.seed, 0, AUC)
    return found


def _scorecard(logs: list[Log], dense: Errors, candidate: Errors) -> Scorecard:
    """What the gate looks at, of a package a tenth of dense's size."""
    pairs = [(log.rows, log.scores(dense), log.scores(candidate)) for log in logs]
    controls = [_controls(log.rows, log.scores(dense), log.seed) for log in logs]
    of_dense = [levels(rows, scores, 0, 32) for rows, scores, _ in pairs]
    latency = tuple(Latency(batch, 1, 1, 1, 1) for batch in BATCHES)
    return Scorecard(
        recipe=CANDIDATE,
        package="",
        dense_package="",
        accuracy={s: measure_rows(rows, c) for s, (rows, _, c) in zip(SPLITS, pairs, strict=True)},
        dense_accuracy={
            s: measure_rows(rows, d) for s, (rows, d, _) in zip(SPLITS, pairs, strict=True)
        },
        differences=_by_split([_compare(log, dense, candidate) for log in logs]),
        footprint=Footprint(100, {}, 100, None, None),
        dense_footprint=Footprint(1000, {}, 1000, None, None),
        latency=latency,
        dense_latency=latency,
        dense_levels=_by_split(of_dense),
        controls={name: _by_split([one[name] for one in controls]) for name in controls[0]},
    )


def _controls(rows: JudgedRows, dense: Scores, seed: int) -> dict[str, dict[str, Difference]]:
    spoilt = shuffle_half_of_items(rows, dense, seed)
    found = differences(rows, dense, [dense, spoilt], seed, 0, METRICS[:1])
    return dict(zip((COPY, SHUFFLED), found, strict=True))


def _by_split(found: list[dict[str, Difference]]) -> ByMetric:
    return {
        metric: {split: one[metric] for split, one in zip(SPLITS, found, strict=True)}
        for metric in found[0]
    }
