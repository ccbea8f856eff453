import pytest
import torch

from secateur.pruning.cuts import allocation

SCORES = (torch.tensor([9.0, 8.0, 7.0, 6.0]), torch.tensor([5.0, 1.0]))


def test_uniform_takes_the_same_share_of_every_group() -> None:
    assert allocation.uniform(SCORES, 0.5) == (2, 1)
    assert allocation.uniform(SCORES, 0.01) == (1, 1)


def test_global_takes_the_best_of_all_and_leaves_no_group_empty() -> None:
    assert allocation.globally(SCORES, 5 / 6) == (4, 1)
    assert allocation.globally(SCORES, 0.5) == (3, 1)


def test_erk_keeps_small_layers_denser_and_the_share_of_all_weights() -> None:
    shapes = [(400, 600), (400, 400), (1, 400)]
    units = [a * b for a, b in shapes]
    kept = allocation.erdos_renyi(shapes, units, 0.1)
    shares = [k / n for k, n in zip(kept, units, strict=True)]
    assert shares[0] < shares[1] < shares[2] == 1
    assert sum(kept) == pytest.approx(0.1 * sum(units), rel=1e-3)


def test_sensitivity_cuts_where_it_costs_least() -> None:
    """The loss rises with what is taken of the second group, ten times as fast as of the first."""
    sizes = (20, 20)

    def loss_at(keeps: tuple[int, ...]) -> float:
        return 1.0 * (sizes[0] - keeps[0]) + 10.0 * (sizes[1] - keeps[1])

    scores = tuple(torch.arange(n).float() for n in sizes)
    first, second = allocation.by_sensitivity(scores, 0.6, loss_at)
    assert second == 20
    assert first + second <= 0.6 * sum(sizes)


def test_sensitivity_ends_where_every_group_is_at_its_last_level() -> None:
    kept = allocation.by_sensitivity((torch.arange(20.0),), 0.01, lambda keeps: float(-sum(keeps)))
    assert kept == (1,)
