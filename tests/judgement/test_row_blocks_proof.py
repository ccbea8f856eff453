"""A slow proof that many rows fit into a small memory: `make proof`."""

import pytest

from bench.judgement.gate_speed import measured_run

pytestmark = pytest.mark.proof


def test_two_million_rows_of_four_candidates_take_a_fraction_of_what_they_fill() -> None:
    """All at once they took 900 MiB; a block, its sums by group and the bins take what is said."""
    run = measured_run(2_000_000, candidates=4, rounds=100)
    assert run.memory < 400 * 2**20
