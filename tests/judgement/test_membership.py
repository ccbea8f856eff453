"""Claims about attacks on membership: learning by heart shows, a shift of days does not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from all_kinds import SCHEMA, sealed_features
from secateur.auc import Scores
from secateur.contracts.judgement import Difference
from secateur.judgement import membership
from secateur.judgement.intervals.bounds import bounds
from secateur.judgement.membership import DAYS, HELD_OUT, LEAK, LEARNED, MEMBERS, TUNE, Suspects
from secateur.judgement.scoring.client_scoring import read_rows
from secateur.judgement.scoring.raw_values import TableValues
from secateur.judgement.scoring.train_rows import TrainRows

EACH = 3000


def suspects(seed: int = 0, each: int = EACH) -> Suspects:
    """Rows of 400 users and 200 items, of three neighbouring days."""
    rng = np.random.default_rng(seed)
    kinds = np.repeat([TUNE, HELD_OUT, LEARNED], [each, each, each]).astype(np.int8)
    users = rng.integers(0, 400, len(kinds))
    rate = rng.random(400)
    train = len(kinds) - each
    texts = np.full(train, "")
    return Suspects(
        labels=(rng.random(len(kinds)) < rate[users]).astype(np.int8),
        users=users,
        items=rng.integers(0, 200, len(kinds)),
        kinds=kinds,
        places=np.arange(each),
        train=TrainRows(np.zeros(train, np.int8), texts, texts, texts, TableValues(pa.table({}))),
        further=2.0,
    )


def scored(asked: Suspects, by_heart: float = 0.0, trend: float = 0.0, seed: int = 1) -> Scores:
    """Scores [n] of a model that knows the labels' truth, surer by `trend` a day that is nearer.

    Of learned rows it knows the label too: `by_heart` is added to its log-odds.
    """
    rng = np.random.default_rng([seed, 5])
    days = np.select([asked.kinds == HELD_OUT, asked.kinds == LEARNED], [1.0, 2.0], 0.0)
    truth = (1.0 - trend * days) * rng.normal(size=len(asked))
    labels = (rng.random(len(asked)) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    asked.labels[:] = labels
    known = np.where(asked.kinds == LEARNED, by_heart, 0.0) * np.where(labels == 1, 1, -1)
    return (1 / (1 + np.exp(-truth - known))).astype(np.float32)


def interval(found: Difference) -> tuple[float, float]:
    both = bounds(found, 0.95)
    return both.low, both.high


def test_a_model_that_learned_rows_by_heart_gives_them_away_to_both_attacks() -> None:
    asked = suspects()
    found = membership.attack(asked, scored(asked, by_heart=1.5))
    for name in ("loss", "confidence"):
        assert found[name][MEMBERS].estimate > 0.55
        assert interval(found[name][LEAK])[0] > 0.03
        low, high = interval(found[name][DAYS])
        assert low < 0.5 < high


def test_a_trend_over_the_days_is_no_leak() -> None:
    """A model is surer of nearer days, with right: an attack that knew nothing of it would win."""
    asked = suspects()
    found = membership.attack(asked, scored(asked, trend=0.12))
    assert interval(found["confidence"][MEMBERS])[1] < 0.47
    for name in ("loss", "confidence"):
        low, high = interval(found[name][LEAK])
        assert low < 0 < high
    low, high = interval(found["loss"][MEMBERS])
    assert low < 0.5 < high, "rows of one score are compared: a surer model is no better at them"


def test_a_model_that_never_saw_any_row_gives_nothing_away() -> None:
    asked = suspects()
    found = membership.attack(asked, scored(asked))
    for name in ("loss", "confidence"):
        for part, nothing in ((MEMBERS, 0.5), (DAYS, 0.5), (LEAK, 0.0)):
            low, high = interval(found[name][part])
            assert low < nothing < high


def test_the_bound_of_a_leak_holds_as_often_as_it_says() -> None:
    """Truth hangs on items, too; no leak, but a trend over the days. 95 % bounds, 300 draws."""
    held = []
    for seed in range(300):
        asked = suspects(seed, each=600)
        scores = scored(asked, trend=0.1, seed=seed)
        for found in membership.attack(asked, scores).values():
            low, high = interval(found[LEAK])
            held.append((low <= 0, high >= 0))
    assert 0.92 < np.mean(held) < 0.99


@pytest.fixture
def places_and_kinds(tmp_path: Path) -> tuple[Suspects, NDArray[np.str_]]:
    features = sealed_features(tmp_path / "features")
    tune = read_rows(features.folder / "tune", SCHEMA)
    found = membership.find_suspects(features, tune, holdout_days=1, seed=1)
    assert found is not None
    return found, np.asarray(tune.hashes.to_pylist(), np.str_)


def test_suspects_are_rows_of_users_that_both_sides_know(
    places_and_kinds: tuple[Suspects, NDArray[np.str_]],
) -> None:
    found, hashes = places_and_kinds
    days = found.train.days
    kinds = found.kinds[len(found.places) :]
    assert set(days[kinds == HELD_OUT]) == {"2024-01-03"}
    assert set(days[kinds == LEARNED]) == {"2024-01-02"}
    assert found.further == 2.0
    assert (found.kinds[: len(found.places)] == TUNE).all()
    learned = set(found.train.hashes[kinds == LEARNED].tolist())
    assert set(hashes[found.places].tolist()) <= learned
    together = dict(
        zip(np.append(hashes[found.places], found.train.hashes), found.users, strict=True)
    )
    assert len(set(together.values())) == len(together), "one code a user, on both sides"
