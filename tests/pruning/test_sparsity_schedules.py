import itertools

import pytest

from secateur.contracts.candidates import Schedule, Step
from secateur.pruning.cuts.sparsity_schedules import keep_fractions


def shares(schedule: Schedule, rounds: int) -> tuple[float, ...]:
    return keep_fractions(Step("neuron", "l2", keep=0.1, schedule=schedule, rounds=rounds))


def test_one_shot_goes_there_at_once() -> None:
    assert shares("one_shot", 1) == (0.1,)


def test_iterative_removes_the_same_share_in_every_round() -> None:
    found = shares("iterative", 3)
    assert found[1] / found[0] == pytest.approx(found[0])
    assert found[2] / found[1] == pytest.approx(found[0])
    assert found[-1] == 0.1


def test_cubic_removes_most_in_the_first_rounds() -> None:
    found = (1.0, *shares("cubic", 4))
    removed = [a - b for a, b in itertools.pairwise(found)]
    assert removed == sorted(removed, reverse=True)
    assert found[1] == pytest.approx(1 - 0.9 * (1 - 0.75**3))
    assert found[-1] == 0.1


def test_rigl_is_as_sparse_in_every_round() -> None:
    assert shares("rigl", 3) == (0.1, 0.1, 0.1)


def test_a_step_by_min_count_has_one_round() -> None:
    assert keep_fractions(Step("embedding_row", "frequency", min_count=3)) == (1.0,)
