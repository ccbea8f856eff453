"""Claims about epsilon: published figures come out."""

import math

import numpy as np
import pytest

from secateur.contracts.models import PrivateSteps
from secateur.model.training.privacy_accountant import ORDERS, epsilon, renyi_of_step

BATCH = 256 / 60_000  # of MNIST


def run(rate: float, noise: float, steps: int) -> PrivateSteps:
    return PrivateSteps(rate, 1.0, noise, steps, 1e-5)


@pytest.mark.parametrize(
    ("one", "published"),
    [
        (run(0.01, 4.0, 10_000), 1.26),  # Abadi et al. 2016, section 3.2
        (run(BATCH, 1.12, 60 * 60_000 // 256), 2.92),  # TensorFlow Privacy's tutorial
        (run(BATCH, 1.3, 15 * 60_000 // 256), 1.19),  # its page of MNIST
    ],
)
def test_the_moments_of_published_trainings_are_as_published(
    one: PrivateSteps, published: float
) -> None:
    """They turned orders into epsilon as Mironov 2017 does, which is looser than what is known."""
    orders = np.array(ORDERS)
    spent = one.steps * renyi_of_step(one) + math.log(1 / one.delta) / (orders - 1)
    assert spent.min() == pytest.approx(published, abs=0.005)
    assert epsilon([one], one.delta) < spent.min()


@pytest.mark.parametrize(
    ("one", "delta", "accounted"),
    [
        (run(0.01, 4.0, 10_000), 1e-5, 1.0355),
        (run(BATCH, 1.12, 60 * 60_000 // 256), 1e-5, 2.5186),
        (run(1.0, 5.0, 10), 1e-6, 3.1311),
        (run(0.1, 0.7, 100), 1e-5, 16.4394),
    ],
)
def test_epsilon_is_that_of_a_public_accountant(
    one: PrivateSteps, delta: float, accounted: float
) -> None:
    """dp-accounting 0.6.0 tries orders between whole numbers too, and finds a percent less."""
    assert accounted <= epsilon([one], delta) + 5e-5 < 1.012 * accounted


def test_trainings_add_up_and_more_noise_costs_less() -> None:
    both = epsilon([run(0.01, 1.0, 300), run(0.01, 1.0, 700)], 1e-5)
    assert both == pytest.approx(epsilon([run(0.01, 1.0, 1000)], 1e-5))
    assert epsilon([run(0.01, 2.0, 1000)], 1e-5) < both < epsilon([run(0.02, 1.0, 1000)], 1e-5)
    assert epsilon([], 1e-5) >= 0
