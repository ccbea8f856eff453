import numpy as np
import pytest

from secateur.model.optimization.learning_rates import learning_rates


def test_the_rate_falls_linearly_from_its_peak_towards_0() -> None:
    assert learning_rates(0.8, 4, warmup=0.0).tolist() == pytest.approx([0.8, 0.6, 0.4, 0.2])


def test_warm_up_rises_to_the_peak_over_its_share_of_the_steps() -> None:
    rates = learning_rates(1.0, 10, warmup=0.4)
    assert rates[:5].tolist() == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert np.all(np.diff(rates[4:]) < 0)
    assert rates[-1] == pytest.approx(1 / 6)


def test_warm_up_over_all_steps_never_falls() -> None:
    assert np.all(np.diff(learning_rates(1.0, 7, warmup=1.0)) > 0)
