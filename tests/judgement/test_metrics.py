"""Claims about every metric: its value, its influence, and what it is under weights."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from bench.judgement.simulated_rows import simulate
from secateur.auc import auc
from secateur.contracts.judgement import METRICS
from secateur.judgement import accuracy
from secateur.judgement.intervals.resampling import sum_rows
from secateur.judgement.metrics import score_bins
from secateur.judgement.metrics.definitions import DEFINITIONS
from secateur.judgement.metrics.models import Model
from secateur.judgement.metrics.placing import place
from secateur.judgement.metrics.scored_rows import JudgedRows, ScoredRows
from secateur.judgement.metrics.user_order import Grouping

ROWS = 4000


@pytest.fixture(scope="module")
def model() -> ScoredRows:
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 150, ROWS), rng.integers(0, 80, ROWS)
    rows, dense, candidate = simulate(1, users, items, by_item=0.7)
    return ScoredRows(rows, candidate, dense)


def test_every_metric_of_a_scorecard_is_defined() -> None:
    assert set(DEFINITIONS) == {metric.name for metric in METRICS}


def test_values_are_those_of_other_implementations(model: ScoredRows) -> None:
    labels, scores = model.rows.labels, model.scores.astype(np.float64)
    value = {name: one.of_rows(model).value for name, one in DEFINITIONS.items()}
    assert value["auc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert value["log_loss"] == pytest.approx(log_loss(labels, scores), rel=1e-6)
    assert value["gauc"] == pytest.approx(
        accuracy.gauc(labels, model.rows.moments, model.scores).value, abs=1e-7
    )
    assert value["calibration"] == pytest.approx(abs(np.log(scores.mean() / labels.mean())))
    assert value["normalized_entropy"] == pytest.approx(
        accuracy.normalized_entropy(labels, model.scores), rel=1e-6
    )
    assert value["churn"] == pytest.approx(np.abs(model.scores - model.dense).mean(), rel=1e-6)
    tenths = np.array_split(np.argsort(scores), 10)
    gaps = [abs((scores - labels)[tenth].sum()) for tenth in tenths]
    assert value["calibration_error"] == pytest.approx(sum(gaps) / ROWS, abs=2e-4)


def test_the_overlap_is_of_the_first_ten_of_each_long_list(model: ScoredRows) -> None:
    shares, rows = [], []
    for user in np.unique(model.rows.users):
        mine = np.flatnonzero(model.rows.users == user)
        if len(mine) > 10:
            tops = [set(mine[np.argsort(-of[mine])[:10]]) for of in (model.dense, model.scores)]
            shares.append(len(tops[0] & tops[1]) / 10)
            rows.append(len(mine))
    expected = np.average(shares, weights=rows)
    assert DEFINITIONS["top_overlap"].of_rows(model).value == pytest.approx(expected, rel=1e-6)
    same = ScoredRows(model.rows, model.dense, model.dense)
    assert DEFINITIONS["top_overlap"].of_rows(same).value == pytest.approx(1)


@pytest.mark.parametrize("name", sorted({*DEFINITIONS} - {"top_overlap"}))  # whole lists count
def test_an_influence_is_what_a_row_adds(model: ScoredRows, name: str) -> None:
    """Against the metric with some rows counted twice: a step of the size of a resample's."""
    value, influence = DEFINITIONS[name].of_rows(model)
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    twice = np.random.default_rng(3).choice(ROWS, 40, replace=False)
    index = np.sort(np.append(np.arange(ROWS), twice))
    rows = JudgedRows(*(part[index] for part in (
        model.rows.labels, model.rows.users, model.rows.items, model.rows.moments)))  # fmt: skip
    more = DEFINITIONS[name].of_rows(ScoredRows(rows, model.scores[index], model.dense[index]))
    step = influence[twice].sum()
    assert more.value - value == pytest.approx(step, abs=0.15 * abs(step) + 4e-4)


def test_weights_give_the_metric_of_the_rows_that_are_left(model: ScoredRows) -> None:
    (summed,) = sum_rows([Model.all_of(model.rows, model.dense, model.scores)[1]],
                         list(DEFINITIONS), seed=5, rounds=4)  # fmt: skip
    users, items = (Grouping.of(codes) for codes in (model.rows.users, model.rows.items))
    coins = [np.random.default_rng([5, role, 0]).integers(0, 2, (4, size)) for role, size in
             enumerate((len(users.rows), len(items.rows)))]  # fmt: skip
    for round_ in range(4):
        left = (coins[0][round_][users.codes] * coins[1][round_][items.codes]) > 0
        assert 0.1 < left.mean() < 0.5
        rest = ScoredRows(model.rows.take(left), model.scores[left], model.dense[left])
        to_rounding = dict.fromkeys(
            ("log_loss", "calibration", "normalized_entropy", "churn"), 1e-6
        )
        for name, exact in {**to_rounding, "auc": 1e-4, "gauc": 0.02}.items():
            found = summed.rounds[name][round_]
            expected = DEFINITIONS[name].of_rows(rest).value
            assert found == pytest.approx(expected, abs=exact), name
        gaps = np.bincount(
            summed.totals.bins.deciles[model.codes // 2][left],
            (model.scores - model.rows.labels)[left],
        )
        found = summed.rounds["calibration_error"][round_]
        assert found == pytest.approx(np.abs(gaps).sum() / left.sum(), abs=1e-3)


def test_bins_tell_the_auc_of_continuous_scores() -> None:
    rng = np.random.default_rng(7)
    labels = (rng.random(200_000) < 0.2).astype(np.int8)
    scores = (rng.normal(size=len(labels)) + 0.8 * labels).astype(np.float32)
    bins = score_bins.ScoreBins.of(scores)
    codes = bins.codes(labels, scores)
    table = np.bincount(codes, minlength=bins.width).reshape(1, -1, 2).astype(np.float64)
    assert len(bins.starts) == score_bins.BINS
    assert bins.distinct == len(np.unique(scores))
    assert score_bins.weighted_auc(table)[0] == pytest.approx(auc(labels, scores), abs=1e-5)


def test_sums_do_not_saturate_beyond_sixteen_million_rows() -> None:
    """A float32 stops counting at 2**24: with it an AUC of 40 million rows came out as .9562."""
    pattern = np.array([(0, 0.2)] * 6 + [(1, 0.2)] * 2 + [(0, 0.7)] * 3 + [(1, 0.7)] * 9)
    copies = 18_000_000 // len(pattern)
    labels = np.tile(pattern[:, 0].astype(np.int8), copies)
    scores = np.tile(pattern[:, 1].astype(np.float32), copies)
    bins = score_bins.ScoreBins.of(scores)
    assert bins.distinct == 2
    table = np.zeros((1, 2, 2))
    for start in range(0, len(labels), 2**20):
        rows = slice(start, start + 2**20)
        table += np.bincount(bins.codes(labels[rows], scores[rows])).reshape(1, 2, 2)
    right = (9 * 6 + (9 * 3 + 2 * 6) / 2) / (11 * 9)
    assert score_bins.weighted_auc(table)[0] == pytest.approx(right, abs=1e-12)
    assert place(labels, scores).area == pytest.approx(right, abs=1e-12)
    assert table.sum() == len(labels) > 2**24
