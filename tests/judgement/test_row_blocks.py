"""Claims about rows that are read in blocks: the same figures, and no more memory."""

import os
import tracemalloc
from dataclasses import astuple

import numpy as np
import pytest

from bench.judgement.simulated_rows import simulate, zipf
from secateur.auc import Scores, placements
from secateur.contracts.errors import ScratchFull, UsageError
from secateur.judgement.compared_accuracy import measure_rows
from secateur.judgement.intervals import differences, resampling
from secateur.judgement.intervals.clusters import spread_of
from secateur.judgement.metrics import scratch, user_order
from secateur.judgement.metrics.definitions import DEFINITIONS
from secateur.judgement.metrics.placing import place
from secateur.judgement.metrics.scored_rows import JudgedRows, ScoredRows
from secateur.judgement.metrics.user_order import UserOrder

Log = tuple[JudgedRows, Scores, list[Scores]]


def log(rows: int, users: int = 300, items: int = 90) -> Log:
    """Users of days in no order, codes with gaps, and scores with ties."""
    rng = np.random.default_rng(rows)
    of_users, of_items = rng.permutation(zipf(rng, users, rows)), zipf(rng, items, rows)
    judged, dense, candidate = simulate(3, of_users, of_items, by_item=0.5)
    moments = 3 * of_users + rng.integers(0, 3, rows)
    judged = JudgedRows(judged.labels, 7 * of_users - 5, 2 * of_items + 1, moments)
    rounded = np.round(candidate, 2)
    return judged, dense, [candidate, rounded, dense, 1 - dense]


def read_in_blocks(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """As if the memory held so many rows, and every larger array lay in a file."""
    monkeypatch.setattr(user_order, "BLOCK_ROWS", rows)
    monkeypatch.setattr(scratch, "ROWS_AT_ONCE", rows)
    monkeypatch.setattr(resampling, "ROWS_AT_ONCE", max(rows // 2, 1))
    monkeypatch.setattr(differences, "CANDIDATES_AT_ONCE", 3)
    monkeypatch.setattr(scratch, "HELD", 1000)


@pytest.mark.parametrize("at_once", [64, 700, 3001])
def test_blocks_of_any_size_give_what_all_rows_at_once_do(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    rows, dense, candidates = log(9000)
    whole = differences.differences(rows, dense, candidates, 1, 40)
    measured = [measure_rows(rows, scores) for scores in candidates]
    assert len(rows.order.blocks) == 1
    read_in_blocks(monkeypatch, at_once)
    again = JudgedRows(rows.labels, rows.users, rows.items, rows.moments)
    found = differences.differences(again, dense, candidates, 1, 40)
    assert len(again.order.blocks) > 2
    for one, other in zip(found, whole, strict=True):
        assert set(one) == set(other) == set(DEFINITIONS)
        for name in one:
            assert astuple(one[name]) == pytest.approx(astuple(other[name]), rel=1e-9, abs=1e-12)
    for scores, expected in zip(candidates, measured, strict=True):
        accuracy = astuple(measure_rows(again, scores))
        assert accuracy == pytest.approx(astuple(expected), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_sums_by_group_tell_the_spread_that_all_influences_do(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rows, dense, candidates = log(5000)
    models = [ScoredRows(rows, scores, dense) for scores in (dense, candidates[0])]
    of_dense, candidate = (DEFINITIONS[name].of_rows(model) for model in models)
    more = candidate.influence - of_dense.influence
    if name == "log_loss":
        ratio = candidate.value / of_dense.value
        more = (candidate.influence - ratio * of_dense.influence) / of_dense.value
    bearing = DEFINITIONS[name].effective(rows)
    expected = spread_of(UserOrder.of(rows.users, rows.items), more, bearing)
    read_in_blocks(monkeypatch, 300)
    again = JudgedRows(rows.labels, rows.users, rows.items, rows.moments)
    found = differences.differences(again, dense, candidates[:1], 1, 0)[0][name]
    assert found.standard_error == pytest.approx(np.sqrt(expected.variance), rel=1e-9)
    assert found.degrees_of_freedom == pytest.approx(expected.freedom, rel=1e-9)
    assert found.skewness == pytest.approx(expected.skewness, rel=1e-9, abs=1e-12)


def test_the_order_of_users_keeps_what_was_given() -> None:
    rows, _, _ = log(3000)
    order = rows.order
    assert np.array_equal(np.sort(order.places), np.arange(3000))
    assert np.array_equal(rows.by_user.moments, rows.moments[order.places])
    users = rows.users[order.places]
    assert (np.diff(users) >= 0).all()
    assert (np.diff(order.places)[np.diff(users) == 0] > 0).all()  # a user's rows as they came


def test_no_block_cuts_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_order, "BLOCK_ROWS", 10)
    users = np.repeat([5, 1, 9, 2], [4, 25, 3, 4])
    order = UserOrder.of(users, users)
    assert [block.stop - block.start for block in order.blocks] == [25, 8, 3]


@pytest.mark.parametrize("places", [1, 2, 7])
def test_placements_by_two_sorts_are_those_of_one(
    monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    rng = np.random.default_rng(places)
    labels = (rng.random(4000) < 0.3).astype(np.int8)
    scores = np.round(rng.normal(size=4000), places).astype(np.float32)
    read_in_blocks(monkeypatch, 333)
    found = place(labels, scores)
    assert np.array_equal(found.shares, placements(labels, np.zeros(4000, np.int64), scores))
    assert found.area == pytest.approx(found.shares[labels == 1].mean(), abs=1e-14)


def test_a_scratch_file_needs_its_room_before_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scratch, "HELD", 100)
    assert (scratch.scratch((30, 7), np.uint32) == 0).all()
    with pytest.raises(
        ScratchFull, match=r"TMPDIR\) has no room for 288,230,376,151,711,744 bytes"
    ):
        scratch.scratch(2**58, np.uint8)


def test_more_rows_than_a_key_can_number_are_refused() -> None:
    many = np.broadcast_to(np.float32(0), 2**32)
    with pytest.raises(UsageError, match="4,294,967,296 rows"):
        place(np.broadcast_to(np.int8(0), 2**32), many)


def peak(rows: int) -> int:
    """Bytes that a comparison of four candidates allocates at most."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 2000, rows), rng.integers(0, 500, rows)
    judged, dense, candidate = simulate(3, users, items)
    candidates = [candidate, 1 - candidate, dense, 1 - dense]
    tracemalloc.start()
    try:
        differences.differences(judged, dense, candidates, 1, 2)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_more_rows_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once took some 300 bytes a row for four candidates, and more for each further one."""
    read_in_blocks(monkeypatch, 2**12)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # else two threads' peaks may meet or not
    few, many = peak(40_000), peak(160_000)
    assert many - few < 120_000, (few, many)
